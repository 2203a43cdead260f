"""What somebody else keeps of a log on one page of paper: its name, its key, its first root."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from vorbehalt.evidence.reading.query import open_log, show
from vorbehalt.evidence.tlog.merkle import range_root
from vorbehalt.evidence.tlog.tiles import tile_subtree

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 20mm }}
body {{ font: 11pt/1.4 Georgia, serif; max-width: 170mm; margin: 2em auto; color: #000; background: #fff }}
h1 {{ font-size: 16pt }}
dt {{ font-weight: bold; margin-top: .7em }}
dd {{ margin: 0; overflow-wrap: anywhere }}
dd.exact {{ font: 11pt/1.5 "DejaVu Sans Mono", Consolas, monospace }}
.sign {{ margin-top: 18mm; border-top: .3mm solid #000; padding-top: 1mm; width: 90mm }}
</style>
</head>
<body>
<h1>{title}</h1>
<dl>
{rows}
</dl>
<p>{note}</p>
<p class="sign">{signed}</p>
</body>
</html>
"""
_NOTE = (
    "Whoever keeps this page can tell later whether the log is still the one that it names. "
    "To check a copy of it: python3 verify.py DIRECTORY --vkey with the verifier key above. "
    "The log must still contain the first and the present entries under these roots."
)


@dataclass(frozen=True, slots=True)
class Card:
    """Label, value, and whether every character of it counts."""

    rows: tuple[tuple[str, str, bool], ...]

    def text(self) -> str:
        return "".join(f"{label}\n    {value}\n" for label, value, _ in self.rows) + f"\n{_NOTE}\n"

    def html(self) -> str:
        rows = "\n".join(
            f"<dt>{escape(label)}</dt><dd{' class=exact' if is_exact else ''}>{escape(value)}</dd>"
            for label, value, is_exact in self.rows
        )
        signed = "Place, date, signature of whoever received this page"
        return _PAGE.format(title="Evidence log", rows=rows, note=escape(_NOTE), signed=signed)


def make_card(directory: Path, custodian: str, now: int) -> Card:
    """Return the card of a log as it is now (`now` nanoseconds UTC); raises EvidenceError."""
    verifier, checkpoint, _ = open_log(directory)
    rows = [("Origin", verifier.name, True), ("Verifier key", verifier.vkey, True)]
    if checkpoint.size:
        first = next(iter(show(directory)))
        subtree = tile_subtree(lambda path: (directory / "log" / path).read_bytes(), checkpoint.size)
        rows += [
            ("First record", _moment(int(str(first["at"]))), False),
            ("Root over the first record", _root(range_root(0, 1, subtree)), True),
        ]
    rows += [
        ("Records at the date below", str(checkpoint.size), False),
        ("Root over them", _root(checkpoint.root), True),
        ("Custodian", " ".join(custodian.split()), False),
        ("Date", _moment(now), False),
    ]
    return Card(tuple(rows))


def _root(root: bytes) -> str:
    return base64.b64encode(root).decode("ascii")


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
