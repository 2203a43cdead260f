"""The log of a process keeps its promise to the edge: quick, silent, exact, and never in the way."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from support import erase_row
from vorbehalt.evidence.audit import verify as audit
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.forgetting import destroy_day
from vorbehalt.evidence.log import EvidenceLog, MemoryEvidence, NoEvidence, open_evidence
from vorbehalt.evidence.losses import Losses
from vorbehalt.evidence.receipt import Draft, Evidence, Receipt
from vorbehalt.evidence.receipts import SpoolReceipt, wake
from vorbehalt.evidence.sealer import seal_once
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.tiles import decode_bundle

AT = 1_795_413_803_799_141_015
MINUTE = 60 * 10**9
ENOUGH = 20.0
Drafts = Callable[..., Draft]
Logs = Callable[..., EvidenceLog]


def leaves_of(home: Path) -> list[dict[str, Any]]:
    """All leaves of the log (these tests stay below one bundle's border or ask for the full ones)."""
    folder = home / "log" / "tile" / "entries"
    found: list[dict[str, Any]] = []
    index = 0
    while True:
        full = folder / f"{index:03d}"
        partial = folder / f"{index:03d}.p"
        if full.is_file():
            found += map(decode_leaf, decode_bundle(full.read_bytes()))
            index += 1
        elif partial.is_dir():
            last = max(partial.iterdir(), key=lambda path: int(path.name))
            return found + list(map(decode_leaf, decode_bundle(last.read_bytes())))
        else:
            return found


def wait_for(receipt: Receipt) -> bool:
    return asyncio.run(receipt.durable(ENOUGH))


def test_a_record_is_durable_then_sealed_and_the_whole_directory_holds(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    log.start()
    receipt = log.append(make_draft(1))

    assert wait_for(receipt)
    assert receipt.is_durable
    log.close()
    assert [leaf["type"] for leaf in leaves_of(directory.path)] == ["writer-open", "request", "writer-close"]
    assert log.written() == {"writer-open": 1, "request": 1, "writer-close": 1}
    assert log.lost() == {}
    assert list((directory.path / "spool").iterdir()) == []
    health = log.health()
    assert (health["state"], health["records"], health["lost"], health["size"]) == ("green", 1, 0, 3)
    report = audit(directory.path)
    assert report.problems == ()
    assert (report.records, report.size, report.unsealed) == (1, 3, 0)


def test_nothing_runs_and_nothing_is_written_before_the_start(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    threads = threading.active_count()
    log = make_log()
    receipt = log.append(make_draft(1))

    assert threading.active_count() == threads
    assert list((directory.path / "spool").iterdir()) == []
    assert not receipt.is_durable
    log.start()
    log.start()
    assert threading.active_count() == threads + 2
    assert wait_for(receipt)


def test_records_appended_without_a_start_are_written_at_the_close(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    log.append(make_draft(1))
    log.close()
    log.close()

    assert [leaf["type"] for leaf in leaves_of(directory.path)] == ["writer-open", "request", "writer-close"]


def test_a_log_that_was_never_used_leaves_no_trace(make_log: Logs, directory: EvidenceDirectory) -> None:
    make_log().close()

    assert leaves_of(directory.path) == []
    assert not (directory.path / "run" / "sealer.lock").exists()


def test_after_the_close_records_are_refused_and_counted(make_log: Logs, make_draft: Drafts) -> None:
    log = make_log()
    log.start()
    log.close()
    receipt = log.append(make_draft(1))
    log.count(("x",), at=AT)

    assert not wait_for(receipt)
    assert log.lost() == {"closed": 2}


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_receipts_work_from_many_loops_at_once(make_log: Logs, make_draft: Drafts, new_loop: Any) -> None:
    log = make_log(clients_per_minute=10_000)
    log.start()
    results: list[bool] = []

    async def visits(first: int) -> list[bool]:
        return list(
            await asyncio.gather(*(log.append(make_draft(first + n)).durable(ENOUGH) for n in range(50)))
        )

    def serve(first: int) -> None:
        loop = new_loop()
        results.extend(loop.run_until_complete(visits(first)))
        loop.close()

    threads = [threading.Thread(target=serve, args=(first * 100,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True] * 200
    assert log.written()["request"] == 200


def test_a_batch_wakes_each_loop_once_and_a_closed_loop_hurts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = Losses()
    receipts = [SpoolReceipt(losses, "request", AT) for _ in range(10)]
    calls: list[int] = []
    gone = asyncio.new_event_loop()

    async def abandoned() -> None:
        waiting = asyncio.ensure_future(receipts[0].durable(ENOUGH))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    gone.run_until_complete(abandoned())
    gone.close()

    async def waiting() -> list[bool]:
        loop = asyncio.get_running_loop()
        whole = loop.call_soon_threadsafe

        def counted(*args: Any) -> Any:
            calls.append(1)
            return whole(*args)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        tasks = [asyncio.ensure_future(receipt.durable(ENOUGH)) for receipt in receipts]
        await asyncio.sleep(0)
        for receipt in receipts:
            receipt.resolve(True)
        assert wake(receipts) == 1
        return list(await asyncio.gather(*tasks))

    assert asyncio.run(waiting()) == [True] * 10
    assert len(calls) == 1
    assert losses.totals() == {}


def test_a_deadline_lets_the_answer_go_and_a_gap_record_says_so(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    receipt = log.append(make_draft(1))

    assert not asyncio.run(receipt.durable(0))
    assert log.lost() == {"late": 1}
    log.close()
    leaves = leaves_of(directory.path)
    (gap,) = [leaf["seen"] for leaf in leaves if leaf["type"] == "gap"]
    assert (gap["reason"], gap["lost"], gap["late_by"]) == ("late", "0", {"request": "1"})
    assert len(leaves) == 4
    assert receipt.is_durable


def test_a_record_that_becomes_durable_while_its_wait_begins_is_not_waited_for() -> None:
    receipt = SpoolReceipt(Losses(), "request", AT)

    class Overtaken(list[Any]):
        def append(self, waiter: Any) -> None:
            wake([receipt])
            receipt.resolve(True)
            super().append(waiter)

    async def promptly() -> bool:
        receipt.waiters = Overtaken()
        async with asyncio.timeout(ENOUGH / 4):
            return await receipt.durable(ENOUGH)

    assert asyncio.run(promptly())


def test_losses_of_one_reason_make_one_gap_with_its_true_extent() -> None:
    losses = Losses()
    for at in (50, 30, 90):
        losses.lose("queue_full", "request", at)
    losses.lose("disk_full", "completion", 10, count=2)

    first, second = (gap.seen() for gap in losses.take())
    assert (first["first_at"], first["last_at"], first["lost"]) == ("30", "90", "3")
    assert (second["reason"], second["by"]) == ("disk_full", {"completion": "2"})
    assert losses.take() == []
    assert losses.totals() == {"queue_full": 3, "disk_full": 2}


def test_cancelling_a_wait_is_not_swallowed(make_log: Logs, make_draft: Drafts) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(make_log().append(make_draft(1)).durable(ENOUGH))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_a_full_queue_never_blocks_and_is_counted_to_the_record(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vorbehalt.evidence.inbox.QUEUE_RECORDS", 20)
    log = make_log()
    receipts = [log.append(make_draft(number)) for number in range(33)]

    assert log.lost() == {"queue_full": 13}
    assert not wait_for(receipts[-1])
    log.close()
    leaves = leaves_of(directory.path)
    (gap,) = [leaf["seen"] for leaf in leaves if leaf["type"] == "gap"]
    assert (gap["reason"], gap["lost"], gap["by"]) == ("queue_full", "13", {"request": "13"})
    assert len([leaf for leaf in leaves if leaf["type"] == "request"]) == 20
    assert log.health()["state"] == "yellow"


def test_the_queue_is_bounded_in_bytes_too(make_log: Logs, make_draft: Drafts) -> None:
    log = make_log(clients_per_minute=10_000)
    for number in range(40):
        log.append(make_draft(number, path="x" * 1_000_000))

    assert log.lost()["queue_full"] == 40 - (16 << 20) // 1_001_050


def test_what_was_written_makes_room_in_the_queue(make_log: Logs, make_draft: Drafts) -> None:
    log = make_log()
    log.start()

    assert all(wait_for(log.append(make_draft(number, path="x" * 4_000_000))) for number in range(6))
    assert log.lost() == {}


def test_beyond_the_budget_nobody_waits_and_the_rollup_is_exact(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log(clients_per_minute=5)
    receipts = [log.append(make_draft(number)) for number in range(12)]
    log.count(("example.org", "Googlebot"), at=AT, amount=7)
    log.count(("example.org", "Googlebot"), at=AT, amount=8)
    log.count(("example.org", "Googlebot"), at=AT + MINUTE, amount=1)

    assert [receipt.is_durable for receipt in receipts] == [False] * 5 + [True] * 7
    log.close()
    rollups = [leaf["seen"] for leaf in leaves_of(directory.path) if leaf["type"] == "rollup"]
    assert [(row["key"][1], row["count"], row["bytes"]) for seen in rollups for row in seen["rows"]] == [
        ("GPTBot", "7", "0"),
        ("Googlebot", "2", "15"),
        ("Googlebot", "1", "1"),
    ]
    assert log.lost() == {}


def test_a_finished_minute_is_written_without_waiting_for_the_close(
    make_log: Logs, make_draft: Drafts
) -> None:
    log = make_log()
    log.count(("a",), at=AT)
    log.count(("a",), at=AT + MINUTE)
    log.start()

    assert wait_for(log.append(make_draft(1)))
    assert log.written()["rollup"] == 1


def test_append_never_raises_whatever_it_is_given(make_log: Logs) -> None:
    log = make_log()
    bad: Any = Draft(type="request", ref="", at="now", seen={})  # type: ignore[arg-type]

    assert not wait_for(log.append(bad))
    assert log.lost() == {"internal": 1}


def test_a_defect_in_building_records_costs_the_record_and_turns_health_red(
    make_log: Logs, make_draft: Drafts, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_log()
    log.start()
    assert wait_for(log.append(make_draft(1)))

    def broken(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr("vorbehalt.evidence.writer.build_leaf", broken)
        assert not wait_for(log.append(make_draft(2)))
    assert wait_for(log.append(make_draft(3)))
    assert log.lost()["internal"] >= 1
    assert log.health()["state"] == "red"


def test_a_disk_that_fills_later_breaks_nothing_and_shows_in_health(
    make_log: Logs, disk: Any, make_draft: Drafts
) -> None:
    log = make_log(disk=disk)
    log.start()
    assert wait_for(log.append(make_draft(1)))
    disk.fail("write", "/spool/", times=10_000, code=28)

    assert not wait_for(log.append(make_draft(2)))
    health: Any = log.health()
    assert health["state"] == "red"
    assert "No space left" in health["reasons"][0]
    disk.heal()
    assert wait_for(log.append(make_draft(3)))
    log.close()
    assert log.written()["request"] == 3
    assert log.lost() == {"late": 1}


def test_objects_are_kept_under_their_digest_before_they_are_named(
    make_log: Logs, directory: EvidenceDirectory
) -> None:
    log = make_log()
    digest = log.put_object(b"User-agent: *\n")
    log.append(
        Draft(type="policy-active", ref="", at=AT, seen={"objects": [digest], "preset": "allow-search"})
    )
    log.close()

    path = directory.path / "objects" / "sha256" / digest[:2] / digest
    assert path.read_bytes() == b"User-agent: *\n"
    leaf = leaves_of(directory.path)[1]
    assert (leaf["objects"], leaf["seen"]) == ([digest], {"preset": "allow-search"})
    assert audit(directory.path).problems == ()
    path.write_bytes(b"User-agent: x\n")
    assert audit(directory.path).problems


def test_without_the_signing_key_records_are_kept_for_whoever_seals(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    key = (directory.path / "keys" / "log.key").read_bytes()
    (directory.path / "keys" / "log.key").unlink()
    log = EvidenceLog(EvidenceDirectory(directory.path, directory.verifier, None))
    log.start()
    assert wait_for(log.append(make_draft(1)))
    health: Any = log.health()
    assert (health["state"], "vorbehalt evidence seal" in health["reasons"][0]) == ("yellow", True)
    log.close()

    assert leaves_of(directory.path) == []
    (directory.path / "keys" / "log.key").write_bytes(key)
    os.chmod(directory.path / "keys" / "log.key", 0o600)
    assert seal_once(directory.path).added == 3


def test_health_names_a_log_that_does_not_hold(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    log.append(make_draft(1))
    log.close()
    bundle = directory.path / "log" / "tile" / "entries" / "000.p" / "3"
    bundle.write_bytes(bundle.read_bytes().replace(b"GPTBot", b"GPTBox"))
    second = make_log()
    second.append(make_draft(2))
    second.close()

    health: Any = second.health()
    assert health["state"] == "red"
    assert "not sealed" in health["reasons"][0]
    assert audit(directory.path).problems


def test_destroying_the_keys_of_a_day_leaves_the_proof_whole(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    for number in range(3):
        log.append(make_draft(number))
    log.close()
    (rows,) = (directory.path / "vault" / "2026-11-23").iterdir()

    assert erase_row(rows, 2) == 1
    assert audit(directory.path).problems == ()
    assert destroy_day(directory.path, "2026-11-23", "claimed")
    assert audit(directory.path).problems == ()
    assert audit(directory.path).records == 3


def run_script(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


WORKER = """
import asyncio, sys, time
from pathlib import Path
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Draft
log = open_evidence(sys.argv[1], "example.org/evidence", {}, clients_per_minute=10**9)
log.start()
async def main():
    number = 0
    while number < int(sys.argv[3]):
        receipts = []
        for _ in range(7):
            number += 1
            ref = f"{sys.argv[2]}-{number}"
            draft = Draft(type="request", ref=ref, at=time.time_ns(), seen={"path": "/" * 40})
            draft.private["address"] = b"203.0.113.77"
            receipts.append((ref, log.append(draft)))
        for ref, receipt in receipts:
            assert await receipt.durable(20)
            print(ref, flush=True)
asyncio.run(main())
log.close()
"""


def test_two_processes_share_a_directory_and_one_of_them_seals(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    workers = [run_script(WORKER, str(home), name, "280") for name in ("a", "b")]
    printed = [worker.communicate(timeout=60)[0].split() for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0]
    seal_once(home)
    leaves = leaves_of(home)
    assert {leaf["ref"] for leaf in leaves if leaf["type"] == "request"} == {*printed[0], *printed[1]}
    assert len({leaf["w"] for leaf in leaves}) == 2
    assert list((home / "spool").iterdir()) == []
    assert audit(home).problems == ()


def test_what_was_acknowledged_survives_the_death_of_the_process(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    for name in ("a", "b", "c"):
        worker = run_script(WORKER, str(home), name, "1000000")
        assert worker.stdout is not None
        printed = [worker.stdout.readline().strip() for _ in range(60)]
        worker.kill()
        printed += worker.stdout.read().split("\n")[:-1]
        worker.wait()
        worker.stdout.close()
        seal_once(home)

        refs = [leaf["ref"] for leaf in leaves_of(home) if leaf["type"] == "request"]
        assert {ref for ref in printed if ref} <= set(refs)
        assert len(refs) == len(set(refs))
        assert audit(home).problems == ()


FORKING = """
import asyncio, os, sys, time
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Draft
log = open_evidence(sys.argv[1], "example.org/evidence", {})
log.start()
def write(ref):
    receipt = log.append(Draft(type="request", ref=ref, at=time.time_ns(), seen={}))
    assert asyncio.run(receipt.durable(20))
write("parent-1")
children = []
for number in range(2):
    child = os.fork()
    if child == 0:
        write(f"child-{number}")
        log.close()
        os._exit(0)
    children.append(child)
write("parent-2")
for child in children:
    assert os.waitpid(child, 0)[1] == 0
write("parent-3")
log.close()
"""


def test_a_child_after_a_fork_is_a_writer_of_its_own(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    process = run_script(FORKING, str(home))
    process.communicate(timeout=60)

    assert process.returncode == 0
    seal_once(home)
    writers: dict[str, list[str]] = {}
    for leaf in leaves_of(home):
        if leaf["type"] == "request":
            writers.setdefault(leaf["w"], []).append(leaf["ref"])
    assert sorted(writers.values()) == [["child-0"], ["child-1"], ["parent-1", "parent-2", "parent-3"]]
    assert audit(home).problems == ()


def test_an_exit_without_a_close_still_writes_all(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    script = WORKER.replace("log.close()\n", "")
    worker = run_script(script, str(home), "a", "7")
    worker.communicate(timeout=60)

    assert worker.returncode == 0
    assert leaves_of(home)[-1]["type"] == "writer-close"


def test_evidence_in_memory_holds_the_same_leaves_and_touches_no_disk(make_draft: Drafts) -> None:
    evidence = open_evidence("memory:", "example.org/evidence", {"version": "0.1.0"})
    assert isinstance(evidence, MemoryEvidence)
    evidence.start()
    assert wait_for(evidence.append(make_draft(1)))
    evidence.count(("a",), at=AT)
    digest = evidence.put_object(b"body")
    evidence.close()
    evidence.close()

    assert [leaf["type"] for leaf in evidence.leaves()] == [
        "writer-open",
        "request",
        "rollup",
        "writer-close",
    ]
    assert "203.0.113.77" not in str(evidence.leaves())
    assert evidence.written()["request"] == 1
    assert len(digest) == 64
    assert evidence.health()["records"] == 1
    assert not wait_for(evidence.append(make_draft(2)))
    assert evidence.lost() == {"closed": 1}


def test_evidence_that_is_off_promises_at_once_and_keeps_nothing(make_draft: Drafts) -> None:
    evidence = open_evidence("off", "", {})
    assert isinstance(evidence, NoEvidence)
    evidence.start()
    evidence.count(("a",), at=AT)

    assert wait_for(evidence.append(make_draft(1)))
    assert (evidence.lost(), evidence.written()) == ({}, {})
    assert len(evidence.put_object(b"x")) == 64
    health: Any = evidence.health()
    assert (health["state"], health["directory"]) == ("yellow", "off")
    evidence.close()


def test_all_three_kinds_are_evidence(make_log: Logs) -> None:
    kinds: list[Evidence] = [make_log(), MemoryEvidence(), NoEvidence()]
    keys = {"state", "reasons", "directory", "records", "lost", "size", "anchor_age_seconds"}

    assert all(set(kind.health()) == keys for kind in kinds)
