"""`evidence anchor` and `evidence witness`: have others say what the log was, or say it of another's log."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

import typer

from vorbehalt.cli.operator_actions import become_owner
from vorbehalt.cli.output import CONFIG, JSON, flush, note, print_json, printable, say, utc
from vorbehalt.edge.announcing import opening_of
from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.anchor.rounds import Outcome, Round
from vorbehalt.evidence.anchor.thread import LOCK
from vorbehalt.evidence.anchor.witness_server import WitnessServer
from vorbehalt.evidence.anchor.witness_store import WitnessStore
from vorbehalt.evidence.files import locked
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.reading.scan import is_all_sealed
from vorbehalt.evidence.spool.state import load_state
from vorbehalt.evidence.tlog.note import Verifier
from vorbehalt.settings import load

_SEALED_SECONDS, _POLL_SECONDS = 3.0, 0.05


def anchor(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """Ask every configured anchor now, whether it is due or not; exit 1 if one of them gives none."""
    settings = load(config)
    kept = settings.evidence
    if not kept.anchors:
        raise EvidenceError("no anchors are configured: see [[evidence.anchors]] in docs/anchors.md")
    directory = Path(kept.directory)
    if directory.is_dir():
        become_owner(directory)
    with closing(open_evidence(kept.directory, kept.origin, opening_of(settings))) as evidence:
        evidence.start()
        # What was recorded up to now is to be in the checkpoint that is anchored; whoever seals does so soon.
        deadline, waiting = time.monotonic() + _SEALED_SECONDS, threading.Event()
        while time.monotonic() < deadline and not (evidence.written() and _is_signed(directory)):
            waiting.wait(_POLL_SECONDS)
        with locked(directory / "run" / LOCK):
            outcomes = Round(directory, kept.anchors, evidence, clock=time.time_ns).run(everybody=True)
    if as_json:
        print_json([_as_json(outcome) for outcome in outcomes])
    for outcome in () if as_json else outcomes:
        moment = f", {utc(outcome.time)}" if outcome.time else ""
        what = outcome.why or f"{outcome.size} records{moment}"
        say(printable(f"{outcome.name} ({outcome.kind}): {'NO ANCHOR: ' * bool(outcome.why)}{what}"))
    if not outcomes:
        note("no record is signed yet: is the log sealed (vorbehalt evidence seal)?")
    if not outcomes or any(outcome.why for outcome in outcomes):
        raise typer.Exit(1)


def _is_signed(directory: Path) -> bool:
    """True if all that is durable is under the checkpoint. The sealer keeps its state before it signs."""
    sealed = load_state(directory / "run" / "state.json")
    return is_all_sealed(directory) and sealed is not None and sealed.size == open_log(directory)[1].size


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "name": outcome.name,
        "kind": outcome.kind,
        "size": outcome.size,
        "time": utc(outcome.time) if outcome.time else None,
        "ok": not outcome.why,
        "why": outcome.why or None,
    }


def witness(
    directory: Path = typer.Argument(..., help="Where the witness keeps its key and what it has seen."),
    name: str = typer.Option(
        ..., "--name", help="The witness's name: a URL without scheme, e.g. lawyers.example/witness."
    ),
    logs: list[str] = typer.Option(
        [], "--log", help="Key of a log to watch, or a file with it (its log/vkey); may be repeated."
    ),
    listen: str = typer.Option("127.0.0.1:8190", "--listen", help="Address to listen on; TLS is a proxy's."),
) -> None:
    """Cosign the checkpoints of somebody else's log, as long as it only grows. Prints the witness's key."""
    known = {}
    for text in logs:
        verifier = _log_key(text)
        known[verifier.name] = verifier
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise typer.BadParameter(f"{printable(listen)} is no HOST:PORT", param_hint="--listen")
    store = WitnessStore(directory, name, known)
    say(store.cosigner.witness.vkey)
    flush()
    if not known:
        note("No log to watch. Give this key to the log's owner, and start again with --log THEIR-KEY.")
        return
    try:
        server = WitnessServer(host.strip("[]"), int(port), store)
    except OSError as error:
        raise EvidenceError(f"{listen} cannot be listened on: {error.strerror or error}") from None
    note(f"watching {', '.join(sorted(known))} on http://{host}:{server.server_address[1]}/")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            note("stopped")


def _log_key(text: str) -> Verifier:
    path = Path(text)
    try:
        return Verifier.from_vkey((path.read_text("utf-8") if path.is_file() else text).strip())
    except (OSError, UnicodeDecodeError, TamperError) as error:
        raise typer.BadParameter(
            f"{printable(text)} is no key of a log: {error}", param_hint="--log"
        ) from None
