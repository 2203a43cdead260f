"""`rules`: what the knowledge base holds, and whether it is sound."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from vorbehalt.cli.config import JSON
from vorbehalt.cli.output import print_json, problem_json
from vorbehalt.identify.lint import lint as lint_registry
from vorbehalt.settings import load_rules

app = typer.Typer(no_args_is_help=True, help="The knowledge about crawlers: show it, check it.")

PATH = typer.Option(None, "--path", help="A folder that overlays the shipped rules.")


@app.command("lint")
def lint(path: Path = PATH, as_json: bool = JSON) -> None:
    """Run every sample against every operator; find overlaps, missing or old sources. Exit 1 on a finding."""
    documents, registry = load_rules(path)
    problems = lint_registry(registry, documents, datetime.now(UTC).date())
    if as_json:
        print_json({"problems": [problem_json(problem) for problem in problems]})
    else:
        for problem in problems:
            typer.echo(str(problem))
        typer.echo(f"{len(problems)} findings")
    if problems:
        raise typer.Exit(1)


@app.command("show")
def show(
    token: str = typer.Argument(None, help="A product token; without: an overview."),
    path: Path = PATH,
    as_json: bool = JSON,
) -> None:
    """Show what is known of a crawler, or how much is known in all."""
    registry = load_rules(path)[1]
    if token is None:
        operators = {crawler.operator for crawler in registry.crawlers if crawler.operator}
        overview = {
            "version": registry.version,
            "digest": registry.digest,
            "crawlers": len(registry.crawlers),
            "operators": len(operators),
            "rejected": len(registry.rejected),
        }
        if as_json:
            print_json(overview)
        else:
            for key, value in overview.items():
                typer.echo(f"{key}: {value}")
        return
    found = [c for c in registry.crawlers if token.lower() in (c.token.lower(), *map(str.lower, c.aliases))]
    if not found:
        reason = next((why for name, why in registry.rejected.items() if name.lower() == token.lower()), None)
        typer.echo(f"{token}: rejected, {reason}" if reason else f"{token}: not known", err=True)
        raise typer.Exit(1)
    for crawler in found:
        facts = {
            "token": crawler.token,
            "operator": crawler.operator,
            "maker": None if crawler.party.is_operator else crawler.party.name,
            "purpose": crawler.purpose.value,
            "purpose_basis": crawler.purpose_basis,
            "control": crawler.is_control,
            "robots_tokens": list(crawler.robots_tokens),
            "respects_robots": crawler.respects_robots,
            "verification": [means.method for means in crawler.verify],
            "documentation": crawler.documentation,
            "sources": [{"url": source.url, "date": source.date.isoformat()} for source in crawler.sources],
        }
        if as_json:
            print_json(facts)
        else:
            for key, value in facts.items():
                typer.echo(f"{key}: {value}")
