"""What lies in an evidence directory beside the proof: left over, waiting, or wrong; each with what it means.

Whether the log holds is for `evidence verify`. Nothing here may call a directory broken that is at work: what
a running process makes and takes away within moments is looked at only when it is older than that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

GRACE_SECONDS = 600
"""What is younger may be at work."""
Level = Literal["wrong", "left-over", "note"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding, and what it means.

    `wrong`: something may be lost or seen by others; `left-over`: safe, and can go or be brought to an end;
    `note`: safe, and nothing is to be done.
    """

    level: Level
    says: str
    is_repaired: bool = False
    """`--repair` does it."""


KINDS: dict[str, Kind] = {
    "key-open": Kind(
        "wrong",
        "Other users can read it. Whoever has the keys can forge the log and open the vault: if somebody "
        "else has been on this machine, think of a new key (docs/keys.md).",
        is_repaired=True,
    ),
    "key-shut": Kind("wrong", "Its owner cannot read it, and so cannot seal or open.", is_repaired=True),
    "private-open": Kind(
        "wrong", "Other users can read what is not sealed yet, or the sealed openings.", is_repaired=True
    ),
    "hold-without-key": Kind(
        "wrong",
        "The addresses held for this matter cannot be opened: their key is not here. Bring it back from the "
        "backup of the keys; until then day keys in its scope should stay.",
    ),
    "hold-unfinished": Kind(
        "left-over",
        "A hold that was stopped while it began or ended. Nothing is lost: begin it again, or end it.",
    ),
    "key-without-day": Kind(
        "note",
        "It opens nothing here: its day has no rows, after a restore without the vault or a stop at the "
        "wrong moment. Safe; it goes in its time.",
    ),
    "torn-unexplained": Kind(
        "wrong",
        "Bytes that were no whole record, set aside, and no record of the log says so. Keep them, and seal: "
        "the record should follow.",
    ),
    "torn": Kind(
        "note", "Bytes that were no whole record, set aside. Safe: a gap record names them. Keep them."
    ),
    "unsealed": Kind(
        "left-over",
        "Durable records of a process that has ended, and nobody seals. Nothing is lost: run vorbehalt "
        "evidence seal, or start the site.",
    ),
    "unsigned": Kind(
        "left-over",
        "Records written behind the checkpoint by a sealing that was stopped. Nothing is lost: the next "
        "sealing carries on.",
    ),
    "state-unreadable": Kind(
        "left-over",
        "The sealer's memory cannot be read. Safe: it is made again from the log.",
        is_repaired=True,
    ),
    "state-behind": Kind(
        "left-over",
        "The sealer's memory is older than the checkpoint, as after a restore. Safe: it is made again from "
        "the log.",
        is_repaired=True,
    ),
    "state-cut": Kind(
        "wrong",
        "The sealer remembers more records than are here: the log was cut, or an old copy was brought back. "
        "Nothing is sealed until that is settled; compare with a checkpoint kept elsewhere.",
    ),
    "state-other-root": Kind(
        "wrong",
        "The sealer remembers another log of this size. Nothing is sealed until that is settled; compare "
        "with a checkpoint kept elsewhere (evidence verify --against).",
    ),
    "partial-tile": Kind(
        "left-over",
        "A shorter version of a tile that is complete by now. Safe: the full one holds all of it.",
        is_repaired=True,
    ),
    "partial-bundle": Kind(
        "note",
        "A shorter version of a bundle of records that is complete by now. Safe; repair touches no records.",
    ),
    "partial-differs": Kind(
        "wrong",
        "A shorter version of a tile that says something else than the full one: run evidence verify.",
    ),
    "temporary": Kind(
        "left-over",
        "A file that was being written when its process was stopped, and never got its name. Safe.",
        is_repaired=True,
    ),
    "object-unnamed": Kind(
        "note",
        "No record names it: an address list that no claim was weighed against, or a process that stopped "
        "before its record. Safe; it only takes room.",
    ),
    "anchor-unnamed": Kind(
        "wrong", "No record names it, so that it proves nothing; evidence verify calls it unexpected."
    ),
    "checkpoint-unnamed": Kind(
        "note", "A kept checkpoint whose anchor was never recorded. Safe: verify compares the log with it."
    ),
    "answer-unnamed": Kind(
        "note",
        "An answer of an authority or a witness that no record names: stopped before. Safe; asked again.",
    ),
    "not-looked-at": Kind("note", "This user may not look into it; somebody who may should ask again."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: `path` within the directory, `detail` what is special about this one."""

    name: str
    path: str
    detail: str = ""

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    def as_json(self) -> dict[str, object]:
        return {
            "kind": self.name,
            "level": self.kind.level,
            "path": self.path,
            "detail": self.detail or None,
            "says": self.kind.says,
            "safe": self.kind.level != "wrong",
            "repairable": self.kind.is_repaired,
        }


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at, and when: `now` in nanoseconds UTC."""

    directory: Path
    now: int
    closed: set[str] = field(default_factory=set)
    """What this user may not read, as paths in the directory."""

    def is_old(self, path: Path) -> bool:
        """True if a file is there and no process can be at work on it any more."""
        try:
            return path.lstat().st_mtime_ns + GRACE_SECONDS * 10**9 <= self.now
        except OSError:
            return False

    def name(self, path: Path) -> str:
        return path.relative_to(self.directory).as_posix()

    def entries(self, folder: str) -> list[Path]:
        """Return what lies in a folder, sorted; nothing if there is none, or if it is closed."""
        try:
            return sorted((self.directory / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError:
            self.closed.add(folder)
            return []

    def may_read(self, top: str) -> bool:
        """True unless something that was looked for in a folder is closed."""
        return not any(path == top or path.startswith(f"{top}/") for path in self.closed)


def is_clean(findings: Sequence[Finding]) -> bool:
    """True if there is nothing to be done."""
    return all(found.kind.level == "note" for found in findings)


def sentences(findings: Sequence[Finding], shown: int = 5) -> Iterator[str]:
    """Yield lines for people: what is wrong first, each kind once, with its first places."""
    order = {"wrong": 0, "left-over": 1, "note": 2}
    counts = Counter(found.name for found in findings)
    for name in sorted(counts, key=lambda name: (order[KINDS[name].level], name)):
        kind = KINDS[name]
        yield f"{kind.level.upper()} {name} ({counts[name]}): {kind.says}"
        places = [found for found in findings if found.name == name]
        for found in places[:shown]:
            yield f"  {found.path}" + (f": {found.detail}" if found.detail else "")
        if len(places) > shown:
            yield f"  and {len(places) - shown} more"
