"""A letter as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from vorbehalt.claims.notice.blocks import Block, grouped

_WIDTH = 76
DRAFT = {"de": "ENTWURF", "en": "DRAFT", "fr": "PROJET"}
_QUOTES = {"de": "„{}“", "en": "“{}”", "fr": "«\u00a0{}\u00a0»"}


def quoted_title(title: str, language: str) -> str:
    """Return a title in the quotation marks of a language."""
    return _QUOTES[language].format(title)


def as_text(blocks: Sequence[Block], language: str, *, is_draft: bool) -> str:
    """Return the letter in lines of at most 76 characters (what has no space to break at is longer)."""
    parts = ["\n".join(_lines(mark, texts, language)) for mark, texts in grouped(blocks)]
    if is_draft:
        mark = f"*** {DRAFT[language]} ***"
        parts = [mark, *parts, mark]
    return "\n\n".join(parts) + "\n"


def _lines(mark: str, texts: Sequence[str], language: str) -> Iterator[str]:
    for number, text in enumerate(texts):
        if mark in ("p", "counsel", "h", "annex", "subject", "sign") and number:
            yield ""
        if mark == "li":
            yield from _wrapped(text, "- ", "  ")
        elif mark == "q":
            yield from _wrapped(quoted_title(text, language), "  ", "  ")
        elif mark == "counsel":
            yield from _wrapped(text, "| ", "| ")
        elif mark == "sign":
            yield from ("", "", *_wrapped(text))
        elif mark in ("h", "counsel-h", "annex"):
            yield from _wrapped(text)
            yield ("=" if mark == "annex" else "-") * min(_WIDTH, len(text))
        else:
            yield from _wrapped(text)


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
