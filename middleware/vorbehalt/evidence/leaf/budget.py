"""How many full records a client and an operator may cause, and exact counts for all beyond. Pure.

Counters live in memory; times (nanoseconds UTC) are arguments. Not thread-safe: the log calls it under its
lock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from vorbehalt.evidence.receipt import Draft

NANOSECONDS_A_MINUTE = 60 * 10**9
OTHER = ("other",)
_MAX_PENDING_MINUTES = 10
_MAX_CLIENTS = 20_000
_MAX_FOLDED = 10_000
_MAX_KEY_PART = 128
_ROWS_BYTES = 8 * 1024
_CHARGED = frozenset({"request", "signal-served", "completion"})


@dataclass(slots=True)
class Row:
    """Exact counts of one key in one minute: visits, completed answers among them, bytes delivered."""

    count: int = 0
    completed: int = 0
    amount: int = 0
    first_at: int = 0
    last_at: int = 0

    def add(self, at: int, count: int, completed: int, amount: int) -> None:
        if not self.last_at:
            self.first_at = at
        self.first_at = min(self.first_at, at)
        self.last_at = max(self.last_at, at)
        self.count += count
        self.completed += completed
        self.amount += amount

    def as_json(self, key: tuple[str, ...]) -> dict[str, object]:
        return {
            "key": [part[:_MAX_KEY_PART] for part in key],
            "count": str(self.count),
            "completed": str(self.completed),
            "bytes": str(self.amount),
            "first_at": str(self.first_at),
            "last_at": str(self.last_at),
        }


@dataclass(slots=True)
class Minute:
    """The rollup of one minute; keys beyond the bound are counted together under `other`."""

    start: int
    rows: dict[tuple[str, ...], Row] = field(default_factory=dict)

    def add(
        self, key: tuple[str, ...], at: int, max_keys: int, *, count: int, completed: int = 0, amount: int = 0
    ) -> None:
        row = self.rows.get(key)
        if row is None:
            if len(self.rows) >= max_keys:
                key = OTHER
            row = self.rows.setdefault(key, Row())
        row.add(at, count, completed, amount)

    @property
    def total(self) -> int:
        return sum(row.count for row in self.rows.values())

    def seen(self) -> list[dict[str, object]]:
        """Return the `seen` parts of the rollup records of this minute, each small enough for a leaf."""
        parts: list[list[dict[str, object]]] = [[]]
        size = 0
        for key, row in self.rows.items():
            shown = row.as_json(key)
            weight = len(json.dumps(shown))
            if size + weight > _ROWS_BYTES and parts[-1]:
                parts.append([])
                size = 0
            parts[-1].append(shown)
            size += weight
        return [
            {"minute": str(self.start), "part": index, "parts": len(parts), "rows": rows}
            for index, rows in enumerate(parts)
        ]


class Budget:
    """Admits full records up to a budget a minute and counts the rest, exactly, by key and minute."""

    def __init__(self, per_client: int = 60, per_operator: int = 6_000, max_keys: int = 10_000) -> None:
        self._per_client = per_client
        self._per_operator = per_operator
        self._max_keys = max_keys
        self._charged_minute = -1
        self._clients: dict[tuple[str, bool], int] = {}
        self._operators: dict[tuple[str, bool], int] = {}
        self._folded: dict[str, None] = {}
        self._minute: Minute | None = None
        self._finished: list[Minute] = []
        self.is_capped = False
        """The disk may hold no more: visits are only counted. A request with a record still gets its end."""
        self.dropped = 0
        """Visits counted in minutes that were given up because they could not be written for too long."""

    def admit(self, draft: Draft) -> bool:
        """Charge a draft; False if its budget is spent, and then it is counted instead.

        A completion follows its request: counted if that was, else kept, within a budget of its own.
        """
        if draft.type not in _CHARGED:
            return True
        completes = draft.type == "completion"
        if completes and draft.ref in self._folded:
            del self._folded[draft.ref]
        elif (completes or not self.is_capped) and self._charge(draft, completes):
            return True
        elif not completes:
            if len(self._folded) >= _MAX_FOLDED:
                del self._folded[next(iter(self._folded))]
            self._folded[draft.ref] = None
        minute = self._open(draft.at)
        key = draft.rollup or (draft.type,)
        if completes:
            minute.add(key, draft.at, self._max_keys, count=0, completed=1, amount=draft.amount)
        else:
            minute.add(key, draft.at, self._max_keys, count=1, amount=draft.amount)
        return False

    def count(self, key: tuple[str, ...], at: int, amount: int = 0) -> None:
        """Count one visit that leaves no record of its own."""
        self._open(at).add(key, at, self._max_keys, count=1, amount=amount)

    def finish(self, now: int) -> None:
        """Close the open minute if `now` lies behind it."""
        if (
            self._minute is not None
            and now // NANOSECONDS_A_MINUTE > self._minute.start // NANOSECONDS_A_MINUTE
        ):
            self._close()

    def take(self, *, everything: bool = False) -> list[Minute]:
        """Return the finished minutes and forget them; with `everything` the open minute, too."""
        if everything and self._minute is not None:
            self._close()
        taken, self._finished = self._finished, []
        return taken

    @property
    def has_finished(self) -> bool:
        return bool(self._finished)

    @property
    def is_counting(self) -> bool:
        """True if something was counted that no record says yet."""
        return self._minute is not None or bool(self._finished)

    def _charge(self, draft: Draft, completes: bool) -> bool:
        number = draft.at // NANOSECONDS_A_MINUTE
        if number > self._charged_minute:
            self._charged_minute = number
            self._clients.clear()
            self._operators.clear()
        client = (draft.client, completes)
        spent = self._clients.get(client)
        if spent is None and len(self._clients) >= _MAX_CLIENTS:
            client = ("", completes)
            spent = self._clients.get(client)
        spent = spent or 0
        operator = (draft.operator, completes)
        used = self._operators.get(operator, 0)
        if spent >= self._per_client or used >= self._per_operator:
            return False
        self._clients[client] = spent + 1
        self._operators[operator] = used + 1
        return True

    def _open(self, at: int) -> Minute:
        start = at - at % NANOSECONDS_A_MINUTE
        if self._minute is not None and start > self._minute.start:
            self._close()
        if self._minute is None:
            self._minute = Minute(start)
        # A clock that went back counts into the open minute; first_at and last_at show it.
        return self._minute

    def _close(self) -> None:
        assert self._minute is not None
        self._finished.append(self._minute)
        self._minute = None
        if len(self._finished) > _MAX_PENDING_MINUTES:
            self.dropped += self._finished.pop(0).total
