"""Legal holds: openings that a matter needs, kept under a key of its own while the keys of their days go.

`vault/held/MATTER/hold.json` says what is in scope; the rows beside it are those of the days, sealed again
under `keys/hold-MATTER.key`. Whoever changes the vault holds `run/vault.lock`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import PRIVATE_FILE, Disk, make_directories
from vorbehalt.evidence.forgetting import Pause, no_pause
from vorbehalt.evidence.frames import frame, scan_frames
from vorbehalt.evidence.log_walk import walk_log
from vorbehalt.evidence.openings import HELD, row_files
from vorbehalt.evidence.tlog.leaf import seen_of
from vorbehalt.evidence.vault import Keys, Row, parse_row, plain_of, seal_again

LOCK = "vault.lock"
MATTER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_TYPES = ("request", "signal-served", "imported", "attribution")

Record = tuple[str, int]
Tag = tuple[object, object]


@dataclass(frozen=True, slots=True)
class Hold:
    """What one matter needs: the records of an operator, or those of one reference. `since` is ns UTC."""

    matter: str
    operator: str
    ref: str
    since: int

    @property
    def scope(self) -> dict[str, object]:
        """Return what stands in its record."""
        return {"operator": self.operator} if self.operator else {"ref": self.ref}

    def covers(self, leaf: Mapping[str, object]) -> bool:
        """True if a record is in scope by what stands in it."""
        if self.ref:
            return leaf["ref"] == self.ref
        claim = seen_of(leaf).get("claim")
        return isinstance(claim, dict) and claim.get("operator") == self.operator


def holds(directory: Path) -> list[Hold]:
    """Return the holds in force. Raises EvidenceError for one that cannot be read: nothing may go then."""
    found = []
    for path in sorted((directory / "vault" / HELD).glob("*/hold.json")):
        try:
            raw = json.loads(path.read_text("ascii"))
            hold = Hold(path.parent.name, str(raw["operator"]), str(raw["ref"]), int(raw["since"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EvidenceError(f"the hold of {path.parent.name} cannot be read: {error}") from error
        found.append(hold)
    return found


def begin(directory: Path, hold: Hold, disk: Disk | None = None) -> int:
    """Put a hold in force; returns how many openings are now under it. Raises EvidenceError, OSError."""
    disk = disk or Disk()
    if not MATTER.fullmatch(hold.matter):
        raise EvidenceError("a matter is named by small letters, digits and hyphens, at most 64")
    if any(known.matter == hold.matter for known in holds(directory)):
        raise EvidenceError(f"there is a hold of the matter {hold.matter} already")
    folder = directory / "vault" / HELD / hold.matter
    make_directories(folder, disk)
    Keys(directory, disk).get_or_make(f"hold-{hold.matter}")
    text = json.dumps({"operator": hold.operator, "ref": hold.ref, "since": str(hold.since)})
    disk.replace(folder / "hold.json", text.encode("ascii"), directory / "run", PRIVATE_FILE)
    return secure(directory, hold, disk)


def end(directory: Path, matter: str, disk: Disk | None = None) -> tuple[Hold, int]:
    """Release a hold: its key is destroyed, its rows go. Returns it, and how many rows those were."""
    disk = disk or Disk()
    hold = next((known for known in holds(directory) if known.matter == matter), None)
    if hold is None:
        raise EvidenceError(f"there is no hold of the matter {matter}")
    folder = directory / "vault" / HELD / matter
    rows = sum(1 for path in folder.glob("*.rows") for _ in _rows(path))
    Keys(directory, disk).destroy(f"hold-{matter}")
    # The file that says it is a hold goes last: what a crash leaves is found again.
    for path in sorted(folder.iterdir(), key=lambda path: path.name == "hold.json"):
        path.unlink()
    folder.rmdir()
    disk.sync_directory(folder.parent)
    return hold, rows


def secure_all(directory: Path, disk: Disk | None = None, pause: Pause = no_pause) -> int:
    """Bring everything in scope under its holds, before something is destroyed; returns how much was new."""
    return sum(secure(directory, hold, disk, pause) for hold in holds(directory))


def secure(directory: Path, hold: Hold, disk: Disk | None = None, pause: Pause = no_pause) -> int:
    """Seal again under the matter's key what is in scope and not yet held; returns how many rows."""
    disk = disk or Disk()
    folder = directory / "vault" / HELD / hold.matter
    keys = Keys(directory, disk)
    matter_key = keys.get(f"hold-{hold.matter}")
    if matter_key is None:
        raise EvidenceError(f"the key of the matter {hold.matter} is not here")
    held = {
        (path.name.partition(".")[0], row.sequence) for path in folder.glob("*.rows") for row in _rows(path)
    }
    wanted = in_scope(directory, hold, pause) - held
    writers = {writer for writer, _ in wanted}
    fresh: dict[str, list[bytes]] = {}
    for path, matter in row_files(directory):
        writer = path.name.partition(".")[0]
        if matter or writer not in writers:
            continue
        for row in _rows(path):
            # Rows that were written twice after a fault are held once.
            if (writer, row.sequence) in wanted and (key := keys.get(f"day-{row.key}")) is not None:
                again = seal_again(row, plain_of(row, key, writer), matter_key, writer)
                fresh.setdefault(writer, []).append(frame(again.encode()))
                wanted.discard((writer, row.sequence))
    for writer, frames in fresh.items():
        number = sum(1 for _ in folder.glob(f"{writer}.*.rows"))
        path = folder / f"{writer}.{number}.rows"
        disk.replace(path, b"".join(frames), directory / "run", PRIVATE_FILE)
    return sum(map(len, fresh.values()))


def in_scope(directory: Path, hold: Hold, pause: Pause = no_pause) -> set[Record]:
    """Return the records that a hold covers, and what was looked up about the same clients in that month."""
    found: set[Record] = set()
    tags: set[Tag] = set()
    lookups: list[tuple[Record, Tag]] = []
    for leaf in walk_log(directory, _TYPES, b'"private":', pause):
        record, tag = (str(leaf["w"]), int(str(leaf["s"]))), _tag(leaf)
        if leaf["type"] == "attribution":
            lookups.append((record, tag))
        elif hold.covers(leaf):
            found.add(record)
            tags.add(tag)
    tags.discard((None, None))
    return found | {record for record, tag in lookups if tag in tags}


def _tag(leaf: Mapping[str, object]) -> Tag:
    """The month and the pseudonym of a record's client."""
    private = leaf.get("private")
    address = private.get("address") if isinstance(private, dict) else None
    return (address.get("month"), address.get("p")) if isinstance(address, dict) else (None, None)


def held_count(directory: Path) -> int:
    """Return how many records lie under some hold."""
    return len(
        {
            (path.name.partition(".")[0], row.sequence)
            for path, matter in row_files(directory)
            if matter
            for row in _rows(path)
        }
    )


def _rows(path: Path) -> Iterator[Row]:
    for payload in scan_frames(path.read_bytes()).payloads:
        if (row := parse_row(payload)) is not None:
            yield row
