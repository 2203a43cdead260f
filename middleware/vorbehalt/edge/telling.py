"""Who was told what, and what robots.txt said: noted when a signal document is served, said in every record.

A record names what was known when its request came in. Nothing here can lose a record or change an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING

from vorbehalt.edge.robots_versions import RobotsVersions
from vorbehalt.engine import HostPlan
from vorbehalt.evidence.history.told import Fetch, Hosts, HostTold, versions_of
from vorbehalt.evidence.history.told_file import Told
from vorbehalt.evidence.history.told_lines import FetchLine
from vorbehalt.facts import Purpose, Visit
from vorbehalt.identify.identity import Identity
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.bundle import Document
from vorbehalt.reservation.robots.in_force import RobotsInForce
from vorbehalt.settings import Settings

if TYPE_CHECKING:
    from vorbehalt.edge.live import Live

QUIET = frozenset({Purpose.TOOL, Purpose.HEADLESS})
"""What anybody runs; its fetches of signal documents are nobody's, and leave no record."""
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """What a record says of a host: its key, the paths of its documents, the robots.txt in force."""

    key: str
    documents: tuple[str, ...]
    robots_path: str
    robots: RobotsInForce


def place_of(plan: HostPlan) -> Place:
    """Return the place of a host as it is now."""
    return Place(
        plan.settings.key, tuple(plan.bundle.documents), plan.settings.terms.robots_path, plan.robots
    )


class Telling:
    """What one process knows of who was told what, on behalf of all workers.

    `clock` gives wall-clock nanoseconds UTC.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], int] = time_ns) -> None:
        evidence = settings.evidence.directory
        on_disk = evidence not in ("off", "memory:")
        self.told = Told(settings.state.directory if on_disk else None)
        self.versions = RobotsVersions(Path(evidence) if on_disk else None)
        self._clock = clock
        self._robots_paths: dict[str, str] = {}

    @property
    def hosts(self) -> Hosts:
        """What is known at this moment; a value that never changes."""
        return self.told.hosts

    @property
    def problem(self) -> str:
        """Why it is not kept, in words; empty while it is."""
        return self.told.problem

    def open(self, plans: Iterable[HostPlan]) -> None:
        """Learn what is known of these hosts, and begin to observe the new ones; blocks on the disk."""
        self.told.open(self._named(plans), self._clock())
        self._want()
        self.versions.fetch()

    def succeed(self, before: Iterable[HostPlan], after: Iterable[HostPlan]) -> None:
        """Observe the hosts of a configuration that is about to be in force, remember the old robots.txt."""
        self.replaced(before)
        self.told.observe(self._named(after), self._clock())

    def replaced(self, plans: Iterable[HostPlan]) -> None:
        """Remember what their robots.txt says: another is about to be in force."""
        for plan in plans:
            self.versions.keep(plan.robots)

    def poll(self) -> None:
        """Take over what other workers know; blocks on the disk, never raises."""
        if self.told.poll(self._clock()):
            self._want()
        self.versions.fetch()

    def flush(self) -> None:
        """Write what waits; blocks on the disk, never raises."""
        self.told.flush()

    def forked(self) -> None:
        """In the child of a fork."""
        self.told.forked()

    def note(self, plan: HostPlan, visit: Visit, verdict: Verdict, document: Document, status: int) -> bool:
        """Note that a document was fetched, if this counts; True if that waits to be written.

        A 200 counts, and a 304 to who names this version. A HEAD does not: it carries no document. Nor does
        the fetch of an impostor, or of a program that anybody runs.
        """
        identity = verdict.identity
        if identity is None or identity.is_impostor or identity.purpose in QUIET or visit.method != "GET":
            return False
        if status != 200 and not (status == 304 and document.etag in visit.header(b"if-none-match")):
            return False
        fetch = Fetch(document.digest, visit.received_at, status, identity.standing, identity.operator)
        return self.told.note(FetchLine(plan.settings.key, identity.token, document.path, fetch))

    async def written(self, deadline_seconds: float) -> None:
        """Wait until what was noted is written, at most until the deadline: then it goes on by itself."""
        # At the deadline the answer goes out; the thread writes on, and says what went wrong.
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(self.told.flush), deadline_seconds)

    def _named(self, plans: Iterable[HostPlan]) -> list[str]:
        self._robots_paths = {plan.settings.key: plan.settings.terms.robots_path for plan in plans}
        return list(self._robots_paths)

    def _want(self) -> None:
        self.versions.want(versions_of(self.told.hosts, self._robots_paths))


def said_in_record(
    live: Live,
    telling: Telling,
    hosts: Hosts,
    place: Place,
    visit: Visit,
    verdict: Verdict,
) -> Mapping[str, object]:
    """Return what a `request` record says besides: `told` and `robots`. Never raises.

    `hosts` is what was known when the request came in. Empty where nobody is named: without a claim, for an
    impostor.
    """
    identity = verdict.identity
    if identity is None or identity.is_impostor:
        return {}
    try:
        known = hosts.get(place.key) or HostTold(visit.received_at)
        said: dict[str, object] = {}
        if identity.purpose not in QUIET:
            said["told"] = known.as_record(identity.token, identity.operator, place.documents)
        if identity.crawler.kind == "crawler" and not visit.is_websocket:
            said["robots"] = _robots(
                telling.versions, known, place, visit.target, identity, verdict.permission
            )
        return said
    except Exception:  # a record without this is better than none
        live.count_internal_error()
        return {}


def _robots(
    versions: RobotsVersions,
    known: HostTold,
    place: Place,
    target: bytes,
    identity: Identity,
    permission: str,
) -> dict[str, object]:
    crawler = identity.crawler
    # Without a documented token it is asked for by its own name; nobody is blamed for that.
    tokens = crawler.robots_tokens or (crawler.token,)
    in_force = place.robots
    said: dict[str, object] = {"version": in_force.version, **in_force.says(tokens, target).as_json()}
    if not crawler.robots_tokens:
        said["documented"] = False
    if permission != "none":
        said["permission"] = permission
    last = known.last(identity.token, place.robots_path)
    fetch = None if last is None else last.fetches[0]
    if fetch is not None and fetch.version != in_force.version:
        older = versions.find(fetch.version)
        said["fetched"] = {
            "version": fetch.version,
            "standing": fetch.standing.value,
            **({"allowed": _UNKNOWN} if older is None else older.says(tokens, target).as_json()),
        }
    return said
