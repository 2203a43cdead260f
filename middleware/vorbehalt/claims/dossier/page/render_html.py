"""Blocks as one HTML page: no script, nothing from outside, everything of strangers escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from vorbehalt.claims.dossier.page.blocks import Document
from vorbehalt.claims.dossier.page.harmless import broken, css, shown
from vorbehalt.claims.dossier.page.say import Say

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(document: Document, say: Say) -> bytes:
    """Return the page in UTF-8."""
    words = {key: say(f"word.{key}") for key in ("dossier", "draft_line")}
    seen: set[str] = set()

    def anchor(name: str) -> Markup:
        """A number that stands on the page twice is linked where it stands first."""
        if name in seen:
            return _markup("")
        seen.add(name)
        return _markup(f' id="{name}"')

    made = environment()
    made.filters["anchor"] = anchor
    template = made.get_template("report.html.j2")
    return template.render(document=document, words=words, csp=CSP).encode("utf-8")


def environment() -> Environment:
    """Return an environment with the templates of this package; autoescape is on for all of them."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    found = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    found.filters.update(
        line=shown,
        broken=_broken,
        lines=_lines,
        css=lambda text: _markup(css(text)),
        svg=_markup,
        raw=_raw,
        type=lambda block: type(block).__name__,
    )
    return found


@cache
def _template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text("utf-8")


def _markup(text: str) -> Markup:
    """Let pass what our own code has drawn or escaped: charts, CSS strings, names of our own fields."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


def _broken(text: str) -> Markup:
    from markupsafe import escape

    return _markup("<wbr>").join(escape(part) for part in broken(text, "\0").split("\0"))


def _lines(text: str) -> str:
    return "\n".join(shown(line) for line in text.split("\n"))


def _raw(value: int | str | None) -> str:
    return "" if value is None else shown(str(value))
