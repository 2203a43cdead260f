"""`probe`: a live site asked from outside, and whether every channel arrives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

import typer

from vorbehalt import __version__
from vorbehalt.cli.output import JSON, note, print_json, printable, quoted, say
from vorbehalt.errors import EvidenceError, PlatformError
from vorbehalt.settings import Settings, load, load_rules

if TYPE_CHECKING:
    from vorbehalt.probe.report import Report

_USUAL = Path("vorbehalt.toml")
_SOFTWARE = f"vorbehalt {__version__}"


def probe(
    url: str = typer.Argument(
        ..., help="The site, e.g. https://label.example; a path in it is asked for too."
    ),
    config: Path = typer.Option(
        None,
        "-c",
        "--config",
        help="Compare with this configuration; default: vorbehalt.toml if it is the site's.",
    ),
    path: list[str] = typer.Option(
        [], "--path", help="Ask for this path too, e.g. /audio/1.mp3; repeatable."
    ),
    user_agent: str = typer.Option(
        "", "--user-agent", help="Ask under this name; default: Vorbehalt-Probe with the site."
    ),
    warc: Path = typer.Option(None, "--warc", help="Write the exchange to this file (WARC, gzip)."),
    timeout: float = typer.Option(
        10.0, "--timeout", min=0.1, max=120.0, help="Seconds for one whole answer."
    ),
    as_json: bool = JSON,
) -> None:
    """Ask a live site as a crawler would: does every channel arrive, agree and parse, and where not."""
    from vorbehalt.probe.asking import Asker, normal_url
    from vorbehalt.probe.gather import UnreachableError
    from vorbehalt.probe.run import probe as run

    try:
        whole = normal_url(url)
    except ValueError as error:
        raise typer.BadParameter(f"{quoted(url)}: {error}", param_hint="URL") from None
    parts = urlsplit(whole)
    if not re.fullmatch(r"[\x20-\x7e]*", user_agent):
        raise typer.BadParameter("only printable ASCII can be sent", param_hint="--user-agent")
    for one in path:
        if not one.startswith("/"):
            raise typer.BadParameter(f"{quoted(one)} does not begin with a slash", param_hint="--path")
    settings = _settings(config, parts.hostname or "")
    documents, registry = load_rules(None)
    if settings is not None:
        documents, registry = settings.rules_documents, settings.registry
    asker = Asker(
        user_agent or f"Vorbehalt-Probe/{__version__} (+{parts.scheme}://{parts.netloc})",
        timeout_seconds=timeout,
    )
    try:
        report = run(url, asker, documents, registry, settings, path)
    except UnreachableError as error:
        note(f"vorbehalt: {error}")
        raise typer.Exit(2) from None
    kept, record, is_kept = _keep(report, settings, warc)
    if as_json:
        print_json(report.as_json(kept, record))
    else:
        for line in report.sentences():
            say(printable(line))
        if record is not None:
            say(printable(f"kept as record {record['ref']} in {record['directory']}"))
    raise typer.Exit(0 if report.ok and is_kept else 1)


def _settings(config: Path | None, host: str) -> Settings | None:
    """The configuration that was named, or the one that lies here if it is for this host."""
    if config is not None:
        return load(config)
    if not _USUAL.is_file():
        return None
    settings = load(_USUAL)
    if host in settings.host_names:
        return settings
    note(f"{_USUAL} here is for other hosts than {host}: not compared; name it with -c to do so")
    return None


def _keep(
    report: Report, settings: Settings | None, file: Path | None
) -> tuple[dict[str, object] | None, dict[str, object] | None, bool]:
    """Write the exchange where it is wanted; returns file and record in public form, and if all was kept."""
    from vorbehalt.probe.keeping import keep, keeps_evidence

    wants_record = settings is not None and keeps_evidence(settings)
    if file is None and not wants_record:
        return None, None, True
    try:
        from vorbehalt.probe.warc import count_records, sha256_hex, write_warc
    except ImportError as error:
        _needs_extra(error)
    exchanges = report.gathered.exchanges
    body = write_warc(exchanges, _SOFTWARE, report.started_at)
    kept: dict[str, object] = {
        "file": None if file is None else str(file),
        "sha256": sha256_hex(body),
        "bytes": len(body),
        "records": count_records(exchanges),
    }
    if file is not None:
        file.write_bytes(body)
        note(f"wrote {file}")
    if settings is None or not wants_record:
        return kept, None, True
    from vorbehalt.edge.announcing import opening_of
    from vorbehalt.edge.respond import new_reference

    try:
        record = keep(
            settings,
            report,
            body,
            reference=new_reference(),
            opening=opening_of(settings),
            software=_SOFTWARE,
        )
    except (EvidenceError, PlatformError) as error:
        note(f"the exchange is not in the evidence: {error}")
        return kept, None, False
    return kept, record, True


def _needs_extra(error: ImportError) -> NoReturn:
    note(f"vorbehalt: probe needs an extra: pip install 'vorbehalt[cli]'   (missing: {error.name})")
    raise typer.Exit(2)
