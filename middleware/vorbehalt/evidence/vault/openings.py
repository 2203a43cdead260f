"""Openings that can still be opened, those under a hold included: whose they are, and where they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from vorbehalt.evidence.frames import scan_frames
from vorbehalt.evidence.vault.vault import SALT_BYTES, Keys, Row, open_row, parse_row

HELD = "held"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ADDRESS = re.compile(rb"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+")


@dataclass(frozen=True, slots=True)
class Opening:
    """The opened row of one record. `matter` is that of the hold it lies under, "" for none."""

    path: Path
    writer: str
    row: Row
    values: Mapping[str, bytes]
    """Private values by kind, without their random bytes."""
    matter: str = ""

    @property
    def record(self) -> tuple[str, int]:
        """Writer and number: by these a leaf names itself."""
        return self.writer, self.row.sequence

    def names(self, address: str) -> bool:
        """True if one of the values is this address (in its canonical form) or a chain that has it."""
        found = [self.values[kind].decode("latin-1") for kind in ("address", "peer") if kind in self.values]
        found += [text.decode("ascii") for text in _ADDRESS.findall(self.values.get("chain", b"")[:65_536])]
        return any(canonical(text) == address for text in found)


def canonical(text: str) -> str | None:
    """Return the one form of an address (an IPv4 address for one mapped into IPv6), None if it is none."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def row_files(directory: Path) -> list[tuple[Path, str]]:
    """Return (file, matter) of every file of rows, those under a hold last; "" is no hold."""
    vault = directory / "vault"
    if not vault.is_dir():
        return []
    days = [path for path in sorted(vault.iterdir()) if _DAY.fullmatch(path.name)]
    held = sorted((vault / HELD).iterdir()) if (vault / HELD).is_dir() else []
    return [(path, "") for day in days for path in sorted(day.glob("*.rows"))] + [
        (path, matter.name) for matter in held for path in sorted(matter.glob("*.rows"))
    ]


def openings(directory: Path) -> Iterator[Opening]:
    """Yield every row that its key still opens. Raises TamperError for one that was changed."""
    keys = Keys(directory)
    known: dict[str, bytes | None] = {}
    for path, matter in row_files(directory):
        writer = path.name.partition(".")[0]
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # destroyed meanwhile
        for payload in scan_frames(data).payloads:
            row = parse_row(payload)
            if row is None:
                continue
            name = f"hold-{matter}" if matter else f"day-{row.key}"
            if name not in known:
                known[name] = keys.get(name)
            if (key := known[name]) is not None:
                values = {kind: text[SALT_BYTES:] for kind, text in open_row(row, key, writer).items()}
                yield Opening(path, writer, row, values, matter)
