"""Single values of the configuration: URLs, contacts, durations, addresses to listen on, networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from json import JSONDecodeError, loads
from pathlib import Path
from urllib.parse import urlsplit

from vorbehalt.policy.tables import Table, did_you_mean, shown

_HOST = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*|\[[0-9a-f:.]+\]"
)
_MAILBOX = re.compile(r"mailto:[^\s@:/?#<>]+@[^\s@:/?#<>]+(\?[^\s<>#]*)?")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|min|h|d|w|y)")
_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_UNSAFE = re.compile(r'[\s<>"\\^`{|}]')

_NAMED_NETWORKS: Mapping[str, tuple[str, ...]] = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
}
_SHIPPED_NETWORKS = ("cloudflare", "fastly")
_UNIX = "unix"
_MAPPED = IPv6Network("::ffff:0:0/96")
_OWN = IPv6Network("fc00::/7")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")


def read_origin(table: Table, name: str, *, required: bool = False) -> str:
    """Read scheme and authority of a site, such as https://label.example."""
    text = table.text(name, required=required)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        table.flaw(name, "V009", f"{shown(text)} is no URL: {error}")
        return ""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    if parts.scheme not in ("https", "http") or not host:
        table.flaw(name, "V009", f"{shown(text)} is no origin; write it like https://label.example")
    elif parts.path or parts.query or parts.fragment or text.endswith(("/", "?", "#")):
        table.flaw(
            name,
            "V009",
            f'an origin has no path and no trailing slash; did you mean "{parts.scheme}://{parts.netloc}"?',
        )
    elif "@" in parts.netloc or not _HOST.fullmatch(host.lower()):
        table.flaw(
            name, "V009", f"{shown(text)} holds no plain host name (write international names as xn--...)"
        )
    return f"{parts.scheme}://{host.lower()}" + (f":{port}" if port is not None else "")


def read_web_url(table: Table, name: str, origin: str) -> str:
    """Read an absolute web URL; a path counts from the origin."""
    text = table.text(name)
    if text.startswith("/") and not text.startswith("//"):
        text = origin + text
    if text and (not text.startswith(("https://", "http://")) or _UNSAFE.search(text) or not _netloc(text)):
        table.flaw(name, "V009", f"{shown(text)} is no web address")
        return ""
    return text


def read_contact(table: Table, name: str) -> str:
    """Read whom to ask, a mailto: or https: address."""
    text = table.text(name)
    if not text or _MAILBOX.fullmatch(text):
        return text
    if text.startswith("https://") and _netloc(text) and not _UNSAFE.search(text):
        return text
    hint = f'; did you mean "mailto:{text}"?' if _MAILBOX.fullmatch(f"mailto:{text}") else ""
    table.flaw(name, "V010", f"{shown(text)} must be a mailto: or https: address{hint}")
    return ""


def read_path(table: Table, name: str, default: str) -> str:
    """Read the path of a document of ours."""
    text = table.text(name, default)
    if not text.startswith("/") or text.startswith("//") or _UNSAFE.search(text) or set("?#*$%") & set(text):
        table.flaw(name, "V009", f"{shown(text)} is no plain path; write it like {default}")
        return default
    return text


def read_host_names(table: Table, name: str, *, required: bool = False) -> tuple[str, ...]:
    """Read host names: lower case, without port."""
    names = []
    for text in table.texts(name):
        host = text.lower().rstrip(".")
        if _HOST.fullmatch(host):
            names.append(host)
        else:
            table.flaw(name, "V020", f"{shown(text)} is no host name (without scheme and port)")
    if required and not table.has(name):
        table.flaw(name, "V005", f"{table.where(name)} is missing")
    return tuple(names)


def read_seconds(table: Table, name: str, default: float, *, bare: bool = False) -> float:
    """Read a duration such as "250ms", "24h" or "30d"; with `bare` a number means seconds."""
    value = table.raw(name)
    if value is None:
        return default
    if bare and isinstance(value, int | float) and not isinstance(value, bool):
        number = table.number(name)
        return default if number is None else number
    seconds = seconds_of(value) if isinstance(value, str) else None
    if seconds is None:
        table.flaw(name, "V023", f'{table.where(name)} must be a duration such as "250ms", "24h" or "30d"')
        return default
    return seconds


def seconds_of(text: str) -> float | None:
    """Return the seconds of a duration such as "250ms", "24h" or "30d"; None if it is none."""
    found = _DURATION.fullmatch(text.strip())
    return None if found is None else float(found[1]) * _SECONDS[found[2]]


def read_listen(table: Table, name: str) -> str | None:
    """Read an address to listen on: `127.0.0.1:8100`, `[::1]:8100` or `unix:/path`."""
    text = table.text(name)
    if not text:
        return None
    if text.startswith("unix:"):
        if len(text) > 5:
            return text
    else:
        host, colon, port = text.rpartition(":")
        if (
            colon
            and port.isascii()
            and port.isdigit()
            and int(port) < 65536
            and _HOST.fullmatch(host.lower())
        ):
            return text
    table.flaw(name, "V024", f"{shown(text)} is no address to listen on; write it like 127.0.0.1:8100")
    return None


def read_upstream(table: Table, name: str) -> str | None:
    """Read the origin of the site behind us, or `unix:/path`."""
    text = table.text(name)
    if not text or (text.startswith("unix:") and len(text) > 5):
        return text or None
    return read_origin(table, name) or None


def read_proxies(table: Table, name: str, documents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Read trusted proxies: networks and names of networks, resolved to networks; `unix` stays a name."""
    networks: list[str] = []
    for text in table.texts(name):
        if text in _NAMED_NETWORKS:
            networks += _NAMED_NETWORKS[text]
        elif text in _SHIPPED_NETWORKS:
            networks += _shipped(table, name, text, documents)
        elif text == _UNIX:
            networks.append(text)
        elif text == "*":
            table.flaw(name, "V012", '"*" would let every client choose its own address; name your proxies')
        elif network := _network(table, name, text):
            networks.append(network)
    return tuple(dict.fromkeys(networks))


def _network(table: Table, name: str, text: str) -> str:
    try:
        network = _unmapped(ip_network(text))
    except ValueError as error:
        hint = did_you_mean(text, (*_NAMED_NETWORKS, *_SHIPPED_NETWORKS, _UNIX)) or f": {error}"
        table.flaw(name, "V011", f"{shown(text)} is no network{hint}")
        return ""
    if _is_everybody(network):
        table.flaw(
            name, "V012", f"{shown(text)} would let every client choose its own address; name your proxies"
        )
        return ""
    return str(network)


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """IPv4-mapped networks (RFC 4291 section 2.5.5.2) as IPv4, the form in which addresses are compared."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _is_everybody(network: IPv4Network | IPv6Network) -> bool:
    """True for networks so wide that strangers are in them: two halves are as bad as the whole."""
    if isinstance(network, IPv4Network):
        return network.prefixlen < 8
    return network.prefixlen < 16 and not network.subnet_of(_OWN)


def _shipped(table: Table, name: str, network: str, documents: Mapping[str, bytes]) -> list[str]:
    place = f"proxy_networks/{network}.json"
    body = documents.get(place)
    if body is None:
        table.flaw(
            name,
            "V027",
            f'the list "{network}" is not shipped with these rules; name its networks, or add {place}',
        )
        return []
    try:
        networks = [ip_network(_prefix(row)) for row in loads(body)["prefixes"]]
    except (JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        table.flaw(name, "V025", f"{place} is malformed: {error}")
        return []
    if wide := next((one for one in networks if _is_everybody(one)), None):
        table.flaw(name, "V012", f"{place}: {wide} would let every client choose its own address")
        return []
    return [str(one) for one in networks]


def read_header_name(table: Table, name: str) -> str:
    """Read the name of a header field, in lower case; empty if absent."""
    text = table.text(name)
    if text and not _HEADER.fullmatch(text):
        table.flaw(
            name,
            "V007",
            f'{table.where(name)} cannot be {shown(text)}; write one header name, like "cf-connecting-ip"',
        )
        return ""
    return text.lower()


def _prefix(row: object) -> str:
    """One prefix of a list: a text, or in the form of the published ranges."""
    if isinstance(row, Mapping):
        row = row.get("ipv4Prefix") or row.get("ipv6Prefix")
    if not isinstance(row, str):
        raise TypeError("a prefix is no text")
    return row


def existing_file(table: Table, name: str, base: Path, text: str) -> Path:
    """Resolve a path against the configuration's folder; the file must exist."""
    path = resolved(base, text)
    if not path.is_file():
        table.flaw(name, "V028", f"there is no file {path}")
    return path


def resolved(base: Path, text: str) -> Path:
    """Resolve a path against the configuration's folder."""
    return (base / Path(text).expanduser()).absolute()


def is_url(text: str) -> bool:
    """True if the text can be taken apart as a URL."""
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def _netloc(text: str) -> str:
    try:
        return urlsplit(text).netloc
    except ValueError:
        return ""
