"""The records that tell the history of what machines were told, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.tlog.leaf import seen_of

POLICY_ACTIVE: Final = "policy-active"
IMPORTED: Final = "imported"
SIGNALS = "signals"
"""The kind of imported records that are signals."""
REQUEST: Final = "request"
"""The kind of those that are requests, each a line of an access log."""
ACCESS_LOG: Final = "access-log"
"""The kind of those that say that a whole access log was imported."""

_MAX_TIME = 10**19


@dataclass(frozen=True, slots=True)
class SetRecord:
    """A record that a set of signals came into force: `manifest` names what it consists of."""

    index: int
    at: int
    writer: str
    manifest: str
    config: str
    cause: str
    pending: frozenset[str]
    versions: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Imported:
    """What was brought in from before us: a document, or header sets where `document` is "".

    `valid_until` is None where nothing says that it ended. `hosts` are the names of the host's own entry, ()
    for the default host.
    """

    index: int
    hosts: tuple[str, ...]
    host: str
    document: str
    digest: str
    media_type: str
    valid_from: int
    valid_until: int | None
    how: str
    source: str
    custodian: str
    imported_at: int
    detail: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same import, whenever it was brought in."""
        detail = tuple(sorted((name, repr(value)) for name, value in self.detail.items()))
        return (
            self.hosts, self.host, self.document, self.digest, self.media_type, self.valid_from,
            self.valid_until, self.how, self.source, self.custodian, detail,
        )  # fmt: skip

    def seen(self) -> dict[str, object]:
        """Return what stands in the record."""
        return {
            "kind": SIGNALS,
            "not_contemporaneous": True,
            "host": self.host,
            "hosts": list(self.hosts),
            "document": self.document or None,
            "digest": self.digest,
            "media_type": self.media_type,
            "valid_from": str(self.valid_from),
            "valid_until": None if self.valid_until is None else str(self.valid_until),
            "how": self.how,
            "source": self.source,
            "custodian": self.custodian,
            "imported_at": str(self.imported_at),
            "detail": dict(self.detail),
            "objects": [self.digest],
        }


def read_set(index: int, leaf: dict[str, object]) -> SetRecord | None:
    """Read a `policy-active` record; None for one that names no manifest (an older form)."""
    seen = seen_of(leaf)
    manifest = seen.get("manifest")
    if not isinstance(manifest, str):
        return None
    pending, versions = seen.get("pending"), seen.get("versions")
    return SetRecord(
        index=index,
        at=int(str(leaf["at"])),
        writer=str(leaf["w"]),
        manifest=manifest,
        config=str(seen.get("config", "")),
        cause=str(seen.get("cause", "")),
        pending=frozenset(str(path) for path in pending) if isinstance(pending, list) else frozenset(),
        versions=versions if isinstance(versions, dict) else {},
    )


def read_imported(index: int, leaf: dict[str, object]) -> Imported | None:
    """Read an `imported` record; None for an import of something else. Raises EvidenceError."""
    seen = seen_of(leaf)
    if seen.get("kind") != SIGNALS:
        return None
    try:
        hosts, detail, until = seen["hosts"], seen["detail"], seen["valid_until"]
        if not isinstance(hosts, list) or not isinstance(detail, dict):
            raise TypeError("hosts or detail")
        return Imported(
            index=index,
            hosts=tuple(str(name) for name in hosts),
            host=str(seen["host"]),
            document=str(seen["document"] or ""),
            digest=str(seen["digest"]),
            media_type=str(seen["media_type"]),
            valid_from=int(str(seen["valid_from"])),
            valid_until=None if until is None else int(str(until)),
            how=str(seen["how"]),
            source=str(seen["source"]),
            custodian=str(seen["custodian"]),
            imported_at=int(str(seen["imported_at"])),
            detail=detail,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"record {index} is no import of signals: {error!r}") from None
