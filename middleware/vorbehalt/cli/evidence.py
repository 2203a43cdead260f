"""`evidence`: begin a log, look into it, prove one record, seal, verify everything offline."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer
from cryptography.x509 import load_pem_x509_certificates

from vorbehalt.claims.register import after_text, notice_before, read_register
from vorbehalt.cli.evidence_anchors import anchor, witness
from vorbehalt.cli.evidence_correct import correct, corrections
from vorbehalt.cli.evidence_export import export
from vorbehalt.cli.evidence_fsck import fsck
from vorbehalt.cli.evidence_import import import_logs
from vorbehalt.cli.evidence_index import ask, index
from vorbehalt.cli.evidence_join import join
from vorbehalt.cli.evidence_keys import KEY, card, rotate, seal_again_and_again, write_sheet
from vorbehalt.cli.evidence_privacy import hold, look_up, shred
from vorbehalt.cli.evidence_prune import prune
from vorbehalt.cli.evidence_records import WHO, WHY
from vorbehalt.cli.output import JSON, bar, flush, note, print_json, printable, say, utc, write
from vorbehalt.cli.past_answer import not_contemporaneous, past_sentence
from vorbehalt.errors import TamperError
from vorbehalt.evidence.anchor.reading import read_windows
from vorbehalt.evidence.anchor.windows import Window
from vorbehalt.evidence.auditor import audit
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.history.records import IMPORTED, read_imported
from vorbehalt.evidence.reading import query
from vorbehalt.evidence.reading.pruned import first_readable, pruned_sentence
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.tlog.cosignature import Witness

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The evidence log: begin, look, prove, seal, verify."
)

app.command("join")(join)
app.command("rotate")(rotate)
app.command("card")(card)
app.command("anchor")(anchor)
app.command("witness")(witness)
app.command("hold")(hold)
app.command("shred")(shred)
app.command("prune")(prune)
app.command("import")(import_logs)
app.command("correct")(correct)
app.command("export")(export)
app.command("fsck")(fsck)
app.command("index")(index)
app.command("ask")(ask)
DIRECTORY = typer.Argument(..., help="The evidence directory.")


@app.command("init")
def init(
    directory: Path = DIRECTORY,
    origin: str = typer.Option(
        ..., "--origin", help="The log's name: a URL without scheme, e.g. label.example/evidence."
    ),
    key: Path = KEY,
    sheet: Path = typer.Option(
        None,
        "--backup-sheet",
        help="Also write the signing key on a page to print and lock away.",
    ),
) -> None:
    """Begin an evidence log: make its directory and keys, print the verifier key to keep elsewhere."""
    begun = prepare(directory, origin, key=key)
    if sheet is not None:
        write_sheet(sheet, begun)
        note(f"wrote {sheet}: print it, lock it away, and delete the file")
    note(f"The log {origin} is in {directory}. Keep this verifier key outside (a letter, your website):")
    say(begun.verifier.vkey)


@app.command("show")
def show(
    directory: Path = DIRECTORY,
    kind: str = typer.Option(None, "--type", help="Only records of this type, e.g. request."),
    token: str = typer.Option(None, "--crawler", help="Only records of this product token."),
    ref: str = typer.Option(None, "--ref", help="Only records with this reference id."),
    address: str = typer.Option(
        None, "--ip", help="Only records of this address, from the vault: a look-up that is recorded."
    ),
    limit: int = typer.Option(0, "--limit", min=0, help="At most so many, the newest; 0: all."),
    who: str = WHO,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Print sealed records, one a line with its index. It verifies nothing: `evidence verify` does.

    Requests that came after their operator was given notice are marked.
    """
    _must_exist(directory)
    if first := first_readable(directory, query.open_log(directory)[1].size):
        note(pruned_sentence(first))
    wanted = query.Filters(type=kind, ref=ref, fields={"seen.claim.token": token} if token else {})
    windows = read_windows(directory)
    found: Iterable[Mapping[str, Any]] = query.show(directory, wanted)
    if address is not None:
        found = (one for one in look_up(directory, address, who, why) if wanted.match(dict(one)))
    corrected = corrections(directory)
    register = read_register(directory)
    for record in deque(found, limit) if limit else found:
        window, notice = windows.of(record["index"]), notice_before(register, record)
        if as_json:
            marks = {"corrected": corrected.get(record["index"]), "after_notice": notice and notice.id}
            say(json.dumps({**record, **_bounds(window), **marks}))
        else:
            more = [_between(window)] if window != Window() else []
            more += [corrected[record["index"]]] if record["index"] in corrected else []
            more += [after_text(notice)] if notice is not None else []
            say(printable("  ".join([one_line(record), *more])))


def _bounds(window: Window) -> dict[str, str | None]:
    return {
        "not_before": None if window.not_before is None else utc(window.not_before),
        "not_after": None if window.not_after is None else utc(window.not_after),
    }


def _between(window: Window) -> str:
    """Say between which outside times a record joined the log."""
    after = "ever" if window.not_before is None else utc(window.not_before)
    before = "now" if window.not_after is None else utc(window.not_after)
    return f"joined between {after} and {before}"


def one_line(record: Mapping[str, Any]) -> str:
    """Return a record in short: index, time, type, who, what was decided, where, reference."""
    seen = record.get("seen")
    seen = seen if isinstance(seen, dict) else {}
    claim, decision = seen.get("claim"), seen.get("decision")
    parts = [str(record["index"]), utc(int(record["at"])), str(record["type"])]
    if isinstance(claim, dict):
        parts.append(f"{claim.get('token')} ({claim.get('standing')})")
    if isinstance(decision, dict):
        parts.append(str(decision.get("action")))
    if "path" in seen:
        parts.append(f"{seen.get('method')} {seen.get('host')}{seen.get('path')}")
    for name in (
        "letter",
        "step",
        "document",
        "status",
        "bytes",
        "reason",
        "lost",
        "event",
        "conclusion",
        "scope",
        "of",
    ):
        if seen.get(name) is not None:
            parts.append(f"{name} {seen[name]}")
    if record["type"] == IMPORTED and (item := read_imported(record["index"], dict(record))) is not None:
        parts += [f"valid from {utc(item.valid_from)}", not_contemporaneous(item)]
    elif seen.get("not_contemporaneous"):
        parts.append(past_sentence(seen))
    if record.get("ref"):
        parts.append(str(record["ref"]))
    return "  ".join(parts)


@app.command("prove")
def prove(
    directory: Path = DIRECTORY,
    index: int = typer.Argument(..., min=0, help="The record's index."),
    output: Path = typer.Option(None, "-o", "--output", help="Write the proof here; default: stdout."),
) -> None:
    """Print the proof that one record is in the log (C2SP tlog-proof)."""
    _must_exist(directory)
    proof = query.prove(directory, index)
    window = read_windows(directory).of(index)
    note(f"record {index} {_between(window)}, as the records of the anchors say; evidence verify checks them")
    if output is None:
        write(proof.decode("utf-8"))
        flush()
    else:
        output.write_bytes(proof)
        note(f"wrote {output}")


@app.command("seal")
def seal(
    directory: Path = DIRECTORY,
    key: Path = KEY,
    every: float = typer.Option(
        0.0, "--every", min=0.0, help="Go on, every so many seconds, until ended; 0: once."
    ),
    as_json: bool = JSON,
) -> None:
    """Take all durable records into the log and sign a checkpoint."""
    _must_exist(directory)
    if every:
        seal_again_and_again(directory, key, every)
        return
    result = seal_once(directory, key=key)
    root = base64.b64encode(result.root).decode("ascii")
    for name in result.set_aside:
        note(f"set aside: spool/{name} could not be read as records")
    for name in result.stuck:
        note(f"waiting: spool/{name} is damaged and its writer still runs")
    if as_json:
        print_json({"size": result.size, "root": root, "added": result.added})
    else:
        say(f"{result.added} records added, {result.size} in the log, root {root}")


@app.command("verify")
def verify(
    directory: Path = DIRECTORY,
    against: Path = typer.Option(
        None,
        "--against",
        help="An older checkpoint, time stamp or cosignature: the log must still contain that.",
    ),
    vkey: str = typer.Option(None, "--vkey", help="The verifier key, from outside this directory."),
    tsa_root: Path = typer.Option(
        None, "--tsa-root", help="Certificates (PEM) of authorities that you trust; others do not count."
    ),
    witnesses: list[str] = typer.Option(
        [], "--witness", help="Key of a witness that you trust; others do not count. May be repeated."
    ),
    progress: bool = typer.Option(
        None, "--progress/--no-progress", help="Say on stderr how far it is; default: on a terminal."
    ),
    as_json: bool = JSON,
) -> None:
    """Recompute everything offline; exit 1 and name what does not hold."""
    _must_exist(directory)
    older = against.read_bytes() if against is not None else None
    report = audit.verify(
        directory,
        against=older,
        vkey=vkey,
        tsa_roots=_roots(tsa_root) if tsa_root is not None else "",
        witnesses=tuple(_witness(text) for text in witnesses),
        progress=bar("checked", wanted=progress),
    )
    if as_json:
        print_json(report.as_json())
    else:
        for line in sentences(report):
            say(printable(line))
    if not report.ok:
        raise typer.Exit(1)


def sentences(report: audit.Report) -> list[str]:
    """Return the result of an audit as lines for people, the verdict last."""
    lines = [
        f"{report.records} requests; {report.size} records in the log, {report.unsealed} not sealed yet",
        f"root {report.root or '(none)'}",
        f"assurance: {report.assurance}"
        + (f"; no outside time since {report.unanchored_since}" if report.unanchored_since else ""),
    ]
    if report.gaps:
        lines.append(f"gaps: {report.gaps} (the log itself says that records were lost there)")
    lines += [f"note: {text}" for text in report.notes]
    lines += [f"PROBLEM: {text}" for text in report.problems]
    return [*lines, "it holds" if report.ok else "IT DOES NOT HOLD"]


def _roots(path: Path) -> str:
    try:
        text = path.read_text("ascii")
        load_pem_x509_certificates(text.encode("ascii"))
    except (OSError, ValueError):
        raise typer.BadParameter(
            f"{printable(str(path))} holds no certificates in PEM form", param_hint="--tsa-root"
        ) from None
    return text


def _witness(text: str) -> Witness:
    try:
        return Witness.from_vkey(text.strip())
    except TamperError as error:
        raise typer.BadParameter(
            f"{printable(text)} is no key of a witness: {error}", param_hint="--witness"
        ) from None


def _must_exist(directory: Path) -> None:
    if not directory.is_dir():
        raise typer.BadParameter(f"there is no directory {printable(str(directory))}", param_hint="DIRECTORY")
