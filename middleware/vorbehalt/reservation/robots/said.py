"""What one version of a robots.txt says to a crawler: allowed or not, by which line of which group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from vorbehalt.reservation.path_pattern import request_path
from vorbehalt.reservation.robots.file import Group, Rule, is_wildcard, names, parse

_ROBOTS_PATH = "/robots.txt"
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. `line` and `number` (1-based) are those of the rule that decides, None without a rule.

    `agent` is the User-agent value of the group that applied, None where no group applies. `line` is at most
    200 characters, without the white space around it; octets that are no UTF-8 are replaced.
    """

    allowed: bool
    line: str | None = None
    number: int | None = None
    agent: str | None = None

    def as_json(self) -> dict[str, object]:
        """The form that records carry and `signals robots --json` prints."""
        return {"allowed": self.allowed, "line": self.line, "number": self.number, "agent": self.agent}


def what_robots_said(body: bytes, tokens: Sequence[str], target: bytes) -> Said:
    """Say what a robots.txt says to a crawler that obeys these tokens about a raw request target.

    Equal to RFC 9309 section 2.2 and to Google's matcher, for any bytes; never raises. The robots.txt itself
    is always allowed. A crawler that obeys several tokens is in the right if any of them lets it in.
    """
    groups = parse(body).groups
    return said([RulesOf(groups, token) for token in tokens], request_path(target))


def lets_in(groups: Sequence[Group], token: str, path: str) -> bool:
    """True if a file that was read already allows a path (`path_pattern.request_path`) to one token."""
    return said([RulesOf(groups, token)], path).allowed


def version_of(body: bytes) -> str:
    """The digest that names this version of a robots.txt: SHA-256 hex of its bytes."""
    return sha256(body).hexdigest()


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A rule with its rank: the longer pattern, then Allow, then the line that stands first."""

    rank: tuple[int, bool, int]
    rule: Rule
    agent: str


class RulesOf:
    """What one token has to obey in one file, laid out so that thousands of plain rules cost little.

    A crawler that is named anywhere ignores the groups of `*` (RFC 9309 section 2.2.1).
    """

    __slots__ = ("_lengths", "_plain", "_wild", "agent", "rules")

    def __init__(self, groups: Sequence[Group], token: str) -> None:
        chosen = [(group, agent) for group in groups if (agent := _naming(group, token)) is not None]
        if not chosen:
            chosen = [(group, agent) for group in groups if (agent := _wildcard(group)) is not None]
        self.agent: str | None = chosen[0][1] if chosen else None
        ranked: list[_Ranked] = []
        for group, agent in chosen:
            for rule in group.rules:
                ranked.append(_Ranked((rule.pattern.priority, rule.allow, -len(ranked)), rule, agent))
        self.rules = tuple(found.rule for found in ranked)
        ranked.sort(key=lambda found: found.rank)
        # Later ones overwrite: of the same text the highest rank is kept.
        self._plain = {found.rule.pattern.text: found for found in ranked if found.rule.pattern.is_plain}
        self._lengths = sorted({len(text) for text in self._plain}, reverse=True)
        self._wild = [found for found in reversed(ranked) if not found.rule.pattern.is_plain]

    def decide(self, path: str) -> tuple[Rule, str] | None:
        """Return the rule that decides about a path, with its group's User-agent; None: all is allowed."""
        if path == _ROBOTS_PATH:
            return None
        best: _Ranked | None = None
        for length in self._lengths:
            if (best := self._plain.get(path[:length])) is not None:
                break
        for found in self._wild:
            if best is not None and found.rank < best.rank:
                break
            if found.rule.pattern.matches(path):
                best = found
                break
        return None if best is None else (best.rule, best.agent)


def said(obeyed: Iterable[RulesOf], path: str) -> Said:
    """Say what the rules of all tokens of one crawler make of a path (`path_pattern.request_path`)."""
    first: Said | None = None
    for rules in obeyed:
        found = rules.decide(path)
        if found is None:
            answer = Said(True, agent=rules.agent)
        else:
            rule, agent = found
            answer = Said(rule.allow, _shown(rule.line.text), rule.line.number, _shown(agent))
        if answer.allowed:
            return answer
        first = first or answer
    return first or Said(True)


def _naming(group: Group, token: str) -> str | None:
    return next((agent for agent in group.agents if names(agent, token)), None)


def _wildcard(group: Group) -> str | None:
    return next((agent for agent in group.agents if is_wildcard(agent)), None)


def _shown(text: str) -> str:
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text.strip()[:_LONGEST_LINE]
