"""What a robots.txt says to one crawler about one path (RFC 9309 section 2.2, equal to Google's matcher)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vorbehalt.reservation.robots import Group, Line, Rule, is_wildcard, names

_ROBOTS_PATH = "/robots.txt"


def allowed(groups: Sequence[Group], token: str, path: str) -> tuple[bool, Line | None]:
    """Says whether the crawler with this product token may fetch a path, and by which line.

    `path` is the percent-encoded path with its query (`path_pattern.request_path`). The longest matching
    pattern wins, Allow wins a tie; a crawler that is named anywhere ignores the groups of `*`. Without a
    matching line everything is allowed, and the robots.txt itself always is.
    """
    return decide(rules_for(groups, token), path)


def rules_for(groups: Sequence[Group], token: str) -> tuple[Rule, ...]:
    """Gives the rules that one crawler has to obey, in the order of the file."""
    named = [group for group in groups if any(names(agent, token) for agent in group.agents)]
    chosen = named or [group for group in groups if any(map(is_wildcard, group.agents))]
    return tuple(rule for group in chosen for rule in group.rules)


def decide(rules: Iterable[Rule], path: str) -> tuple[bool, Line | None]:
    """Says what a crawler's rules make of a path, as `allowed` does."""
    if path == _ROBOTS_PATH:
        return True, None
    winner: Rule | None = None
    best = (0, False)
    for rule in rules:
        rank = (rule.pattern.priority, rule.allow)
        if rank > best and rule.pattern.matches(path):
            winner, best = rule, rank
    return (True, None) if winner is None else (winner.allow, winner.line)
