"""What may be pruned: whole bundles from the beginning, as far as nothing needs a record any longer.

One pass over the log. It asks the retention policy, the holds, the spools, and what records behind the border
rest on: what machines were told, and gaps that explain holes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from vorbehalt.evidence.history.records import POLICY_ACTIVE
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.reading.pruned import first_readable, read_list
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.spool.damage import first_number
from vorbehalt.evidence.spool.spool import SPOOL_NAME
from vorbehalt.evidence.tlog.leaf import decode_leaf, seen_of
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, read_entries
from vorbehalt.evidence.vault.holds import Hold, Record, in_scope
from vorbehalt.evidence.vault.holds_told import must_be_those_told, told_holds
from vorbehalt.evidence.vault.retention import Period
from vorbehalt.evidence.vault.vault import day_of

OF_CLAIMS = ("export", "hold", "notice")
"""Types that a claim against an operator rests on: kept as long as what proves whose requests those were."""
Leaf = dict[str, object]


@dataclass(frozen=True, slots=True)
class Policy:
    """The written retention policy: how long any record is kept, and openings by class."""

    records: Period
    periods: Mapping[str, Period]
    text: str

    def last_day(self, leaf: Mapping[str, object]) -> date:
        """Return the last day on which a record is kept; `date.max` where nothing says how long."""
        days = [self.records.last_day(date.fromisoformat(day_of(int(str(leaf["at"])))))]
        day, _, kind = str(leaf.get("vault", "")).partition(".")
        if leaf["type"] in OF_CLAIMS:
            day, kind = day_of(int(str(leaf["at"]))), "operator"
        if kind:
            period = self.periods.get(kind)
            days.append(period.last_day(date.fromisoformat(day)) if period is not None else date.max)
        return max(days)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A record that has to stay, and why."""

    index: int
    why: str


@dataclass(slots=True)
class Plan:
    """What pruning up to `minimum` takes away: entries from `begin` on, `bytes` of bundles, `objects`.

    `anchors` stay although their records go. `obstacle` is what stands in the way of the wish; `minimum` is
    then what would be possible.
    """

    begin: int
    wish: int
    minimum: int
    bytes: int = 0
    obstacle: Obstacle | None = None
    anchors: dict[str, str] = field(default_factory=dict)
    objects: list[str] = field(default_factory=list)


def make_plan(
    directory: Path,
    policy: Policy,
    holds: Collection[Hold],
    today: date,
    *,
    before: date | None = None,
    minimum: int | None = None,
) -> Plan:
    """Plan for all bundles whose records are of days before one, or below an index.

    Raises EvidenceError if the log cannot be read, or a hold that it tells of is not here. Verifies nothing
    but the checkpoint's signature.
    """
    must_be_those_told(told_holds(directory), [(hold.matter, hold.scope) for hold in holds])
    scan = _Scan(policy, today, held_by(directory, holds), _waiting(directory), before, minimum)
    size = open_log(directory)[1].size
    begin = first_readable(directory, size)
    for index, entry in _entries(directory, begin, size):
        scan.take(index, decode_leaf(entry), len(entry) + 2)
    if minimum is None:
        minimum = scan.young if scan.young is not None else size
    # The last bundle stays: the record of the pruning must stand behind what it names.
    wish = max(begin, min(minimum, (size - 1) if size else 0) // WIDTH * WIDTH)
    plan = Plan(begin, wish, wish)
    while plan.minimum > begin and (found := scan.obstacle(plan.minimum)) is not None:
        plan.obstacle = plan.obstacle or found
        plan.minimum = max(begin, found.index // WIDTH * WIDTH)
    _fill(directory, plan, scan)
    return plan


def held_by(directory: Path, holds: Collection[Hold]) -> dict[Record, str]:
    """Return the records under a hold, with the matter of one."""
    scopes = in_scope(directory, tuple(holds)) if holds else {}
    return {record: matter for matter, records in scopes.items() for record in records}


def _entries(directory: Path, begin: int, size: int) -> Iterator[tuple[int, bytes]]:
    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    for first in range(begin, size, WIDTH):
        yield from enumerate(read_entries(reader, bundle_name(first, size)), first)


def _waiting(directory: Path) -> dict[str, int]:
    """Return the first number that each writer's spools still hold: it may be sealed from there again."""
    found: dict[str, int] = {}
    for path in sorted((directory / "spool").iterdir()):
        if (match := SPOOL_NAME.fullmatch(path.name)) is not None and (number := first_number(path)) >= 0:
            found[match[1]] = min(number, found.get(match[1], number))
    return found


def _fill(directory: Path, plan: Plan, scan: _Scan) -> None:
    left: set[str] = set()
    for leaf in scan.prunes:
        before = read_list(leaf, lambda path: (directory / path).read_bytes())
        plan.anchors.update(before.anchors)
        # What an earlier pruning could not remove yet is tried again.
        left.update(before.objects)
    for index, leaf in scan.anchors:
        if index < plan.minimum and isinstance(files := seen_of(leaf).get("files"), list):
            plan.anchors.update({str(item["name"]): str(item["sha256"]) for item in files})
    store = ObjectStore(directory)
    gone = {name for name, index in scan.objects.items() if index < plan.minimum}
    gone |= left - scan.objects.keys()
    plan.objects = sorted(name for name in gone if store.path(name).is_file())
    plan.bytes = sum(size for first, size in scan.sizes.items() if first < plan.minimum)


@dataclass(slots=True)
class _Scan:
    policy: Policy
    today: date
    held: Mapping[Record, str]
    waiting: Mapping[str, int]
    before: date | None
    limit: int | None
    young: int | None = None
    """First record that is not before the given day."""
    first: Obstacle | None = None
    last_of: dict[str, int] = field(default_factory=dict)
    told: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Writer and host -> indices of its `policy-active` records."""
    next_number: dict[str, int] = field(default_factory=dict)
    holes: list[tuple[int, tuple[object, object, object]]] = field(default_factory=list)
    gaps: dict[tuple[object, object, object], int] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    """Object -> index of the last record that names it; those of anchors always stay."""
    anchors: list[tuple[int, Leaf]] = field(default_factory=list)
    prunes: list[Leaf] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)

    def take(self, index: int, leaf: Leaf, size: int) -> None:
        writer, number = str(leaf["w"]), int(str(leaf["s"]))
        self.sizes[index // WIDTH * WIDTH] = self.sizes.get(index // WIDTH * WIDTH, 0) + size
        day = date.fromisoformat(day_of(int(str(leaf["at"]))))
        if self.young is None and self.before is not None and day >= self.before:
            self.young = index
        is_wanted = self.young is None if self.limit is None else index < self.limit
        if is_wanted and self.first is None and (why := self._needs(leaf, writer, number)):
            self.first = Obstacle(index, why)
        self.last_of[writer] = index
        self._follow(index, leaf, writer, number)
        seen = seen_of(leaf)
        if leaf["type"] == POLICY_ACTIVE:
            self.told.setdefault((writer, str(seen.get("origin"))), []).append(index)
        elif leaf["type"] == "anchor":
            self.anchors.append((index, leaf))
        elif leaf["type"] == "prune":
            self.prunes.append(leaf)
        if isinstance(objects := leaf.get("objects"), list):
            # A token that stays is worth little without the root that it was checked against.
            last = 2**62 if leaf["type"] == "anchor" else index
            self.objects.update({str(name): max(last, self.objects.get(str(name), 0)) for name in objects})

    def obstacle(self, minimum: int) -> Obstacle | None:
        """Return a record below an index that must stay, or None."""
        if self.first is not None and self.first.index < minimum:
            return self.first
        for (writer, origin), indices in self.told.items():
            below = [index for index in indices if index < minimum]
            if below and self.last_of[writer] >= minimum:
                return Obstacle(
                    below[-1], f"it says what machines were told by {origin}; its process went on after that"
                )
        for index, hole in self.holes:
            if index >= minimum and (gap := self.gaps.get(hole, minimum)) < minimum:
                return Obstacle(gap, f"it explains records that miss before record {index}")
        return None

    def _needs(self, leaf: Leaf, writer: str, number: int) -> str:
        """Say why a record must stay by itself; "" if it need not."""
        last = self.policy.last_day(leaf)
        if last >= self.today:
            until = "without end" if last == date.max else f"until {last}"
            return f"the retention policy keeps it {until} ({self.policy.text})"
        if (matter := self.held.get((writer, number))) is not None:
            return f"it is under the hold {matter}"
        if number >= self.waiting.get(writer, number + 1):
            return "the process that wrote it still has it in its spool: restart that process and seal"
        return ""

    def _follow(self, index: int, leaf: Leaf, writer: str, number: int) -> None:
        expected = self.next_number.get(writer, number)
        self.next_number[writer] = number + 1
        if number > expected:
            self.holes.append((index, (writer, expected, number - 1)))
        if leaf["type"] == "gap":
            seen = seen_of(leaf)
            self.gaps[seen.get("writer"), seen.get("first"), seen.get("last")] = index
