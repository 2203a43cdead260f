"""`tune`: who would be hit by findings, before they are switched on."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from vorbehalt.cli.conduct import engine_for_logs
from vorbehalt.cli.output import CONFIG, JSON, print_json, printable, say
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.replay import LogError, Progress
from vorbehalt.replay import replay as run_replay
from vorbehalt.replay.tuning import Sample, Tuned, Tuning
from vorbehalt.replay.words import counted, lines_without, number, share
from vorbehalt.settings import load

_NOTE = (
    "A log holds no headers but Referer and User-Agent: what contradicts itself within one request is not"
    " seen here. Findings are recorded while [patterns] mode is observe, too: read those before you enforce."
)


def tune(
    logs: list[str] = typer.Argument(
        ...,
        help="Log files (Apache/nginx combined, Caddy JSON, Traefik; plain or gzip); - for standard input.",
    ),
    config: Path = CONFIG,
    as_json: bool = JSON,
    samples: int = typer.Option(5, "--samples", min=0, max=1000, help="Clients to show of each level."),
) -> None:
    """Show from old logs who would be limited, challenged or blocked for findings, and samples to read."""
    settings = load(config)
    engine, conduct = engine_for_logs(settings)
    tuning = Tuning()

    def judge(visit: Visit) -> Verdict:
        verdict = engine.judge(visit)
        tuning.add(visit, verdict)
        return verdict

    progress = Progress(sys.stderr) if sys.stderr.isatty() or not as_json else None
    try:
        result = run_replay(
            logs,
            judge,
            trusted_proxies=settings.network.trusted_proxies,
            progress=progress,
            answered=conduct.answered,
        )
    except LogError as error:
        raise typer.BadParameter(printable(str(error)), param_hint="LOG") from None
    levels = conduct.watch.book.levels
    tuned = tuning.result(levels, samples, lines=result.lines, skipped=result.skipped)
    if as_json:
        print_json(tuned.as_json())
        return
    for line in _lines(tuned):
        say(line)


def _warnings(tuned: Tuned) -> list[str]:
    """What makes the numbers less than they seem."""
    warnings = []
    if tuned.skipped:
        warnings.append(lines_without(tuned.skipped, tuned.lines))
    if tuned.unusable:
        these = f"{number(tuned.unusable)} of {counted(tuned.requests, 'request')}"
        warnings.append(
            f"{these} come from addresses that may be anybody's (private ones, a proxy's): nothing is found"
            " of them. If it is a proxy of yours, name it in network.trusted_proxies and log X-Forwarded-For"
        )
    return warnings


def _lines(tuned: Tuned) -> list[str]:
    about = "" if tuned.is_exact else "about "
    lines = [f"{counted(tuned.requests, 'request')} by {about}{counted(tuned.clients, 'client')}"]
    lines += [*_warnings(tuned), ""]
    lines.append(f"  {'level':<12}{'from points':>12}{'clients':>10}{'of all':>13}{'pages and media':>18}")
    for level in ("limit", "challenge", "block"):
        found = tuned.at_level(level)
        hit = sum(sample.hit for sample in found)
        part = share(len(found), tuned.clients)
        lines.append(
            f"  {level:<12}{tuned.levels[level]:>12}{number(len(found)):>10}{part:>13}{number(hit):>18}"
        )
    lines += ["", "  clients that come to at least so many points:"]
    lines.append(
        "  " + "  ".join(f"{points}: {number(tuned.reaching(points))}" for points in range(10, 101, 10))
    )
    lines += ["", f"  {'finding':<28}{'clients':>10}"]
    lines += [f"  {finding:<28}{number(count):>10}" for finding, count in tuned.by_finding().items()]
    for sample in tuned.samples:
        lines += ["", *_sample(sample)]
    return [*lines, "", _NOTE]


def _sample(sample: Sample) -> list[str]:
    lines = [
        f"{sample.level}, {sample.score} points: {sample.address}, "
        f"{counted(sample.requests, 'request')} from the first finding on",
        f"  {printable(sample.user_agent) or '(no User-Agent)'}",
    ]
    lines += [f"  {finding}: {printable(observed)}" for finding, observed in sorted(sample.findings.items())]
    return [*lines, f"  at {printable(', '.join(sample.paths))}"]
