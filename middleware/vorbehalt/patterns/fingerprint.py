"""By which headers a request's findings are cached, a client is told from its neighbours, a cohort is one."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from vorbehalt.patterns.seen import Seen

JUDGED: Final = frozenset(
    {
        b"user-agent", b"accept", b"accept-language", b"accept-encoding", b"sec-fetch-site",
        b"sec-fetch-mode", b"sec-fetch-dest", b"sec-ch-ua", b"sec-ch-ua-platform", b"upgrade", b"purpose",
        b"x-purpose", b"x-moz",
    }
)  # fmt: skip
"""Headers whose values findings judge. Of all others only whether and where they stand counts."""

_OF_ONE_REQUEST: Final = frozenset(
    {
        b"host", b"cookie", b"referer", b"origin", b"range", b"cache-control", b"pragma", b"if-none-match",
        b"if-modified-since", b"if-range", b"content-type", b"content-length", b"sec-fetch-user",
        b"sec-purpose", b"authorization",
    }
)  # fmt: skip
"""Headers that come and go from request to request of one client."""


def client_fingerprint(seen: Seen) -> bytes:
    """Eight bytes that tell two clients behind one address apart: the same for all requests of one browser.

    Only what does not change between a page, its images and its scripts: User-Agent and Accept-Language.
    """
    return fingerprint_of(seen.value(b"user-agent"), seen.value(b"accept-language"))


def fingerprint_of(user_agent: bytes, language: bytes) -> bytes:
    """The same from the two values alone."""
    return blake2b(user_agent + b"\0" + language, digest_size=8).digest()


def cohort_fingerprint(seen: Seen) -> bytes:
    """Eight bytes that are the same for programs built alike: of page requests, ordered names and habits.

    Of the User-Agent only engine, product, major version and platform, so that patch levels do not split a
    fleet; without a claimed browser its first word.
    """
    browser = seen.browser
    if browser is None:
        who = seen.value(b"user-agent").partition(b"/")[0][:40]
    else:
        who = f"{browser.product} {browser.major} {browser.platform}".encode()
    names = b",".join(name for name in seen.names if name not in _OF_ONE_REQUEST)
    parts = (
        who, names, seen.value(b"accept"), seen.value(b"accept-language"), seen.value(b"accept-encoding")
    )  # fmt: skip
    return blake2b(b"\0".join(parts), digest_size=8).digest()
