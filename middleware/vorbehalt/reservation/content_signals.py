"""Content Signals (contentsignals.org, policy of 2025-09-24)."""

from __future__ import annotations

from vorbehalt.reservation.path_pattern import document_form
from vorbehalt.reservation.terms import Terms, Uses

ROBOTS_KEY = "Content-Signal"

COMMENT = (
    "How to read Content-Signal: a key set to yes means that content may be collected for that use,",
    "a key set to no means that it may not, a key left out means neither.",
    "search: an index that shows links and short excerpts. ai-input: content fed to an AI model when it",
    "answers. ai-train: training or fine-tuning of AI models.",
    "Every no is an express reservation of rights under Article 4 of Directive (EU) 2019/790.",
)
"""The explanation that has to stand with the lines."""


def robots_lines(terms: Terms) -> tuple[str, ...]:
    """The lines of a robots.txt group.

    Readers that know no paths would take a section's yes for the whole site, so a key that is reserved in
    some section is left out of the line for the rest, and lines with a path only ever say no.
    """
    said = [
        (key, stance == "allow")
        for key, stance, everywhere in zip(_KEYS, _stances(terms.uses), _everywhere(terms), strict=True)
        if stance == "reserve" or everywhere
    ]
    lines = [f"{ROBOTS_KEY}: " + _statement(said)] if said else []
    for section in terms.sections:
        refused = [
            (key, False)
            for key, stance, rest in zip(_KEYS, _stances(section.uses), _stances(terms.uses), strict=True)
            if stance == "reserve" and rest == "allow"
        ]
        if refused:
            paths = dict.fromkeys(document_form(path) for path in section.paths)
            lines.extend(f"{ROBOTS_KEY}: {path} {_statement(refused)}" for path in paths)
    return tuple(lines)


def granted(statement: str) -> tuple[str, set[str]]:
    """Reads somebody's own `Content-Signal` line: its path (or "") and the uses it says yes to."""
    path, _, rest = statement.partition(" ") if statement.startswith("/") else ("", "", statement)
    fields = dict(zip(_KEYS, ("search", "ai_input", "training"), strict=True))
    pairs = (pair.strip().split("=", 1) for pair in rest.split(",") if "=" in pair)
    return path, {
        fields[key.strip().lower()]
        for key, answer in pairs
        if key.strip().lower() in fields and answer.strip().lower() in ("yes", "y")
    }


_KEYS = ("search", "ai-input", "ai-train")


def _stances(uses: Uses) -> tuple[str, str, str]:
    return (uses.search, uses.ai_input, uses.training)


def _everywhere(terms: Terms) -> tuple[bool, ...]:
    """For each key: whether no part of the site reserves it."""
    columns = zip(*(_stances(uses) for uses in terms.all_uses), strict=True)
    return tuple("reserve" not in column for column in columns)


def _statement(said: list[tuple[str, bool]]) -> str:
    return ", ".join(f"{key}={'yes' if permitted else 'no'}" for key, permitted in said)
