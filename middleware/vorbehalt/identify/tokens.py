"""From a User-Agent to a claim: which product token of the registry it bears.

How a token is found (rules/README.md, forms of a match):

- Letters, digits, `_`, `-` and every byte beyond ASCII belong to a word; a token is only found whole.
- `like X` and `compatible with X` are comparisons, no claims.
- Inside an address on the web (`https://host/path`) only a crawler's token in the path counts, or one that
  contains a dot; inside a mail address none does. A control token never counts there.
- A token inside a longer one that was found (`Spider` in `Screaming Frog SEO Spider`) is not found.

Which token wins, first difference decides:

1. a crawler of an operator, a crawler of a maker, a control token, a tool, a headless browser;
2. outside an address on the web before inside;
3. the longer spelling; 4. the one that stands first; 5. the alphabet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, Literal

from vorbehalt.identify.identity import Claim
from vorbehalt.identify.registry import Crawler, Form, Registry

HEAD: Final = 4096
TAIL: Final = 512
"""Of a longer User-Agent only the first 4,096 and the last 512 bytes are looked at."""

Place = Literal["text", "host", "path", "mail"]

MISSING: Final[object] = object()
"""For `cache.known.get(user_agent, MISSING)`: this User-Agent has not been seen."""

_WORD: Final = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-" + bytes(range(128, 256))
)
_LOWER: Final = bytes(range(256)).lower()
_FOLD: Final = bytes(_LOWER[byte] if byte in _WORD else 0x20 for byte in range(256))
"""Lower case, and everything that separates words becomes a space."""

_CUT: Final = b"\x80"
"""Stands where a long User-Agent was cut: it belongs to the words beside it, and to no token."""
_SPACE: Final = b" \t\r\n\0\v\f"
_ENDS_ADDRESS: Final = _SPACE + b"()<>[]{}\"'`,;|"
_ADDRESS: Final = bytes(0x20 if byte in _ENDS_ADDRESS else byte for byte in range(256))
_MAIL: Final = bytes(byte if byte in _WORD or byte == 0x2E else 0x20 for byte in range(256))
_COMPARISONS: Final = (b"like", b"compatible with")

_COMMON: Final = frozenset(
    b"""
    mozilla applewebkit khtml like gecko chrome safari version mobile linux android windows nt win64 x64 x11
    macintosh intel mac os x iphone ipad cpu u en us build wv firefox edg edge opr opera trident msie net clr
    http https www com org html bot compatible ai web search the and of for user agent app browser
    """.split()
)
"""Words that many User-Agents contain: poor anchors."""


class _Seen:
    """One User-Agent, prepared for the questions that follow a hit."""

    __slots__ = ("_addresses", "_mails", "lower", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.lower = raw.lower()
        self._addresses = self.lower.translate(_ADDRESS)
        self._mails = self.lower.translate(_MAIL)

    def is_compared(self, at: int) -> bool:
        """True if the token at this place follows `like ` or `compatible with `."""
        before = self.lower[max(0, at - 24) : at]
        stripped = before.rstrip(_SPACE)
        if len(stripped) == len(before):
            return False
        for phrase in _COMPARISONS:
            if stripped.endswith(phrase):
                rest = stripped[: -len(phrase)]
                return not rest or rest[-1] not in _WORD
        return False

    def place(self, at: int, end: int) -> Place:
        """Where the token from `at` to `end` stands: in the text, or in an address on the web or of mail."""
        left = self._mails.rfind(b" ", 0, at)
        right = self._mails.find(b" ", end)
        if (left >= 0 and self.lower[left] == 0x40) or (right >= 0 and self.lower[right] == 0x40):
            return "mail"
        before = self._addresses[self._addresses.rfind(b" ", 0, at) + 1 : at]
        scheme = before.rfind(b"://")
        if scheme >= 0:
            return "path" if b"/" in before[scheme + 3 :] else "host"
        if before.lstrip(b"+").startswith(b"www."):
            return "path" if b"/" in before else "host"
        return "text"


class _Pattern:
    """One spelling of a crawler: how to find it in a User-Agent."""

    __slots__ = ("closed", "crawler", "folded", "form", "opened", "raw")

    def __init__(self, spelling: str, crawler: Crawler) -> None:
        self.raw = spelling.encode("ascii")
        self.folded = self.raw.lower()
        self.crawler = crawler
        self.form: Form = crawler.form
        self.opened = self.raw[0] in _WORD
        self.closed = self.raw[-1] in _WORD

    def find(self, seen: _Seen) -> tuple[int, bool] | None:
        """Where the token is claimed and whether that is inside an address on the web; None if nowhere."""
        text, needle = (seen.raw, self.raw) if self.crawler.case_sensitive else (seen.lower, self.folded)
        inside: tuple[int, bool] | None = None
        at = text.find(needle)
        while at >= 0:
            end = at + len(needle)
            if self._is_whole(text, at, end) and self._has_form(text, at, end) and not seen.is_compared(at):
                place = seen.place(at, end)
                if place == "text":
                    return at, False
                if inside is None and self._counts(place):
                    inside = at, True
            at = text.find(needle, at + 1)
        return inside

    def _is_whole(self, text: bytes, at: int, end: int) -> bool:
        return not (
            (self.opened and at > 0 and text[at - 1] in _WORD)
            or (self.closed and end < len(text) and text[end] in _WORD)
        )

    def _has_form(self, text: bytes, at: int, end: int) -> bool:
        if self.form == "word":
            return True
        after = text[end : end + 1]
        if self.form == "product":
            return after == b"/" or text.strip(_SPACE) == text[at:end]
        if text[:at].strip(_SPACE):
            return False
        if self.form == "lead":
            return after in (b"/", b" ", b"")
        rest = text[end:].rstrip(_SPACE)
        return not rest or (rest[:1] == b"/" and not any(byte in _SPACE for byte in rest))

    def _counts(self, place: Place) -> bool:
        if place == "mail" or self.crawler.kind != "crawler" or self.crawler.is_control:
            return False
        return place == "path" or b"." in self.folded


def _rank(crawler: Crawler) -> int:
    if crawler.is_control:
        return 2
    if crawler.kind == "crawler":
        return 0 if crawler.party.is_operator else 1
    return 3 if crawler.kind == "tool" else 4


def _words(text: bytes) -> list[bytes]:
    return text.translate(_FOLD).split()


class TokenIndex:
    """All product tokens of a registry, ready to be looked up in any bytes. Never raises."""

    __slots__ = ("_anchors", "_misses", "_patterns")

    def __init__(self, registry: Registry) -> None:
        patterns = [
            _Pattern(spelling, crawler)
            for crawler in registry.crawlers
            for spelling in (crawler.token, *crawler.aliases)
        ]
        shared = _frequencies(pattern.folded for pattern in patterns)
        self._patterns: dict[bytes, list[_Pattern]] = {}
        for pattern in patterns:
            # Every word of a token that is found whole is a whole word of the User-Agent: any one will do as
            # the anchor, so the one that the fewest other strings contain.
            anchor = min(
                _words(pattern.folded), key=lambda word: (word in _COMMON, shared[word], -len(word), word)
            )
            self._patterns.setdefault(anchor, []).append(pattern)
        self._anchors = frozenset(self._patterns)
        self._misses = self._anchors.isdisjoint

    def claim(self, user_agent: bytes) -> Claim | None:
        """Return what this User-Agent says it is, None if it bears no token."""
        if len(user_agent) > HEAD + TAIL:
            user_agent = user_agent[:HEAD] + _CUT + user_agent[-TAIL:]
        words = user_agent.translate(_FOLD).split()
        if self._misses(words):
            return None
        return self._judge(user_agent, words)

    def _judge(self, raw: bytes, words: list[bytes]) -> Claim | None:
        seen = _Seen(raw)
        hits: list[tuple[int, int, bool, _Pattern]] = []
        for anchor in self._anchors.intersection(words):
            for pattern in self._patterns[anchor]:
                found = pattern.find(seen)
                if found is not None:
                    hits.append((found[0], -len(pattern.raw), found[1], pattern))
        best: dict[str, tuple[tuple[int, bool, int, int, str], Crawler]] = {}
        covered = -1
        for at, length, inside, pattern in sorted(hits, key=lambda hit: hit[:2]):
            end = at - length
            if end <= covered:
                continue
            covered = end
            crawler = pattern.crawler
            key = (_rank(crawler), inside, length, at, crawler.token)
            if crawler.token not in best or key < best[crawler.token][0]:
                best[crawler.token] = key, crawler
        ranked = [crawler for _, crawler in sorted(best.values(), key=lambda entry: entry[0])]
        return Claim(ranked[0], tuple(ranked[1:])) if ranked else None


def _frequencies(spellings: Iterable[bytes]) -> Mapping[bytes, int]:
    counts: dict[bytes, int] = {}
    for spelling in spellings:
        for word in set(_words(spelling)):
            counts[word] = counts.get(word, 0) + 1
    return counts


class ClaimCache:
    """Claims by the raw bytes of the header, for the last `size` distinct ones; oldest go first.

    `known` may be read directly: `known.get(user_agent, MISSING)`. A header beyond 4 KiB is not kept.
    """

    __slots__ = ("_claim", "_size", "known")

    def __init__(self, index: TokenIndex, size: int = 8192) -> None:
        self._claim = index.claim
        self._size = max(1, size)
        self.known: dict[bytes, Claim | None] = {}

    def get(self, user_agent: bytes) -> Claim | None:
        """Return the claim of this User-Agent, from memory where it was seen before."""
        known = self.known
        try:
            return known[user_agent]
        except KeyError:
            pass
        claim = self._claim(user_agent)
        if len(user_agent) <= HEAD:
            if len(known) >= self._size:
                # An eighth at once: taking out the first entry alone would search past all that went before.
                for old in list(islice(known, max(1, self._size >> 3))):
                    known.pop(old, None)
            known[user_agent] = claim
        return claim
