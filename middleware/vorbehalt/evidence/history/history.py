"""What machines were told, since when: read from the records of the log, never from what is in force now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.history.manifest import Manifest, changed_parts, changed_terms, read_manifest
from vorbehalt.evidence.history.records import (
    IMPORTED,
    POLICY_ACTIVE,
    Imported,
    SetRecord,
    read_imported,
    read_set,
)
from vorbehalt.evidence.history.timeline import Span, Version, own_versions, spans_of
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.reading import query
from vorbehalt.evidence.reading.scan import is_all_sealed, living_writers, scan_log
from vorbehalt.evidence.tlog.leaf import decode_leaf

_WRITER_CLOSE = "writer-close"


@dataclass(slots=True)
class History:
    """The history of one evidence directory, as far as its log is sealed.

    `runs` maps each process of ours that served to its first and last sign of life, in nanoseconds UTC; the
    end is None while it runs. `older` counts records of sets that name no manifest.
    """

    directory: Path
    size: int
    sets: list[tuple[SetRecord, Manifest]] = field(default_factory=list)
    imports: list[Imported] = field(default_factory=list)
    runs: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    is_all_sealed: bool = True
    older: int = 0

    @property
    def host_names(self) -> frozenset[str]:
        """Every name that ever had an entry of its own."""
        named = {name for _, manifest in self.sets for name in manifest.hosts}
        return frozenset(named | {name for item in self.imports for name in item.hosts})

    def versions(self, host: str = "", own_hosts: frozenset[str] = frozenset()) -> list[Version]:
        """Return the versions of a host in their order; "" is the default host.

        `own_hosts` are further names known to have an entry of their own: the default host's imports are not
        theirs. Raises TamperError if an object is missing or changed.
        """
        own = own_versions(self.sets, host)
        named = self.host_names | own_hosts
        imports = [item for item in self.imports if (host in item.hosts if item.hosts else host not in named)]
        return spans_of(own, imports, list(self.runs.values()))

    def at(
        self, moment: int, host: str = "", own_hosts: frozenset[str] = frozenset()
    ) -> tuple[Version | None, list[Version]]:
        """Return the version in force at a time, None if nothing is known of it, and all versions.

        The instant of `valid_from` belongs to the new version.
        """
        versions = self.versions(host, own_hosts)
        found = [version for version in versions if version.span.holds(moment)]
        return (found[-1] if found else None), versions

    def is_observed(self, moment: int) -> bool:
        """True if a process of ours was serving at this time, as its records show."""
        return any(start <= moment and (end is None or moment <= end) for start, end in self.runs.values())

    def read(self, digest: str, record: int) -> bytes:
        """Return the bytes that a record names; raises TamperError if they are missing or changed."""
        return _object(self.directory, digest, record)

    def terms(self, version: Version) -> object:
        """Return the terms of a version of ours; raises TamperError."""
        assert version.manifest is not None
        body = self.read(version.manifest.terms, version.record)
        try:
            terms: object = json.loads(body)["terms"]
        except (ValueError, KeyError, TypeError) as error:
            raise TamperError(f"record {version.record} names terms that cannot be read: {error!r}") from None
        return terms

    def changes(self, before: Version | None, after: Version) -> Mapping[str, object] | None:
        """Return what differs from the version before: documents, headers, terms; None for a first version.

        Headers and terms are only known of sets of our own.
        """
        if before is None:
            return None
        if before.manifest is not None and after.manifest is not None:
            parts = changed_parts(before.manifest, after.manifest)
            terms, more = changed_terms(self.terms(before), self.terms(after))
            return {**parts, "terms": terms, "more_terms": more}
        old, new = before.documents, after.documents
        return {
            "documents": sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)),
            "headers": ["captured pages"] if before.captured != after.captured else [],
            "terms": [],
            "more_terms": 0,
        }

    def prove(self, record: int) -> None:
        """Check that a record is in the signed tree; raises TamperError if it is not."""
        query.prove(self.directory, record)


def read_history(directory: Path) -> History:
    """Read the history out of the sealed log: seconds for a million records.

    Raises EvidenceError if the directory or a record cannot be read, TamperError if a record names an object
    that is missing or changed. What waits in the spool is left out; `is_all_sealed` says so.
    """
    all_sealed = is_all_sealed(directory)
    alive = living_writers(directory)
    scan = scan_log(directory, (POLICY_ACTIVE, IMPORTED, _WRITER_CLOSE))
    history = History(directory, scan.size, is_all_sealed=all_sealed)
    manifests: dict[str, Manifest] = {}
    closed: dict[str, int] = {}
    for index, leaf in scan.found:
        if leaf["type"] == _WRITER_CLOSE:
            closed[str(leaf["w"])] = int(str(leaf["at"]))
        elif leaf["type"] == IMPORTED:
            if (item := read_imported(index, leaf)) is not None:
                history.imports.append(item)
        elif (found := read_set(index, leaf)) is None:
            history.older += 1
        else:
            if found.manifest not in manifests:
                manifests[found.manifest] = _manifest(directory, found)
            history.sets.append((found, manifests[found.manifest]))
    history.sets.sort(key=lambda item: (item[0].at, item[0].index))
    served: dict[str, list[int]] = {}
    for found, _ in history.sets:
        served.setdefault(found.writer, []).append(found.at)
    for writer, times in served.items():
        end: int | None = None
        if writer not in alive:
            # One that was killed says nothing at its end: its last record is the last that is known of it.
            last = closed.get(writer) or _time_of(scan.last.get(writer.encode("ascii")))
            end = max(last, *times)
        history.runs[writer] = (min(times), end)
    return history


def _time_of(entry: bytes | None) -> int:
    return 0 if entry is None else int(str(decode_leaf(entry)["at"]))


def _manifest(directory: Path, record: SetRecord) -> Manifest:
    body = _object(directory, record.manifest, record.index)
    try:
        return read_manifest(body)
    except EvidenceError as error:
        raise TamperError(f"record {record.index}: object {record.manifest} is {error}") from None


def _object(directory: Path, digest: str, record: int) -> bytes:
    try:
        return ObjectStore(directory).get(digest)
    except EvidenceError as error:
        raise TamperError(f"record {record} names an object that does not hold: {error}") from None


__all__ = ["History", "Imported", "Span", "Version", "read_history"]
