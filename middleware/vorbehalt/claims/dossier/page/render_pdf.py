"""Blocks as PDF by typst: the data goes in as JSON, the template never sees it as markup.

Only the fonts that typst carries are used and the date comes from the contents, so that the same contents
give the same bytes everywhere, as far as the version of typst is the same.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from vorbehalt.claims.dossier.page.blocks import Block, Document, Words
from vorbehalt.claims.dossier.page.harmless import broken, shown
from vorbehalt.claims.dossier.page.say import Say
from vorbehalt.errors import EvidenceError

_WHOLE = re.compile(r"[0-9a-f]{64}|[A-Za-z0-9+/]{43}=")
"""Digests and roots fit on their line, and are to be copied."""
_BREAK = "\u200b"


def pdf(document: Document, say: Say) -> bytes:
    """Return the document as PDF; raises EvidenceError if typst cannot draw it."""
    import typst

    made = _moment(document.made)
    data = {
        "language": document.language,
        "title": _line(document.title),
        "running": _line(document.running),
        "date": {
            "year": made.year,
            "month": made.month,
            "day": made.day,
            "hour": made.hour,
            "minute": made.minute,
            "second": made.second,
        },
        "words": {key: say(f"word.{key}") for key in ("dossier", "draft_line")},
        "sections": [
            {
                "number": section.number,
                "title": _line(section.title),
                "blocks": [as_data(b) for b in section.blocks],
            }
            for section in document.sections
        ],
    }
    template = (files(__package__) / "templates" / "report.typ").read_bytes()
    with tempfile.TemporaryDirectory() as empty:  # nothing can be read in there, whatever is asked for
        try:
            compiler = typst.Compiler(
                template,
                root=empty,
                ignore_system_fonts=True,
                sys_inputs={"data": json.dumps(data)},
                package_path=empty,
                package_cache_path=empty,
            )
            drawn = compiler.compile(format="pdf", timestamp=made)
        except typst.TypstError as error:
            raise EvidenceError(f"typst cannot draw report.pdf: {error}") from error
    if not isinstance(drawn, bytes):
        raise EvidenceError("typst gave no single PDF")
    return drawn


def as_data(block: Block) -> dict[str, Any]:
    """Return a block as plain values, every text in it made harmless, long words with places to break."""
    data = asdict(block)
    if isinstance(block, Words) and block.kind == "code":  # to be copied: it breaks where it has spaces
        data["words"] = "\n".join(shown(line) for line in block.words.split("\n"))
        return {**data, "type": "Words"}
    return {**_plain(data), "type": type(block).__name__}


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        is_exact = value.get("is_exact") is True
        return {key: _plain(item, "exact" if is_exact else key) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if not isinstance(value, str) or name == "svg":
        return value
    return "\n".join(_line(line, is_exact=name == "exact") for line in value.split("\n"))


def _line(text: str, *, is_exact: bool = False) -> str:
    return text if _WHOLE.fullmatch(text) else broken(text, _BREAK, is_exact=is_exact)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
