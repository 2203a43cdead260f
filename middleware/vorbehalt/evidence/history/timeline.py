"""From records to versions with a beginning and an end. Pure: times are nanoseconds UTC."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import groupby

from vorbehalt.evidence.history.manifest import Manifest, differs_in
from vorbehalt.evidence.history.records import Imported, SetRecord

Run = tuple[int, int | None]
_SITE_ROBOTS = "site-robots"


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant, which belongs to it, until another, which does not; None has no end."""

    start: int
    end: int | None

    def holds(self, moment: int) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)


@dataclass(frozen=True, slots=True)
class Version:
    """What machines were told during one span: a set of our own, or what was imported.

    `record` is the index of the record that says so, of several imports the one that began last.
    """

    span: Span
    record: int
    own: SetRecord | None = None
    manifest: Manifest | None = None
    imports: tuple[Imported, ...] = ()
    settled_at: int | None = None
    """Since when it is known that every document was served as it stands here; None: that never came."""

    def pending_at(self, moment: int) -> list[str]:
        """Return the documents that nobody had been served yet at a time of this version."""
        if self.own is None or (self.settled_at is not None and self.settled_at <= moment):
            return []
        return sorted(self.own.pending)

    @property
    def is_imported(self) -> bool:
        return self.own is None

    @property
    def documents(self) -> Mapping[str, str]:
        """Digests by path."""
        if self.manifest is not None:
            return {path: part.digest for path, part in self.manifest.documents.items()}
        return {item.document: item.digest for item in self.imports if item.document}

    @property
    def captured(self) -> frozenset[str]:
        """Digests of the header sets that were captured, among what was imported."""
        return frozenset(item.digest for item in self.imports if not item.document)

    @property
    def digest(self) -> str:
        """The digest of our own set; of imports SHA-256 hex over path and digest of each document by path."""
        if self.manifest is not None:
            return self.manifest.signals
        lines = (f"{path}\n{digest}\n" for path, digest in sorted(self.documents.items()))
        return sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class OwnVersion:
    """Equal neighbours among the records of one host: `records` say the same of the same set."""

    manifest: Manifest
    records: list[SetRecord] = field(default_factory=list)

    @property
    def at(self) -> int:
        return self.records[0].at

    @property
    def settled_at(self) -> int | None:
        return min((record.at for record in self.records if not record.pending), default=None)

    def record_at(self, moment: int) -> SetRecord:
        """Return the record that puts this set in force in a span that begins at `moment`."""
        return max((r for r in self.records if r.at <= moment), key=lambda r: r.at, default=self.records[0])


def own_versions(sets: Sequence[tuple[SetRecord, Manifest]], host: str) -> list[OwnVersion]:
    """Return the sets of one host in their order, equal neighbours as one. `sets` are sorted by time.

    All hosts are announced together at a start and a reload, so a name that is missing there has no entry any
    more and is told what the default host says. A set that differs only in documents nobody was served yet is
    no version of its own.
    """
    versions: list[OwnVersion] = []
    is_named = False
    for _, group in groupby(sets, key=lambda item: (item[0].at, item[0].writer)):
        members = list(group)
        named = [item for item in members if host in item[1].hosts]
        default = [item for item in members if not item[1].hosts]
        if named:
            is_named = True
        elif default and (default[0][0].cause != _SITE_ROBOTS or not is_named):
            is_named = False
        else:
            continue
        for record, manifest in named or default:
            _take(versions, record, manifest)
    return versions


def _take(versions: list[OwnVersion], record: SetRecord, manifest: Manifest) -> None:
    if versions:
        last = versions[-1].manifest
        if manifest == last:
            versions[-1].records.append(record)
            return
        if record.pending and differs_in(last, manifest) <= record.pending:
            return
    versions.append(OwnVersion(manifest, [record]))


def spans_of(own: Sequence[OwnVersion], imports: Sequence[Imported], runs: Sequence[Run]) -> list[Version]:
    """Lay own sets and imports along one line of time.

    Where a process of ours was serving, its own set holds. Elsewhere an import holds if it began later than
    our last set, else that set.
    """
    observed = _union(runs)
    imports = _newest(imports)
    borders = {version.at for version in own}
    if imports:
        borders |= {item.valid_from for item in imports}
        borders |= {item.valid_until for item in imports if item.valid_until is not None}
        borders |= {time for run in observed for time in run if time is not None}
    line = sorted(borders)
    starts = [version.at for version in own]
    begun: dict[str, list[Imported]] = {}
    taken = 0
    found: list[Version] = []
    last: object = None
    for number, moment in enumerate(line):
        while taken < len(imports) and imports[taken].valid_from <= moment:
            begun.setdefault(imports[taken].document, []).append(imports[taken])
            taken += 1
        at = bisect_right(starts, moment) - 1
        ours = own[at] if at >= 0 else None
        active: list[Imported] = []
        if ours is None or not _covers(observed, moment):
            active = _active(begun, moment, -1 if ours is None else ours.at)
        end = line[number + 1] if number + 1 < len(line) else None
        now: object = tuple(item.index for item in active) or (ours and ours.at)
        if now is not None and now == last:
            found[-1] = replace(found[-1], span=Span(found[-1].span.start, end))
        elif active:
            newest = max(active, key=lambda item: (item.valid_from, item.index))
            found.append(Version(Span(moment, end), newest.index, imports=tuple(active)))
        elif ours is not None:
            record = ours.record_at(moment)
            version = Version(Span(moment, end), record.index, record, ours.manifest)
            found.append(replace(version, settled_at=ours.settled_at))
        last = now
    return found


def _newest(imports: Sequence[Imported]) -> list[Imported]:
    """Sort by beginning. What was brought in again replaces what it was: the newer record knows the end."""
    kept = {
        (item.hosts, item.document, item.digest, item.valid_from, item.how): item
        for item in sorted(imports, key=lambda item: item.index)
    }
    return sorted(kept.values(), key=lambda item: (item.valid_from, item.index))


def _active(begun: Mapping[str, Sequence[Imported]], moment: int, after: int) -> list[Imported]:
    """Return of each document the import that began last, behind `after`, and has not ended.

    Captured headers all hold: each speaks of pages of its own.
    """
    active: list[Imported] = []
    for document, items in sorted(begun.items()):
        for item in reversed(items):
            if item.valid_from <= after:
                break
            if item.valid_until is None or moment < item.valid_until:
                active.append(item)
                if document:
                    break
    return active


def _union(runs: Sequence[Run]) -> list[Run]:
    """Return the runs as half-open spans without overlaps, in their order."""
    merged: list[Run] = []
    for start, last in sorted(runs, key=lambda run: run[0]):
        end = None if last is None else last + 1
        if merged and (merged[-1][1] is None or start <= merged[-1][1]):
            before = merged[-1][1]
            merged[-1] = (merged[-1][0], None if before is None or end is None else max(before, end))
        else:
            merged.append((start, end))
    return merged


def _covers(spans: Sequence[Run], moment: int) -> bool:
    at = bisect_right(spans, moment, key=lambda span: span[0]) - 1
    if at < 0:
        return False
    end = spans[at][1]
    return end is None or moment < end
