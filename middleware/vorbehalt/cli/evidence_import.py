"""`evidence import`: what access logs of the past say of AI crawlers, marked as not contemporaneous."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import typer

from vorbehalt.cli.evidence_records import recording
from vorbehalt.cli.lists import lists_of_the_time
from vorbehalt.cli.operator_actions import checked_reason
from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, say, utc
from vorbehalt.engine import Engine
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.leaf.drafts import LogLine, imported_draft
from vorbehalt.evidence.receipt import Draft, Evidence
from vorbehalt.imports.joining import keep_completions as keep_all
from vorbehalt.imports.log_files import Before, Counted, LogFile, imported_before, whole_file_draft
from vorbehalt.replay.entry import Malformed
from vorbehalt.replay.formats import Parser
from vorbehalt.replay.run import UNIX
from vorbehalt.replay.sources import LogError, Source
from vorbehalt.replay.visits import VisitMaker
from vorbehalt.settings import Settings, load, read_robots_files
from vorbehalt.stores.memory import MemoryLimits

_BATCH = 500
_MOST_NAMED = 20


def import_logs(
    logs: list[Path] = typer.Argument(
        ..., exists=True, dir_okay=False, readable=True, help="Closed access logs, plain or gzip."
    ),
    config: Path = CONFIG,
    custodian: str = typer.Option(..., "--custodian", help="Who kept the logs until now, e.g. hosting team."),
    as_json: bool = JSON,
) -> None:
    """Bring what old access logs say of AI crawlers into the evidence. What is there already comes once."""
    settings = load(config)
    if settings.evidence.is_kept_nowhere:
        raise EvidenceError(f"no log is kept (evidence.directory is {settings.evidence.directory!r})")
    keeper = checked_reason(custodian.strip())
    if not keeper:
        raise typer.BadParameter("say who kept the logs", param_hint="--custodian")
    directory = Path(settings.evidence.directory)
    reader = _Reader(settings, keeper, time.time_ns())
    rows: list[tuple[LogFile, Counted | None]] = []
    with recording(directory, "evidence import") as evidence:
        before = imported_before(directory)
        for path in dict.fromkeys(logs):
            try:
                file = LogFile.of(path)
            except PermissionError as error:
                # As root we have become the owner of the evidence, who may not read the server's logs.
                raise EvidenceError(
                    f"{path} cannot be read as the owner of {directory}: copy it to where that user may read"
                ) from error
            if file.digest in before.whole:
                rows.append((file, None))
                continue
            counted = reader.take(file, before, evidence)
            before.whole.add(file.digest)
            rows.append((file, counted))
    if as_json:
        print_json({"logs": [_as_json(file, counted) for file, counted in rows]})
    for file, result in () if as_json else rows:
        say(printable(f"{file.path}: SHA-256 {file.digest}"))
        for line in _sentences(result, keeper, reader.now):
            say(printable(f"  {line}"))
    if any(counted is not None and counted.lines == counted.unreadable for _, counted in rows):
        note("in one of the files no line could be read as a request")
        raise typer.Exit(1)


class _Reader:
    """Turns lines into records, by the rules and lists of a configuration."""

    def __init__(self, settings: Settings, custodian: str, now: int) -> None:
        self._kept, self._custodian, self.now = settings.evidence, custodian, now
        self._proxies = [
            ip_network(name, strict=False) for name in settings.network.trusted_proxies if name != UNIX
        ]
        self._engine = Engine(
            settings, MemoryLimits(), read_robots_files(settings), ranges=lists_of_the_time(settings)
        )

    def take(self, file: LogFile, before: Before, evidence: Evidence) -> Counted:
        """Import one file to its end; raises LogError, EvidenceError."""
        counted = Counted()
        batch: list[Draft] = []
        for draft in self._drafts(file, counted, before.lines.get(file.digest, set())):
            batch.append(draft)
            if len(batch) >= _BATCH:
                keep_all(evidence, batch)
                batch.clear()
        file.must_be_unchanged()
        # The record that it is whole comes when all others are durable: a cut import is carried on.
        keep_all(evidence, batch)
        keep_all(evidence, [whole_file_draft(file, counted, self._custodian, self.now)])
        return counted

    def _drafts(self, file: LogFile, counted: Counted, known: set[int]) -> Iterator[Draft]:
        source, parser, maker = Source(str(file.path)), Parser(), VisitMaker(self._proxies)
        for number, line in enumerate(source.lines(), 1):
            counted.lines += 1
            try:
                entry = parser.parse(line)
            except Malformed as error:
                self._say_unreadable(file, number, str(error), counted)
                continue
            counted.note(entry.at)
            if number in known:
                counted.before += 1
                continue
            visit = maker.visit(entry, maker.client(entry).address)
            verdict = self._engine.judge(visit)
            if verdict.identity is None or self._kept.record.get(verdict.identity.purpose, "full") != "full":
                counted.others += 1
                continue
            counted.recorded += 1
            yield imported_draft(
                visit,
                verdict,
                LogLine(file.digest, number, self._custodian, self.now),
                status=entry.status,
                sent=entry.size,
                versions=self._engine.versions,
                query_keys=self._kept.query_keys,
                redact=self._kept.redact,
            )
        if source.ended_early:
            raise LogError(f"{file.path}: {source.ended_early}; what was whole is imported, the file is not")

    def _say_unreadable(self, file: LogFile, number: int, why: str, counted: Counted) -> None:
        counted.unreadable += 1
        if counted.unreadable <= _MOST_NAMED:
            note(printable(f"{file.path}:{number}: {why}"))
        elif counted.unreadable == _MOST_NAMED + 1:
            note(printable(f"{file.path}: more lines that cannot be read are only counted"))


def _sentences(counted: Counted | None, custodian: str, now: int) -> list[str]:
    if counted is None:
        return ["imported before: nothing is added"]
    between = (
        f", {utc(counted.first)} to {utc(counted.last)}"
        if counted.first is not None and counted.last is not None
        else ""
    )
    return [
        f"not contemporaneous: imported on {utc(now)[:10]}, kept until then by {custodian}",
        f"{counted.lines} lines{between}",
        f"{counted.recorded} requests of crawlers recorded"
        + (f", {counted.before} were before" if counted.before else ""),
        f"{counted.others} other requests leave no record, {counted.unreadable} lines cannot be read",
    ]


def _as_json(file: LogFile, counted: Counted | None) -> dict[str, object]:
    found: dict[str, object] = {
        "file": str(file.path), "sha256": file.digest, "already": counted is None, "contemporaneous": False,
    }  # fmt: skip
    if counted is not None:
        found |= {
            "lines": counted.lines,
            "recorded": counted.recorded,
            "recorded_before": counted.before,
            "without_record": counted.others,
            "unreadable": counted.unreadable,
        }
    return found
