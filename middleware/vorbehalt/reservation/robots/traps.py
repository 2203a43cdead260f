"""The rule that forbids trap links to everybody: whoever obeys robots.txt must never step into one."""

from __future__ import annotations

from collections.abc import Callable

from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.robots.file import RobotsFile
from vorbehalt.reservation.robots.site import Draft
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.wording import clean


def trap_rules(terms: Terms) -> tuple[str, ...]:
    """The rule lines; none where no trap links are placed."""
    return (f"Disallow: {terms.trap_path}",) if terms.trap_path else ()


def close_traps(
    terms: Terms, site: RobotsFile, is_refused: Callable[[str], bool], draft: Draft
) -> tuple[str, ...]:
    """Put the rule into every group of the site that crawlers still hear; return it for groups of ours.

    It stands first in each group, because readers of the convention of 1994 take the first rule that matches.
    Rules of the site that would open a trap all the same are named as conflicts.
    """
    rules = trap_rules(terms)
    if not rules:
        return ()
    trap = PathPattern.of(terms.trap_path)
    for group in site.groups:
        if all(is_refused(agent) for agent in group.agents):
            continue
        # After the last of them: where readers disagree on what is a group, a rule in between would split it.
        agents = [line.number for line in group.lines if line.kind == "agent"]
        draft.rules[agents[-1]] = list(rules)
        for rule in group.rules:
            if rule.allow and rule.pattern.priority >= trap.priority and rule.pattern.overlaps(trap):
                draft.conflicts.append(
                    f"line {rule.line.number} of the site's robots.txt may allow what trap links lead to:"
                    f" {clean(rule.line.text)}"
                )
    return rules
