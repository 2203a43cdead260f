"""`evidence hold`, `evidence shred`, and what `evidence show --ip` looks up: each of them is recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import typer

from vorbehalt.cli.evidence_records import WHO, WHY, acting, keep, recording
from vorbehalt.cli.output import JSON, note, print_json, printable, say, utc
from vorbehalt.evidence.files import locked
from vorbehalt.evidence.reading import query
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault import holds
from vorbehalt.evidence.vault.openings import canonical, openings
from vorbehalt.evidence.vault.shred import Shredded, shred_address, shred_days, shred_expired
from vorbehalt.settings import load

DIRECTORY = typer.Argument(..., exists=True, file_okay=False, help="The evidence directory.")


def hold(
    directory: Path = DIRECTORY,
    matter: str = typer.Option(None, "--matter", help="Name of the matter, e.g. acme-2026; nobody's own."),
    operator: str = typer.Option(None, "--operator", help="Hold the addresses of this operator's requests."),
    ref: str = typer.Option(None, "--ref", help="Hold those of the request with this reference."),
    end: bool = typer.Option(False, "--end", help="Release the hold: what only it kept is forgotten."),
    show: bool = typer.Option(False, "--list", help="Say what is held."),
    who: str = WHO,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Keep the addresses that a dispute needs beyond their time, under a key of the matter."""
    if show:
        _print_holds(directory, as_json)
        return
    if not matter or (bool(operator) + bool(ref) + end) != 1:
        raise typer.BadParameter(
            "give --matter with --operator, --ref or --end, or give --list", param_hint="--matter"
        )
    actor, reason = acting(who, why)
    now = time.time_ns()
    with recording(directory, "evidence hold") as evidence, locked(directory / "run" / holds.LOCK):
        if end:
            held, count = holds.end(directory, matter)
        else:
            held = holds.Hold(matter, operator or "", ref or "", now)
            count = holds.begin(directory, held)
        seen: dict[str, object] = {
            "event": "end" if end else "begin",
            "matter": matter,
            "scope": held.scope,
            "openings": count,
            "who": actor,
            "why": reason,
        }
        keep(evidence, Draft(type="hold", ref="", at=now, seen=seen))
    if as_json:
        print_json(seen)
    elif end:
        say(printable(f"{matter} is released: {count} openings that it held are forgotten with its key."))
        say("What is still in its own time lies in the vault as before.")
    else:
        say(printable(f"{matter} holds {count} openings; what comes into its scope later is held as well."))


def _print_holds(directory: Path, as_json: bool) -> None:
    found = holds.holds(directory, with_keys=False)
    if as_json:
        rows = [{"matter": one.matter, "scope": one.scope, "since": utc(one.since)} for one in found]
        print_json({"holds": rows})
        return
    for one in found:
        what = f"operator {one.operator}" if one.operator else f"reference {one.ref}"
        say(printable(f"{one.matter}  {what}  since {utc(one.since)}"))
    if not found:
        say("Nothing is held.")


def shred(
    directory: Path = DIRECTORY,
    before: str = typer.Option(None, "--before", help="Forget the openings of all days before this one."),
    day: str = typer.Option(None, "--day", help="Forget the openings of this day (UTC)."),
    address: str = typer.Option(None, "--ip", help="Forget every opening that names this address."),
    expired: bool = typer.Option(False, "--expired", help="Forget what the configuration keeps no longer."),
    pseudonyms: bool = typer.Option(
        False, "--pseudonyms", help="Destroy those months' keys as well: nobody is recognised by then."
    ),
    config: Path = typer.Option(Path("vorbehalt.toml"), "-c", "--config", help="For --expired."),
    who: str = WHO,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Forget addresses for good. No proof is touched; what a hold needs stays under its key."""
    if sum((before is not None, day is not None, address is not None, expired)) != 1:
        raise typer.BadParameter("give one of --before, --day, --ip, --expired", param_hint="--before")
    first = _date(before, "--before") if before is not None else None
    only = _date(day, "--day") if day is not None else None
    wanted = _address(address) if address is not None else ""
    periods = load(config).evidence.keeping.periods if expired else {}
    actor, reason = acting(who, why or ("their time was over" if expired else ""))
    now = time.time_ns()
    today = datetime.fromtimestamp(now // 10**9, UTC).date()
    with recording(directory, "evidence shred") as evidence:
        if expired:
            done = shred_expired(directory, periods, today)
        elif wanted:
            done = shred_address(directory, wanted, pseudonyms=pseudonyms)
        else:
            done = shred_days(directory, today, before=first, day=only, pseudonyms=pseudonyms)
        keep(evidence, done.draft(now, actor, reason))
    _print_shredded(done, as_json, pseudonyms or expired)


def _print_shredded(done: Shredded, as_json: bool, is_all: bool) -> None:
    if as_json:
        print_json(
            {"scope": done.scope, "keys": list(done.keys), "openings": done.openings, "held": done.held}
        )
        return
    say(f"{len(done.keys)} keys destroyed, {done.openings} openings overwritten.")
    if done.held:
        say(f"{done.held} openings stay under a hold until it is released (evidence hold --list).")
    if not is_all and not done.is_nothing:
        note("Pseudonyms last until a week after their month, unless you give --pseudonyms")
    note("Copies of vault/ and keys/ elsewhere are not reached from here: forget there as well")


def look_up(directory: Path, address: str, who: str | None, why: str) -> Iterator[Mapping[str, Any]]:
    """Yield the sealed records that name an address, after a record of the access. Raises EvidenceError."""
    wanted = _address(address)
    actor, reason = acting(who, why)
    with recording(directory, "evidence show") as evidence:
        seen: dict[str, object] = {"who": actor, "why": reason, "scope": "address"}
        private = {"address": wanted.encode()}
        keep(
            evidence,
            Draft("vault-access", "", time.time_ns(), seen, private, retention="person"),
        )
        found = {opening.record for opening in openings(directory) if opening.names(wanted)}
    for record in query.show(directory):
        if (record["w"], record["s"]) in found and not _is_this(record, seen):
            yield record


def _is_this(record: Mapping[str, Any], seen: Mapping[str, object]) -> bool:
    """True for a record of such a look-up, which names the address because somebody asked for it."""
    return bool(record["type"] == "vault-access" and record["seen"].get("scope") == seen["scope"])


def _address(text: str) -> str:
    found = canonical(text.strip())
    if found is None:
        raise typer.BadParameter(f"{printable(text)} is no address", param_hint="--ip")
    return found


def _date(text: str, hint: str) -> date:
    with suppress(ValueError):
        return date.fromisoformat(text)
    raise typer.BadParameter("write the day as 2026-11-23 (UTC)", param_hint=hint)
