"""Pruning: what has to stay, what goes, and what a kill between any two steps leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tlog_support import verdicts
from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence import holds
from vorbehalt.evidence.anchor.staging import stage
from vorbehalt.evidence.audit import verify
from vorbehalt.evidence.by_reference import find_request
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.history import read_history
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.log_scan import scan_log
from vorbehalt.evidence.log_walk import walk_log
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.prune import draft, finish, wait_until_sealed
from vorbehalt.evidence.prune_plan import Plan, Policy, make_plan
from vorbehalt.evidence.pruned import first_readable
from vorbehalt.evidence.query import Filters, open_log, prove, show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.recording import keep_all, recording
from vorbehalt.evidence.retention import DEFAULTS, parse_period
from vorbehalt.evidence.sealer import seal_once
from vorbehalt.evidence.tlog.proof import parse_proof, verify_proof

pytestmark = pytest.mark.real("openssl")

OLD = 1_700_000_000_000_000_000  # 2023-11-14
NEW = 1_790_000_000_000_000_000  # 2026-09-21
TODAY = date(2026, 11, 26)
POLICY = Policy(
    parse_period("365d"), {name: parse_period(text) for name, text in DEFAULTS.items()}, "records 365d"
)
LATER = 4e9
BODY = b"what was served long ago"


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


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """600 requests of 2023, 300 of this autumn, each by a process that has ended: 904 records."""
    directory = tmp_path / "evidence"
    fill(directory, 600, OLD)
    fill(directory, 300, NEW, 600)
    return directory


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


# What may go


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


def test_a_gap_stays_while_it_explains_a_hole_behind_it(home: Path) -> None:
    from vorbehalt.evidence.prune_plan import _Scan

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


# What it leaves


def test_a_pruned_log_holds_and_says_so(home: Path) -> None:
    kept = (home / "log/checkpoint").read_bytes()
    size = open_log(home)[1].size
    prune(home, 512)
    assert not (home / "log/tile/entries/000").exists()
    assert not (home / "log/tile/entries/001").exists()
    report = verify(home, against=kept)
    assert report.problems == ()
    assert report.minimum == 512
    assert verdicts(home, against=kept) == (True, True)
    (record,) = show(home, Filters(type="prune"))
    assert record["index"] > size - 1  # type: ignore[operator]
    seen = record["seen"]
    assert isinstance(seen, dict)
    assert {name: seen[name] for name in ("minimum", "from", "entries", "policy", "who", "why")} == {
        "minimum": 512,
        "from": 0,
        "entries": 512,
        "policy": "records 365d",
        "who": "custodian",
        "why": "its time was over",
    }


def test_readers_begin_where_the_log_does(home: Path) -> None:
    prune(home, 512)
    size = open_log(home)[1].size
    assert first_readable(home, size) == 512
    assert next(show(home))["index"] == 512
    assert scan_log(home, ("request",)).found[0][0] == 512
    assert len(list(walk_log(home, ("request",)))) == 389
    assert find_request(home, "VB-3") is None
    found = find_request(home, "VB-700")
    assert found is not None
    assert found["index"] == 703
    assert read_history(home).sets == []


def test_proofs_of_later_records_hold_and_others_are_refused_in_words(home: Path) -> None:
    proof = parse_proof(prove(home, 700))
    prune(home, 512)
    verifier = open_log(home)[0]
    entry = entry_of(home, 700)
    assert verify_proof(proof, entry, verifier).size < open_log(home)[1].size
    assert verify_proof(parse_proof(prove(home, 700)), entry, verifier).size == open_log(home)[1].size
    with pytest.raises(EvidenceError, match="no record 511 any more: records below 512 were pruned"):
        prove(home, 511)
    assert prove(home, 512)


def entry_of(home: Path, index: int) -> bytes:
    from vorbehalt.evidence.tlog.tiles import decode_bundle

    return decode_bundle((home / f"log/tile/entries/{index // 256:03}").read_bytes())[index % 256]


def test_the_log_goes_on_even_if_the_sealers_memory_is_lost(home: Path) -> None:
    prune(home, 512)
    (home / "run/state.json").unlink()
    fill(home, 300, NEW, 900)
    assert verdicts(home) == (True, True)
    assert first_readable(home, open_log(home)[1].size) == 512


def test_pruning_again_goes_on_from_there(home: Path) -> None:
    prune(home, 256)
    assert plan_for(home, minimum=512).begin == 256
    prune(home, 512)
    assert verify(home).minimum == 512
    assert verdicts(home) == (True, True)
    assert plan_for(home, minimum=512).minimum == 512


def objects_of(home: Path) -> set[str]:
    return {path.name for path in (home / "objects").rglob("*") if path.is_file()}


def test_objects_go_with_the_last_record_that_names_them(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    prepare(home, "label.example/evidence")
    store = ObjectStore(home)
    gone, shared, root = store.put(BODY), store.put(b"shared"), store.put(b"root of an authority")
    fill(home, 299, OLD, objects=[gone, shared])
    fill(home, 300, OLD, 300)
    fill(home, 1, NEW, 600, objects=[shared])
    prune(home, 256)
    assert gone in objects_of(home)  # record 299 names it as well
    prune(home, 512)
    assert objects_of(home) >= {shared, root}
    assert gone not in objects_of(home)
    assert verdicts(home) == (True, True)


def test_an_object_that_is_asked_for_again_is_left_until_the_next_time(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    prepare(home, "label.example/evidence")
    gone = ObjectStore(home).put(BODY)
    fill(home, 100, OLD, objects=[gone])
    fill(home, 500, OLD, 100)
    plan = plan_for(home, minimum=256)
    with recording(home, "test") as evidence:
        keep_all(evidence, [draft(home, plan, "", "", "", NEW)])
    ObjectStore(home).put(BODY)  # touched now
    removed = finish(home)
    assert (removed.bundles, removed.objects, removed.kept) == (1, 0, [gone])
    assert plan_for(home, minimum=512).objects == [gone]
    prune(home, 512)
    assert gone not in objects_of(home)


# Stops


class Killed(BaseException):
    """The process ends here."""


class MortalDisk(Disk):
    """Ends the process at its nth removal."""

    def __init__(self, left: int) -> None:
        self.left = left

    def remove(self, path: Path) -> None:
        if not self.left:
            raise Killed
        self.left -= 1
        super().remove(path)


@pytest.mark.parametrize("step", range(5))
def test_a_kill_between_any_two_steps_leaves_a_log_that_holds_and_the_next_run_ends_it(
    step: int, tmp_path: Path
) -> None:
    home = tmp_path / "evidence"
    prepare(home, "label.example/evidence")
    gone = [ObjectStore(home).put(BODY + str(number).encode()) for number in range(2)]
    fill(home, 200, OLD, objects=gone)
    fill(home, 400, OLD, 200)
    fill(home, 100, NEW, 600)
    plan = plan_for(home, minimum=512)
    record = draft(home, plan, "", "", "", NEW)
    assert verdicts(home) == (True, True)  # the list is there, nothing names it
    with recording(home, "test") as evidence:
        keep_all(evidence, [record])
        assert verify(home).ok
    assert verdicts(home) == (True, True)
    try:
        finish(home, MortalDisk(step), now=LATER)
    except Killed:
        assert step < 4
    else:
        assert step == 4
    assert verdicts(home) == (True, True)
    finish(home, now=LATER)
    assert verdicts(home) == (True, True)
    assert objects_of(home).isdisjoint(gone)
    assert first_readable(home, open_log(home)[1].size) == 512
    assert finish(home, now=LATER).bundles == 0


def test_a_hold_that_comes_in_between_stops_it(home: Path) -> None:
    plan = plan_for(home, minimum=512)
    with recording(home, "test") as evidence:
        keep_all(evidence, [draft(home, plan, "", "", "", NEW)])
    holds.begin(home, holds.Hold("acme-2026", "Acme", "", NEW))
    with pytest.raises(EvidenceError, match="record 301 is under the hold acme-2026, begun since"):
        finish(home, now=LATER)
    assert (home / "log/tile/entries/000").exists()
    assert verdicts(home) == (True, True)


def test_nothing_goes_before_its_record_is_sealed(home: Path) -> None:
    plan = plan_for(home, minimum=512)
    moments = iter(range(0, 1000, 20))

    def take(key: Callable[[], float] = lambda: float(next(moments))) -> None:
        wait_until_sealed(home, plan.minimum, steady=key, sleep=lambda seconds: None)

    with pytest.raises(EvidenceError, match="not sealed yet, so nothing was removed"):
        take()
    assert finish(home, now=LATER).bundles == 0
    assert (home / "log/tile/entries/000").exists()


def test_a_list_that_was_changed_removes_nothing_more(home: Path) -> None:
    plan = plan_for(home, minimum=512)
    record = draft(home, plan, "", "", "", NEW)
    with recording(home, "test") as evidence:
        keep_all(evidence, [record])
    listed = record.seen["objects"]
    assert isinstance(listed, list)
    ObjectStore(home).path(listed[0]).write_bytes(b'{"anchors":{},"objects":["../../../keys/log.key"]}')
    with pytest.raises(TamperError):
        finish(home, now=LATER)
    assert (home / "keys/log.key").exists()
    assert verdicts(home) == (False, False)


def test_time_stamps_stay_although_their_records_go(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    prepare(home, "label.example/evidence")
    root = ObjectStore(home).put(b"root of an authority")
    token = stage(home, 0, "authority", "tsr", b"a token", Disk())
    log = EvidenceLog(prepare(home, "label.example/evidence"), clock=lambda: OLD)
    log.append(Draft("anchor", "", OLD, {"files": [token], "objects": [root]}))
    log.close(30.0)
    fill(home, 600, OLD)
    prune(home, 256)
    prune(home, 512)
    assert (home / "anchors" / token["name"]).read_bytes() == b"a token"
    assert root in objects_of(home)
    assert verdicts(home) == (True, True)
    (home / "anchors" / token["name"]).write_bytes(b"another")
    assert verdicts(home) == (False, False)
