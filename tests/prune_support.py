"""A log of which much is old enough to be pruned, and how tests prune it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.pruning.plan import Plan, Policy, make_plan
from vorbehalt.evidence.pruning.prune import draft, finish, wait_until_sealed
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.recording import keep_all, recording
from vorbehalt.evidence.vault import holds
from vorbehalt.evidence.vault.retention import DEFAULTS, parse_period

OLD = 1_700_000_000_000_000_000  # 2023-11-14
NEW = 1_790_000_000_000_000_000  # 2026-09-21
TODAY = date(2026, 11, 26)
POLICY = Policy(
    parse_period("365d"), {name: parse_period(text) for name, text in DEFAULTS.items()}, "records 365d"
)
LATER = 4e9


def request(number: int, at: int, **more: object) -> Draft:
    claim = {"token": "AcmeBot", "operator": "Acme" if number == 300 else "Other", "standing": "claimed"}
    seen: dict[str, object] = {"claim": claim, "path": f"/song/{number}", **more}
    return Draft("request", f"VB-{number}", at, seen, {"address": b"203.0.113.9"}, retention="person")


def fill(directory: Path, count: int, at: int, first: int = 0, **more: object) -> None:
    """Let one process write so many requests, end, and be sealed."""
    log = EvidenceLog(
        prepare(directory, "label.example/evidence"),
        clock=lambda: at,
        clients_per_minute=1 << 30,
        operators_per_minute=1 << 30,
    )
    for number in range(first, first + count):
        log.append(request(number, at + number, **more))
    log.close(30.0)


def plan_for(home: Path, **wanted: object) -> Plan:
    return make_plan(home, POLICY, holds.holds(home), TODAY, **wanted)  # type: ignore[arg-type]


def prune(home: Path, minimum: int, disk: Disk | None = None) -> None:
    plan = plan_for(home, minimum=minimum)
    assert plan.obstacle is None
    with recording(home, "test") as evidence:
        keep_all(evidence, [draft(home, plan, POLICY.text, "custodian", "its time was over", NEW)])
    wait_until_sealed(home, plan.minimum)
    finish(home, disk, now=LATER)


def why(home: Path, **wanted: object) -> tuple[int, int, str]:
    """The record that stands in the way, what would be possible, and the reason."""
    plan = plan_for(home, **wanted)
    return (plan.obstacle.index, plan.minimum, plan.obstacle.why) if plan.obstacle else (-1, plan.minimum, "")
