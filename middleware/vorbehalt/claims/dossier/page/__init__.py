"""How a dossier looks to a lawyer: HTML, PDF, and drafts in Markdown, all from its contents alone.

`pages(contents)` returns the files by name. It reads no clock and no network; the same contents give the same
bytes. What strangers wrote (paths, titles, User-Agents) is shown and never obeyed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from vorbehalt.claims.dossier.contents import Contents
from vorbehalt.claims.dossier.page.document import document
from vorbehalt.claims.dossier.page.drafts import drafts
from vorbehalt.claims.dossier.page.render_html import html
from vorbehalt.claims.dossier.page.render_pdf import pdf
from vorbehalt.claims.dossier.page.say import LANGUAGES, Say
from vorbehalt.claims.dossier.page.values import Values
from vorbehalt.errors import EvidenceError

__all__ = ["LANGUAGES", "needs", "pages"]


def needs() -> None:
    """Raise EvidenceError with a sentence if what draws the pages is not installed."""
    missing = [name for name in ("jinja2", "typst") if find_spec(name) is None]
    if missing:
        raise EvidenceError(f"a dossier needs {' and '.join(missing)}: pip install 'vorbehalt[claims]'")


def pages(contents: Contents, annexes: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """Return report.html, report.pdf, README.txt, VERIFY.md and the drafts, by file name.

    `annexes` names the files that hold rows which the pages leave out, by their place in contents.json:
    `{"works.scheduled": "works.csv"}`; for all else the pages refer to contents.json. Raises EvidenceError
    without the extra `claims`, or for a language that there is none of.
    """
    needs()
    say = Say(contents.question.language)
    values = Values(contents, say, annexes or {})
    whole = document(values)
    return {"report.html": html(whole, say), "report.pdf": pdf(whole, say), **drafts(values, whole)}
