"""AIPREF usage preferences (draft-ietf-aipref-vocab-08, draft-ietf-aipref-attach-05)."""

from __future__ import annotations

from vorbehalt.reservation.path_pattern import document_form
from vorbehalt.reservation.terms import Terms, Uses

ROBOTS_KEY = "Content-Usage"


def value(uses: Uses) -> str:
    """The preferences as a structured-field dictionary of tokens (RFC 9651): `y` or `n`, lower case."""
    stances = (("train-ai", uses.training), ("ai-use", uses.ai_input), ("search", uses.search))
    return ", ".join(f"{label}={'y' if stance == 'allow' else 'n'}" for label, stance in stances)


def robots_lines(terms: Terms) -> tuple[str, ...]:
    """The lines of a robots.txt group: the rest of the site, then each section, longest pattern first."""
    lines = [f"{ROBOTS_KEY}: {value(terms.uses)}"]
    sections = [(document_form(path), section.uses) for section in terms.sections for path in section.paths]
    sections.sort(key=lambda entry: (-len(entry[0]), entry[0], -entry[1].reserved_count))
    lines.extend(f"{ROBOTS_KEY}: {path} {value(uses)}" for path, uses in sections)
    return tuple(lines)


def granted(statement: str) -> tuple[str, set[str]]:
    """Reads somebody's own `Content-Usage` line: its path (or "") and the uses it says yes to."""
    path, _, rest = statement.partition(" ") if statement.startswith("/") else ("", "", statement)
    fields = {"train-ai": "training", "ai-use": "ai_input", "search": "search"}
    said = dict(pair.strip().split("=", 1) for pair in rest.split(",") if "=" in pair)
    return path, {
        fields[label.lower()]
        for label, answer in said.items()
        if label.lower() in fields and answer.split(";")[0].strip(' "').lower() in ("y", "yes")
    }
