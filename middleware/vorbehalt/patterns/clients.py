"""The clients of one worker: at most 100,000 that were seen three times, and a few thousand newcomers.

A client is an address (IPv6: its /64) together with the fingerprint of its headers: two people behind one
address with different browsers are two clients. Addresses that come once must not cost memory that lasts: a
newcomer's record lies in a ring that is soon overwritten, and moves to the table at its third request. A
count-min sketch remembers how often those were seen who fell out of the ring before.
"""

from __future__ import annotations

from typing import Final

from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.sketches import CountMin

CAPACITY: Final = 100_000
NEWCOMERS: Final = 8_192
_SEEN: Final = 3
"""Requests after which a client is kept."""

_SAMPLE: Final = 8
"""Of so many neighbours, the one idle for longest makes room: close to LRU, without a list to keep."""

_MASK: Final = (1 << 60) - 1
_ODD: Final = 0x9E3779B97F4A7C15


def prefix_of(address: str) -> str:
    """What of an address (canonical text) is one client: all of IPv4, the first 64 bits of IPv6."""
    if ":" not in address:
        return address
    head, gap, _ = address.partition("::")
    groups = head.split(":")
    if not gap or len(groups) >= 4:
        return ":".join(groups[:4])
    # The gap may end within the first four groups: `2001:db8::1:2:3:4:5` is 2001:db8:0:1 and more.
    tail = address[len(head) + 2 :].split(":") if not address.endswith("::") else []
    zeros = ["0"] * (8 - len([group for group in groups if group]) - len(tail))
    return ":".join([*(group for group in groups if group), *zeros, *tail][:4])


def client_key(prefix: str, fingerprint: bytes) -> int:
    """The key of a client: 60 bits, for this process only."""
    return hash((prefix, fingerprint)) & _MASK


class Clients:
    """Records by key. `get` is for the fast path, `meet` for everything that is not known yet.

    Who has marks takes two places, because marks take as much memory again: a fleet of disguised clients
    halves the table and does not double it.
    """

    __slots__ = (
        "_capacity",
        "_door",
        "_hand",
        "_keys",
        "_marked",
        "_newcomers",
        "_ring",
        "_ring_hand",
        "_table",
        "evicted",
        "get",
    )

    def __init__(self, capacity: int = CAPACITY, newcomers: int = NEWCOMERS) -> None:
        self._table: dict[int, ClientRecord] = {}
        self._keys: list[int] = []
        self._capacity = capacity
        self._hand = 0
        self._marked = 0
        self._newcomers: dict[int, ClientRecord] = {}
        self._ring: list[int | None] = [None] * newcomers
        self._ring_hand = 0
        self._door = CountMin()
        self.evicted = 0
        #: `get(key)`: the record of a client that was seen often enough, or None.
        self.get = self._table.get

    def __len__(self) -> int:
        return len(self._table)

    def meet(self, key: int, now: int, *, keep: bool = False) -> ClientRecord:
        """Return the record of a client for one more request. `keep`: what it did must not be forgotten."""
        record = self._table.get(key)
        if record is not None:
            if not record.is_over(now):
                return record
            self._marked -= record.marks is not None
            fresh = ClientRecord(now)
            self._table[key] = fresh
            return fresh
        record = self._newcomers.get(key)
        seen = self._door.add(key * _ODD & 0xFFFFFFFFFFFFFFFF, now)
        if record is None or record.is_over(now):
            fresh = ClientRecord(now)
            if record is not None:
                self._newcomers[key] = fresh
            record = fresh
        if keep or seen >= _SEEN:
            self._newcomers.pop(key, None)
            self._keep(key, record, now)
        elif key not in self._newcomers:
            self._welcome(key, record)
        return record

    def find(self, key: int) -> ClientRecord | None:
        """The record of a client, newcomer or not, without counting anything."""
        return self._table.get(key) or self._newcomers.get(key)

    def _welcome(self, key: int, record: ClientRecord) -> None:
        hand = self._ring_hand
        gone = self._ring[hand]
        if gone is not None:
            self._newcomers.pop(gone, None)
        self._ring[hand] = key
        self._newcomers[key] = record
        self._ring_hand = (hand + 1) % len(self._ring)

    def got_marks(self, key: int) -> None:
        """Take note that a client has marks from now on, which it had not before."""
        if key in self._table:
            self._marked += 1
            self._make_room(0)

    def _keep(self, key: int, record: ClientRecord, now: int) -> None:
        self._sweep(now)
        has_marks = record.marks is not None
        self._make_room(1 + has_marks)
        self._keys.append(key)
        self._table[key] = record
        self._marked += has_marks

    def _make_room(self, places: int) -> None:
        while self._keys and len(self._keys) + self._marked + places > self._capacity:
            self._remove(self._idlest())
            self.evicted += 1

    def _remove(self, place: int) -> None:
        keys = self._keys
        gone = self._table.pop(keys[place])
        self._marked -= gone.marks is not None
        keys[place] = keys[-1]
        keys.pop()

    def _sweep(self, now: int) -> None:
        """Look at two old clients whenever one comes; who is over goes. So it shrinks without a timer."""
        for _ in range(2):
            if not self._keys:
                return
            self._hand = (self._hand + 1) % len(self._keys)
            if self._table[self._keys[self._hand]].is_over(now):
                self._remove(self._hand)

    def _idlest(self) -> int:
        """The place whose client was last seen before its neighbours; marks that last count as presence."""
        size = len(self._keys)
        start = self._hand
        self._hand = (start + _SAMPLE) % size
        places = [(start + step) % size for step in range(min(_SAMPLE, size))]
        return min(places, key=lambda place: self._stays(self._table[self._keys[place]]))

    @staticmethod
    def _stays(record: ClientRecord) -> float:
        return record.last + (record.marks.lasts if record.marks is not None else 0.0)
