"""What tests of `vorbehalt dossier` share: the log they ask and what lies in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def contents(folder: Path) -> Any:
    return json.loads((folder / "contents.json").read_bytes())
