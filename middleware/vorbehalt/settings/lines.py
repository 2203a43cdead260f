"""Where each key of a TOML text stands. tomllib says what a file holds, not where."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}=,.\n]"
    r"""|[^\s\[\]{}=,."'\#]+""",
    re.DOTALL,
)
_QUOTED = re.compile(r"""^(['"])(.*)\1$""", re.DOTALL)

_Token = tuple[str, int]


def key_lines(text: str) -> dict[str, int]:
    """Return the 1-based line of every table and key of a valid TOML text.

    Keys are dotted; elements of arrays carry their index: `policy.rule[1].match.token`.
    """
    return _Scanner(text).scan()


def find_line(lines: dict[str, int], key: str) -> int:
    """Return the line of a key, or of the nearest table around it; 0 if there is none."""
    while key:
        if key in lines:
            return lines[key]
        # `a.b[1]` falls back to `a.b`, `a.b` to `a`.
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return 0


class _Scanner:
    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        self._implied: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._tokens = list(_tokens(text))
        self._at = 0

    def scan(self) -> dict[str, int]:
        table = ""
        while self._at < len(self._tokens):
            text, line = self._tokens[self._at]
            if text == "\n":
                self._at += 1
            elif text == "[":
                table = self._header(line)
            else:
                self._pair(table)
        return {**self._implied, **self._lines}

    def _header(self, line: int) -> str:
        self._at += 1
        is_array = self._peek() == "["
        if is_array:
            self._at += 1
        parts = self._key("]")
        self._at += 2 if is_array else 1
        path = ""
        for index, part in enumerate(parts):
            path = f"{path}.{part}" if path else part
            # `[[a.b]]` makes `a`, which may have no header of its own.
            self._implied.setdefault(path, line)
            if is_array and index == len(parts) - 1:
                self._lines.setdefault(path, line)
                self._counts[path] = self._counts.get(path, -1) + 1
            # A header below an array of tables speaks of its latest element.
            if path in self._counts:
                path = f"{path}[{self._counts[path]}]"
        self._lines.setdefault(path, line)
        return path

    def _pair(self, table: str) -> None:
        line = self._tokens[self._at][1]
        path = table
        for part in self._key("="):
            path = f"{path}.{part}" if path else part
            self._lines.setdefault(path, line)
        self._at += 1
        self._value(path)

    def _key(self, end: str) -> list[str]:
        parts = []
        while (text := self._peek()) not in (end, ""):
            if text not in (".", "\n"):
                found = _QUOTED.match(text)
                parts.append(found[2] if found else text)
            self._at += 1
        return parts

    def _value(self, path: str) -> None:
        text = self._peek()
        if text == "{":
            self._at += 1
            while (text := self._peek()) not in ("}", ""):
                if text in (",", "\n"):
                    self._at += 1
                else:
                    self._pair(path)
            self._at += 1
        elif text == "[":
            self._at += 1
            index = 0
            while (text := self._peek()) not in ("]", ""):
                if text in (",", "\n"):
                    self._at += 1
                    continue
                place = f"{path}[{index}]"
                self._lines[place] = self._tokens[self._at][1]
                self._value(place)
                index += 1
            self._at += 1
        else:
            # A number or a date is several tokens (`1.5`, `2027-01-31 10:00:00.5`).
            while self._peek() not in (",", "\n", "]", "}", ""):
                self._at += 1

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    at = 0
    for found in _TOKEN.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        if not found[0].startswith("#"):
            yield found[0], line
