"""What the robots.txt of one host says to crawlers, read once as a crawler reads it."""

from __future__ import annotations

from dataclasses import dataclass, field

from vorbehalt.reservation.bundle import Bundle
from vorbehalt.reservation.path_pattern import request_path
from vorbehalt.reservation.robots import Group, Rule, parse
from vorbehalt.reservation.robots_match import decide, rules_for
from vorbehalt.reservation.terms import Terms

_MOST_RULES = 500
_EVERYTHING = frozenset({"/", "*", "/*"})


@dataclass(slots=True)
class RobotsInForce:
    """One robots.txt. A crawler that obeys several tokens is in the right if any of them lets it in."""

    groups: tuple[Group, ...]
    rules: dict[tuple[str, ...], tuple[tuple[Rule, ...], ...]] = field(default_factory=dict)

    def closes(self, tokens: tuple[str, ...]) -> bool | None:
        """True if every page is closed to a crawler with these tokens, False if none; None: by path.

        A file of more than 500 rules for one crawler closes nothing: it would take too long to ask on every
        request.
        """
        if not tokens:
            return False
        closed = [_closes(rules) for rules in self._of(tokens)]
        if False in closed:
            return False
        return True if all(closed) else None

    def disallows(self, tokens: tuple[str, ...], target: bytes) -> bool:
        """True if a raw request target is disallowed to a crawler with these tokens (RFC 9309)."""
        path = request_path(target)
        return not any(decide(rules, path)[0] for rules in self._of(tokens))

    def _of(self, tokens: tuple[str, ...]) -> tuple[tuple[Rule, ...], ...]:
        found = self.rules.get(tokens)
        if found is None:
            found = self.rules[tokens] = tuple(rules_for(self.groups, token) for token in tokens)
        return found


def read_robots(terms: Terms, bundle: Bundle) -> RobotsInForce:
    """Read the robots.txt of a set of signals."""
    return RobotsInForce(parse(bundle.documents[terms.robots_path].body).groups)


def _closes(rules: tuple[Rule, ...]) -> bool | None:
    if not rules or len(rules) > _MOST_RULES or all(rule.allow for rule in rules):
        return False
    if any(rule.allow for rule in rules):
        return None
    return True if any(rule.pattern.text in _EVERYTHING for rule in rules) else None
