"""Counting much in little memory: how often, how many different, how much lately. Pure; times are arguments.

Nothing here keeps what it counted: only hashes come in. Times are nanoseconds UTC; a clock that goes back
starts the ageing anew and neither breaks nor freezes a count.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from math import log
from typing import Final

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

_ROWS: Final = 4
_WIDTH: Final = 65_536
_FULL: Final = 65_535
_HALVING: Final = 10 * MINUTE
_LOW: Final = _WIDTH - 1


def hash64(data: bytes) -> int:
    """A hash of 64 bits that is the same in every process: BLAKE2b."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


class CountMin:
    """How often was each key seen: a count-min sketch of 4 rows of 65,536 cells (0.5 MB).

    With conservative update (Estan and Varghese 2002). All counts are halved every 10 min, and whenever
    `load` keys were added since: a flood must not fill the sketch until everybody seems known. Between two
    halvings an estimate is never below the true count, and is above it by more than e / 65,536 of all that is
    counted in fewer than 2 % of the cases (e ** -4, Cormode and Muthukrishnan 2005): with the usual load,
    mostly not at all. Counts stop at 65,535. Keys are hashes of 64 well mixed bits.
    """

    __slots__ = ("_added", "_aged_at", "_cells", "_load")

    def __init__(self, load: int = _WIDTH // 2) -> None:
        self._cells = array("H", bytes(2 * _ROWS * _WIDTH))
        self._aged_at = 0
        self._added = 0
        self._load = load

    def add(self, key: int, now: int) -> int:
        """Count a key once more; return its count, this time included."""
        if not 0 <= now - self._aged_at < _HALVING:
            self._age(now)
        elif self._added >= self._load:
            self._halve(1)
        self._added += 1
        cells = self._cells
        places = _places(key)
        least = min([cells[place] for place in places])
        if least == _FULL:
            return least
        for place in places:
            if cells[place] == least:
                cells[place] = least + 1
        return least + 1

    def count(self, key: int) -> int:
        """How often a key was seen, as of the last `add`."""
        return min([self._cells[place] for place in _places(key)])

    def _age(self, now: int) -> None:
        passed = (now - self._aged_at) // _HALVING
        if 0 < passed < 16:
            self._halve(passed)
            self._aged_at += passed * _HALVING
            return
        if passed > 0:
            self._cells = array("H", bytes(2 * _ROWS * _WIDTH))
            self._added = 0
        self._aged_at = now

    def _halve(self, times: int) -> None:
        # All cells at once, as one number: a shift, and the bits that came from the neighbour cut off.
        size = 2 * _ROWS * _WIDTH
        kept = int.from_bytes((_FULL >> times).to_bytes(2, "little") * (size // 2), "little")
        halved = (int.from_bytes(_little(self._cells), "little") >> times) & kept
        self._cells = _cells_of(halved.to_bytes(size, "little"))
        self._added = 0


def _places(key: int) -> tuple[int, int, int, int]:
    return (
        key & _LOW,
        _WIDTH + (key >> 16 & _LOW),
        2 * _WIDTH + (key >> 32 & _LOW),
        3 * _WIDTH + (key >> 48 & _LOW),
    )


_IS_LITTLE: Final = array("H", [1]).tobytes()[0] == 1


def _little(cells: array[int]) -> bytes:
    if not _IS_LITTLE:
        cells = array("H", cells)
        cells.byteswap()
    return cells.tobytes()


def _cells_of(data: bytes) -> array[int]:
    cells = array("H", data)
    if not _IS_LITTLE:
        cells.byteswap()
    return cells


def rank(key: int, registers: int) -> tuple[int, int]:
    """Where a hash of 64 bits falls among so many registers (a power of two), and its rank (1 ...)."""
    rest = key // registers
    width = 64 - (registers.bit_length() - 1)
    return key % registers, width - rest.bit_length() + 1


def distinct(registers: Sequence[int] | bytes | bytearray) -> float:
    """How many different keys raised these registers (bytes, a power of two of them, at least 64).

    HyperLogLog (Flajolet et al. 2007) with its correction for small numbers (linear counting). The standard
    error is 1.04 / sqrt(registers): 13 % for 64; below 64 keys a tenth, below 10 keys under one key.
    """
    size = len(registers)
    alpha = 0.709 if size == 64 else 0.7213 / (1 + 1.079 / size)
    raw = alpha * size * size / sum([_HALVES[value] for value in registers])
    if raw <= 2.5 * size:
        zeros = registers.count(0)
        if zeros:
            return size * log(size / zeros)
    return raw


_HALVES: Final = tuple(2.0**-value for value in range(65))


class HyperLogLog:
    """How many different keys were seen. A byte for each of `registers` (a power of two, at least 64)."""

    __slots__ = ("registers",)

    def __init__(self, registers: int = 64) -> None:
        if registers < 64 or registers & (registers - 1):
            raise ValueError(f"{registers} registers: a power of two of at least 64 is needed")
        self.registers = bytearray(registers)

    def add(self, key: int) -> bool:
        """Take a key (a hash of 64 well mixed bits) in; False if it surely, or likely, was there before."""
        place, value = rank(key, len(self.registers))
        if value <= self.registers[place]:
            return False
        self.registers[place] = value
        return True

    def merge(self, other: HyperLogLog) -> None:
        """Take in all that another of the same size has seen."""
        if len(self.registers) != len(other.registers):
            raise ValueError("only sketches of one size can be merged")
        self.registers[:] = bytes(map(max, self.registers, other.registers))

    def estimate(self) -> float:
        """How many different keys were taken in."""
        return distinct(self.registers)


class Decaying:
    """A sum that halves in every `half_life` nanoseconds, brought up to date when it is asked or added to."""

    __slots__ = ("_at", "_half_life", "_value")

    def __init__(self, half_life: int) -> None:
        self._half_life = half_life
        self._value = 0.0
        self._at = 0

    def add(self, amount: float, now: int) -> None:
        """Add an amount as of now."""
        self._value = self.value(now) + amount
        self._at = now

    def value(self, now: int) -> float:
        """What is left now."""
        age = now - self._at
        return self._value * halved(age, self._half_life) if age > 0 else self._value

    def merge(self, other: Decaying, now: int) -> None:
        """Add what is left of another sum."""
        self.add(other.value(now), now)


def halved(age: int, half_life: int) -> float:
    """What is left of one after `age`; all of it for an age that is not past."""
    if age <= 0:
        return 1.0
    exponent = age / half_life
    return 0.0 if exponent > 1000 else 2.0**-exponent
