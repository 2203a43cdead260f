"""What the counters need of one path, worked out once per path and kept by whoever asks again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from vorbehalt.patterns.sketches import hash64, rank

REGISTERS: Final = 64
"""HyperLogLog registers of one client: 13 % standard error."""

_NUMBER: Final = re.compile(r"(\d{1,12})(?!.*\d)", re.ASCII)
_STEM: Final = (1 << 58) - 1


@dataclass(frozen=True, slots=True)
class Spot:
    """One path as counters see it; never the path itself.

    `register` and `rank` are its place among the registers of a client, `hash` 64 bits of BLAKE2b. `trail`
    is a number for the path of which the next id has the next number (`/lyrics/7`, `/lyrics/8`); 0 where no
    number stands in the path. `is_deep`: not the front page. `place` (0 to 7) and `tag` (1 to 255) say where
    it stands among the last few pages of a client, and as what.
    """

    hash: int
    register: int
    rank: int
    trail: int
    is_deep: bool
    place: int
    tag: int


def spot_of(path: str) -> Spot:
    """Work out the spot of a path (decoded, without its query)."""
    key = hash64(path.encode("utf-8", "surrogatepass"))
    register, value = rank(key, REGISTERS)
    trail = 0
    if (found := _NUMBER.search(path)) is not None:
        # Width does not matter (`/7`, `/007`), what stands around the number does.
        around = f"{path[: found.start()]}\0{path[found.end() :]}"
        trail = (hash64(around.encode("utf-8", "surrogatepass")) & _STEM) + int(found[1]) + 1
    return Spot(key, register, value, trail, path != "/", key & 7, key >> 8 & 255 or 1)


def facet(query: bytes) -> int:
    """Which of 64 bits stands for a query string."""
    return crc32(query) & 63
