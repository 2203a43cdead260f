"""Legal holds: openings that a matter needs, kept under a key of its own while the keys of their days go.

`vault/held/MATTER/hold.json` says what is in scope, sealed under the matter's key; the rows beside it are
those of the days, sealed again under `keys/hold-MATTER.key`. Whoever changes the vault holds
`run/vault.lock`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.files import PRIVATE_FILE, Disk, Pause, make_directories, no_pause
from vorbehalt.evidence.frames import frame, scan_frames
from vorbehalt.evidence.reading.walk import walk_log
from vorbehalt.evidence.tlog.leaf import seen_of
from vorbehalt.evidence.vault.hold_seal import open_hold, seal_hold
from vorbehalt.evidence.vault.holds_told import must_be_those_told, told_holds
from vorbehalt.evidence.vault.openings import HELD, row_files
from vorbehalt.evidence.vault.vault import Keys, Row, parse_row, plain_of, seal_again

LOCK = "vault.lock"
MATTER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_LOOKED_UP = b'"type":"attribution"'
_OPERATOR = re.compile(rb'"operator":("(?:[^"\\]|\\.)*")')
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


def holds(directory: Path, *, with_keys: bool = True) -> list[Hold]:
    """Return the holds in force. Raises EvidenceError for one that cannot be read: nothing may go then.

    Each is held to the seal of its matter's key; `with_keys` False takes one whose key is gone as it stands.
    """
    found, keys = [], Keys(directory)
    for path in sorted((directory / "vault" / HELD).glob("*/hold.json")):
        matter = path.parent.name
        if (key := keys.get(f"hold-{matter}")) is None and with_keys:
            raise EvidenceError(f"the key of the matter {matter} is not here")
        try:
            said = open_hold(key, matter, path.read_bytes())
        except (OSError, TamperError) as error:
            raise EvidenceError(f"the hold of {matter}: {error}") from error
        found.append(Hold(matter, said["operator"], said["ref"], int(said["since"])))
    return found


def begin(directory: Path, hold: Hold, disk: Disk | None = None) -> int:
    """Put a hold in force; returns how many openings are now under it. Raises EvidenceError, OSError."""
    return begin_all(directory, [hold], disk)[hold.matter]


def begin_all(directory: Path, fresh: Sequence[Hold], disk: Disk | None = None) -> dict[str, int]:
    """Put holds in force with one pass over the log; returns openings by matter. Raises like `begin`."""
    disk = disk or Disk()
    known = {hold.matter for hold in holds(directory)}
    for hold in fresh:
        if not MATTER.fullmatch(hold.matter):
            raise EvidenceError("a matter is named by small letters, digits and hyphens, at most 64")
        if hold.matter in known:
            raise EvidenceError(f"there is a hold of the matter {hold.matter} already")
        known.add(hold.matter)
    for hold in fresh:
        folder = directory / "vault" / HELD / hold.matter
        make_directories(folder, disk)
        key = Keys(directory, disk).get_or_make(f"hold-{hold.matter}")
        said = {"operator": hold.operator, "ref": hold.ref, "since": str(hold.since)}
        sealed = seal_hold(key, hold.matter, said)
        disk.replace(folder / "hold.json", sealed, directory / "run", PRIVATE_FILE)
    return secure_many(directory, fresh, disk)


def end(directory: Path, matter: str, disk: Disk | None = None) -> tuple[Hold, int]:
    """Release a hold: its key is destroyed, its rows go. Returns it, and how many rows those were."""
    disk = disk or Disk()
    known = {hold.matter: hold for hold in holds(directory, with_keys=False)}
    if matter not in known and (scope := told_holds(directory).get(matter)) is not None:
        # Stopped between its end and the record of that, or taken away: there is nothing left to release.
        return Hold(matter, str(scope.get("operator", "")), str(scope.get("ref", "")), 0), 0
    if (hold := known.get(matter)) is None:
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
    known = holds(directory)
    must_be_those_told(told_holds(directory, pause), [(hold.matter, hold.scope) for hold in known])
    return sum(secure_many(directory, known, disk, pause).values())


def secure_many(
    directory: Path, chosen: Sequence[Hold], disk: Disk | None = None, pause: Pause = no_pause
) -> dict[str, int]:
    """Seal again under each matter's key what is in scope and not yet held; returns how many rows of each."""
    disk = disk or Disk()
    keys = Keys(directory, disk)
    matter_keys: dict[str, bytes] = {}
    wanted: dict[Record, list[str]] = {}
    for hold in chosen:
        if (key := keys.get(f"hold-{hold.matter}")) is None:
            raise EvidenceError(f"the key of the matter {hold.matter} is not here")
        matter_keys[hold.matter] = key
    for matter, scope in in_scope(directory, chosen, pause).items():
        for record in scope - _held(directory, matter):
            wanted.setdefault(record, []).append(matter)
    writers = {writer for writer, _ in wanted}
    fresh: dict[tuple[str, str], list[bytes]] = {}
    for path, under in row_files(directory):
        writer = path.name.partition(".")[0]
        if under or writer not in writers:
            continue
        for row in _rows(path):
            if (writer, row.sequence) not in wanted or (key := keys.get(f"day-{row.key}")) is None:
                continue
            # Rows that were written twice after a fault are held once.
            for matter in wanted.pop((writer, row.sequence)):
                again = seal_again(row, plain_of(row, key, writer), matter_keys[matter], writer)
                fresh.setdefault((matter, writer), []).append(frame(again.encode()))
    counts = dict.fromkeys(matter_keys, 0)
    for (matter, writer), frames in fresh.items():
        folder = directory / "vault" / HELD / matter
        number = sum(1 for _ in folder.glob(f"{writer}.*.rows"))
        disk.replace(folder / f"{writer}.{number}.rows", b"".join(frames), directory / "run", PRIVATE_FILE)
        counts[matter] += len(frames)
    return counts


def in_scope(directory: Path, chosen: Sequence[Hold], pause: Pause = no_pause) -> dict[str, set[Record]]:
    """Return by matter the records that a hold covers, and what was looked up about the same clients then.

    "Then" is that month: a pseudonym lasts no longer.
    """
    found: dict[str, set[Record]] = {hold.matter: set() for hold in chosen}
    tags: dict[Tag, set[str]] = {}
    lookups: list[tuple[Record, Tag]] = []
    by_operator: dict[object, list[Hold]] = {}
    by_ref: dict[object, list[Hold]] = {}
    for hold in chosen:
        by = by_ref if hold.ref else by_operator
        by.setdefault(hold.ref or hold.operator, []).append(hold)
    names = {json.dumps(name).encode("ascii") for name in by_operator}

    def wants(entry: bytes) -> bool:
        # Quotation marks inside texts are escaped: the mark stands only where a key stands.
        return bool(by_ref) or _LOOKED_UP in entry or any(name in names for name in _OPERATOR.findall(entry))

    for leaf in walk_log(directory, _TYPES, b'"private":', pause, wants):
        record, tag = (str(leaf["w"]), int(str(leaf["s"]))), _tag(leaf)
        if leaf["type"] == "attribution":
            lookups.append((record, tag))
            continue
        claim = seen_of(leaf).get("claim")
        operator = claim.get("operator") if isinstance(claim, dict) else None
        for hold in (*by_operator.get(operator, ()), *by_ref.get(leaf["ref"], ())):
            found[hold.matter].add(record)
            tags.setdefault(tag, set()).add(hold.matter)
    tags.pop((None, None), None)
    for record, tag in lookups:
        for matter in tags.get(tag, ()):
            found[matter].add(record)
    return found


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


def _held(directory: Path, matter: str) -> set[Record]:
    folder = directory / "vault" / HELD / matter
    return {
        (path.name.partition(".")[0], row.sequence) for path in folder.glob("*.rows") for row in _rows(path)
    }


def _rows(path: Path) -> Iterator[Row]:
    for payload in scan_frames(path.read_bytes()).payloads:
        if (row := parse_row(payload)) is not None:
            yield row
