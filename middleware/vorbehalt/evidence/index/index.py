"""A read model for questions: one SQLite file, made from the log and thrown away at will. Never evidence.

It holds what stands in the leaves, and they hold no address. It belongs to one log at one size: where the log
has grown the rest is added, and where the log has another root at that size, or was cut, it is made anew.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.bundle.pin import Pinned, pin
from vorbehalt.evidence.index.rows import COLUMNS, index_row
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.merkle import EMPTY_ROOT, range_root
from vorbehalt.evidence.tlog.tiles import tile_subtree

NAME = "index.sqlite"
FORMAT = "1"
_BATCH = 5_000
_BUSY_SECONDS = 60.0
_TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE records ({", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())});
"""
_INDEXES = """
CREATE INDEX IF NOT EXISTS by_ref ON records (ref);
CREATE INDEX IF NOT EXISTS by_of ON records (of) WHERE of IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_operator ON records (operator, type, day);
CREATE INDEX IF NOT EXISTS by_day ON records (day, type);
"""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What was done: `size` records are in it, `added` of them now. `why` it was made anew, else ""."""

    path: Path
    size: int
    added: int
    why: str = ""


def default_path(directory: Path) -> Path:
    """Return where the index lies if no other place is named; `run/` is no evidence."""
    return directory / "run" / NAME


def build(directory: Path, path: Path, *, anew: bool = False, progress: Progress | None = None) -> Indexed:
    """Bring the index up to what is sealed now. Raises EvidenceError if the log or the place does not do."""
    pinned = pin(directory)
    why = "it was asked for" if anew else _why_anew(path, pinned)
    try:
        if why:
            return Indexed(path, pinned.size, _make(path, pinned, progress), why)
        with _writing(path) as base:
            have = _size_of(base)
            added = _add(base, pinned, have, progress)
        return Indexed(path, max(have, pinned.size), added)
    except sqlite3.Error as error:
        raise EvidenceError(f"the index {path} cannot be written: {error}") from None


def _why_anew(path: Path, pinned: Pinned) -> str:
    """Return why an index cannot be carried on; "" if it can."""
    if not path.exists():
        return "there was none"
    try:
        with closing(_reading(path)) as base:
            meta = dict(base.execute("SELECT key, value FROM meta"))
            size = int(meta["size"])
    except (sqlite3.Error, KeyError, ValueError):
        return "it could not be read"
    if meta.get("format") != FORMAT or meta.get("origin") != pinned.verifier.name:
        return "it was another's"
    if size > pinned.size:
        return "the log is shorter than it was"
    try:
        root = range_root(0, size, tile_subtree(pinned.read, pinned.full)) if size else EMPTY_ROOT
    except TamperError as error:
        return f"the log cannot be compared: {error}"
    return "" if meta.get("root") == root.hex() else "the log had another root at that size"


def _make(path: Path, pinned: Pinned, progress: Progress | None) -> int:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as base:
            # Nobody sees the draft: what a crash leaves of it is no loss.
            base.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_TABLES}")
            base.execute("BEGIN")
            added = _add(base, pinned, 0, progress)
            base.execute("COMMIT")
            base.executescript(_INDEXES)
        os.chmod(draft, 0o600)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return added


def _add(base: sqlite3.Connection, pinned: Pinned, have: int, progress: Progress | None) -> int:
    marks = ",".join("?" * len(COLUMNS))
    batch: list[tuple[Any, ...]] = []
    insert = f"INSERT INTO records VALUES ({marks})"  # noqa: S608 - only question marks
    for index, entry in pinned.entries(have):
        batch.append(index_row(index, decode_leaf(entry)))
        if len(batch) == _BATCH:
            base.executemany(insert, batch)
            batch.clear()
            if progress is not None:
                progress(index, pinned.size)
    base.executemany(insert, batch)
    # What was pruned from the log does not live on here.
    base.execute("DELETE FROM records WHERE idx < ?", (pinned.first,))
    if progress is not None:
        progress(pinned.size, pinned.size)
    if have > pinned.size:
        return 0
    meta = {
        "format": FORMAT,
        "origin": pinned.verifier.name,
        "size": str(pinned.size),
        "root": pinned.checkpoint.root.hex(),
    }
    base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())
    return pinned.size - have


def _size_of(base: sqlite3.Connection) -> int:
    return int(base.execute("SELECT value FROM meta WHERE key = 'size'").fetchone()[0])


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Give one transaction, alone: another process that adds is waited for."""
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as base:
        base.execute("PRAGMA secure_delete=ON")
        base.execute("BEGIN IMMEDIATE")
        try:
            yield base
        except BaseException:
            base.execute("ROLLBACK")
            raise
        base.execute("COMMIT")


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)


_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Titles and rows, as SQLite gives them."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def ask(path: Path, sql: str, values: dict[str, object] | None = None) -> Iterator[Answer]:
    """Put one question (a SELECT) to an index; nothing else is let through.

    Raises EvidenceError if the index cannot be read or the question is none.
    """
    try:
        with closing(_reading(path)) as base:
            base.set_authorizer(_authorize)
            cursor = base.execute(sql, values or {})
            if cursor.description is None:
                raise EvidenceError("that is no question: write SELECT ...")
            yield Answer(tuple(column[0] for column in cursor.description), cursor)
    except sqlite3.Error as error:
        raise EvidenceError(f"the question cannot be answered: {error}") from None


def _authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
    is_loading = action == sqlite3.SQLITE_FUNCTION and second == "load_extension"
    return sqlite3.SQLITE_OK if action in _ALLOWED and not is_loading else sqlite3.SQLITE_DENY
