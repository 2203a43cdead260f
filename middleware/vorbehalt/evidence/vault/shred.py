"""Forgetting on purpose: what had its time, a day, all before a day, one address. Holds are secured first.

Everything here happens under `run/vault.lock`, and is told to the log by a `shred` record with numbers only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

from vorbehalt.evidence.files import Disk, Pause, locked, no_pause
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault.forgetting import destroy_day, erase_day, erase_rows
from vorbehalt.evidence.vault.holds import LOCK, held_count, secure_all
from vorbehalt.evidence.vault.openings import openings
from vorbehalt.evidence.vault.retention import Period, day_keys, expired_days, expired_months
from vorbehalt.evidence.vault.vault import Keys

_MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Shredded:
    """What was done: keys destroyed by name, openings overwritten one by one, and how many are still held."""

    scope: str
    keys: tuple[str, ...] = ()
    openings: int = 0
    held: int = 0

    @property
    def is_nothing(self) -> bool:
        """True if there was nothing to forget."""
        return not self.keys and not self.openings

    def seen(self, who: str, why: str) -> dict[str, object]:
        """Return what stands in the record."""
        return {
            "scope": self.scope,
            "keys": list(self.keys[:_MOST_NAMED]),
            "keys_count": len(self.keys),
            "openings": self.openings,
            "held": self.held,
            "who": who,
            "why": why,
        }

    def draft(self, at: int, who: str, why: str) -> Draft:
        """Return its record."""
        return Draft(type="shred", ref="", at=at, seen=self.seen(who, why))


@contextmanager
def _vault(directory: Path, disk: Disk | None, pause: Pause = no_pause) -> Iterator[Keys]:
    with locked(directory / "run" / LOCK):
        secure_all(directory, disk, pause)
        yield Keys(directory, disk)


def shred_expired(
    directory: Path,
    periods: Mapping[str, Period],
    today: date,
    disk: Disk | None = None,
    pause: Pause = no_pause,
) -> Shredded:
    """Destroy the keys that have had their time. Raises EvidenceError if a hold cannot be honoured."""
    names = Keys(directory).names()
    days, months = expired_days(names, periods, today), expired_months(names, today)
    if not days and not months:
        return Shredded("expired")
    with _vault(directory, disk, pause) as keys:
        found = _destroy(directory, keys, days, months, disk, pause)
        return Shredded("expired", found, 0, held_count(directory))


def shred_days(
    directory: Path,
    today: date,
    *,
    before: date | None = None,
    day: date | None = None,
    pseudonyms: bool = False,
    disk: Disk | None = None,
) -> Shredded:
    """Forget the openings of one day, or of all before one; with `pseudonyms` those months' keys as well.

    Today and yesterday may still be written to: their openings are overwritten, their keys go in their time.
    """
    last_closed = (today - timedelta(days=2)).isoformat()
    with _vault(directory, disk) as keys:
        wanted = [
            (name, kind)
            for name, kind in day_keys(keys.names())
            if (day is not None and name == day.isoformat())
            or (before is not None and name < before.isoformat())
        ]
        closed = [item for item in wanted if item[0] <= last_closed]
        erased = sum(erase_day(directory, name, kind, disk) for name, kind in wanted if name > last_closed)
        months = {f"month-{name[:7]}" for name, _ in wanted} if pseudonyms else set()
        found = _destroy(directory, keys, closed, sorted(months), disk)
        scope = f"day {day}" if day is not None else f"before {before}"
        return Shredded(scope, found, erased, held_count(directory))


def shred_address(
    directory: Path, address: str, *, pseudonyms: bool = False, disk: Disk | None = None
) -> Shredded:
    """Forget every opening that names an address (canonical form), but for those that a hold needs.

    With `pseudonyms` the keys of the months in which it was seen go too: as long as one lives, whoever has
    it can tell the address's records by their pseudonym.
    """
    with _vault(directory, disk) as keys:
        named = [opening for opening in openings(directory) if opening.names(address)]
        erased, months, held = 0, set[str](), set[tuple[str, int]]()
        loose = [opening for opening in named if not opening.matter]
        for path, group in groupby(loose, key=lambda opening: opening.path):
            numbers = {opening.row.sequence for opening in group}
            erased += erase_rows(path, lambda row, numbers=numbers: row.sequence in numbers, disk)  # type: ignore[misc]
            months.add(f"month-{path.parent.name[:7]}")
        held.update(opening.record for opening in named if opening.matter)
        found = _destroy(directory, keys, (), sorted(months) if pseudonyms else (), disk)
        return Shredded("address", found, erased, len(held))


def _destroy(
    directory: Path,
    keys: Keys,
    days: Iterable[tuple[str, str]],
    months: Iterable[str],
    disk: Disk | None,
    pause: Pause = no_pause,
) -> tuple[str, ...]:
    found = [f"day-{day}.{kind}" for day, kind in days if destroy_day(directory, day, kind, disk, pause)]
    return (*found, *(name for name in months if keys.destroy(name)))
