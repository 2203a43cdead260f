"""Requests and their completions find each other by reference, in bounded memory."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

_IN_MEMORY = 100_000


class Pairs:
    """Whichever of the two comes first waits; what is too much for the memory waits in a temporary file."""

    def __init__(self, in_memory: int = _IN_MEMORY) -> None:
        self._most = in_memory
        self._waiting: dict[str, Any] = {}
        self._file: sqlite3.Connection | None = None
        self._kept = 0

    def take(self, key: str) -> Any:
        """Return and forget what waits under a key; None if nothing does."""
        found = self._waiting.pop(key, None)
        if found is None and self._file is not None:
            row = self._file.execute("SELECT value FROM waiting WHERE key = ?", (key,)).fetchone()
            if row is not None:
                self._file.execute("DELETE FROM waiting WHERE key = ?", (key,))
                self._kept -= 1
                found = json.loads(row[0])
        return found

    def put(self, key: str, value: Any) -> None:
        """Let something wait that JSON can hold."""
        self._waiting[key] = value
        if len(self._waiting) >= self._most:
            self._spill()

    def __len__(self) -> int:
        return len(self._waiting) + self._kept

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        if self._file is None:
            # A database without a name lies in a temporary file, which goes with the connection.
            self._file = sqlite3.connect("", isolation_level=None)
            self._file.execute("PRAGMA journal_mode = OFF")
            self._file.execute("CREATE TABLE waiting (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT OR REPLACE INTO waiting VALUES (?, ?)",
            ((key, json.dumps(value)) for key, value in sorted(self._waiting.items())),
        )
        self._file.execute("COMMIT")
        self._kept += len(self._waiting)
        self._waiting = {}


class Part:
    """The share of one of many in the same pairs: what it lets wait meets nobody else's."""

    def __init__(self, pairs: Pairs, name: str) -> None:
        self._pairs = pairs
        self._name = name

    def take(self, key: str) -> Any:
        return self._pairs.take(f"{self._name} {key}")

    def put(self, key: str, value: Any) -> None:
        self._pairs.put(f"{self._name} {key}", value)

    def close(self) -> None:
        """Leave the pairs to the others."""
