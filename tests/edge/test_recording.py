"""Nothing leaves before its record is durable, and trouble with the evidence never changes an answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, call, protect, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.receipt import Draft


class SlowReceipt:
    """Durable when told so."""

    def __init__(self, durable: asyncio.Event | None, log: list[str]) -> None:
        self._event = durable
        self._log = log

    @property
    def is_durable(self) -> bool:
        return False

    async def durable(self, deadline_seconds: float) -> bool:
        if self._event is None:
            return False
        await self._event.wait()
        self._log.append("durable")
        return True


class WatchedEvidence:
    """Takes drafts, promises nothing until told."""

    def __init__(self, durable: asyncio.Event | None) -> None:
        self.log: list[str] = []
        self.drafts: list[Draft] = []
        self.counted: list[tuple[str, ...]] = []
        self._event = durable

    def start(self) -> None: ...

    def append(self, draft: Draft) -> SlowReceipt:
        self.drafts.append(draft)
        return SlowReceipt(self._event, self.log)

    def count(self, key: tuple[str, ...], *, at: int, amount: int = 0) -> None:
        self.counted.append(key)

    def put_object(self, body: bytes) -> str:
        return ""

    def health(self) -> dict[str, object]:
        return {"state": "green", "reasons": []}

    def lost(self) -> dict[str, int]:
        return {}

    def written(self) -> dict[str, int]:
        return {}

    def close(self, timeout_seconds: float = 5.0) -> None: ...

    def of(self, kind: str) -> list[Draft]:
        return [draft for draft in self.drafts if draft.type == kind]


def watched(
    app: Any, durable: asyncio.Event | None, **sections: Any
) -> tuple[VorbehaltMiddleware, WatchedEvidence]:
    site = protect(app, **sections)
    evidence = WatchedEvidence(durable)
    assert site.runtime is not None
    site.runtime.evidence = evidence
    return site, evidence


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


@pytest.mark.parametrize(("agent", "status"), [(GPTBOT, 403), (PERPLEXITY, 200)])
def test_at_the_deadline_the_answer_leaves_unchanged_and_a_gap_is_recorded(agent: bytes, status: int) -> None:
    site, evidence = watched(PageApp(), None)

    got = asyncio.run(call(site, scope(agent=agent)))

    assert got.status == status
    gaps = evidence.of("gap")
    assert [gap.seen["reason"] for gap in gaps] == ["reply-deadline"]
    assert site.runtime is not None
    assert site.runtime.counters.snapshot()[("vorbehalt_evidence_lost_total", ("reply-deadline",))] == 1


def run_streaming(messages: list[dict[str, Any]], method: str = "GET") -> Draft:
    """Let an app send these messages to an AI crawler; return the completion."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async def main() -> Draft:
        durable = asyncio.Event()
        durable.set()
        site, evidence = watched(app, durable)
        got = await call(site, scope(agent=PERPLEXITY, method=method))
        assert [m["type"] for m in got.messages] == [m["type"] for m in messages]
        (completion,) = evidence.of("completion")
        (request,) = evidence.of("request")
        assert completion.seen["of"] == request.ref
        return completion

    return asyncio.run(main())


START = {"type": "http.response.start", "status": 200, "headers": []}


def test_a_streamed_answer_is_counted_whole() -> None:
    done = run_streaming(
        [
            START,
            {"type": "http.response.body", "body": b"ab", "more_body": True},
            {"type": "http.response.body", "body": b"c", "more_body": False},
        ]
    )

    assert (done.seen["bytes"], done.seen["whole"], done.seen["delivered"]) == (3, True, True)


def test_a_broken_stream_delivers_no_work() -> None:
    done = run_streaming([START, {"type": "http.response.body", "body": b"ab", "more_body": True}])

    assert (done.seen["bytes"], done.seen["whole"], done.seen["delivered"]) == (2, False, False)
    assert done.amount == 0


@pytest.mark.parametrize(("status", "method"), [(304, "GET"), (404, "GET"), (200, "HEAD")])
def test_head_304_and_errors_deliver_no_work(status: int, method: str) -> None:
    done = run_streaming([{**START, "status": status}, {"type": "http.response.body", "body": b"x"}], method)

    assert done.seen["delivered"] is False


def test_files_sent_by_path_or_by_zero_copy_are_counted(tmp_path: Any) -> None:
    file = tmp_path / "song.wav"
    file.write_bytes(b"x" * 1000)

    by_path = run_streaming([START, {"type": "http.response.pathsend", "path": str(file)}])
    with file.open("rb") as opened:
        zero_copy = run_streaming(
            [START, {"type": "http.response.zerocopysend", "file": opened, "count": 400}]
        )
        rest = run_streaming([START, {"type": "http.response.zerocopysend", "file": opened}])

    assert (by_path.seen["bytes"], by_path.seen["delivered"]) == (1000, True)
    assert zero_copy.seen["bytes"] == 400
    assert rest.seen["bytes"] == 1000


def test_early_hints_wait_for_the_record_too() -> None:
    done = run_streaming(
        [
            {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]},
            START,
            {"type": "http.response.body", "body": b"abc"},
        ]
    )

    assert done.seen["bytes"] == 3


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
