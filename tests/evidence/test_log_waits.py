"""Who waits for a record, how long, and what happens where too many come at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from evidence_log_support import AT, ENOUGH, leaves_of, wait_for
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.writing.losses import Losses
from vorbehalt.evidence.writing.receipts import SpoolReceipt, wake

MINUTE = 60 * 10**9
Drafts = Callable[..., Draft]
Logs = Callable[..., EvidenceLog]


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
    monkeypatch.setattr("vorbehalt.evidence.writing.inbox.QUEUE_RECORDS", 20)
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
