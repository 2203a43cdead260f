"""`rules`: what the knowledge base holds, and whether it is sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import typer

from vorbehalt.cli import refreshing
from vorbehalt.cli.output import JSON, note, print_json, print_table, printable, problem_json, say
from vorbehalt.facts import AI_PURPOSES
from vorbehalt.identify.lint import lint as lint_registry
from vorbehalt.identify.registry import Crawler, Registry
from vorbehalt.patterns.lint import lint as lint_findings
from vorbehalt.settings import load_rules

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The knowledge about crawlers: show it, check it."
)

PATH = typer.Option(None, "--path", help="A folder that overlays the shipped rules.")


def known(path: Path | None) -> tuple[Mapping[str, bytes], Registry]:
    """Return the shipped rules, overlaid by a folder. Raises typer.BadParameter, RulesError."""
    try:
        return load_rules(path)
    except ValueError as error:
        raise typer.BadParameter(printable(str(error)), param_hint="the rules folder") from None


app.command("refresh")(refreshing.refresh)


@app.command("lint")
def lint(path: Path = PATH, as_json: bool = JSON) -> None:
    """Run every sample against every operator; find overlaps, old sources, broken findings. Exit 1 on one."""
    documents, registry = known(path)
    today = datetime.now(UTC).date()
    problems = [*lint_registry(registry, documents, today), *lint_findings(documents, today)]
    if as_json:
        print_json({"problems": [problem_json(problem) for problem in problems]})
    else:
        for problem in problems:
            say(printable(str(problem)))
        say(f"{len(problems)} findings in {len(registry.crawlers)} crawlers and tools")
    if problems:
        raise typer.Exit(1)


@app.command("show")
def show(
    token: str = typer.Argument(None, help="A product token; without: an overview."),
    path: Path = PATH,
    as_json: bool = JSON,
) -> None:
    """Show what is known of a crawler, or how much is known in all."""
    registry = known(path)[1]
    facts = overview(registry) if token is None else _known(registry, token)
    if as_json:
        print_json(facts)
        return
    print_table(("", ""), [(key, _text(value)) for key, value in facts.items()])


def overview(registry: Registry) -> dict[str, object]:
    """Return how much is known."""
    crawlers = registry.crawlers
    purposes = Counter(crawler.purpose.value for crawler in crawlers)
    return {
        "version": registry.version,
        "digest": registry.digest,
        "crawlers": len(crawlers),
        "ai_related": sum(crawler.purpose in AI_PURPOSES for crawler in crawlers),
        "operators": len({crawler.operator for crawler in crawlers if crawler.operator}),
        "rejected": len(registry.rejected),
        "purposes": dict(sorted(purposes.items())),
    }


def _known(registry: Registry, token: str) -> dict[str, object]:
    crawler = registry.find(token)
    if crawler is not None:
        return describe(crawler)
    why = next((why for name, why in registry.rejected.items() if name.lower() == token.lower()), None)
    note(f"{token}: left out on purpose: {why}" if why else f"{token}: not known")
    raise typer.Exit(1)


def describe(crawler: Crawler) -> dict[str, object]:
    """Return all that is known of one crawler."""
    party = crawler.party
    return {
        "token": crawler.token,
        "aliases": list(crawler.aliases),
        "kind": crawler.kind,
        "operator": crawler.operator,
        "maker": None if party.is_operator else party.name,
        "purpose": crawler.purpose.value,
        "purpose_basis": crawler.purpose_basis,
        "purpose_note": crawler.purpose_note,
        "control": crawler.is_control,
        "robots_tokens": list(crawler.robots_tokens),
        "respects_robots": crawler.respects_robots,
        "verification": [means.method for means in crawler.verify],
        "documentation": crawler.documentation,
        "sources": [{"url": source.url, "date": source.date.isoformat()} for source in crawler.sources],
    }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    if isinstance(value, list):
        return ", ".join(
            f"{item['url']} ({item['date']})" if isinstance(item, dict) else str(item) for item in value
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
