"""Nothing leaves before its record is durable, and trouble with the evidence never changes an answer."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, call, protect, scope, watched
from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.log import EvidenceLog, prepare
from vorbehalt.evidence.receipt import Draft


@pytest.mark.parametrize("agent", [GPTBOT, PERPLEXITY])
def test_no_byte_leaves_before_the_record_is_durable(agent: bytes) -> None:
    async def main() -> None:
        durable = asyncio.Event()
        site, evidence = watched(PageApp(), durable)
        sent: list[str] = []

        async def send(message: Any) -> None:
            evidence.log.append(message["type"])
            sent.append(message["type"])

        async def receive() -> Any:
            return {"type": "http.request"}

        task = asyncio.ensure_future(site(scope(agent=agent), receive, send))
        for _ in range(20):
            await asyncio.sleep(0)
        assert evidence.of("request")
        assert sent == []
        durable.set()
        await task
        assert evidence.log[:2] == ["durable", "http.response.start"]

    asyncio.run(main())


def test_a_reader_waits_for_nothing_and_leaves_no_record() -> None:
    site, evidence = watched(PageApp(), None)

    for _ in range(3):
        assert asyncio.run(call(site, scope(agent=CHROME))).status == 200
    assert [draft for draft in evidence.drafts if draft.type not in ("policy-active",)] == []


class HangingDisk(Disk):
    """Makes nothing durable until let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def sync(self, fd: int) -> None:
        self.go.wait(10)


def on_disk(app: Any, folder: Path, disk: Disk, **sections: Any) -> tuple[VorbehaltMiddleware, EvidenceLog]:
    site = protect(app, **sections)
    assert site.runtime is not None
    log = EvidenceLog(prepare(folder / "evidence", "label.example/log"), disk=disk, seals=False)
    site.runtime.evidence = log
    return site, log


@pytest.mark.parametrize(("agent", "status"), [(GPTBOT, 403), (PERPLEXITY, 200)])
def test_at_the_deadline_the_answer_leaves_unchanged_and_is_counted_once(
    agent: bytes, status: int, tmp_path: Path
) -> None:
    disk = HangingDisk()
    site, log = on_disk(PageApp(), tmp_path, disk, evidence={"reply_deadline": "20ms"})

    async def twice() -> list[int]:
        return [(await call(site, scope(agent=agent))).status for _ in range(2)]

    assert asyncio.run(twice()) == [status, status]
    lost = log.lost()
    disk.go.set()
    site.close()
    assert lost == {"late": 2}
    spooled = b"".join(path.read_bytes() for path in (tmp_path / "evidence" / "spool").iterdir())
    assert b'"reason":"late"' in spooled
    assert b"reply-deadline" not in spooled


def test_a_failed_record_is_not_called_late(tmp_path: Path) -> None:
    class FullDisk(Disk):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            raise OSError(28, "No space left on device")

    site, _ = on_disk(PageApp(), tmp_path, FullDisk(), evidence={"reply_deadline": "200ms"})

    started = time.perf_counter()
    assert asyncio.run(call(site, scope(agent=GPTBOT))).status == 403
    assert time.perf_counter() - started < 5
    assert asyncio.run(call(site, scope(agent=CHROME))).status == 200
    assert site.runtime is not None
    counted = site.runtime.counters.snapshot()
    assert not [key for key in counted if key == ("vorbehalt_evidence_lost_total", ("reply-deadline",))]
    assert site.runtime.health()["state"] == "red"


def test_a_search_engine_is_counted_in_a_rollup() -> None:
    google = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    site, evidence = watched(PageApp(), None)

    assert asyncio.run(call(site, scope(agent=google))).status == 200
    assert evidence.of("request") == []
    assert [key[1] for key in evidence.counted] == ["Googlebot"]


def test_a_crawler_that_fetches_a_signal_leaves_a_record_with_the_version() -> None:
    async def main() -> None:
        durable = asyncio.Event()
        durable.set()
        site, evidence = watched(PageApp(), durable)
        got = await call(site, scope("/.well-known/tdmrep.json", agent=GPTBOT))
        (record,) = evidence.of("signal-served")
        assert record.seen["document"] == "/.well-known/tdmrep.json"
        assert str(record.seen["digest"])[:32] == (got.header(b"etag") or b"").decode().strip('"')
        assert (await call(site, scope("/.well-known/tdmrep.json", agent=CHROME))).status == 200
        assert len(evidence.of("signal-served")) == 1

    asyncio.run(main())


def test_two_tasks_that_send_at_once_both_wait_for_the_record() -> None:
    async def main() -> None:
        durable = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            hint = {"type": "http.response.early_hint", "links": []}
            await asyncio.gather(
                send(hint), send({"type": "http.response.start", "status": 200, "headers": []})
            )

        site, evidence = watched(app, durable)
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        async def receive() -> Any:
            return {"type": "http.request"}

        task = asyncio.ensure_future(site(scope(agent=PERPLEXITY), receive, send))
        for _ in range(20):
            await asyncio.sleep(0)
        assert evidence.of("request")
        assert sent == []
        durable.set()
        await task
        assert sorted(sent) == ["http.response.early_hint", "http.response.start"]

    asyncio.run(main())


@pytest.mark.parametrize("agent", [GPTBOT, PERPLEXITY])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("headers", [[], [(b"range", b"bytes=0-1")], [(b"if-none-match", b"*")]])
def test_head_range_and_conditional_requests_do_not_evade_the_record(
    agent: bytes, method: str, headers: Any
) -> None:
    async def main() -> None:
        durable = asyncio.Event()
        durable.set()
        site, evidence = watched(PageApp(), durable)
        for _ in range(2):
            await call(site, scope(agent=agent, method=method, headers=headers))
        assert [draft.seen["method"] for draft in filled(evidence.of("request"))] == [method] * 2

    asyncio.run(main())


def filled(drafts: list[Draft]) -> list[Draft]:
    for draft in drafts:
        draft.fill()
    return drafts


def test_a_remembered_refusal_waits_for_a_record_of_its_own() -> None:
    async def main() -> None:
        durable = asyncio.Event()
        durable.set()
        site, evidence = watched(PageApp(), durable)
        await call(site, scope(agent=GPTBOT))
        durable.clear()
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        async def receive() -> Any:
            return {"type": "http.request"}

        task = asyncio.ensure_future(site(scope(agent=GPTBOT), receive, send))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(evidence.of("request")) == 2
        assert sent == []
        durable.set()
        await task
        assert len(sent) == 2

    asyncio.run(main())


@pytest.mark.parametrize(("kind", "records"), [("full", 2), ("rollup", 0), ("none", 0)])
def test_what_an_answered_visit_leaves_is_configured_by_purpose(kind: str, records: int) -> None:
    google = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    site, evidence = watched(PageApp(), None, evidence={"record": {"search-engine": kind}})

    assert asyncio.run(call(site, scope(agent=google))).status == 200

    assert len(evidence.of("request") + evidence.of("completion")) == records
    assert len(evidence.counted) == (kind == "rollup")


def test_an_unidentified_visitor_who_is_refused_leaves_a_record_with_a_persons_retention() -> None:
    rule = {"name": "closed", "match": {"path": ["/shut/"]}, "action": "block"}
    site, evidence = watched(PageApp(), None, policy={"rule": [rule], "may_refuse_search_engines": True})

    for _ in range(2):
        assert asyncio.run(call(site, scope("/shut/x", agent=CHROME))).status == 403
    assert asyncio.run(call(site, scope("/open", agent=CHROME))).status == 200

    assert [draft.retention for draft in evidence.of("request")] == ["person", "person"]
    assert [draft.seen["claim"] for draft in evidence.of("request")] == [None, None]
