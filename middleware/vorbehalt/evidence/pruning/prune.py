"""Pruning: a record says from which index on the log is whole, then the bundles below it go.

The steps: the list that the record names (an object), the record, a seal, the bundles in ascending order, the
objects. A stop between any two of them leaves a log that verifies, and the next run carries on.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import Disk, locked
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.pruning.plan import Plan, held_by
from vorbehalt.evidence.reading.pruned import read_list
from vorbehalt.evidence.reading.query import show
from vorbehalt.evidence.reading.scan import scan_log, unsealed_leaves
from vorbehalt.evidence.receipt import Draft, RecordType
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.tlog.leaf import seen_of
from vorbehalt.evidence.tlog.tiles import ENTRIES, WIDTH, TileName
from vorbehalt.evidence.vault.holds import LOCK, holds

PRUNE: RecordType = "prune"
_DAY_SECONDS = 86_400
_SEAL_SECONDS = 30.0
_SEAL_PAUSE = 0.2


@dataclass(slots=True)
class Removed:
    """What is gone now: bundles, and objects."""

    bundles: int = 0
    objects: int = 0
    minimum: int = 0
    kept: list[str] = field(default_factory=list)
    """Objects that go with the next pruning: somebody has asked for them within a day."""


def draft(directory: Path, plan: Plan, policy: str, who: str, why: str, at: int) -> Draft:
    """Keep the list of a plan and return the record that names it. Raises EvidenceError."""
    body = {
        "anchors": {f"anchors/{name}": plan.anchors[name] for name in sorted(plan.anchors)},
        "objects": plan.objects,
    }
    listed = ObjectStore(directory).put(json.dumps(body, indent=1).encode("ascii"))
    seen: dict[str, object] = {
        "minimum": plan.minimum,
        "from": plan.begin,
        "entries": plan.minimum - plan.begin,
        "bytes": plan.bytes,
        "anchors_kept": len(plan.anchors),
        "objects_removed": len(plan.objects),
        "policy": policy,
        "who": who,
        "why": why,
        "objects": [listed],
    }
    return Draft(type=PRUNE, ref="", at=at, seen=seen)


def wait_until_sealed(
    directory: Path,
    minimum: int,
    *,
    key: Path | None = None,
    steady: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Seal, or wait until another process has sealed, the record that names `minimum`; raises EvidenceError.

    `key` is the signing key if it lies elsewhere.
    """
    deadline, reason = steady() + _SEAL_SECONDS, "another process seals"
    while _sealed(directory)[0] < minimum:
        if steady() >= deadline:
            raise EvidenceError(
                f"the record is not sealed yet, so nothing was removed; run this again later ({reason})"
            )
        try:
            seal_once(directory, key=key)
        except EvidenceError as error:
            reason = str(error)
            sleep(_SEAL_PAUSE)


def _sealed(directory: Path) -> tuple[int, list[Mapping[str, object]]]:
    """Return the highest minimum that sealed records name, 0 without one, and those records."""
    found = [leaf for _, leaf in scan_log(directory, (PRUNE,)).found]
    named = [seen_of(leaf).get("minimum") for leaf in found]
    return max((number for number in named if isinstance(number, int)), default=0), [*found]


def finish(directory: Path, disk: Disk | None = None, *, now: float | None = None) -> Removed:
    """Remove what sealed `prune` records let go and is still here; idempotent.

    `now` is in seconds since 1970. Raises EvidenceError if a hold has come in between: then nothing goes.
    """
    disk = disk or Disk()
    with locked(directory / "run" / LOCK):
        minimum, leaves = _sealed(directory)
        removed = Removed(minimum=minimum)
        here = [
            path
            for number in range(minimum // WIDTH)
            if (path := directory / "log" / TileName(ENTRIES, number).path).is_file()
        ]
        if here:
            _refuse_what_is_held(directory, minimum)
        for path in here:
            _remove_bundle(path, disk)
            removed.bundles += 1
        for folder in sorted({path.parent for path in here}):
            disk.sync_directory(folder)
        listed = [read_list(leaf, lambda path: (directory / path).read_bytes()).objects for leaf in leaves]
        wanted = {name for names in listed for name in names}
        _remove_objects(directory, wanted, removed, disk, time.time() if now is None else now)
        return removed


def _refuse_what_is_held(directory: Path, minimum: int) -> None:
    held = held_by(directory, holds(directory))
    for record in show(directory) if held else ():
        index = record["index"]
        assert isinstance(index, int)
        if index >= minimum:
            return
        if (matter := held.get((str(record["w"]), int(str(record["s"]))))) is not None:
            raise EvidenceError(
                f"record {index} is under the hold {matter}, begun since: nothing more is removed"
            )


def _remove_bundle(path: Path, disk: Disk) -> None:
    partials = path.with_name(f"{path.name}.p")
    if partials.is_dir():
        shutil.rmtree(partials)
    disk.remove(path)


def _remove_objects(directory: Path, wanted: set[str], removed: Removed, disk: Disk, now: float) -> None:
    store = ObjectStore(directory)
    here = sorted(name for name in wanted if store.path(name).is_file())
    named = _named(directory) if here else set()
    for name in here:
        path = store.path(name)
        if name in named:
            continue  # by a record of after that
        if now - path.stat().st_mtime < _DAY_SECONDS:
            removed.kept.append(name)
        else:
            disk.remove(path)
            disk.sync_directory(path.parent)
            removed.objects += 1


def _named(directory: Path) -> set[str]:
    """Return the objects that some record names, in the log or waiting for it."""
    found: set[str] = set()
    # The spools first: what is sealed meanwhile would be in neither.
    for leaf in (*unsealed_leaves(directory, None), *show(directory)):
        if isinstance(objects := leaf.get("objects"), list):
            found.update(objects)
    return found
