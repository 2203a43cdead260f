"""What the robots.txt of one host says to crawlers, read once as a crawler reads it."""

from __future__ import annotations

from dataclasses import dataclass, field

from vorbehalt.reservation.bundle import Bundle
from vorbehalt.reservation.path_pattern import request_path
from vorbehalt.reservation.robots.file import Group, Rule, parse
from vorbehalt.reservation.robots.said import RulesOf, Said, said, version_of
from vorbehalt.reservation.terms import Terms

_MOST_RULES = 500
_EVERYTHING = frozenset({"/", "*", "/*"})


@dataclass(slots=True)
class RobotsInForce:
    """One robots.txt, `version` is the SHA-256 hex of its bytes.

    A crawler that obeys several tokens is in the right if any of them lets it in.
    """

    version: str
    groups: tuple[Group, ...]
    rules: dict[tuple[str, ...], tuple[RulesOf, ...]] = field(default_factory=dict)
    closed: dict[tuple[str, ...], bool | None] = field(default_factory=dict)

    @classmethod
    def of(cls, body: bytes, version: str = "") -> RobotsInForce:
        """Read the bytes of a robots.txt; `version` where it is known already."""
        return cls(version or version_of(body), parse(body).groups)

    def closes(self, tokens: tuple[str, ...]) -> bool | None:
        """True if every page is closed to a crawler with these tokens, False if none; None: by path.

        A file of more than 500 rules for one crawler closes nothing: it would take too long to ask on every
        request.
        """
        try:
            return self.closed[tokens]
        except KeyError:
            found = self.closed[tokens] = self._closes(tokens)
            return found

    def disallows(self, tokens: tuple[str, ...], target: bytes) -> bool:
        """True if a raw request target is disallowed to a crawler with these tokens (RFC 9309)."""
        return not self.says(tokens, target).allowed

    def says(self, tokens: tuple[str, ...], target: bytes) -> Said:
        """Say what this file says to a crawler with these tokens about a raw request target."""
        return said(self._of(tokens), request_path(target))

    def _of(self, tokens: tuple[str, ...]) -> tuple[RulesOf, ...]:
        found = self.rules.get(tokens)
        if found is None:
            found = self.rules[tokens] = tuple(RulesOf(self.groups, token) for token in tokens)
        return found

    def _closes(self, tokens: tuple[str, ...]) -> bool | None:
        if not tokens:
            return False
        closed = [_closes(obeyed.rules) for obeyed in self._of(tokens)]
        if False in closed:
            return False
        return True if all(closed) else None


def read_robots(terms: Terms, bundle: Bundle) -> RobotsInForce:
    """Read the robots.txt of a set of signals."""
    document = bundle.documents[terms.robots_path]
    return RobotsInForce.of(document.body, document.digest)


def _closes(rules: tuple[Rule, ...]) -> bool | None:
    if not rules or len(rules) > _MOST_RULES or all(rule.allow for rule in rules):
        return False
    if any(rule.allow for rule in rules):
        return None
    return True if any(rule.pattern.text in _EVERYTHING for rule in rules) else None
