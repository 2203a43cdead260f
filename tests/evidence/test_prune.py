"""Pruning: what goes, what stays readable, and what a stop in between leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prune_support import LATER, NEW, OLD, fill, plan_for, prune
from tlog_support import verdicts
from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.anchor.staging import stage
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.history.history import read_history
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.pruning.prune import draft, finish, wait_until_sealed
from vorbehalt.evidence.reading.pruned import first_readable, read_list
from vorbehalt.evidence.reading.query import Filters, open_log, prove, show
from vorbehalt.evidence.reading.scan import scan_log
from vorbehalt.evidence.reading.walk import walk_log
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.recording import keep_all, recording
from vorbehalt.evidence.tlog.proof import parse_proof, verify_proof
from vorbehalt.evidence.vault import holds
from vorbehalt.evidence.vault.by_reference import find_request

pytestmark = pytest.mark.real("openssl")
BODY = b"what was served long ago"
LIST = json.dumps({"anchors": {"anchors/4.tsr": "c" * 64}, "objects": ["d" * 64]}).encode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """600 requests of 2023, 300 of this autumn, each by a process that has ended: 904 records."""
    directory = tmp_path / "evidence"
    fill(directory, 600, OLD)
    fill(directory, 300, NEW, 600)
    return directory


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


@pytest.mark.parametrize(("ref", "removed"), [("VB-510", None), ("VB-511", 2)])
def test_only_a_hold_of_what_would_go_stops_it(ref: str, removed: int | None, home: Path) -> None:
    """Record 511 is the last one that goes; each request lies one behind its number."""
    plan = plan_for(home, minimum=512)
    with recording(home, "test") as evidence:
        keep_all(evidence, [draft(home, plan, "", "", "", NEW)])
    holds.begin(home, holds.Hold("late-2026", "", ref, NEW))
    if removed is None:
        with pytest.raises(EvidenceError, match="record 511 is under the hold late-2026, begun since"):
            finish(home, now=LATER)
    else:
        assert finish(home, now=LATER).bundles == removed


def test_nothing_goes_before_its_record_is_sealed(home: Path) -> None:
    plan = plan_for(home, minimum=512)
    moments = iter(range(0, 1000, 20))

    def take(key: Callable[[], float] = lambda: float(next(moments))) -> None:
        wait_until_sealed(home, plan.minimum, steady=key, sleep=lambda seconds: None)

    with pytest.raises(EvidenceError, match="not sealed yet, so nothing was removed"):
        take()
    removed = finish(home, now=LATER)
    assert (removed.bundles, removed.minimum) == (0, 0)
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


@pytest.mark.parametrize(
    ("leaf", "body", "why"),
    [
        ({"objects": []}, b"{}", "the record names no list"),
        ({"objects": [1]}, b"{}", "the record names no list"),
        ({"objects": ["a" * 64]}, b"{", "is no list of anchors and objects"),
        ({"objects": ["a" * 64]}, b'{"anchors": {}}', "is no list of anchors and objects"),
        ({"objects": ["a" * 64]}, b'{"anchors": {"keys/log.key": "b"}, "objects": []}', "is no anchor"),
        ({"objects": ["a" * 64]}, b'{"anchors": {}, "objects": ["../keys/log.key"]}', "is no object"),
    ],
)
def test_a_list_names_anchors_and_objects_and_nothing_else(
    leaf: dict[str, object], body: bytes, why: str
) -> None:
    with pytest.raises(TamperError, match=why):
        read_list(leaf, lambda path: body)
    listed = read_list({"objects": ["ab" * 32]}, {f"objects/sha256/ab/{'ab' * 32}": LIST}.__getitem__)
    assert (listed.anchors, listed.objects) == ({"4.tsr": "c" * 64}, ("d" * 64,))


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
