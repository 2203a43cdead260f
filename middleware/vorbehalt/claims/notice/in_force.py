"""Since when the reservation has been in force, and by which documents: read from the log's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vorbehalt.evidence.history.history import History, Version

_LANGUAGE = "?lang="


@dataclass(frozen=True, slots=True)
class InForce:
    """What one host declares now. Times are nanoseconds UTC.

    `since`: from when on every use that is reserved now has been reserved by sets that follow each other
    without a gap; `set_since`: since when the present set holds. `documents` are paths with SHA-256 hex; what
    nobody has been served yet is not among them. `uses` are reserved on the rest of the site, or, where that
    reserves nothing, somewhere.
    """

    origin: str
    since: int
    set_since: int
    digest: str
    record: int
    documents: tuple[tuple[str, str], ...]
    uses: tuple[str, ...]
    has_sections: bool


def in_force(history: History, host: str, own_hosts: frozenset[str], at: int) -> InForce | None:
    """Return what the log says of a host ("" is the default) at a time, and proves the record of it.

    None if nothing of our own was in force then. Raises TamperError if the record or an object does not hold.
    """
    version, versions = history.at(at, host, own_hosts)
    if version is None or version.manifest is None:
        return None
    history.prove(version.record)
    manifest = version.manifest
    pending = {*version.pending_at(at)}
    shown = {
        path: part.digest
        for path, part in manifest.documents.items()
        if _LANGUAGE not in path and path not in pending
    }
    for digest in shown.values():
        history.read(digest, version.record)
    return InForce(
        origin=manifest.origin,
        since=_since(version, versions),
        set_since=version.span.start,
        digest=version.digest,
        record=version.record,
        documents=tuple(sorted(shown.items())),
        uses=_uses(version),
        has_sections=len(_reserved(version)) > 1,
    )


def _since(version: Version, versions: Sequence[Version]) -> int:
    wanted = {*_uses(version)}
    start = version.span.start
    for earlier in reversed([other for other in versions if other.span.start < start]):
        if earlier.span.end != start or earlier.manifest is None or not wanted <= {*_uses(earlier)}:
            break
        start = earlier.span.start
    return start


def _reserved(version: Version) -> dict[str, tuple[str, ...]]:
    assert version.manifest is not None
    return {name: uses for name, uses in version.manifest.reserved.items() if not name.startswith("~")}


def _uses(version: Version) -> tuple[str, ...]:
    reserved = _reserved(version)
    return reserved.get("", ()) or tuple(dict.fromkeys(use for uses in reserved.values() for use in uses))
