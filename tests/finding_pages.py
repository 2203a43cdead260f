"""Writes docs/findings/*.md from the rules: `python tests/finding_pages.py`. A test keeps them equal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import vorbehalt_rules
from pattern_support import Client, clients, first, fits, points
from vorbehalt.patterns.book import Book, Family, read_book
from vorbehalt.patterns.definition import Definition
from vorbehalt.patterns.seen import NEEDS

FOLDER = Path(__file__).parents[1] / "docs" / "findings"

_STATES = {
    "none": "the request alone",
    "client": "what this client did before",
    "cohort": "what many clients of one kind or network did in the hour",
}
_LEVELS = {
    "observe": "Alone it never does more than be written down.",
    "limit": "Alone it never does more than limit.",
    "challenge": "Alone it never does more than ask for a challenge; it never blocks by itself.",
    "block": "",
}


def pages(book: Book) -> dict[str, str]:
    """Every page by its file name."""
    found = {f"{id}.md": page(definition, book) for id, definition in book.definitions.items()}
    return found | {"README.md": overview(book)}


def page(definition: Definition, book: Book) -> str:
    """One finding for people."""
    text, family = definition.text, book.families[definition.family]
    counts = f"{definition.weight} points, family {family.name} (together at most {family.cap})"
    counts = f"{counts}, {_keeping(family)}. {_bound(definition, family)}".rstrip()
    needs = "; ".join(NEEDS[need] for need in NEEDS if need in definition.needs)
    version = f"{definition.version}; {_parameters(definition)}".rstrip("; ")
    lines = [
        f"# {definition.id}",
        "",
        f"{text.title[0].upper()}{text.title[1:]}.",
        "",
        "## What it means",
        "",
        text.means,
        "",
        f"- Observed: {text.observed}.",
        f"- Expected: {text.expected}.",
        f"- Counts: {counts}",
        f"- Rests on: {_STATES[definition.state]}.",
        f"- Needs: {needs or 'nothing'}.",
        f"- Version {version}.",
        "",
        "Where what it needs is not given, it is off: what cannot be seen never counts against anybody.",
        "",
        "## Innocent causes",
        "",
        *(f"- {cause}" for cause in text.innocent),
        "",
        "## When a reader is hit",
        "",
        text.reader,
        "",
        "`vorbehalt spare --ref ID --for 30d` lets one visitor through; how to find the reference:",
        "[a reader says you blocked them](../blocked-reader.md).",
        "",
        "## Sources",
        "",
        *(f"- {_linked(source)}" for source in definition.sources),
    ]
    return "\n".join(lines) + "\n"


def matrix(columns: dict[str, Callable[[Client], str]], labels: tuple[str, ...]) -> str:
    """The table of the captured clients of some labels, with its zeros."""
    lines = [
        "| client | " + " | ".join(columns) + " |",
        "| --- |" + " --- |" * len(columns),
    ]
    for client in clients().values():
        if client.label in labels:
            lines.append(f"| {client.name} | " + " | ".join(of(client) for of in columns.values()) + " |")
    return "\n".join(lines) + "\n"


def _points(arrangement: str) -> Callable[[Client], str]:
    return lambda client: str(points(first(client, arrangement))) if fits(client, arrangement) else "-"


COLUMNS: dict[str, Callable[[Client], str]] = {
    "as captured": _points("captured"),
    "https, headers in a map": _points("mapped"),
    "plain http": _points("plain"),
    "findings as captured": lambda client: ", ".join(one.id for one in first(client, "captured")) or "none",
}
"""What the table of clients shows of each; "-" for what cannot happen."""


def overview(book: Book) -> str:
    """The table of all findings."""
    lines = [
        "# Findings",
        "",
        "One page each; the definitions are data of the rules (`findings/*.toml`). How they add up:"
        " [detection](../detection.md).",
        "",
        "| finding | what was seen | points | family | needs |",
        "| --- | --- | --- | --- | --- |",
    ]
    for id, definition in book.definitions.items():
        needs = ", ".join(need for need in NEEDS if need in definition.needs) or "-"
        cells = (f"[{id}]({id}.md)", definition.text.title, str(definition.weight), definition.family, needs)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _keeping(family: Family) -> str:
    if family.keeps == "maximum":
        return f"the largest of the last {family.minutes} minutes"
    hours = family.minutes // 60
    return f"halved every {f'{hours} hours' if hours else f'{family.minutes} minutes'}"


def _bound(definition: Definition, family: Family) -> str:
    if "repeated_weight" in definition.parameters:
        return "Once it never makes a block, whatever else is known; repeated it is conclusive."
    if definition.conclusive:
        return "Conclusive: at the points for a block it needs no second family."
    hardest = min((definition.alone_at_most, family.alone_at_most), key=list(_LEVELS).index)
    return _LEVELS[hardest]


def _parameters(definition: Definition) -> str:
    shown = []
    for name, value in definition.parameters.items():
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        shown.append(f"`{name}` {text}")
    return "; ".join(shown)


def _linked(source: str) -> str:
    address, space, rest = source.partition(" ")
    return f"<{address}>{space}{rest}" if address.startswith("https://") else source


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages(read_book(vorbehalt_rules.documents())).items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
