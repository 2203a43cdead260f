"""`check`, `signals`, `explain`: what a configuration means, without serving anything."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import typer

from vorbehalt.cli.output import moment, note, print_json, printable, problem_json
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.engine import Engine, range_age_hours
from vorbehalt.errors import ConfigError
from vorbehalt.evidence.query import find
from vorbehalt.facts import Headers, Visit, host_name, normal_path
from vorbehalt.settings import Settings, describe, load, read_robots_files
from vorbehalt.stores.memory import MemoryLimits

CONFIG = typer.Option(Path("vorbehalt.toml"), "-c", "--config", help="The configuration file.")
JSON = typer.Option(False, "--json", help="Print JSON for machines.")


def check(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Validate a configuration, print the policy it means, warn."""
    try:
        settings = load(config)
    except ConfigError as error:
        if as_json:
            print_json({"errors": [problem_json(problem) for problem in error.problems], "warnings": []})
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if as_json:
        print_json({"errors": [], "warnings": [problem_json(problem) for problem in settings.warnings]})
        return
    for line in describe(settings):
        typer.echo(line)
    for sentence in _ages(settings):
        typer.echo(f"note: {sentence}")
    for warning in settings.warnings:
        typer.echo(f"warning: {warning}")
    typer.echo(f"{config}: fine")


def _ages(settings: Settings) -> list[str]:
    hours = range_age_hours(Engine(settings, MemoryLimits()).ranges, moment(None))
    if hours > settings.network.ranges_miss_max_age_hours:
        return [
            f"impostor detection is inactive: lists are {hours / 24:.0f} days old;"
            " a claim can be verified by them for"
            f" {settings.network.ranges_hit_max_age_days} days, but not contradicted"
        ]
    return []


def signals(
    path: str = typer.Argument("/", help="The path whose headers are shown."),
    config: Path = CONFIG,
    as_json: bool = JSON,
    host: str = typer.Option("", "--host", help="The host; default: the first."),
    at: str = typer.Option(None, "--at", help="A past day (needs the history of the evidence)."),
    write: Path = typer.Option(
        None, "--write", help="Write the documents as static files below this folder."
    ),
) -> None:
    """Show what machines are told for a path: headers and documents, or write them as static files."""
    settings = load(config)
    if at is not None:
        raise typer.BadParameter("the history of signals is not kept yet; without --at: what is told today")
    engine = Engine(settings, MemoryLimits(), read_robots_files(settings))
    plan = engine.plan(host)
    normal = normal_path(unquote(urlsplit(path).path))
    section = plan.headers(plan.sections.find(normal))
    headers = [[key.decode("latin-1"), value.decode("latin-1")] for key, value in section.headers]
    documents = {
        where: {"media_type": document.media_type, "body": document.body.decode("utf-8")}
        for where, document in plan.bundle.documents.items()
    }
    if plan.settings.robots == "app":
        note("robots.txt is shown without the site's own rules: they are read from the app when it runs")
    if write is not None:
        for where, document in plan.bundle.documents.items():
            target = write / where.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(document.body)
            note(f"wrote {target}")
    if as_json:
        print_json({"path": path, "headers": headers, "documents": documents, "digest": plan.bundle.digest})
        return
    typer.echo(f"headers of {path}:")
    for key, value in headers:
        typer.echo(f"  {key}: {value}")
    for where, document_json in documents.items():
        typer.echo(f"\n{where} ({document_json['media_type']}):\n{document_json['body'].rstrip()}")
    typer.echo(f"\ndigest of the whole set: {plan.bundle.digest}")


def explain(
    url: str = typer.Argument(None, help="The URL that is asked for."),
    config: Path = CONFIG,
    as_json: bool = JSON,
    ip: str = typer.Option(None, "--ip", help="The client's address."),
    header: list[str] = typer.Option(
        [], "-H", "--header", help='A request header, "Name: value"; repeatable.'
    ),
    method: str = typer.Option("GET", "-X", "--method"),
    at: str = typer.Option(None, "--at", help="Judge as of this time (ISO 8601, UTC)."),
    ref: str = typer.Option(None, "--ref", help="Explain a recorded request by its reference id."),
) -> None:
    """Say what would be decided for a request, and why; or look up a recorded one by its reference."""
    settings = load(config)
    if ref is not None:
        _explain_reference(settings, ref, as_json)
        return
    if url is None:
        raise typer.BadParameter("a URL is needed, or --ref with a reference id", param_hint="URL")
    visit = _visit(settings, url, method, _headers(header), ip, moment(at))
    verdict = Engine(settings, MemoryLimits()).judge(visit)
    if as_json:
        print_json(verdict.as_json())
        return
    for line in _sentences(verdict.as_json()):
        typer.echo(line)


def _headers(pairs: list[str]) -> Headers:
    found: list[tuple[bytes, bytes]] = []
    for pair in pairs:
        name, colon, value = pair.partition(":")
        if not colon or not name.strip():
            raise typer.BadParameter(f'{pair!r} is not of the form "Name: value"', param_hint="-H")
        found.append(
            (name.strip().lower().encode("latin-1", "replace"), value.strip().encode("latin-1", "replace"))
        )
    return tuple(found)


def _visit(settings: Settings, url: str, method: str, headers: Headers, ip: str | None, at: int) -> Visit:
    parts = urlsplit(
        url if "://" in url or not url.startswith("/") else settings.default_host.terms.origin + url
    )
    host = next((value for key, value in headers if key == b"host"), parts.netloc.encode())
    target = (parts.path or "/").encode() + (b"?" + parts.query.encode() if parts.query else b"")
    resolver = AddressResolver(settings.network.trusted_proxies)
    return Visit(
        received_at=at,
        method=method.upper(),
        scheme=parts.scheme or "https",
        host=host_name(host),
        path=normal_path(unquote(parts.path or "/")),
        target=target,
        http_version="1.1",
        headers=headers,
        client=resolver.resolve((ip, 0) if ip else None, headers),
    )


def _explain_reference(settings: Settings, ref: str, as_json: bool) -> None:
    directory = settings.evidence.directory
    if directory in ("off", "memory:"):
        raise typer.BadParameter(
            f"no evidence is kept (evidence.directory is {directory!r})", param_hint="--ref"
        )
    records = list(find(Path(directory), ref))
    if not records:
        note(f"no record with the reference {printable(ref)}; a new one appears here after it is sealed")
        raise typer.Exit(1)
    if as_json:
        print_json(records)
        return
    for record in records:
        typer.echo(f"record {record['index']} ({record['type']}):")
        for key, value in record.items():
            typer.echo(f"  {key}: {printable(str(value))}")


def _sentences(verdict: dict[str, object]) -> list[str]:
    identity = verdict["identity"]
    lines = [
        f"action: {verdict['action']}"
        + ("" if verdict["enforced"] else f" (observing; would: {verdict['would']})")
    ]
    lines.append(f"rule: {verdict['rule']}; reasons: {', '.join(verdict['reasons'])}")  # type: ignore[arg-type]
    if isinstance(identity, dict):
        who = identity["operator"] or "nobody in particular (a tool)"
        lines.append(
            f"identity: {identity['token']} of {who}, purpose {identity['purpose']}, {identity['standing']}"
        )
        lines.append(f"how: {identity['how']}")
    else:
        lines.append("identity: no claim")
    reservation = verdict["reservation"]
    if isinstance(reservation, dict):
        lines.append(
            f"reservation: section {reservation['section'] or '(whole site)'}, signals {reservation['digest']}"
        )
    if verdict["action"] == "allow":
        lines.append("allow means the request is answered; it grants no permission")
    return lines
