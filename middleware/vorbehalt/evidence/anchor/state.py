"""How far each anchor has come: `run/anchors.json`. A cache: if it is lost, everybody is asked once more."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from vorbehalt.evidence.files import PRIVATE_FILE, Disk

NAME = "anchors.json"


@dataclass(slots=True)
class Progress:
    """One target. Times are nanoseconds of the wall clock, 0: never.

    `size` is that of the last checkpoint it has anchored, `time` what it says the time was then. `failures`
    counts since the last success, `since` is the first of them, `why` the last reason, `told` when a record
    last said so. `contradicts`: it says that our log is not the one it saw before.
    """

    size: int = 0
    time: int = 0
    at: int = 0
    tried: int = 0
    failures: int = 0
    since: int = 0
    why: str = ""
    told: int = 0
    contradicts: bool = False
    status: int = 0
    """When it was last asked whether the certificates of a token were revoked."""


def load(directory: Path) -> dict[str, Progress]:
    """Read the state of all targets by name; what cannot be read counts as none."""
    try:
        raw = json.loads((directory / "run" / NAME).read_text("ascii"))
        return {str(name): _progress(item) for name, item in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _progress(item: dict[str, object]) -> Progress:
    found = Progress()
    for field in fields(Progress):
        value = item.get(field.name)
        if type(value) is type(getattr(found, field.name)):
            setattr(found, field.name, value)
    return found


def save(directory: Path, state: dict[str, Progress], disk: Disk) -> None:
    """Replace the state durably."""
    text = json.dumps({name: asdict(item) for name, item in state.items()}, indent=1)
    disk.replace(directory / "run" / NAME, text.encode("ascii"), directory / "run", PRIVATE_FILE)
