"""A catalogue as JSON: one array of works, an object with `works`, or one object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from vorbehalt.works.entry import Entry, Notes
from vorbehalt.works.fields import PLACES, RIGHT_FIELDS, WORK_FIELDS, Row, read_entry

MAX_BYTES = 64 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_OPENING = re.compile(r'[ \t\r\n]*(?:\{[ \t\r\n]*"works"[ \t\r\n]*:[ \t\r\n]*)?\[')
_KNOWN = frozenset({*PLACES, *WORK_FIELDS, *RIGHT_FIELDS, "rights"})
_DECODER = json.JSONDecoder()


def read_json(stream: BinaryIO, notes: Notes) -> Iterator[Entry]:
    """Yield the entries of a JSON file of at most 64 MiB; larger catalogues come as CSV, which is streamed.

    The keys of a work are the columns of CSV; `rights` is a list of objects with those of a right. What
    cannot be read goes to `notes`; after a mistake of syntax nothing more is read.
    """
    body = stream.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        notes.flaw(0, f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB; use CSV, which is streamed")
        return
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        notes.flaw(body.count(b"\n", 0, error.start) + 1, "the file is not UTF-8")
        return
    yield from _Reader(text, notes).entries()


class _Reader:
    def __init__(self, text: str, notes: Notes) -> None:
        self._body = text
        self._notes = notes
        self._counted = 0
        self._line = 1

    def entries(self) -> Iterator[Entry]:
        for at, value in self._values():
            line = self._line_of(at)
            entry = self._entry(line, value)
            if entry is not None:
                yield entry

    def _values(self) -> Iterator[tuple[int, object]]:
        """Yield each work with the place where it begins."""
        opening = _OPENING.match(self._body)
        at = self._skip(opening.end() if opening else 0)
        closing = "]" if opening else ""
        while at < len(self._body) and not (closing and self._body[at] == closing):
            try:
                value, end = _DECODER.raw_decode(self._body, at)
            except (ValueError, RecursionError) as error:
                where = error.pos if isinstance(error, json.JSONDecodeError) else at
                said = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
                self._notes.flaw(self._line_of(where), f"the file is no JSON from here on: {said}")
                return
            yield at, value
            at = self._skip(end)
            if closing:
                if at < len(self._body) and self._body[at] == ",":
                    at = self._skip(at + 1)
                elif at >= len(self._body) or self._body[at] != closing:
                    self._notes.flaw(self._line_of(min(at, len(self._body))), "a comma or ] is missing")
                    return
        if closing and (at >= len(self._body) or self._body[at + 1 :].strip() not in ("", "}")):
            self._notes.flaw(self._line_of(min(at, len(self._body))), "something else follows the works")

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._body, at)
        return found.end() if found else at

    def _line_of(self, at: int) -> int:
        if at < self._counted:
            return self._body.count("\n", 0, at) + 1
        self._line += self._body.count("\n", self._counted, at)
        self._counted = at
        return self._line

    def _entry(self, line: int, value: object) -> Entry | None:
        if not isinstance(value, dict):
            self._notes.flaw(line, "a work must be an object")
            return None
        rights = value.get("rights", [])
        if not isinstance(rights, list) or not all(isinstance(right, dict) for right in rights):
            self._notes.flaw(line, "rights must be a list of objects")
            return None
        before = self._notes.flawed
        parts = [self._texts(line, value, _KNOWN), *(self._texts(line, r, RIGHT_FIELDS) for r in rights)]
        entry = read_entry(line, parts[0], (parts[0], *parts[1:]), self._notes)
        return entry if self._notes.flawed == before else None

    def _texts(self, line: int, value: Mapping[str, object], known: object) -> Row:
        """Return the fields of an object as texts and lists of texts."""
        found: dict[str, str | list[str]] = {}
        for key, item in value.items():
            if key not in known:  # type: ignore[operator]
                self._notes.remark(line, f"the key {key[:60]!r} is not used")
            elif isinstance(item, list):
                found[key] = [self._text(line, key, part) for part in item]
            elif key != "rights" and item is not None:
                found[key] = self._text(line, key, item)
        return found

    def _text(self, line: int, key: str, item: object) -> str:
        if isinstance(item, str):
            return item
        if key == "contributors" and isinstance(item, dict):
            isni = f" [{item['isni']}]" if item.get("isni") else ""
            return f"{item.get('name', '')}{isni}"
        if isinstance(item, int | float) and not isinstance(item, bool):
            return f"{item:g}" if isinstance(item, float) else str(item)
        if key != "rights":
            self._notes.flaw(line, f"{key} must be a text or a list of texts")
        return ""
