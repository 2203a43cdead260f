"""`reservation.page_template`: the site's own frames of the page for people, read and checked."""

from __future__ import annotations

from pathlib import Path

from vorbehalt.policy.tables import Table, shown
from vorbehalt.reservation.page import LANGUAGES
from vorbehalt.reservation.page.template import problems
from vorbehalt.settings.values import resolved

MAX_BYTES = 512 * 1024
_KEY = "page_template"
_LANGUAGE = "{language}"

PageTemplates = tuple[tuple[str, str], ...]
"""Language and text, in the order of the languages; empty if ours is used."""


def read_page_templates(table: Table, base: Path) -> tuple[PageTemplates, tuple[str, ...]]:
    """Read `file:PATH`; with `{language}` in the path one file per language. Return texts and files."""
    value = table.text(_KEY)
    if not value:
        return (), ()
    if not value.startswith("file:") or len(value) == 5:
        table.flaw(_KEY, "V007", f'{_KEY} cannot be {shown(value)}; use "file:PATH"')
        return (), ()
    files = {language: resolved(base, value[5:].replace(_LANGUAGE, language)) for language in LANGUAGES}
    texts = {path: _read(table, path) for path in dict.fromkeys(files.values())}
    return (
        tuple((language, text) for language, path in files.items() if (text := texts[path]) is not None),
        tuple(map(str, texts)),
    )


def _read(table: Table, path: Path) -> str | None:
    """The text of a template; None with a flaw noted if it cannot be used."""
    if not path.is_file():
        table.flaw(_KEY, "V028", f"there is no file {path}")
        return None
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        table.flaw(_KEY, "V032", f"{path} cannot be read: {error.strerror or error}")
        return None
    if len(body) > MAX_BYTES:
        table.flaw(_KEY, "V032", f"{path} is larger than {MAX_BYTES // 1024} KiB")
        return None
    try:
        # Line ends of any system are lines of the page.
        text = body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        table.flaw(_KEY, "V032", f"{path}:{line}: the file is not UTF-8")
        return None
    flaws = problems(text)
    for line, sentence in flaws:
        table.flaw(_KEY, "V032", f"{path}:{line}: {sentence}")
    return None if flaws else text
