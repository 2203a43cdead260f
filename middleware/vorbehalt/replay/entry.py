"""One request as a log tells it."""

from __future__ import annotations

import re
from typing import NamedTuple

NS = 1_000_000_000
NO_REQUEST = "no request line in it (usually a broken or aborted connection)"
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_VERSIONS = {"HTTP/1.1": "1.1", "HTTP/1.0": "1.0", "HTTP/2.0": "2", "HTTP/2": "2", "HTTP/3.0": "3"}


class Entry(NamedTuple):
    """One request. `at` is nanoseconds UTC, `size` the bytes sent as the log counts them.

    `host` is lower case without a port, empty where the format has none. `forwarded` holds the trailing
    X-Forwarded-For of nginx's `main` format, to be believed only from a trusted proxy.
    """

    address: bytes
    at: int
    method: str
    target: bytes
    http_version: str
    status: int
    size: int
    referer: bytes
    user_agent: bytes
    host: str
    forwarded: bytes


class Malformed(Exception):
    """This line holds no request; the message says why, in words for people."""


def checked_method(method: str) -> str:
    """Return the method if it is a token (RFC 9110 section 9.1). Raises Malformed."""
    if _METHOD.fullmatch(method) is None:
        raise Malformed(NO_REQUEST)
    return method


def checked_version(protocol: str) -> str:
    """Return the HTTP version as ASGI writes it. Raises Malformed."""
    version = _VERSIONS.get(protocol)
    if version is None:
        if not protocol.startswith("HTTP/"):
            raise Malformed(NO_REQUEST)
        version = protocol[5:13]
    return version
