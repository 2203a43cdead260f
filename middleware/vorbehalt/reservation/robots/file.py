"""A robots.txt read into lines and groups as Google reads it (RFC 9309); every line is kept as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from vorbehalt.reservation.path_pattern import PathPattern

LineKind = Literal["agent", "allow", "disallow", "site", "other", "blank"]
"""`site` lines (Sitemap, Host) belong to no group; `other` are records that this module does not judge;
`blank` has neither key nor value: empty lines, comments, text without a separator."""

MAX_BYTES = 500 * 1024
"""What a reader must at least read (RFC 9309 section 2.5) and Google reads at most."""

_MAX_LINE_BYTES = 2083 * 8 - 1
_LINE_END = re.compile("\r\n|\n|\r")
_WHITESPACE = " \t\v\f\r\n"
_AGENT_KEYS = ("user-agent", "useragent", "user agent")
_DISALLOW_KEYS = ("disallow", "dissallow", "dissalow", "disalow", "diaslow", "diasllow", "disallaw")
_SITE_KEYS = ("sitemap", "site-map", "host")
_PRODUCT_TOKEN = re.compile("[A-Za-z_-]*")
_INDEX_PAGE = "/index.htm"


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `number` is 1-based, `text` as in the file without its line end (surrogate escapes)."""

    number: int
    text: str
    kind: LineKind
    key: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One Allow or Disallow line in force for a group."""

    line: Line
    allow: bool
    pattern: PathPattern


@dataclass(frozen=True, slots=True)
class Group:
    """Adjacent User-agent lines with all lines up to the next User-agent line that follows a rule.

    Records other than Allow and Disallow do not end a run of User-agent lines.
    """

    lines: tuple[Line, ...]
    rules: tuple[Rule, ...]

    @property
    def agents(self) -> tuple[str, ...]:
        """The values of the User-agent lines as written."""
        return tuple(line.value for line in self.lines if line.kind == "agent")


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """All lines of a file, and the groups made of those after the first User-agent line."""

    lines: tuple[Line, ...]
    groups: tuple[Group, ...]


def parse(data: bytes) -> RobotsFile:
    """Reads any bytes; never raises. A byte order mark, whole or in part, is skipped."""
    body = _without_mark(data).decode("utf-8", "surrogateescape")
    lines = tuple(_line(number, text) for number, text in enumerate(_LINE_END.split(body), 1))
    return RobotsFile(lines, tuple(_groups(lines)))


def product_token(agent: str) -> str:
    """The part of a User-agent value that RFC 9309 compares: leading letters, `-` and `_`."""
    found = _PRODUCT_TOKEN.match(agent)
    return found[0] if found else ""


def is_wildcard(agent: str) -> bool:
    """True for `*`, also when followed by white space and more."""
    return agent[:1] == "*" and (len(agent) == 1 or agent[1] in _WHITESPACE)


def names(agent: str, token: str) -> bool:
    """True if a User-agent value names the crawler with this product token; case is ignored.

    A token with characters outside RFC 9309 (`AI2Bot`) is compared with the value up to `/` or a space.
    """
    wanted = token.casefold()
    if product_token(agent).casefold() == wanted:
        return bool(wanted)
    first_word = agent.split("/", 1)[0].split(maxsplit=1)[:1]
    return bool(first_word) and first_word[0].casefold() == wanted


def agent_runs(group: Group) -> list[list[Line]]:
    """Cuts a group where a stricter reader does: before any User-agent line that follows another record."""
    runs: list[list[Line]] = []
    previous = ""
    for line in group.lines:
        if line.kind in ("blank", "site"):
            continue
        if not runs or (line.kind == "agent" and previous != "agent"):
            runs.append([])
        runs[-1].append(line)
        previous = line.kind
    return runs


def _without_mark(data: bytes) -> bytes:
    mark = b"\xef\xbb\xbf"
    at = 0
    while at < len(mark) and data[at : at + 1] == mark[at : at + 1]:
        at += 1
    return data[at:]


def _line(number: int, text: str) -> Line:
    key, value = _key_and_value(text)
    if not key:
        return Line(number, text, "blank")
    name = key.lower()
    kind: LineKind = "other"
    if name.startswith(_AGENT_KEYS):
        kind = "agent"
    elif name.startswith("allow"):
        kind = "allow"
    elif name.startswith(_DISALLOW_KEYS):
        kind = "disallow"
    elif name.startswith(_SITE_KEYS):
        kind = "site"
    return Line(number, text, kind, name, value)


def _key_and_value(text: str) -> tuple[str, str]:
    if len(text) > _MAX_LINE_BYTES // 4:
        text = text.encode("utf-8", "surrogateescape")[:_MAX_LINE_BYTES].decode("utf-8", "surrogateescape")
    content = text.split("#", 1)[0].strip(_WHITESPACE)
    key, colon, value = content.partition(":")
    if colon:
        return key.strip(_WHITESPACE), value.strip(_WHITESPACE)
    words = re.split("[ \t]+", content)
    return (words[0], words[1]) if len(words) == 2 else ("", "")


def _groups(lines: Sequence[Line]) -> Iterator[Group]:
    current: list[Line] = []
    after_rule = False
    for line in lines:
        if line.kind == "agent" and (after_rule or not current):
            if current:
                yield _group(current)
            current, after_rule = [], False
        if line.kind == "agent" or current:
            current.append(line)
        if line.kind in ("allow", "disallow"):
            after_rule = True
    if current:
        yield _group(current)


def _group(lines: Sequence[Line]) -> Group:
    return Group(tuple(lines), tuple(rule for line in lines for rule in _rules(line)))


def _rules(line: Line) -> Iterator[Rule]:
    if line.kind not in ("allow", "disallow") or not line.value:
        return
    allow = line.kind == "allow"
    yield Rule(line, allow, PathPattern.of(line.value))
    if allow:
        slash = line.value.rfind("/")
        if slash >= 0 and line.value.startswith(_INDEX_PAGE, slash):
            # Google reads a permitted index page as permission for the directory that it stands for.
            yield Rule(line, allow, PathPattern.of(line.value[: slash + 1] + "$"))
