"""`init`: asks a few questions, writes vorbehalt.toml, says what to paste and how to see that it works."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from json import dumps
from pathlib import Path
from urllib.parse import urlsplit

import typer

from vorbehalt.cli.output import note, printable, quoted, say
from vorbehalt.cli.snippets import CHECKS, SNIPPETS, SWITCH_OFF
from vorbehalt.errors import ConfigError
from vorbehalt.settings import load

_PROXIED = ("nginx", "caddy", "traefik", "envoy")
_ASKS_THE_APP = ("fastapi", "django")
"""Stacks in which the site's own robots.txt can be had from the app behind us."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What is asked; `robots` is empty, or the path of the site's own robots.txt."""

    stack: str
    origin: str
    operator: str = ""
    contact: str = ""
    robots: str = ""
    user_fetch: str = "allow"
    archiver: str = "allow"
    mode: str = "enforce"
    refresh: str = "no"

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""


def init(
    stack: str = typer.Option(None, "--for", help=f"{', '.join(SNIPPETS)}; default: fastapi."),
    yes: bool = typer.Option(False, "--yes", help="Ask nothing; take the defaults."),
    config: Path = typer.Option(Path("vorbehalt.toml"), "-c", "--config", help="The file to write."),
    origin: str = typer.Option(None, "--origin", help="The site's origin; default: https://www.example.org."),
    operator: str = typer.Option(None, "--operator", help="Who runs the site; default: its host."),
    contact: str = typer.Option(None, "--contact", help="Whom to ask for permission: mailto: or https:."),
    robots: str = typer.Option(
        None, "--robots", help="The file with the site's own robots.txt, if it is one."
    ),
) -> None:
    """Write vorbehalt.toml for this site, and say what to paste."""
    if stack is not None and stack not in SNIPPETS:
        raise typer.BadParameter(f"{quoted(stack)} is none of {', '.join(SNIPPETS)}", param_hint="--for")
    if config.exists() or config.is_symlink():
        raise typer.BadParameter(
            f"{printable(str(config))} exists already and stays as it is", param_hint="--config"
        )
    answers = Answers(stack or "fastapi", (origin or "https://www.example.org").rstrip("/"))
    if yes:
        answers = replace(answers, operator=operator or "", contact=contact or "", robots=robots or "")
    else:
        answers = _ask(answers, stack, operator, contact, robots, config.parent)
    text = render(answers)
    if problems := _problems(answers, config.parent):
        raise typer.BadParameter("; ".join(problems))
    # Whoever made the file since we looked keeps it.
    with config.open("x", encoding="utf-8") as file:
        file.write(text)
    note(f"wrote {config}")
    snippet = SNIPPETS[answers.stack]
    say(snippet.render(answers.host))
    say(_checks(answers, snippet.site))
    say(SWITCH_OFF)


def _ask(
    answers: Answers,
    stack: str | None,
    operator: str | None,
    contact: str | None,
    robots: str | None,
    folder: Path,
) -> Answers:
    if stack is None:
        answers = replace(answers, stack=_choice("What serves the site", *SNIPPETS))

    def ask(question: str, field: str, default: str) -> None:
        nonlocal answers
        answers = _text(question, answers, field, default, folder)

    ask("The site's origin", "origin", answers.origin)
    ask("Who runs it (name)", "operator", operator or answers.host)
    ask(
        "Whom to ask for permission (mailto: or https:)",
        "contact",
        contact or f"mailto:rights@{answers.host}",
    )
    if answers.stack not in _ASKS_THE_APP:
        ask("The file with its own robots.txt (empty: it has none)", "robots", robots or "")
    return replace(
        answers,
        user_fetch=_choice("Fetches for a person who asked an assistant", "allow", "block"),
        archiver=_choice("Web archives", "allow", "block"),
        mode=_choice("Refuse from now on, or observe first", "enforce", "observe"),
        refresh=_choice("Fetch the operators' address lists once a day, to tell impostors", "no", "yes"),
    )


def _text(question: str, answers: Answers, field: str, default: str, folder: Path) -> Answers:
    """Ask until the configuration that would come of the answer is sound."""
    while True:
        answer = str(typer.prompt(question, default=default, show_default=bool(default), err=True)).strip()
        answer = answer.rstrip("/") if field == "origin" else answer
        found = replace(answers, **{field: answer})
        problems = _problems(found, folder)
        if not problems:
            return found
        note("; ".join(problems))


def _choice(question: str, *choices: str) -> str:
    while True:
        answer = str(typer.prompt(f"{question} ({'/'.join(choices)})", default=choices[0], err=True)).strip()
        if answer in choices:
            return answer
        note(f"one of {', '.join(choices)}, please")


def _problems(answers: Answers, folder: Path) -> list[str]:
    """Say what is wrong with a configuration that would stand in a folder, before it is written."""
    data = tomllib.loads(render(answers))
    if answers.robots:
        data["site"]["robots"] = f"file:{folder / answers.robots}"
    try:
        load(data, environ={})
    except ConfigError as error:
        return [printable(problem.message) for problem in error.problems]
    return []


def _checks(answers: Answers, site: str) -> str:
    refuses = answers.stack != "static" and answers.mode == "enforce"
    own = " and your own rules" if answers.robots or answers.stack in _ASKS_THE_APP else ""
    return CHECKS.format(site=site, refused="403, and why" if refuses else "200: it is only told", own=own)


def render(answers: Answers) -> str:
    """Return the text of the configuration."""
    robots = "app" if answers.stack in _ASKS_THE_APP else "none"
    if answers.robots:
        robots = f"file:{answers.robots}"
    lines = [
        "format = 1",
        "",
        "[site]",
        f"origin = {_quote(answers.origin)}",
        f"hosts = [{_quote(answers.host)}]",
        f"operator = {_quote(answers.operator or answers.host)}",
        f"contact = {_quote(answers.contact or f'mailto:rights@{answers.host}')}",
        f'robots = {_quote(robots)}  # where its own robots.txt is: "app", "file:PATH", "none"',
        "",
        "[reservation] # what is reserved; every signal follows from this",
        'search = "allow"',
        'training = "reserve"',
        'ai_input = "reserve"',
        'tdm = "reserve"',
        'capacity = "owner" # or licensee, mandated',
        f"rightsholder = {_quote(answers.operator or answers.host)}",
        "",
        "[policy] # what is done; presets: allow-search, reserve-all, archive-friendly, observe-only",
        'preset = "allow-search"',
        f'mode = "{answers.mode}" # observe: nobody is refused, everything is recorded',
    ]
    for name, purpose, answer in (
        ("no-user-fetch", "user-fetch", answers.user_fetch),
        ("no-archives", "archiver", answers.archiver),
    ):
        if answer == "block":
            lines += ["", "[[policy.rule]]", f'name = "{name}"']
            lines += [f'match = {{ purpose = ["{purpose}"] }}', 'action = "block"']
    network = []
    if answers.stack in _PROXIED:
        network.append('trusted_proxies = ["loopback"] # who may tell us the visitor\'s address')
    if answers.refresh == "yes":
        network.append("refresh = true # needs the extra: pip install 'vorbehalt[verify]'")
    if network:
        lines += ["", "[network]", *network]
    if answers.stack in _PROXIED:
        waits = 'reply_deadline = "150ms" # for its record; a proxy lets a request pass after 200 ms'
        lines += ["", "[evidence]", waits]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset, except that TOML wants DEL escaped too."""
    return dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
