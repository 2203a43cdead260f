"""A letter as PDF: typst gets a fixed template and the letter as JSON, never as markup."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime

from vorbehalt.claims.notice.as_text import DRAFT, quoted_title
from vorbehalt.claims.notice.blocks import NEEDS, TEMPLATES, Block
from vorbehalt.errors import ClaimError


class Press:
    """One compiler for many letters. Raises ClaimError if the extra is not installed."""

    def __init__(self) -> None:
        try:
            import typst
        except ImportError:
            raise ClaimError(NEEDS) from None
        self._compiler = typst.Compiler(TEMPLATES / "letter.typ", root=TEMPLATES)
        self._error = typst.TypstError

    def print(
        self, blocks: Sequence[Block], language: str, day: date, running: str, *, is_draft: bool
    ) -> bytes:
        """Return the PDF, the same bytes for the same letter; `running` stands at the foot of each page."""
        data = {
            "language": language,
            "draft": DRAFT[language] if is_draft else "",
            "running": running,
            "blocks": [
                {"mark": b.mark, "text": quoted_title(b.text, language) if b.mark == "q" else b.text}
                for b in blocks
            ],
        }
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        try:
            printed = self._compiler.compile(
                format="pdf", sys_inputs={"letter": json.dumps(data)}, timestamp=at
            )
        except self._error as error:
            raise ClaimError(f"the PDF could not be made: {error}") from None
        if not isinstance(printed, bytes):
            raise ClaimError("the PDF could not be made")
        return printed
