"""Who was told what: the last fetch of each signal document by each crawler and each operator. Pure.

An impostor's fetch counts for nobody. Of each crawler the last proven fetch is kept (signed, verified) and,
only if it is later, the last one that merely bore the crawler's name: no claim is taken for a proof, and no
proof is hidden by a later claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest

from vorbehalt.facts import Standing

PROVEN = frozenset({Standing.SIGNED, Standing.VERIFIED})
NONE = "none"
"""In a record: not fetched since the start of observation. Never read it as "never"."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One fetch: `version` is the SHA-256 hex of the document, `at` nanoseconds UTC, `status` 200 or 304."""

    version: str
    at: int
    status: int
    standing: Standing
    operator: str | None = None

    @property
    def is_proven(self) -> bool:
        return self.standing in PROVEN

    def as_json(self) -> dict[str, object]:
        """The form that a record carries."""
        return {
            "version": self.version,
            "at": str(self.at),
            "status": self.status,
            "standing": self.standing.value,
        }


@dataclass(frozen=True, slots=True)
class Last:
    """The last proven fetch, and the last claimed one if that is later; at least one of them."""

    proven: Fetch | None = None
    claimed: Fetch | None = None

    def and_(self, fetch: Fetch) -> Last:
        """Take one more fetch into account; in whatever order they come, the result is the same."""
        if fetch.is_proven:
            proven = _later(self.proven, fetch)
            claimed = self.claimed
            return Last(proven, claimed if claimed is not None and claimed.at > proven.at else None)
        if self.proven is not None and fetch.at <= self.proven.at:
            return self
        return Last(self.proven, _later(self.claimed, fetch))

    @property
    def fetches(self) -> tuple[Fetch, ...]:
        """What is kept, the proven one first."""
        return tuple(fetch for fetch in (self.proven, self.claimed) if fetch is not None)

    @property
    def at(self) -> int:
        """The time of the latest."""
        return max(fetch.at for fetch in self.fetches)

    def as_json(self) -> dict[str, object]:
        """The proven fetch with the later claim in it, or else the claimed one, which says so itself."""
        first, *more = self.fetches
        return {**first.as_json(), "later": more[0].as_json()} if more else first.as_json()


def _later(one: Fetch | None, two: Fetch) -> Fetch:
    return two if one is None or (two.at, two.version) > (one.at, one.version) else one


_NOBODY = Last()
_Lasts = Mapping[str, Mapping[str, Last]]
"""By crawler token or operator, then by path."""


@dataclass(frozen=True, slots=True)
class HostTold:
    """All that is known of one host, never changed: who holds it holds one moment.

    `since` is when its observation began, nanoseconds UTC.
    """

    since: int
    crawlers: _Lasts = field(default_factory=dict)
    operators: _Lasts = field(default_factory=dict)
    _ready: dict[tuple[object, ...], dict[str, object]] = field(default_factory=dict, compare=False)

    def and_(self, token: str, path: str, fetch: Fetch) -> HostTold:
        """Return what is known after one more fetch."""
        operators = self.operators
        if fetch.operator is not None:
            operators = _with(operators, fetch.operator, path, fetch)
        return HostTold(self.since, _with(self.crawlers, token, path, fetch), operators)

    def last(self, token: str, path: str) -> Last | None:
        """Return the last fetches of a document by one crawler."""
        return self.crawlers.get(token, {}).get(path)

    def as_record(self, token: str, operator: str | None, paths: tuple[str, ...]) -> dict[str, object]:
        """Return the part of a record: `since`, `crawler` by document, `operator` where it differs from that.

        A document that was not fetched since then is "none". The result is shared: not to be changed.
        """
        key = (token, operator, paths)
        ready = self._ready.get(key)
        if ready is None:
            own = self.crawlers.get(token, {})
            ready = {
                "since": str(self.since),
                "crawler": {path: own[path].as_json() if path in own else NONE for path in paths},
            }
            if operator is not None:
                theirs = self.operators.get(operator, {})
                ready["operator"] = {
                    path: theirs[path].as_json()
                    for path in paths
                    if path in theirs and theirs[path] != own.get(path)
                }
            self._ready[key] = ready
        return ready

    def everything(self) -> Iterator[tuple[str, str, Last]]:
        """Yield token, path and last fetches."""
        for token, lasts in self.crawlers.items():
            for path, last in lasts.items():
                yield token, path, last


def _with(lasts: _Lasts, name: str, path: str, fetch: Fetch) -> _Lasts:
    own = lasts.get(name, {})
    return {**lasts, name: {**own, path: own.get(path, _NOBODY).and_(fetch)}}


Hosts = Mapping[str, HostTold]
"""By `HostSettings.key`."""


def noted(hosts: Hosts, host: str, token: str, path: str, fetch: Fetch) -> Hosts:
    """Return what is known after one more fetch. Impostors and hosts that are not observed change nothing."""
    known = hosts.get(host)
    if known is None or fetch.standing is Standing.CONTRADICTED:
        return hosts
    return {**hosts, host: known.and_(token, path, fetch)}


def observed(hosts: Hosts, since: Mapping[str, int]) -> Hosts:
    """Return what is known once exactly these hosts are observed, each since no earlier than said here."""
    found: dict[str, HostTold] = {}
    for host, at in since.items():
        known = hosts.get(host, HostTold(at))
        found[host] = known if known.since >= at else HostTold(at, known.crawlers, known.operators)
    return found


def bounded(hosts: Hosts, most: int) -> Hosts:
    """Forget the oldest fetches beyond `most`; a host of which some were forgotten is observed since the last
    of these, for of what came before not all is known any more."""
    too_many = count(hosts) - most
    if too_many <= 0:
        return hosts
    entries = [
        (last.at, host, token, path)
        for host, known in hosts.items()
        for token, path, last in known.everything()
    ]
    forgotten = nsmallest(too_many, entries)
    gone = {entry[1:] for entry in forgotten}
    since = {host: known.since for host, known in hosts.items()}
    for at, host, _, _ in forgotten:
        since[host] = max(since[host], at + 1)
    kept: Hosts = {host: HostTold(at) for host, at in since.items()}
    return filled(
        kept,
        (
            (host, token, path, fetch)
            for host, known in hosts.items()
            for token, path, last in known.everything()
            if (host, token, path) not in gone
            for fetch in last.fetches
        ),
    )


def filled(hosts: Hosts, fetches: Iterable[tuple[str, str, str, Fetch]]) -> Hosts:
    """Return what is known after many fetches: host, token, path, fetch."""
    crawlers = {host: _mutable(known.crawlers) for host, known in hosts.items()}
    operators = {host: _mutable(known.operators) for host, known in hosts.items()}
    for host, token, path, fetch in fetches:
        if host not in hosts or fetch.standing is Standing.CONTRADICTED:
            continue
        _add(crawlers[host], token, path, fetch)
        if fetch.operator is not None:
            _add(operators[host], fetch.operator, path, fetch)
    return {host: HostTold(known.since, crawlers[host], operators[host]) for host, known in hosts.items()}


def count(hosts: Hosts) -> int:
    """Return how many documents of how many crawlers are known."""
    return sum(len(lasts) for known in hosts.values() for lasts in known.crawlers.values())


def _mutable(lasts: _Lasts) -> dict[str, dict[str, Last]]:
    return {name: dict(own) for name, own in lasts.items()}


def _add(lasts: dict[str, dict[str, Last]], name: str, path: str, fetch: Fetch) -> None:
    own = lasts.setdefault(name, {})
    own[path] = own.get(path, _NOBODY).and_(fetch)


def versions_of(hosts: Hosts, paths: Mapping[str, str]) -> Sequence[str]:
    """Return the versions that were fetched of one document per host (host -> path), newest first."""
    newest: dict[str, int] = {}
    for host, path in paths.items():
        for lasts in hosts[host].crawlers.values() if host in hosts else ():
            for fetch in lasts[path].fetches if path in lasts else ():
                newest[fetch.version] = max(newest.get(fetch.version, 0), fetch.at)
    return sorted(newest, key=lambda version: -newest[version])
