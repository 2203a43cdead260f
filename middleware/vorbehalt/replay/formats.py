"""Log lines of web servers as entries: common, combined, vhost-combined, Caddy JSON, Traefik text and JSON.

Formats: Apache mod_log_config (`common`, `combined`, `vhost_combined`), nginx ngx_http_log_module (`combined`
and the `main` format of its packages), Caddy's JSON encoder, Traefik access logs.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address

from vorbehalt.facts import host_name
from vorbehalt.replay.entry import NO_REQUEST, NS, Entry, Malformed, checked_method, checked_version
from vorbehalt.replay.json_lines import parse_json
from vorbehalt.replay.sources import LINE_LIMIT

_QUOTED = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(
    rb"(\S+) (.{1,512}?) \[(\d\d/\w{3}/\d{4}:\d\d:\d\d):(\d\d) ([+-]\d{4})\] "
    + _QUOTED
    + rb" (\d{3}|-) (\d{1,18}|-)(?: "
    + _QUOTED
    + rb" "
    + _QUOTED
    + rb")?(.*)",
    re.DOTALL,
)
_MAIN_FORWARDED = re.compile(rb'\s*"([0-9A-Fa-f.:, ]+)"')
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}
_MONTHS = {
    month: number
    for number, month in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
    )
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN = 64
"""Distinct methods and protocol versions remembered; a hostile log may hold any number."""


class Parser:
    """Parses lines one after the other; keeps the minute of the line before, which most lines share."""

    def __init__(self) -> None:
        self._minute = b""
        self._zone = b""
        self._base = 0
        self._methods: dict[bytes, str] = {}
        self._versions: dict[bytes, str] = {}

    def parse(self, line: bytes) -> Entry:
        """Return the request of one line. Raises Malformed."""
        match = _LINE.match(line)
        if match is None:
            return self._other(line)
        address, middle, minute, second, zone, request, status, size, referer, agent, rest = match.groups()
        host = ""
        if middle != b"- -":
            address, host = _vhost(address, middle)
        if minute != self._minute or zone != self._zone:
            self._base = _minute_ns(minute, zone)
            self._minute, self._zone = minute, zone
        parts = request.split(b" ")
        if len(parts) == 3:
            raw, target, protocol = parts
        elif len(parts) == 2:
            (raw, target), protocol = parts, b"HTTP/0.9"
        elif len(parts) > 3:
            raw, target, protocol = parts[0], b" ".join(parts[1:-1]), parts[-1]
        else:
            raise Malformed(NO_REQUEST)
        if not target:
            raise Malformed(NO_REQUEST)
        return Entry(
            address,
            self._base + int(second) * NS,
            self._methods.get(raw) or self._method(raw),
            unescape(target) if b"\\" in target else target,
            self._versions.get(protocol) or self._version(protocol),
            int(status) if status != b"-" else 0,
            int(size) if size != b"-" else 0,
            b"" if referer is None or referer == b"-" else unescape(referer),
            b"" if agent is None or agent == b"-" else unescape(agent),
            host,
            _forwarded(rest) if len(rest) > 2 else b"",
        )

    def _method(self, raw: bytes) -> str:
        method = checked_method(raw.decode("latin-1"))
        if len(self._methods) < _KNOWN:
            self._methods[raw] = method
        return method

    def _version(self, protocol: bytes) -> str:
        version = checked_version(protocol.decode("latin-1"))
        if len(self._versions) < _KNOWN:
            self._versions[protocol] = version
        return version

    def _other(self, line: bytes) -> Entry:
        if len(line) > LINE_LIMIT:
            raise Malformed("longer than a megabyte")
        text = line.strip()
        if not text:
            raise Malformed("empty")
        if text.startswith(b"{"):
            return parse_json(text)
        raise Malformed("not a line of a known format (common, combined, Caddy JSON, Traefik)")


def unescape(value: bytes) -> bytes:
    r"""Undo the escapes of Apache and nginx (`\"`, `\\`, `\xhh`, `\n` and so on)."""
    return _ESCAPE.sub(_unescaped, value) if b"\\" in value else value


def _unescaped(match: re.Match[bytes]) -> bytes:
    body: bytes = match[1]
    if len(body) == 3:
        return bytes((int(body[1:], 16),))
    return _SIMPLE.get(body, body)


def is_address(text: bytes) -> bool:
    """Return whether the text is an IP address."""
    try:
        ip_address(text.decode("latin-1"))
    except ValueError:
        return False
    return True


def _vhost(first: bytes, middle: bytes) -> tuple[bytes, str]:
    """Tell `host:port address ident user` from `address ident user name with spaces`."""
    parts = middle.split(b" ")
    if is_address(parts[0]) and not is_address(first):
        return parts[0], host_name(first)
    return first, ""


def _minute_ns(minute: bytes, zone: bytes) -> int:
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    try:
        moment = datetime(
            int(minute[7:11]),
            _MONTHS[minute[3:6]],
            int(minute[0:2]),
            int(minute[12:14]),
            int(minute[15:17]),
            tzinfo=timezone(-offset if zone[:1] == b"-" else offset),
        )
        return (moment - _EPOCH) // timedelta(seconds=1) * NS
    except (ValueError, KeyError, OverflowError):
        raise Malformed("its time is no time") from None


def _forwarded(rest: bytes) -> bytes:
    match = _MAIN_FORWARDED.match(rest)
    return match[1] if match is not None else b""
