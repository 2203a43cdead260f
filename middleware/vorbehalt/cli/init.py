"""`init`: asks a few questions, writes vorbehalt.toml, says what to paste and how to see that it works."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import typer

from vorbehalt.cli.output import note
from vorbehalt.cli.snippets import CHECKS, SNIPPETS
from vorbehalt.settings import load

_PROXIED = {"nginx", "caddy", "traefik", "envoy"}


def init(
    stack: str = typer.Option(
        "fastapi", "--for", help="fastapi, django, nginx, caddy, traefik, envoy or static."
    ),
    yes: bool = typer.Option(False, "--yes", help="Ask nothing; take the defaults."),
    config: Path = typer.Option(Path("vorbehalt.toml"), "-c", "--config", help="The file to write."),
    origin: str = typer.Option("https://www.example.org", "--origin", help="The site's origin."),
    operator: str = typer.Option("", "--operator", help="Who runs the site."),
    contact: str = typer.Option("", "--contact", help="Whom to ask for permission: mailto: or https:."),
) -> None:
    """Write vorbehalt.toml for this site, and say what to paste."""
    if stack not in SNIPPETS:
        raise typer.BadParameter(f"{stack!r} is none of {', '.join(SNIPPETS)}", param_hint="--for")
    if config.exists():
        raise typer.BadParameter(f"{config} exists already; it is not overwritten", param_hint="--config")
    if not yes:
        origin = typer.prompt("The site's origin", default=origin)
    host = urlsplit(origin).netloc
    operator = operator or host
    contact = contact or f"mailto:rights@{host}"
    answers = {"user_fetch": "allow", "archiver": "allow", "mode": "enforce"}
    if not yes:
        operator = typer.prompt("Who runs it (name)", default=operator)
        contact = typer.prompt("Whom to ask for permission (mailto: or https:)", default=contact)
        answers["user_fetch"] = _choice("Fetches for a person who asked an assistant", "allow", "block")
        answers["archiver"] = _choice("Web archives", "allow", "block")
        answers["mode"] = _choice("Refuse from now on, or observe first", "enforce", "observe")
    config.write_text(_render(stack, origin.rstrip("/"), host, operator, contact, answers), "utf-8")
    try:
        load(config)
    except Exception:
        config.unlink()
        raise
    note(f"wrote {config}")
    typer.echo(SNIPPETS[stack].format(host=host) if stack in _PROXIED else SNIPPETS[stack])
    local = {"fastapi": "http://127.0.0.1:8000", "django": "http://127.0.0.1:8000"}.get(
        stack, "http://127.0.0.1"
    )
    typer.echo(CHECKS.format(local=local))


def _choice(question: str, *choices: str) -> str:
    while True:
        answer = str(typer.prompt(f"{question} ({'/'.join(choices)})", default=choices[0]))
        if answer in choices:
            return answer
        note(f"one of {', '.join(choices)}, please")


def _render(stack: str, origin: str, host: str, operator: str, contact: str, answers: dict[str, str]) -> str:
    quote = json.dumps
    lines = [
        "format = 1",
        "",
        "[site]",
        f"origin = {quote(origin)}",
        f"hosts = [{quote(host)}]",
        f"operator = {quote(operator)}",
        f"contact = {quote(contact)}",
        f"robots = {quote('none' if stack in {'static', 'nginx', 'caddy', 'traefik'} else 'app')}",
        "",
        "[reservation]           # what is reserved; every signal follows from this",
        'search = "allow"',
        'training = "reserve"',
        'ai_input = "reserve"',
        'tdm = "reserve"',
        'capacity = "owner"      # or licensee, mandated',
        f"rightsholder = {quote(operator)}",
        "",
        "[policy]                # what is done; allow-search, reserve-all, archive-friendly, observe-only",
        'preset = "allow-search"',
        f'mode = "{answers["mode"]}"        # observe: nobody is refused, everything is recorded',
    ]
    if answers["user_fetch"] == "block":
        lines += [
            "",
            "[[policy.rule]]",
            'name = "no-user-fetch"',
            'match = { purpose = ["user-fetch"] }',
            'action = "block"',
        ]
    if answers["archiver"] == "block":
        lines += [
            "",
            "[[policy.rule]]",
            'name = "no-archives"',
            'match = { purpose = ["archiver"] }',
            'action = "block"',
        ]
    if stack in _PROXIED:
        lines += [
            "",
            "[network]",
            'trusted_proxies = ["loopback"]   # who may tell us the visitor\'s address',
        ]
    return "\n".join(lines) + "\n"
