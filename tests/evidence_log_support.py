"""What tests of the log of a process read of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from vorbehalt.evidence.receipt import Receipt
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.tiles import decode_bundle

AT = 1_795_413_803_799_141_015
ENOUGH = 20.0


def leaves_of(home: Path) -> list[dict[str, Any]]:
    """All leaves of the log (these tests stay below one bundle's border or ask for the full ones)."""
    folder = home / "log" / "tile" / "entries"
    found: list[dict[str, Any]] = []
    index = 0
    while True:
        full = folder / f"{index:03d}"
        partial = folder / f"{index:03d}.p"
        if full.is_file():
            found += map(decode_leaf, decode_bundle(full.read_bytes()))
            index += 1
        elif partial.is_dir():
            last = max(partial.iterdir(), key=lambda path: int(path.name))
            return found + list(map(decode_leaf, decode_bundle(last.read_bytes())))
        else:
            return found


def wait_for(receipt: Receipt) -> bool:
    return asyncio.run(receipt.durable(ENOUGH))
