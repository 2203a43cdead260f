"""A sheet as PDF, set by typst: the data goes in as JSON, the template never reads it as markup."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vorbehalt.claims.report.sheet import Sheet
from vorbehalt.claims.report.strangers import shown
from vorbehalt.errors import VorbehaltError

_LONG = re.compile(r"[^\s\u200b]{28,}")
_PIECE = re.compile(r".{1,14}")


def as_pdf(sheet: Sheet) -> bytes:
    """Return the sheet as PDF, the same bytes for the same sheet. Raises VorbehaltError without typst."""
    try:
        import typst
    except ImportError as error:
        raise VorbehaltError("a PDF needs the extra `claims`: pip install 'vorbehalt[claims]'") from error
    height = None if sheet.chart is None else sheet.chart.height
    data = _plain(asdict(sheet))
    if height is not None:
        data["chart"]["height"] = height
    template = (files(__package__) / "templates" / "page.typ").read_bytes()
    # Nothing else can be read in this folder, whatever is asked for; fonts are those that typst brings.
    with TemporaryDirectory() as folder:
        page = Path(folder) / "page.typ"
        page.write_bytes(template)
        try:
            drawn = typst.compile(
                page, root=page.parent, ignore_system_fonts=True, format="pdf", package_path=folder,
                package_cache_path=folder, sys_inputs={"sheet": json.dumps(data)},
            )  # fmt: skip
        except typst.TypstError as error:
            raise VorbehaltError(f"the PDF cannot be set: {error}") from error
    if not isinstance(drawn, bytes):
        raise VorbehaltError("the PDF cannot be set: typst gave no single file")
    return drawn


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(below) for below in value]
    # A long word without a place to break would run out of its column.
    return _LONG.sub(_broken, shown(value)) if isinstance(value, str) else value


def _broken(word: re.Match[str]) -> str:
    return "\u200b".join(_PIECE.findall(word[0]))
