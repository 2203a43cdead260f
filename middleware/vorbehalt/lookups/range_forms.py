"""The documents in which operators publish their addresses, each in its own form, read into prefixes.

Pure: bytes in, canonical prefixes out. Which form a list has follows from the document itself; `form` in
`rules/ranges/*.json` fixes it, or says `html`: the operator publishes a page for people.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from vorbehalt.errors import RulesError

Rows = Iterator[tuple[str, str]]
"""(place in the document, prefix or address as published)."""

HTML: Final = "html"
MOST: Final = 50_000
"""No operator comes near so many prefixes; what does is no address list."""

_MAPPED: Final = 0xFFFF
_SHOWN: Final = 60


def read_form(body: bytes, place: str, *, form: str = "", service: str = "") -> tuple[str, ...]:
    """Return the prefixes of a published document, canonical, sorted, each once.

    `form` is one of FORMS, or "" to see it from the document; `service` picks the rows of one AWS service.
    Raises RulesError with `place` and the place in the document: HTML, empty, cut off, another schema.
    """
    if form and form not in FORMS:
        raise RulesError(f"{place}: form {form!r} is none of {' '.join(sorted(FORMS))}")
    # A byte order mark is no character of the document.
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        raise RulesError(f"{place}: the document is empty")
    if body.startswith(b"<"):
        raise RulesError(f"{place}: the document is HTML or XML, not a list")
    if form == HTML:
        raise RulesError(f"{place}: the operator publishes a page for people, which is not read")
    if form in _TEXT or (not form and body[:1] not in (b"{", b"[")):
        rows = _text_rows(body, place, form)
    else:
        rows = _json_rows(body, place, form, service)
    return _canonical(rows, place)


def canonical_prefix(text: str) -> str:
    """Return the canonical form of a prefix or a single address.

    Host bits are cleared, IPv4-mapped IPv6 is unmapped, an address becomes /32 or /128. Raises ValueError.
    """
    address, slash, length = text.strip().partition("/")
    if slash and not (length.isascii() and length.isdigit() and len(length) <= 3):
        raise ValueError(f"{_shown(text)} has no prefix length")
    if "%" in address or not address.isascii():
        raise ValueError(f"{_shown(text)} is no network prefix")
    try:
        network = ipaddress.ip_network(f"{address}/{length}" if slash else address, strict=False)
    except ValueError:
        raise ValueError(f"{_shown(text)} is no network prefix") from None
    number = int(network.network_address)
    if network.version == 6 and number >> 32 == _MAPPED:
        return str(ipaddress.IPv4Network((number & 0xFFFFFFFF, network.prefixlen - 96)))
    return str(network)


def _canonical(rows: Rows, place: str) -> tuple[str, ...]:
    found: set[str] = set()
    for where, text in rows:
        try:
            found.add(canonical_prefix(text))
        except ValueError as error:
            raise RulesError(f"{place}: {where}: {error}") from None
        if len(found) > MOST:
            raise RulesError(f"{place}: more than {MOST} prefixes")
    if not found:
        raise RulesError(f"{place}: the document holds no prefix")
    return tuple(sorted(found, key=_order))


def _order(prefix: str) -> tuple[int, int, int]:
    network = ipaddress.ip_network(prefix)
    return network.version, int(network.network_address), network.prefixlen


# --- text


def _text_rows(body: bytes, place: str, form: str) -> Rows:
    try:
        lines = body.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise RulesError(f"{place}: the document is not UTF-8: {error.reason}") from None
    kept = [
        (f"line {number}", text)
        for number, line in enumerate(lines, 1)
        if (text := line.partition("#")[0].partition(";")[0].strip())
    ]
    if form == "geofeed" or (not form and kept and "," in kept[0][1]):
        return ((where, text.partition(",")[0].strip().strip('"')) for where, text in kept)
    return ((where, _labelled(text)) for where, text in kept)


def _labelled(text: str) -> str:
    """The address of a line; some operators write the name of the machine before it."""
    label, *rest = text.split()
    is_label = len(rest) == 1 and ":" not in label and any(map(str.isalpha, label))
    return rest[0] if is_label and ("." in rest[0] or ":" in rest[0]) else text


# --- JSON


def _json_rows(body: bytes, place: str, form: str, service: str) -> Rows:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{place}: not readable as JSON: {error}") from None
    name = form or _form_of(document)
    if not name:
        keys = ", ".join(sorted(map(_shown, document))[:5]) if isinstance(document, dict) else ""
        raise RulesError(
            f"{place}: no known form of an address list{': an object with ' + keys if keys else ''}"
        )
    if name == "aws":
        return _placed(_aws(document, service), place)
    return _placed(_JSON[name](document), place)


def _placed(rows: Rows, place: str) -> Rows:
    try:
        yield from rows
    except _SchemaError as error:
        raise RulesError(f"{place}: {error}") from None


def _form_of(document: object) -> str:
    if isinstance(document, list):
        return "array" if document and isinstance(document[0], str) else "hosts"
    if not isinstance(document, dict):
        return ""
    prefixes = document.get("prefixes")
    if isinstance(prefixes, list):
        first = prefixes[0] if prefixes else None
        return "aws" if isinstance(first, dict) and "ip_prefix" in first else "prefixes"
    for key, form in _TELLING.items():
        if key in document:
            return form
    values = list(document.values())
    if values and all(isinstance(value, list) for value in values):
        return "places"
    return "hosts" if values and all(isinstance(v, dict) and "ip" in v for v in values) else ""


class _SchemaError(ValueError):
    """The document does not have the shape of its form; the text names the place in it."""


def _object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _SchemaError(f"{where or 'the document'} must be an object, not {_kind(value)}")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise _SchemaError(f"{where or 'the document'} must be a list, not {_kind(value)}")
    return value


def _text(value: object, where: str) -> tuple[str, str]:
    if not isinstance(value, str):
        raise _SchemaError(f"{where} must be a string, not {_kind(value)}")
    return where, value


def _fields(value: object, where: str, *keys: str) -> Rows:
    """The values of those of `keys` that the row has and that are not empty; at least one."""
    row = _object(value, where)
    found = [_text(row[key], f"{where}.{key}") for key in keys if row.get(key) not in (None, "")]
    if not found:
        raise _SchemaError(f"{where} holds none of {', '.join(keys)}")
    yield from found


def _prefixes(document: object) -> Rows:
    for index, row in enumerate(_list(_object(document, "").get("prefixes"), "prefixes")):
        for where, text in _fields(row, f"prefixes[{index}]", "ipv4Prefix", "ipv6Prefix"):
            if where.endswith("ipv6Prefix") != (":" in text):
                raise _SchemaError(f"{where} names the wrong version of {_shown(text)}")
            yield where, text


def _rows(key: str, *fields: str) -> Callable[[object], Rows]:
    def read(document: object) -> Rows:
        for index, row in enumerate(_list(_object(document, "").get(key), key)):
            yield from _fields(row, f"{key}[{index}]", *fields)

    return read


def _texts(value: object, where: str) -> Rows:
    for index, text in enumerate(_list(value, where)):
        yield _text(text, f"{where}[{index}]")


def _synthetics(document: object) -> Rows:
    found = _object(_object(document, "").get("synthetics"), "synthetics")
    for key in ("prefixes_ipv4", "prefixes_ipv6"):
        if key in found:
            yield from _texts(found[key], f"synthetics.{key}")


def _copilot(document: object) -> Rows:
    yield from _texts(_object(document, "").get("copilot"), "copilot")


def _aws(document: object, service: str) -> Rows:
    whole = _object(document, "")
    for key, field in (("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix")):
        for index, value in enumerate(_list(whole.get(key, []), key)):
            where = f"{key}[{index}]"
            row = _object(value, where)
            if not service:
                raise _SchemaError("it lists a whole cloud; name the service in question")
            if row.get("service") == service:
                yield from _fields(row, where, field)


def _announced(document: object) -> Rows:
    data = _object(_object(document, "").get("data"), "data")
    for index, row in enumerate(_list(data.get("prefixes"), "data.prefixes")):
        yield from _fields(row, f"data.prefixes[{index}]", "prefix")


def _hosts(document: object) -> Rows:
    rows = document.items() if isinstance(document, dict) else enumerate(_list(document, ""))
    for name, row in rows:
        yield from _fields(row, f"[{name}]", "ip", "ipv4", "ipv6")


def _places(document: object) -> Rows:
    for name, texts in _object(document, "").items():
        yield from _texts(texts, _shown(name))


_JSON: Final[Mapping[str, Callable[[object], Rows]]] = {
    "prefixes": _prefixes,
    "ips": _rows("ips", "ip_address"),
    "public-ips": _rows("publicIPs", "ipv4", "ipv6"),
    "synthetics": _synthetics,
    "copilot": _copilot,
    "announced": _announced,
    "array": lambda document: _texts(document, ""),
    "hosts": _hosts,
    "places": _places,
}
_TELLING: Final = {
    "ips": "ips",
    "publicIPs": "public-ips",
    "synthetics": "synthetics",
    "copilot": "copilot",
    "data": "announced",
}
_TEXT: Final = frozenset({"lines", "geofeed"})
FORMS: Final = frozenset({*_JSON, *_TEXT, "aws", HTML})


def _kind(value: object) -> str:
    return {type(None): "missing", dict: "an object", list: "a list", str: "a string"}.get(
        type(value), "a number or boolean"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
