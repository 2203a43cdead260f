"""What one row of a catalogue says: where a work lies, what it is called, and what rights are held in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

RIGHTS = ("composition", "lyrics", "recording", "artwork", "text", "image", "database")
_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
BASES = ("owner", "exclusive", "mandate")
"""In what capacity a right is held: as owner, by exclusive licence, by a mandate to enforce."""


@dataclass(frozen=True, slots=True)
class Right:
    """One right in a work. Dates are ISO 8601 (`until` is the last day), empty where nothing was said.

    `share` is in hundredths of a percent (10,000 is the whole), None where nothing was said; `territory` are
    ISO 3166-1 codes of two letters, empty for the world.
    """

    right: str
    basis: str = ""
    territory: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    share: int | None = None
    us_registration: str = ""
    us_registered: str = ""

    def overlaps(self, other: Right) -> bool:
        """True if both speak of the same right at some place and on some day."""
        return (
            self.right == other.right
            and (not self.territory or not other.territory or bool({*self.territory} & {*other.territory}))
            and (not self.since or not other.until or self.since <= other.until)
            and (not other.since or not self.until or other.since <= self.until)
        )

    def as_json(self) -> dict[str, object]:
        said = {
            "right": self.right,
            "basis": self.basis,
            "territory": list(self.territory),
            "from": self.since,
            "to": self.until,
            "share": self.share,
            "us_registration": self.us_registration,
            "us_registration_date": self.us_registered,
        }
        return {key: value for key, value in said.items() if value not in ("", [], None)}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Right:
        return cls(
            str(said["right"]),
            str(said.get("basis", "")),
            tuple(said.get("territory", ())),
            str(said.get("from", "")),
            str(said.get("to", "")),
            said.get("share"),
            str(said.get("us_registration", "")),
            str(said.get("us_registration_date", "")),
        )


@dataclass(frozen=True, slots=True)
class Contributor:
    """Somebody who made a work; `isni` without its scheme, empty where it was not said."""

    name: str
    isni: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """A work as the catalogue knows it. `ids` are in their one spelling; by the first it is called."""

    ids: tuple[str, ...]
    title: str = ""
    contributors: tuple[Contributor, ...] = ()
    kind: str = ""
    rights: tuple[Right, ...] = ()

    @property
    def id(self) -> str:
        return self.ids[0]

    def encode(self) -> bytes:
        """Return all but the first id as compact JSON, the same bytes for the same content."""
        said = {
            "ids": list(self.ids[1:]),
            "title": self.title,
            "by": [[person.name, person.isni] for person in self.contributors],
            "kind": self.kind,
            "rights": [right.as_json() for right in self.rights],
        }
        kept = {key: value for key, value in said.items() if value}
        return _ENCODER.encode(kept).encode("ascii")

    @classmethod
    def decode(cls, id: str, body: bytes) -> Work:
        said = json.loads(body)
        return cls(
            (id, *said.get("ids", ())),
            said.get("title", ""),
            tuple(Contributor(*person) for person in said.get("by", ())),
            said.get("kind", ""),
            tuple(map(Right.of_json, said.get("rights", ()))),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a work lies: a host (empty: whatever host the catalogue is for) and a path or a pattern.

    `path` is decoded and normal, as `Visit.path`; a pattern holds `*` or ends in `$` (RFC 9309).
    """

    path: str
    host: str = ""

    @property
    def is_pattern(self) -> bool:
        return "*" in self.path or self.path.endswith("$")

    @property
    def key(self) -> bytes:
        return f"{self.host}\n{self.path}".encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a catalogue: a work, and the places where it lies; `line` is 1-based."""

    line: int
    work: Work
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with a catalogue, with its line (0: the whole file)."""

    line: int
    message: str


@dataclass(slots=True)
class Notes:
    """What a reader says beside its entries, all of it counted: nothing is left out in silence."""

    flaws: list[Flaw] = field(default_factory=list)
    remarks: list[Flaw] = field(default_factory=list)
    flawed: int = 0
    remarked: int = 0

    MOST: ClassVar[int] = 200
    """So many are kept word for word; the rest is counted."""

    def flaw(self, line: int, message: str) -> None:
        self.flawed += 1
        if len(self.flaws) < self.MOST:
            self.flaws.append(Flaw(line, message))

    def remark(self, line: int, message: str) -> None:
        """Something to look at that makes nothing unusable."""
        self.remarked += 1
        if len(self.remarks) < self.MOST:
            self.remarks.append(Flaw(line, message))
