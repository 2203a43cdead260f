"""What is done about findings: rules like all others, after the site's own and before the preset's."""

from __future__ import annotations

from typing import Final

from vorbehalt.facts import Action, Purpose
from vorbehalt.policy.rules import Match, Mode, Quota, Rule

BY_CONDUCT: Final = frozenset({Purpose.TOOL, Purpose.HEADLESS})
"""Of those who say what they are, whose conduct may decide; all other claims are judged by policy alone."""

LIMITED: Final = Quota(30, 60)
"""Pages and media files for a client at `limit`: more than a person reads, less than a crawl takes."""

CHALLENGED: Final = Quota(10, 60)
"""The same for a client at `challenge`, as long as there is no challenge."""


def level_rules(mode: Mode) -> tuple[Rule, ...]:
    """Return the rules by which findings decide; in `observe` they only say what would be done."""
    own: Mode | None = "observe" if mode == "observe" else None
    return (
        Rule("findings-block", Match(level="block"), Action.BLOCK, None, own, None, "findings-block"),
        Rule(
            "findings-challenge",
            Match(level="challenge"),
            Action.CHALLENGE,
            CHALLENGED,
            own,
            None,
            "findings-challenge",
        ),
        Rule("findings-limit", Match(level="limit"), Action.ALLOW, LIMITED, own, None, "findings-limit"),
    )
