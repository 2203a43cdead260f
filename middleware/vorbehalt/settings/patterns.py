"""[patterns] and the rule book behind it: how conduct is judged, and what of it can be seen here."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

from vorbehalt.patterns.book import Book
from vorbehalt.patterns.definition import LEVELS, Level
from vorbehalt.policy.compile import MODES
from vorbehalt.policy.compile import read_patterns as read_path_patterns
from vorbehalt.policy.rules import Mode
from vorbehalt.policy.tables import Table, shown
from vorbehalt.settings.model import PatternsSettings
from vorbehalt.settings.values import read_header_name

_FOLDER = re.compile(r"(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-])+/")
_TOLD = ("order", "http-version", "connection", "encoding", "assets", "cookies")
"""What an operator may say that the proxy in front leaves as it was; the rest is known or has a key."""


def read_patterns(table: Table, book: Book | None) -> tuple[PatternsSettings, Book | None]:
    """Read [patterns]; return the book with the thresholds of this site, None if there are no rules."""
    mode = cast(Mode, table.choice("mode", "observe", MODES))
    book = _read_levels(table.table("thresholds"), book)
    sees = table.choices("sees", _TOLD) if table.has("sees") else None
    settings = PatternsSettings(
        mode=mode,
        sees=sees,
        tls_header=read_header_name(table, "tls_header"),
        signed_in_header=read_header_name(table, "signed_in_header"),
        enclosures=read_path_patterns(table, "enclosures"),
        traps=_read_traps(table),
    )
    table.finish()
    return settings, book


def _read_traps(table: Table) -> str:
    """Read the prefix of trap links: a folder below the root that holds nothing else."""
    path = table.text("traps")
    if path and not _FOLDER.fullmatch(path):
        hint = 'write a folder that holds nothing, like "/related/"'
        table.flaw("traps", "V007", f"{table.where('traps')} cannot be {shown(path)}; {hint}")
        return ""
    return path


def _read_levels(table: Table, book: Book | None) -> Book | None:
    """Read the points from which each level is reached; what is not said is as in the rules."""
    levels: dict[Level, int] = {} if book is None else dict(book.levels)
    for level in LEVELS[1:]:
        points = table.number(level)
        if points is None:
            continue
        if points != int(points) or not 1 <= points <= 1000:
            table.flaw(level, "V004", f"{table.where(level)} must be a whole number from 1 to 1000")
            continue
        levels[level] = int(points)
    table.finish()
    if book is None:
        return None
    ordered = [levels[level] for level in LEVELS[1:] if level in levels]
    if ordered != sorted(ordered):
        table.flaw("", "V007", "patterns.thresholds must rise: limit, then challenge, then block")
        return book
    return book if levels == dict(book.levels) else replace(book, levels=levels)
