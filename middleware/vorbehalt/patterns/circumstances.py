"""What others know of a request and nobody can see in it: policy, robots.txt, the app. Given as facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All False or None for an ordinary request; what is not known stays so and counts for nothing.

    `is_declared`: the client says what it is (a crawler, a tool, a feed reader): policy, not score, has to
    judge. `checks_links`: it says that it is a link checker. `is_trap`: the path is that of a trap link,
    whose mark holds, `trap_tie` says to whom else it was given, if so. `robots_version`: digest of the
    robots.txt that this request was given. `disallowed_under`: digest of a version of robots.txt that
    disallows this path to this client. `is_closed_area`: robots.txt closes this path to everybody.
    `is_enclosure`: a feed offers this file. `challenge_passed`, `is_signed_in`: a cookie that we signed; a
    header that only the app can set.
    """

    is_declared: bool = False
    checks_links: bool = False
    is_trap: bool = False
    trap_tie: str = ""
    robots_version: str | None = None
    disallowed_under: str | None = None
    is_closed_area: bool = False
    is_enclosure: bool = False
    challenge_passed: bool = False
    is_signed_in: bool = False


ORDINARY: Final = Circumstances()
