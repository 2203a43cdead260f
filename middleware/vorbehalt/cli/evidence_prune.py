"""`evidence prune`: records that have had their time go from the log; their hashes, and every proof, stay."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import typer

from vorbehalt.cli.evidence_keys import KEY
from vorbehalt.cli.evidence_records import WHO, WHY, acting, keep, recording
from vorbehalt.cli.output import JSON, note, print_json, printable, say
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.pruning import prune as pruning
from vorbehalt.evidence.pruning.plan import Plan, Policy, make_plan
from vorbehalt.evidence.pruning.prune import Removed
from vorbehalt.evidence.reading.pruned import pruned_sentence
from vorbehalt.evidence.vault.holds import holds
from vorbehalt.evidence.vault.retention import parse_period
from vorbehalt.settings import load
from vorbehalt.settings.model import EvidenceSettings


def prune(
    directory: Path = typer.Argument(..., exists=True, file_okay=False, help="The evidence directory."),
    before: str = typer.Option(None, "--before", help="Records of days before this one (UTC)."),
    minimum: int = typer.Option(None, "--minimum", min=1, help="Records below this index."),
    config: Path = typer.Option(
        Path("vorbehalt.toml"), "-c", "--config", help="Where the retention policy is written."
    ),
    yes: bool = typer.Option(False, "--yes", help="Do it; without, it is only said what would go."),
    key: Path = KEY,
    who: str = WHO,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Take old records out of the log, as the retention policy says. Hashes and every proof stay."""
    if (before is None) == (minimum is None):
        raise typer.BadParameter("give --before or --minimum", param_hint="--before")
    day = _day(before) if before is not None else None
    policy = policy_of(load(config).evidence)
    actor, reason = acting(who, why or "their time was over")
    now = time.time_ns()
    left = pruning.finish(directory) if yes else Removed()
    if left.bundles:
        note(f"an earlier pruning was not finished: {left.bundles} bundles removed now")
    today = datetime.fromtimestamp(now // 10**9, UTC).date()
    plan = make_plan(directory, policy, holds(directory), today, before=day, minimum=minimum)
    if plan.obstacle is not None:
        raise EvidenceError(_refusal(plan))
    removed = left
    if yes and plan.minimum > plan.begin:
        with recording(directory, "evidence prune") as evidence:
            keep(evidence, pruning.draft(directory, plan, policy.text, actor, reason, now))
        pruning.wait_until_sealed(directory, plan.minimum, key=key)
        removed = pruning.finish(directory)
    _print(plan, removed, yes, as_json)


def policy_of(evidence: EvidenceSettings) -> Policy:
    """Return the retention policy of a configuration."""
    periods = ", ".join(f"{name} {text}" for name, text in sorted(evidence.retention.items()))
    text = f"records {evidence.records}; with openings: {periods}"
    return Policy(parse_period(evidence.records), evidence.keeping.periods, text)


def _refusal(plan: Plan) -> str:
    assert plan.obstacle is not None
    possible = (
        f"below {plan.minimum} all may go: --minimum {plan.minimum}"
        if plan.minimum > plan.begin
        else "nothing may go"
    )
    return f"nothing was removed: record {plan.obstacle.index} has to stay: {plan.obstacle.why}; {possible}"


def _print(plan: Plan, removed: Removed, yes: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "minimum": plan.minimum,
                "from": plan.begin,
                "entries": plan.minimum - plan.begin,
                "bytes": plan.bytes,
                "anchors_kept": len(plan.anchors),
                "objects": len(plan.objects),
                "removed": {
                    "bundles": removed.bundles,
                    "objects": removed.objects,
                    "later": len(removed.kept),
                },
                "done": yes,
            }
        )
        return
    count = plan.minimum - plan.begin
    if not count:
        say(f"Nothing more to prune: the log begins at {plan.begin}; only whole bundles (256 records) go.")
        return
    what = f"records {plan.begin} to {plan.minimum - 1} ({count}, {plan.bytes} bytes)"
    if not yes:
        say(f"Would remove {what} and {len(plan.objects)} objects that only they name.")
        say("Nothing was removed. Nothing brings them back: with --yes it is done.")
        return
    say(printable(f"Removed {what} and {removed.objects} objects; {pruned_sentence(plan.minimum)}."))
    if removed.kept:
        say(f"{len(removed.kept)} objects were asked for within a day: the next pruning takes them.")
    note("Copies of log/ and objects/ elsewhere are not reached from here: prune there as well")


def _day(text: str) -> date:
    with suppress(ValueError):
        return date.fromisoformat(text)
    raise typer.BadParameter("write the day as 2026-11-23 (UTC)", param_hint="--before")
