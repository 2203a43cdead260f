"""Path patterns of RFC 9309: `*` stands for any run of characters, a final `$` for the end of the path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote, unquote

_ESCAPE = re.compile("%[0-9a-fA-F]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_KEPT_IN_DOCUMENTS = "/*$?&=+,;:@!'()"


def normal_form(pattern: str) -> str:
    """Percent-encodes what is not ASCII and puts escapes in upper case; nothing else is touched.

    Equal to Google's parser. Bytes that are not UTF-8 come in as surrogate escapes.
    """
    if pattern.isascii() and "%" not in pattern:
        return pattern
    text = "".join(
        character if character < "\x80" else "".join(f"%{octet:02X}" for octet in _octets(character))
        for character in pattern
    )
    return _ESCAPE.sub(lambda escape: escape[0].upper(), text)


def document_form(pattern: str) -> str:
    """Gives the one spelling of a configured pattern that every reader of our documents compares alike.

    Escapes of unreserved characters are decoded, other escapes kept in upper case, everything that may
    not stand in a URI path is encoded (RFC 3986 sections 2.2 to 2.4).
    """
    parts: list[str] = []
    at = 0
    for escape in _ESCAPE.finditer(pattern):
        parts.append(_quoted(pattern[at : escape.start()]))
        character = chr(int(escape[0][1:], 16))
        parts.append(character if character in _UNRESERVED else escape[0].upper())
        at = escape.end()
    parts.append(_quoted(pattern[at:]))
    return "".join(parts)


def request_path(target: bytes) -> str:
    """Gives the part of a raw request target that robots rules speak about: path and query, no fragment.

    Octets outside ASCII are percent-encoded; the absolute form loses scheme and authority.
    """
    text = normal_form(target.split(b"#", 1)[0].decode("utf-8", "surrogateescape"))
    if "://" in text and not text.startswith("/"):
        rest = text.split("://", 1)[1]
        cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        text = rest[cut:]
    return text if text.startswith("/") else "/" + text


@dataclass(frozen=True, slots=True)
class PathPattern:
    """One pattern, ready to match. `text` is its spelling, `literals` are the pieces between asterisks."""

    text: str
    literals: tuple[str, ...]
    anchored: bool

    @classmethod
    def of(cls, text: str) -> PathPattern:
        """Compiles a pattern for comparison with percent-encoded paths."""
        spelling = normal_form(text)
        anchored = spelling.endswith("$")
        return cls(spelling, tuple((spelling[:-1] if anchored else spelling).split("*")), anchored)

    @classmethod
    def of_decoded(cls, text: str) -> PathPattern:
        """Compiles a configured pattern for comparison with paths that are already percent-decoded."""
        encoded = cls.of(document_form(text))
        return cls(encoded.text, tuple(unquote(literal) for literal in encoded.literals), encoded.anchored)

    @property
    def priority(self) -> int:
        """Length in octets; the longest matching pattern wins (RFC 9309 section 2.2.2)."""
        return len(self.text)

    @property
    def longest_spelling(self) -> int:
        """The greatest length that a reader which percent-encodes reserved characters may count."""
        return len(quote(self.text, safe="/%*=$"))

    @property
    def is_plain(self) -> bool:
        """True for a pattern that is a prefix and nothing more."""
        return len(self.literals) == 1 and not self.anchored

    def matches(self, path: str) -> bool:
        """True if the pattern matches from the start of the path. Linear, whatever the asterisks."""
        literals = self.literals
        first = literals[0]
        if not path.startswith(first):
            return False
        if len(literals) == 1:
            return not self.anchored or len(path) == len(first)
        at = len(first)
        for literal in literals[1:-1]:
            found = path.find(literal, at)
            if found < 0:
                return False
            at = found + len(literal)
        last = literals[-1]
        if self.anchored:
            return len(path) - len(last) >= at and path.endswith(last)
        return path.find(last, at) >= 0

    def overlaps(self, other: PathPattern) -> bool:
        """True if some path matches both patterns."""
        head, other_head = self.literals[0], other.literals[0]
        if not (head.startswith(other_head) or other_head.startswith(head)):
            return False
        if self.is_plain and other.is_plain:
            return True
        return _share_a_path(self._steps(), other._steps())

    def outranking(self, length: int) -> PathPattern | None:
        """Gives a pattern of the same meaning that is longer than `length`, or None if there is none.

        A run of asterisks means the same as one and counts more.
        """
        missing = length + 1 - self.priority
        if missing <= 0:
            return self
        if "*" in self.text:
            return PathPattern.of(self.text.replace("*", "*" * (missing + 1), 1))
        if self.anchored:
            return None
        return PathPattern.of(self.text + "*" * missing)

    def _steps(self) -> list[str]:
        """The pattern as single characters and `*`; an open end is a final `*`."""
        steps = list(chain.from_iterable((*literal, "*") for literal in self.literals))
        return steps[:-1] if self.anchored else steps


def _share_a_path(one: list[str], two: list[str]) -> bool:
    """Decides whether two patterns have a common match; each row holds the reachable states of `two`."""
    row = _close({0}, two)
    for step in one:
        reached: set[int] = set()
        for at in row:
            if at < len(two) and (two[at] == "*" or two[at] == step):
                reached.add(at if two[at] == "*" else at + 1)
        if step == "*":
            lowest = min(row, default=len(two) + 1)
            reached |= set(range(lowest, len(two) + 1))
        row = _close(reached, two)
        if not row:
            return False
    return len(two) in row


def _close(states: set[int], steps: list[str]) -> set[int]:
    closed = set(states)
    for state in states:
        at = state
        while at < len(steps) and steps[at] == "*":
            at += 1
            closed.add(at)
    return closed


def _octets(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    return quote(text, safe=_KEPT_IN_DOCUMENTS, errors="surrogatepass")
