"""Lines of a proxy's access log that name a request: as the sidecar's record does, or as the proxy does.

| form | id | status | bytes of the body | whole |
| --- | --- | --- | --- | --- |
| nginx, `log_format vorbehalt` | request_id | status | bytes | completed is `OK` |
| Envoy, as in deploy/envoy | request_id | status | bytes | flags name no broken connection |
| Caddy's JSON | resp_headers.X-Vorbehalt-Reference, X-Request-Id | status | size | size is Content-Length |
| Traefik's JSON | request_X-Request-Id | DownstreamStatus | DownstreamContentSize | not said |
| combined, the id as last word | last word | status | bytes | not said |
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_COMBINED = re.compile(
    r'\S+ \S+ .*?\[[^\]]*\] "(?:[^"\\]|\\.)*" (\d{3}) (\d+|-)(?: .*)? "?([A-Za-z0-9._-]{1,64})"?\s*'
)
_MAX_LINE = 64 << 10
# Envoy's response flags for an answer of its own are no fault: no route, ext_authz refused, rate limited.
_WHOLE_FLAGS = frozenset({"", "-", "UAEX", "NR", "RL"})


@dataclass(frozen=True, slots=True)
class Sent:
    """What a proxy says that it sent. `whole` is None where its log does not say.

    `request_id` is empty where the line names no request: one of which the sidecar kept no record.
    """

    request_id: str
    status: int
    bytes: int
    whole: bool | None


def read_line(line: bytes) -> Sent | None:
    """Read one line; None if it is none of these forms. Never raises."""
    if len(line) > _MAX_LINE:
        return None
    text = line.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return _from_json(data) if isinstance(data, dict) else None
    found = _COMBINED.fullmatch(text)
    if found is None:
        return None
    return Sent(
        "" if found[3] == "-" else found[3], int(found[1]), 0 if found[2] == "-" else int(found[2]), None
    )


def _from_json(data: Mapping[str, Any]) -> Sent | None:
    headers = _lower(data.get("resp_headers"))
    name = (
        data.get("request_id")
        or _first(headers.get("x-vorbehalt-reference"))
        or _first(headers.get("x-request-id"))
        or data.get("request_X-Request-Id")
        or ""
    )
    status = _number(data.get("status", data.get("DownstreamStatus")))
    size = _number(data.get("bytes", data.get("size", data.get("DownstreamContentSize"))))
    if not isinstance(name, str) or status is None or size is None:
        return None
    if name and not REQUEST_ID.fullmatch(name):
        return None
    whole: bool | None = None
    if "completed" in data:
        whole = data["completed"] == "OK"
    elif "flags" in data:
        whole = data["flags"] in _WHOLE_FLAGS
    elif (length := _number(_first(headers.get("content-length")))) is not None:
        whole = length == size
    return Sent(name, status, size, whole)


def _lower(value: object) -> dict[str, object]:
    return {str(key).lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if type(value) is int and 0 <= value < 1 << 53 else None
