"""Which versions of the reservation were in force, and how many answers to the operator carried each."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from vorbehalt.claims.dossier.contents import Reservation
from vorbehalt.claims.dossier.contents_parts import (
    Document,
    HeaderSet,
    HeadersSeen,
    ReservationVersion,
    Served,
)
from vorbehalt.claims.dossier.tallying import ATTRIBUTED_NAME, DESCRIBED_NAME
from vorbehalt.claims.dossier.times import exact
from vorbehalt.claims.ledger import Query
from vorbehalt.claims.ledger_text import moment
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.history.history import History, Version
from vorbehalt.evidence.history.manifest import Manifest, read_header_lines, read_manifest
from vorbehalt.evidence.history.records import IMPORTED, POLICY_ACTIVE, read_imported, read_set
from vorbehalt.evidence.history.timeline import Run
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.reservation.headers import headers_digest

_WANTED = (f'"type":"{POLICY_ACTIVE}"'.encode(), f'"type":"{IMPORTED}"'.encode())
Read = Callable[[str], bytes]


class Versions:
    """The versions of every host, and the counts of answers under each; `count` and `carry` take these.

    `last` is the time of the last record of each writer, nanoseconds UTC. `problems` are sentences about
    objects that are missing or changed.
    """

    def __init__(
        self,
        entries: Iterable[tuple[int, bytes]],
        last: Mapping[str, int],
        own_hosts: frozenset[str],
        read: Read,
    ) -> None:
        self.problems: list[str] = []
        self._read = read
        self._history = History(Path(), 0)
        self._take(entries)
        self._find_runs(last)
        self._own_sets = self._history.host_names
        self._names = self._own_sets | own_hosts
        self._by_host: dict[str, list[Version]] = {}
        self._found: dict[tuple[str, str], list[int]] = {}
        self._under: Counter[tuple[str, int, str]] = Counter()
        self._carried: Counter[tuple[str, int, str, str]] = Counter()
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._sets: dict[str, tuple[tuple[str, ...], str]] = {}

    @property
    def runs(self) -> Mapping[str, Run]:
        """First and last sign of life of each writer that served, nanoseconds UTC."""
        return self._history.runs

    @property
    def older(self) -> int:
        """Records of sets that name no manifest."""
        return self._history.older

    def count(self, host: str, at: int, signals: str, group: str) -> None:
        """Count a request that was answered under a set of signals."""
        key = self._key(host)
        number = self._locate(key, at, f"signals {signals}", lambda one: one.digest == signals)
        self._under[key, number, group] += 1

    def carry(self, host: str, at: int, headers: str, vantage: str, group: str) -> None:
        """Count an answer that carried a set of reservation headers ("": none)."""
        self._seen[headers, vantage, group] += 1
        if headers:
            key = self._key(host)
            number = self._locate(key, at, headers, lambda one: headers in self._carried_as(one))
            self._carried[key, number, headers, group] += 1

    def as_reservation(
        self, query: Query, served: Mapping[tuple[str, str, str, str], list[int]]
    ) -> Reservation:
        """Return section 2; versions that ended before the period, or began after it, are left out."""
        groups = (ATTRIBUTED_NAME, DESCRIBED_NAME)
        rows = {key[:2] for key in self._seen}
        return Reservation(
            versions=tuple(
                self._version(host, number, version)
                for host in ("", *sorted(self._own_sets))
                for number, version in enumerate(self._versions(host))
                if _overlaps(version, query)
            ),
            headers_seen=tuple(
                HeadersSeen(*row, *(self._seen[*row, group] for group in groups)) for row in sorted(rows)
            ),
            served=tuple(
                Served(path, digest, standing, token, times, moment(first), moment(last))
                for (path, digest, standing, token), (times, first, last) in sorted(served.items())
            ),
            older_records=self.older,
            runs=tuple(
                (writer, exact(start), exact(end or start))
                for writer, (start, end) in sorted(self.runs.items())
            ),
        )

    def _take(self, entries: Iterable[tuple[int, bytes]]) -> None:
        manifests: dict[str, Manifest] = {}
        for index, entry in entries:
            if not any(mark in entry for mark in _WANTED):
                continue
            leaf = decode_leaf(entry)
            try:
                if leaf["type"] == IMPORTED and (item := read_imported(index, leaf)) is not None:
                    self._history.imports.append(item)
                elif leaf["type"] == POLICY_ACTIVE:
                    if (found := read_set(index, leaf)) is None:
                        self._history.older += 1
                        continue
                    if found.manifest not in manifests:
                        manifests[found.manifest] = read_manifest(self._read(found.manifest))
                    self._history.sets.append((found, manifests[found.manifest]))
            except EvidenceError as error:
                self.problems.append(f"record {index}: {error}")
        self._history.sets.sort(key=lambda item: (item[0].at, item[0].index))

    def _find_runs(self, last: Mapping[str, int]) -> None:
        for record, _ in self._history.sets:
            start, end = self._history.runs.get(record.writer, (record.at, record.at))
            end = max(end or 0, record.at, last.get(record.writer, 0))
            self._history.runs[record.writer] = (min(start, record.at), end)

    def _key(self, host: str) -> str:
        return host if host in self._own_sets else ""

    def _versions(self, key: str) -> list[Version]:
        if key not in self._by_host:
            self._by_host[key] = self._history.versions(key, self._names)
        return self._by_host[key]

    def _locate(self, key: str, at: int, what: str, fits: Callable[[Version], bool]) -> int:
        """Return the number of the version that fits a time best, -1 if none fits at all."""
        versions = self._versions(key)
        if (key, what) not in self._found:
            self._found[key, what] = [number for number, one in enumerate(versions) if fits(one)]
        fitting = self._found[key, what]
        # Of two processes the one may answer under the old set a moment after the other took the new one.
        place = bisect_right(fitting, at, key=lambda number: versions[number].span.start)
        return fitting[max(0, place - 1)] if fitting else -1

    def _carried_as(self, version: Version) -> set[str]:
        sets = () if version.manifest is None else version.manifest.headers.values()
        return {self._lines(version.record, digest)[1] for digest in sets}

    def _lines(self, record: int, digest: str) -> tuple[tuple[str, ...], str]:
        """Return the lines of a header set, and the digest by which records of answers name it."""
        if digest not in self._sets:
            try:
                pairs = read_header_lines(self._read(digest))
            except EvidenceError as error:
                self.problems.append(f"record {record}: {error}")
                self._sets[digest] = (), ""
            else:
                carried = headers_digest(
                    (name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs
                )
                self._sets[digest] = tuple(f"{name}: {value}" for name, value in pairs), carried
        return self._sets[digest]

    def _version(self, host: str, number: int, version: Version) -> ReservationVersion:
        manifest = version.manifest
        parts = manifest.documents if manifest is not None else {}
        return ReservationVersion(
            host=host,
            digest=version.digest,
            since=moment(version.span.start),
            until="" if version.span.end is None else moment(version.span.end),
            record=version.record,
            is_imported=version.is_imported,
            sources=tuple(dict.fromkeys(f"{item.how}: {item.source}" for item in version.imports)),
            documents=tuple(
                Document(path, digest, parts[path].media_type if path in parts else "")
                for path, digest in sorted(version.documents.items())
            ),
            headers=tuple(self._headers(host, number, version)),
            pending=tuple(sorted(version.own.pending)) if version.own is not None else (),
            attributed=self._under[host, number, ATTRIBUTED_NAME],
            described=self._under[host, number, DESCRIBED_NAME],
        )

    def _headers(self, host: str, number: int, version: Version) -> Iterator[HeaderSet]:
        manifest = version.manifest
        captured = [("captured", digest) for digest in version.captured]
        for section, digest in sorted(captured if manifest is None else manifest.headers.items()):
            lines, carried_as = self._lines(version.record, digest)
            yield HeaderSet(
                section=section,
                digest=digest,
                carried_as=carried_as,
                lines=lines,
                reserved=() if manifest is None else manifest.reserved.get(section, ()),
                attributed=self._carried[host, number, carried_as, ATTRIBUTED_NAME],
                described=self._carried[host, number, carried_as, DESCRIBED_NAME],
            )


def _overlaps(version: Version, query: Query) -> bool:
    span = version.span
    return (query.until is None or span.start < query.until) and (
        query.since is None or span.end is None or span.end > query.since
    )
