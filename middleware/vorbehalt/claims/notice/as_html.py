"""A letter as one HTML file: no script, nothing from elsewhere, everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vorbehalt.claims.notice.as_text import DRAFT
from vorbehalt.claims.notice.blocks import Block, grouped

if TYPE_CHECKING:
    from jinja2 import Environment

_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def as_html(pages: Environment, blocks: Sequence[Block], language: str, *, is_draft: bool) -> str:
    """Return the page; `pages` is an environment that escapes."""
    return pages.get_template("letter.html.j2").render(
        csp=_CSP,
        language=language,
        title=next(block.text for block in blocks if block.mark == "subject"),
        draft=DRAFT[language] if is_draft else "",
        groups=grouped(blocks),
    )
