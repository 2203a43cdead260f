"""Words of strangers, fit to be shown: nothing invisible, nothing endless, nothing that turns a line."""

from __future__ import annotations

import re

LONGEST = 160
_LONG_WORD = re.compile(r"\S{18,}")
_LONG_NAME = re.compile(r"\S{11,}")
_SPACES = "\u00a0\u202f"
"""Spaces that hold words together are harmless, though Python does not call them printable."""
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!&$])")


def shown(text: str) -> str:
    """Escape what is not printable: controls, direction marks, surrogates, private use; line ends too."""
    return "".join(
        c if c.isprintable() or c in _SPACES else c.encode("unicode_escape").decode("ascii") for c in text
    )


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a text as one line of at most so many characters; an ellipsis says that there was more."""
    line = shown(text[: longest + 1])
    return line if len(line) <= longest else line[: longest - 1] + "…"


def broken(text: str, place: str, every: int = 6, *, is_exact: bool = False) -> str:
    """Return a harmless text with places where its long words may break; names and numbers break sooner."""
    return (_LONG_NAME if is_exact else _LONG_WORD).sub(
        lambda word: place.join(word[0][at : at + every] for at in range(0, len(word[0]), every)), shown(text)
    )


def markdown(text: str) -> str:
    """Return a text that Markdown shows as it is, whatever stands in it."""
    line = _SPECIAL.sub(r"\\\1", shown(text))
    # A number or a dash at the beginning would make a list, a bare address a link.
    line = re.sub(r"^(\s*)([-+=])|^(\s*\d+)([.)])", r"\1\3\\\2\4", line)
    return re.sub(r"(?i)\b(https?|ftp|mailto|www)([:.])", r"\1\\\2", line)


def code(text: str) -> str:
    """Return a text as a Markdown code span; a backtick in it would end it and becomes an apostrophe."""
    return "`" + shown(text).replace("`", "'").replace("|", "¦") + "`" if text else ""


def css(text: str) -> str:
    """Return a CSS string; all but letters and digits of ASCII is escaped, so that none can end it."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in shown(text)) + '"'
