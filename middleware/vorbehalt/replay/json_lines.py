"""Access records in JSON: Caddy (`http.log.access`) and Traefik (`format: json`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from vorbehalt.facts import host_name
from vorbehalt.replay.entry import NO_REQUEST, NS, Entry, Malformed, checked_method, checked_version

_slow_loads = cast("Callable[[bytes], Any]", json.loads)
_fast_loads = _slow_loads
try:
    import orjson

    _fast_loads = orjson.loads
except ImportError:
    pass  # the extra `speed` is not installed; the result is the same

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = 4_102_444_800 * NS
"""The year 2100: a larger number is milli- or microseconds, not a date."""


def parse_json(line: bytes) -> Entry:
    """Return the request of one JSON line. Raises Malformed."""
    record = _loads(line)
    if not isinstance(record, dict):
        raise Malformed("JSON, but no access record")
    if isinstance(request := record.get("request"), dict) and "uri" in request:
        return _caddy(record, request)
    if "RequestMethod" in record and "RequestPath" in record:
        return _traefik(record)
    raise Malformed("JSON, but no access record of Caddy or Traefik")


def _loads(line: bytes) -> Any:
    try:
        return _fast_loads(line)
    except ValueError:
        pass  # orjson refuses what the standard library reads (NaN, lone surrogates)
    try:
        return _slow_loads(line)
    except (ValueError, RecursionError):
        raise Malformed("broken JSON") from None


def _caddy(record: dict[str, Any], request: dict[str, Any]) -> Entry:
    raw_headers = request.get("headers")
    headers = raw_headers if isinstance(raw_headers, dict) else {}
    # client_ip is what Caddy itself believes after its own trusted_proxies; older versions have remote_addr.
    address = (
        request.get("client_ip") or request.get("remote_ip") or _without_port(request.get("remote_addr"))
    )
    target = _bytes(request.get("uri"))
    if not target:
        raise Malformed(NO_REQUEST)
    return Entry(
        _bytes(address),
        _time(record.get("ts")),
        checked_method(_text(request.get("method"))),
        target,
        checked_version(_text(request.get("proto"))),
        _number(record.get("status")),
        _number(record.get("size")),
        _first(headers, "Referer"),
        _first(headers, "User-Agent"),
        host_name(_bytes(request.get("host"))),
        b"",
    )


def _traefik(record: dict[str, Any]) -> Entry:
    target = _bytes(record.get("RequestPath"))
    if not target:
        raise Malformed(NO_REQUEST)
    return Entry(
        _bytes(record.get("ClientHost") or _without_port(record.get("ClientAddr"))),
        _time(record.get("StartUTC") or record.get("time")),
        checked_method(_text(record.get("RequestMethod"))),
        target,
        checked_version(_text(record.get("RequestProtocol"))),
        _number(record.get("DownstreamStatus")),
        _number(record.get("DownstreamContentSize")),
        _bytes(record.get("request_Referer")),
        _bytes(record.get("request_User-Agent")),
        host_name(_bytes(record.get("RequestHost") or record.get("RequestAddr"))),
        b"",
    )


def _time(value: Any) -> int:
    """Return nanoseconds UTC of seconds (Caddy's default), milli-, micro-, nanoseconds or RFC 3339 text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not 0 < value < 1e20:
            raise Malformed("its time is no time")
        # Microsecond steps: a float of seconds is no more exact than that.
        at = round(value * 1_000_000) * 1_000 if isinstance(value, float) else value * NS
        while at > _LATEST:
            at //= 1_000
        return at
    if isinstance(value, str) and value:
        try:
            moment = datetime.fromisoformat(value.replace("/", "-"))
        except ValueError:
            raise Malformed("its time is no time") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MICROSECOND * 1_000
    raise Malformed("it has no time")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _bytes(value: Any) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else b""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _first(headers: dict[str, Any], name: str) -> bytes:
    value = headers.get(name)
    if isinstance(value, list):
        value = value[0] if value else ""
    return _bytes(value)


def _without_port(value: Any) -> str:
    text = _text(value)
    return text[1 : text.find("]")] if text.startswith("[") else text.rpartition(":")[0] or text
