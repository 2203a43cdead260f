"""What a leaf may say of request headers: an allow-list, with caps that leave a digest behind. Pure."""

from __future__ import annotations

from hashlib import sha256
from json.encoder import encode_basestring_ascii
from urllib.parse import urlsplit

from vorbehalt.facts import Headers

MAX_VALUE_BYTES = 1024
MAX_HEADERS_BYTES = 6 * 1024
ORDER = ":order"
OMITTED = ":omitted"

_ALLOWED = frozenset(
    {
        b"user-agent",
        b"range",
        b"if-none-match",
        b"if-modified-since",
        b"signature",
        b"signature-input",
        b"signature-agent",
        b"referer",
    }
)
_ALLOWED_PREFIXES = (b"accept", b"sec-")
_SECRET = frozenset({b"sec-websocket-key", b"sec-websocket-accept"})
_CLAIMS = (b"user-agent", b"signature")
REDACTED = b"[redacted]"
_ENTRY_OVERHEAD = 8
_CUT_OVERHEAD = 96
_ROOM = MAX_HEADERS_BYTES - 200  # for the first entry and the last
_ROOM_FOR_AGENT = 4 * 1024


def may_be_redacted(name: str) -> bool:
    """True for a header that would stand in a leaf and that no claim rests on (`name` in lower case)."""
    raw = name.encode("latin-1", "replace")
    is_seen = raw in _ALLOWED or (raw.startswith(_ALLOWED_PREFIXES) and raw not in _SECRET)
    return is_seen and not raw.startswith(_CLAIMS)


def redacted(headers: Headers, names: tuple[str, ...]) -> tuple[Headers, dict[str, bytes]]:
    """Return the headers without the values of some, and those values by kind, for the vault."""
    kept: list[tuple[bytes, bytes]] = []
    private: dict[str, bytes] = {}
    for raw, value in headers:
        name = raw.lower().decode("latin-1")
        if name in names:
            kind = f"header-{name}"[:32].rstrip("-")
            private[kind] = b"\n".join((private[kind], value)) if kind in private else value
            kept.append((raw, REDACTED))
        else:
            kept.append((raw, value))
    return tuple(kept), private


def seen_headers(headers: Headers) -> list[list[object]]:
    """Return the headers that may stand in a leaf, in the order received.

    Each entry is `[name, value]` (latin-1) or, where the value was cut, `[name, first bytes, length, SHA-256
    hex of the whole value]`. Of Referer only the host is kept. The first entry is `[":order", SHA-256 hex of
    all header names in lower case joined by newlines, number of headers]`; a last entry `[":omitted", count,
    SHA-256 hex]` stands for allowed headers beyond 6 KiB, counted after JSON escaping. Cookies, credentials,
    forwarded addresses, Via and From never appear.
    """
    names = b"\n".join([name for name, _ in headers]).lower()
    entries: list[list[object]] = [[ORDER, sha256(names).hexdigest(), len(headers)]]
    allowed = [
        (name, value if name != b"referer" else _host_of(value))
        for raw_name, value in headers
        if (name := raw_name.lower()) in _ALLOWED
        or (name.startswith(_ALLOWED_PREFIXES) and name not in _SECRET)
    ]
    if 6 * sum([len(name) + len(value) + _ENTRY_OVERHEAD for name, value in allowed]) <= _ROOM:
        # Fits however much of it is escaped, and on the event loop counting costs more than the rest.
        return entries + [_entry(name, value, MAX_VALUE_BYTES) for name, value in allowed]
    # The claim stands in the User-Agent: no number of other headers before it may crowd it out.
    agent = next((_fitted(*pair, _ROOM_FOR_AGENT) for pair in allowed if pair[0] == b"user-agent"), None)
    room = _ROOM - (_size(agent) if agent else 0)
    omitted = 0
    rest = sha256()
    for name, value in allowed:
        if agent is not None and name == b"user-agent":
            entries.append(agent)
            agent = None
            continue
        entry = _fitted(name, value, room)
        if entry is None:
            omitted += 1
            rest.update(name + b":" + value + b"\n")
            continue
        room -= _size(entry)
        entries.append(entry)
    if omitted:
        entries.append([OMITTED, omitted, rest.hexdigest()])
    return entries


def _fitted(name: bytes, value: bytes, room: int) -> list[object] | None:
    """The entry, cut to what fits the room once escaped (a byte may take six); None if nothing does."""
    entry = _entry(name, value, MAX_VALUE_BYTES)
    if _size(entry) > room:
        entry = _entry(name, value, max(0, (room - _CUT_OVERHEAD - 6 * len(name)) // 6))
    return entry if _size(entry) <= room else None


def _size(entry: list[object]) -> int:
    return sum(map(_escaped, entry)) + _ENTRY_OVERHEAD


def _entry(name: bytes, value: bytes, most: int) -> list[object]:
    # The name is capped too: `sec-` may be followed by anything.
    shown = name[:128].decode("latin-1")
    if len(value) <= most:
        return [shown, value.decode("latin-1")]
    return [shown, value[:most].decode("latin-1"), len(value), sha256(value).hexdigest()]


def _escaped(part: object) -> int:
    if isinstance(part, str):
        if part.isascii() and part.isprintable():
            return len(part) + 2 + part.count('"') + part.count("\\")
        return len(encode_basestring_ascii(part))
    return 8


def _host_of(referer: bytes) -> bytes:
    """The host of a Referer; its path and query are a person's, not a crawler's."""
    try:
        return (urlsplit(referer.decode("latin-1")).hostname or "").encode("latin-1", "replace")
    except ValueError:
        return b""
