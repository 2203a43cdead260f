"""Text that counsel answers for: set apart in the letter, attributed, and never checked for words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vorbehalt.claims.notice.addressees import MAX_CELL, UNFILLED
from vorbehalt.claims.notice.wording import one_line
from vorbehalt.errors import Problem

_FIRST = re.compile(r"counsel:\s*(.+)", re.I)
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Counsel:
    name: str
    paragraphs: tuple[str, ...]


def read_counsel(file: str, data: bytes) -> tuple[Counsel | None, list[Problem]]:
    """Read it: a first line `Counsel: NAME`, then paragraphs apart by empty lines."""
    problems: list[Problem] = []

    def flaw(line: int, message: str) -> None:
        problems.append(Problem(file, line, "--counsel-text", "V135", message))

    if len(data) > MAX_BYTES:
        flaw(0, f"the text is larger than {MAX_BYTES // 1024} KiB")
        return None, problems
    try:
        lines = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8").splitlines()
    except UnicodeDecodeError:
        flaw(0, "the text is not UTF-8")
        return None, problems
    named = _FIRST.fullmatch(lines[0].strip()) if lines else None
    name = one_line(named[1]) if named else ""
    if not is_person(name):
        flaw(1, "the first line must name who answers for the text: Counsel: FIRST NAME and LAST NAME")
    for number, line in enumerate(lines, 1):
        if found := UNFILLED.search(line):
            flaw(number, f"the text still holds a placeholder: {one_line(found[0])}")
    whole = "\n".join(lines[1:])
    paragraphs = tuple(
        filter(None, (one_line(part.replace("\n", " ")) for part in re.split(r"\n\s*\n", whole)))
    )
    if not paragraphs:
        flaw(1, "there is no text behind the first line")
    return (None if problems else Counsel(name, paragraphs)), problems


def is_person(name: str) -> bool:
    """True if a text can be a person's name: two words at least, each with a letter first."""
    words = [word for word in name.split() if word[:1].isalpha()]
    return len(words) >= 2 and len(name) <= MAX_CELL and name.isprintable() and not UNFILLED.search(name)
