"""What may be pruned of a log, and what has to stay."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from prune_support import NEW, OLD, POLICY, TODAY, fill, plan_for, request, why
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.pruning.plan import make_plan
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.recording import keep_all, recording
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.vault import holds

pytestmark = pytest.mark.real("openssl")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """600 requests of 2023, 300 of this autumn, each by a process that has ended: 904 records."""
    directory = tmp_path / "evidence"
    fill(directory, 600, OLD)
    fill(directory, 300, NEW, 600)
    return directory


def test_whole_bundles_of_old_days_may_go(home: Path) -> None:
    plan = plan_for(home, before=date(2026, 1, 1))
    assert (plan.begin, plan.minimum, plan.obstacle) == (0, 512, None)
    sizes = [(home / f"log/tile/entries/00{number}").stat().st_size for number in range(2)]
    assert plan.bytes == sum(sizes)
    assert plan_for(home, minimum=511).minimum == 256
    assert plan_for(home, minimum=255).minimum == 0
    assert plan_for(home, before=date(2023, 11, 14)).minimum == 0


def test_the_last_bundle_stays_whatever_its_age(tmp_path: Path) -> None:
    fill(tmp_path / "evidence", 510, OLD)  # and its first and last record: two full bundles
    assert open_log(tmp_path / "evidence")[1].size == 512
    assert plan_for(tmp_path / "evidence", before=date(2026, 1, 1)).minimum == 256


def test_young_records_stay(home: Path) -> None:
    index, possible, reason = why(home, minimum=900)
    assert (index, possible) == (602, 512)
    assert "the retention policy keeps it until 2027-09-21 (records 365d)" in reason
    assert why(home, before=date(2026, 9, 22))[:2] == (602, 512)


@pytest.mark.parametrize(("kind", "last"), [("operator", "2026-12-31"), ("claimed", ""), ("person", "")])
def test_a_record_stays_as_long_as_its_opening(kind: str, last: str, tmp_path: Path) -> None:
    log = EvidenceLog(prepare(tmp_path / "evidence", "label.example/evidence"), clock=lambda: OLD)
    for number in range(300):
        log.append(
            Draft("request", "", OLD, {}, {"address": b"203.0.113.9"}, str(number), retention=kind)  # type: ignore[arg-type]
        )
    log.close(30.0)
    index, possible, reason = why(tmp_path / "evidence", minimum=256)
    assert (index, possible) == ((1, 0) if last else (-1, 256))
    assert last in reason


def test_letters_are_kept_as_long_as_what_they_are_about(home: Path) -> None:
    with recording(home, "test") as evidence:
        keep_all(evidence, [Draft("hold", "", OLD, {"event": "begin"})])
    assert POLICY.last_day({"type": "hold", "at": str(OLD)}) == date(2026, 12, 31)
    assert POLICY.last_day({"type": "clock", "at": str(OLD)}) == date(2024, 11, 13)
    assert POLICY.last_day({"type": "x", "at": str(OLD), "vault": "2023-11-14.unheard"}) == date.max


def test_what_is_held_stays(home: Path) -> None:
    hold = holds.Hold("acme-2026", "Acme", "", NEW)
    holds.begin(home, hold)
    index, possible, reason = why(home, minimum=512)
    assert (index, possible, reason) == (301, 256, "it is under the hold acme-2026")
    holds.end(home, "acme-2026")
    assert why(home, minimum=512)[0] == -1


def test_what_a_living_process_has_in_its_spool_stays(home: Path) -> None:
    """Sealed twice it would be, were the sealer's memory lost."""
    living = prepare(home, "label.example/evidence")
    log = EvidenceLog(living, clock=lambda: OLD, clients_per_minute=1 << 30, seals=False)
    log.start()
    keep_all(log, [request(number, OLD) for number in range(900, 1300)])
    size = seal_once(home).size
    try:
        plan = make_plan(home, POLICY, [], date(2028, 11, 26), minimum=size)
        assert plan.obstacle is not None
        assert plan.obstacle.index == 904
        assert "still has it in its spool: restart that process" in plan.obstacle.why
        assert plan.minimum == 768
    finally:
        log.close(30.0)
    seal_once(home)
    assert make_plan(home, POLICY, [], date(2028, 11, 26), minimum=size).obstacle is None


def test_what_machines_were_told_stays_while_its_process_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    log = EvidenceLog(prepare(home, "label.example/evidence"), clock=lambda: OLD, clients_per_minute=1 << 30)
    log.append(Draft("policy-active", "", OLD, {"origin": "https://label.example"}))
    for number in range(300):
        log.append(request(number, OLD))
    log.close(30.0)
    index, possible, reason = why(home, minimum=256)
    assert (index, possible) == (1, 0)
    assert "what machines were told by https://label.example" in reason


def test_what_machines_were_told_behind_the_border_holds_nothing_back(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    log = EvidenceLog(prepare(home, "label.example/evidence"), clock=lambda: OLD, clients_per_minute=1 << 30)
    for number in range(300):
        log.append(request(number, OLD))
    log.append(Draft("policy-active", "", OLD, {"origin": "https://label.example"}))
    log.close(30.0)
    assert why(home, minimum=256) == (-1, 256, "")


def test_a_gap_stays_while_it_explains_a_hole_behind_it(home: Path) -> None:
    from vorbehalt.evidence.pruning.plan import _Scan

    scan = _Scan(POLICY, TODAY, {}, {}, None, 512)
    at = str(OLD)
    said = {"writer": "w", "first": 1, "last": 4}
    for index, leaf in enumerate(
        [
            {"type": "request", "w": "w", "s": 0, "at": at},
            {"type": "gap", "w": "other", "s": 0, "at": at, "seen": said},
            {"type": "request", "w": "w", "s": 5, "at": at},
        ]
    ):
        scan.take(255 * (index == 1) + 300 * (index == 2), leaf, 100)
    found = scan.obstacle(256)
    assert found is not None
    assert (found.index, found.why) == (255, "it explains records that miss before record 300")
    assert scan.obstacle(512) is None
