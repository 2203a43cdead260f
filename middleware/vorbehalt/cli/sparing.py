"""`spare`: one refused visitor is let in for a while, found by the reference of the refusal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import typer

from vorbehalt.cli.operator_actions import become_owner, change, checked_reason, file_of, record, until
from vorbehalt.cli.output import CONFIG, JSON, note, print_json, printable, say, utc
from vorbehalt.edge.overriding import SPARES_KEY
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault.by_reference import find_request, open_address
from vorbehalt.evidence.vault.vault import Keys
from vorbehalt.policy.overrides import Spare, visitor_key
from vorbehalt.policy.overrides_text import REFERENCE
from vorbehalt.settings import Settings, load
from vorbehalt.stores.overrides_file import read

_WHO = "command line"


def spare(
    config: Path = CONFIG,
    ref: str = typer.Option(None, "--ref", help="The reference on the refusal, VB-...."),
    duration: str = typer.Option(None, "--for", help='How long, e.g. "30d".'),
    reason: str = typer.Option("", "--reason", help="One line that stands in the evidence."),
    contradicted: bool = typer.Option(
        False, "--contradicted", help="Although what could be checked contradicts the claim."
    ),
    end: str = typer.Option(None, "--end", help="Let the visitor of this reference in no longer."),
    show: bool = typer.Option(False, "--list", help="Say who is spared, by reference."),
    as_json: bool = JSON,
) -> None:
    """Let one refused visitor in: the same network address, with the same claim, until a day."""
    if sum((show, end is not None, ref is not None)) != 1 or (ref is None) != (duration is None):
        raise typer.BadParameter("give --ref with --for, or --end REF, or --list", param_hint="--ref")
    settings = load(config)
    now = time.time_ns()
    if show:
        _print(read(file_of(settings)).spares_at(now), as_json)
        return
    if settings.evidence.is_kept_nowhere:
        raise EvidenceError(
            f"no address is kept on disk (evidence.directory is {settings.evidence.directory!r}): nobody can"
            " be found by a reference. Allow the address with a rule of the policy instead"
        )
    directory = Path(settings.evidence.directory)
    if end is not None:
        _end(settings, _reference(end), now, as_json)
        return
    reference, last, why = _reference(ref), until(duration, now), checked_reason(reason)
    if not (directory / "log").is_dir():
        _refuse(f"nothing has been recorded yet: there is no evidence log in {directory}")
    become_owner(directory)
    leaf = find_request(directory, reference)
    if leaf is None:
        _refuse(f"no request with the reference {reference} is in the evidence of {directory}")
    token = _spareable(leaf, contradicted)
    access: dict[str, object] = {"who": _WHO, "why": "spare", "of": reference, "record": leaf["index"]}
    record(settings, [Draft(type="vault-access", ref="", at=now, seen={**access, "reason": why})])
    try:
        address = open_address(directory, leaf)
    except EvidenceError as error:
        _refuse(f"{reference}: {error}")
    key = Keys(directory).get_or_make(SPARES_KEY)
    wanted = Spare(reference, now, last, visitor_key(key, address), token, why)
    record(settings, [_draft(wanted, "begin", now)])
    change(settings, lambda old: old.spared(wanted))
    if as_json:
        _print((wanted,), as_json)
        return
    as_whom = f"as {token}" if token else "without a crawler's name"
    say(printable(f"{reference} ({_decided(leaf)}): let in until {utc(last)}, {as_whom}."))
    say(
        f"It holds for the network address of that request{' (the /64)' if ':' in address else ''}, and so"
        " for all who come from there like this. The address itself is not kept for it."
    )
    say("Every running process follows within a second.")


def _reference(text: str) -> str:
    reference = text.strip().upper()
    if not REFERENCE.fullmatch(reference):
        raise typer.BadParameter("a reference has the form VB-XXXX-XXXX-XXXX-XXXX", param_hint="--ref, --end")
    return reference


def _spareable(leaf: Mapping[str, Any], contradicted: bool) -> str:
    """Return the claim of a refused request, "" without one; ends the command if it cannot be spared."""
    seen = leaf["seen"]
    decision, claim = seen.get("decision") or {}, seen.get("claim") or {}
    if decision.get("action") == "allow":
        _refuse(f"{leaf['ref']} was answered, not refused: there is nothing to spare")
    if seen.get("source") == "untrusted":
        _refuse(
            f"{leaf['ref']}: the address of that request is that of a proxy, which all visitors share."
            " Name the proxy in network.trusted_proxies; the next refusal can then be spared"
        )
    if claim.get("standing") == "contradicted" and not contradicted:
        _refuse(
            f"{leaf['ref']}: the visitor called itself {claim.get('token')}, which what could be checked"
            f" contradicts ({claim.get('how')}). Give --contradicted if it is to be let in all the same"
        )
    return str(claim.get("token") or "")


def _decided(leaf: Mapping[str, Any]) -> str:
    decision = leaf["seen"].get("decision") or {}
    return f"{decision.get('action')} by the rule {decision.get('rule')}, {utc(int(leaf['at']))}"


def _draft(one: Spare, event: str, at: int) -> Draft:
    seen: dict[str, object] = {
        "event": event,
        "who": _WHO,
        "of": one.ref,
        "rule": one.rule,
        "until": str(one.until),
        "token": one.token or None,
        "reason": one.reason,
    }
    return Draft(type="spare", ref="", at=at, seen=seen)


def _end(settings: Settings, reference: str, now: int, as_json: bool) -> None:
    held = [one for one in read(file_of(settings)).spares_at(now) if one.ref == reference]
    if not held:
        _refuse(f"the visitor of {reference} is not spared")
    become_owner(Path(settings.evidence.directory))
    after = change(settings, lambda old: old.without(spare=lambda one: one.ref == reference))
    record(settings, [_draft(held[0], "end", now)])
    _print(after.spares_at(now), as_json)


def _print(spares: tuple[Spare, ...], as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "ref": one.ref,
                "rule": one.rule,
                "since": utc(one.since),
                "until": utc(one.until),
                "token": one.token or None,
                "reason": one.reason,
            }
            for one in spares
        ]
        print_json({"spares": rows})
        return
    for one in spares:
        whom = f"as {one.token}" if one.token else "without a crawler's name"
        say(printable(f"spared: {one.ref}, {whom}, until {utc(one.until)}" + f" {one.reason}".rstrip()))
    if not spares:
        say("Nobody is spared.")


def _refuse(sentence: str) -> NoReturn:
    note(sentence)
    raise typer.Exit(1)
