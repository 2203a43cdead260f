"""How the clients of one worker behave, asked for each visit that no claim of a crawler settles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from vorbehalt.engine.plan import HostPlan
from vorbehalt.facts import Purpose, Visit
from vorbehalt.identify.identity import Identity
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.score import CALM, Assessment
from vorbehalt.patterns.seen import Inputs, kind_of
from vorbehalt.patterns.spots import Spot
from vorbehalt.patterns.watch import Watch
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.robots.in_force import RobotsInForce
from vorbehalt.settings.model import PatternsSettings, Settings

ANYBODY: Final = ("mozilla",)
"""Under this name a browser would look for its group in robots.txt; it finds that of all others."""

_DIRECT: Final = frozenset(
    {"secure", "order", "http-version", "connection", "encoding", "assets", "cookies", "robots"}
)
_BEHIND_PROXY: Final = frozenset({"secure", "robots"})
_LOG: Final = frozenset({"assets", "robots"})

Trap = Callable[[HostPlan, Visit], "str | None"]
"""Whether a visit followed a trap link of ours: to whom else that was given, in words; None: it did not."""
Versions = Callable[[str], "RobotsInForce | None"]


def inputs_of(settings: Settings, *, from_log: bool = False) -> Inputs:
    """Say what this arrangement lets us see of a client, unless the operator has said it in `patterns.sees`.

    A log has no headers but two. Behind a proxy nothing is taken for the client's that a proxy may have
    changed; a reverse proxy of ours passes on assets and cookies as well.
    """
    patterns = settings.patterns
    if from_log:
        return Inputs(_LOG)
    if not settings.network.trusted_proxies and settings.sidecar.secret is None:
        given = _DIRECT
    elif settings.sidecar.upstream is not None:
        given = _BEHIND_PROXY | {"assets", "cookies"}
    else:
        given = _BEHIND_PROXY
    if patterns.sees is not None:
        given = _BEHIND_PROXY | frozenset(patterns.sees)
    if patterns.traps:
        given |= {"traps"}
    if patterns.tls_header:
        given |= {"tls"}
    return Inputs(given, tls_header=patterns.tls_header.encode("ascii"))


def decides(visit: Visit, identity: Identity | None) -> bool:
    """True if findings may decide on this visit: only pages and media are refused for them.

    What belongs to a page is served with it; of a program that says what it is only the pages count.
    """
    kind = kind_of(visit.path, visit.header(b"sec-fetch-dest"))
    if identity is not None:
        return kind == "page" and visit.method == "GET"
    return kind in ("page", "media") and not visit.is_websocket


class Conduct:
    """Keeps the watch over clients; lives longer than one configuration, as long as the book is the same.

    `versions` finds an earlier robots.txt by its digest, None where it is not at hand.
    """

    def __init__(
        self,
        watch: Watch,
        patterns: PatternsSettings,
        versions: Versions | None = None,
        *,
        trap: Trap | None = None,
        anybody: bool = False,
    ) -> None:
        self.watch = watch
        self._anybody = anybody
        self._trap = trap
        self.versions = versions
        self._found: tuple[Visit, Assessment] | None = None
        self._signed_in = patterns.signed_in_header.encode("ascii")
        self._enclosures = tuple(PathPattern.of_decoded(path) for path in patterns.enclosures)

    def assess(self, plan: HostPlan, visit: Visit, identity: Identity | None) -> Assessment:
        """Count one visit and say how its client stands with it. Never raises.

        Without an address that can be a key nothing is found, unless `anybody` (a request described by hand).
        """
        ahead, self._found = self._found, None
        if ahead is not None and ahead[0] is visit:
            return ahead[1]
        if not (visit.client.is_usable or self._anybody):
            return CALM
        try:
            looked, known = self.watch.look(visit)
            key = self.watch.key_of(visit.client, known.fingerprint)
            beside = self._circumstances(plan, visit, identity, key)
        except Exception as error:
            self.watch.failed(error)
            return CALM
        return self.watch.observe(visit, beside, looked=looked, known=known, key=key)

    def ahead(self, plan: HostPlan, visit: Visit) -> Assessment:
        """Assess a visit without a claim ahead of the engine, which is told the same then: it counts once."""
        found = self.assess(plan, visit, None)
        self._found = None if found is CALM else (visit, found)
        return found

    def spot(self, plan: HostPlan, path: str) -> Spot | None:
        """The spot of a path on which known clients need no look; None where robots.txt closes an area."""
        closes = plan.robots.closes(ANYBODY)
        if closes is None and plan.robots.disallows(ANYBODY, quote(path).encode("ascii")):
            return None
        return self.watch.spot(path)

    def answered(self, visit: Visit, status: int, sets_cookie: bool) -> None:
        """Note what a visit was answered that was looked at. Never raises."""
        if (status >= 400 or sets_cookie) and visit.client.is_usable:
            fingerprint = self.watch.in_request.find(visit).fingerprint
            key = self.watch.key_of(visit.client, fingerprint)
            self.watch.note_answer(key, status, sets_cookie, visit.received_at)

    def fetched_robots(self, plan: HostPlan, visit: Visit, identity: Identity | None) -> None:
        """Note that somebody fetched the robots.txt in force."""
        if visit.method == "GET" and not visit.is_websocket and visit.client.is_usable:
            beside = Circumstances(is_declared=_declares(identity), robots_version=plan.robots.version)
            self.watch.observe(visit, beside)

    def _circumstances(
        self, plan: HostPlan, visit: Visit, identity: Identity | None, key: int | None
    ) -> Circumstances:
        is_declared = _declares(identity)
        is_closed, under = self._closed(plan, visit, key)
        enclosures = self._enclosures
        is_enclosure = bool(enclosures) and any(pattern.matches(visit.path) for pattern in enclosures)
        is_signed_in = bool(
            self._signed_in and visit.client.source == "proxy-asserted" and visit.header(self._signed_in)
        )
        tie = self._followed_trap(plan, visit)
        if tie is None and not (is_declared or is_closed or under or is_enclosure or is_signed_in):
            return ORDINARY
        return Circumstances(
            is_declared=is_declared,
            is_trap=tie is not None,
            trap_tie=tie or "",
            is_closed_area=is_closed,
            disallowed_under=under,
            is_enclosure=is_enclosure,
            is_signed_in=is_signed_in,
        )

    def _followed_trap(self, plan: HostPlan, visit: Visit) -> str | None:
        """A trap counts only where the robots.txt in force really forbids it."""
        prefix = plan.settings.terms.trap_path
        if self._trap is None or not prefix or not visit.path.startswith(prefix):
            return None
        robots = plan.robots
        closes = robots.closes(ANYBODY)
        if closes is False or (closes is None and not robots.disallows(ANYBODY, visit.target)):
            return None
        return self._trap(plan, visit)

    def _closed(self, plan: HostPlan, visit: Visit, key: int | None) -> tuple[bool, str | None]:
        """Whether robots.txt closes this path to everybody, and under which version that the client fetched.

        A file that closes everything to everybody marks no area.
        """
        robots = plan.robots
        closes = robots.closes(ANYBODY)
        is_closed = closes is None and robots.disallows(ANYBODY, visit.target)
        known = self.watch.robots_known(key, visit.received_at)
        if known is None:
            return is_closed, None
        if known != robots.version:
            found = None if self.versions is None else self.versions(known)
            if found is None:
                return is_closed, None
            robots = found
        closes = robots.closes(ANYBODY)
        disallowed = robots.disallows(ANYBODY, visit.target) if closes is None else closes
        return is_closed, known if disallowed else None


def _declares(identity: Identity | None) -> bool:
    """A program that says what it is; a headless browser says only how it runs."""
    return identity is not None and identity.purpose is not Purpose.HEADLESS
