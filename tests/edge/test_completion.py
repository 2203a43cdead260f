"""What is recorded of an answer after it left: bytes handed over, and whether it was whole."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from asgi_support import PERPLEXITY, call, scope, watched
from vorbehalt.evidence.receipt import Draft


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
        assert request.ref.startswith("VB-")
        assert site.runtime is not None
        counted = site.runtime.counters.snapshot()
        assert ("vorbehalt_internal_errors_total", ()) not in counted
        delivered = sum(v for k, v in counted.items() if k[0] == "vorbehalt_crawler_delivered_bytes_total")
        assert delivered == completion.amount
        assert any(k[0] == "vorbehalt_crawler_delivered_bytes_total" for k in counted) is bool(delivered)
        answers = [v for k, v in counted.items() if k[0] == "vorbehalt_crawler_delivered_total"]
        assert answers == [1] * bool(delivered)
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


def test_a_message_that_the_server_does_not_take_delivers_nothing() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await send({"type": "http.response.body", "body": b"cd"})

    async def main() -> Draft:
        site, evidence = watched(app, None)
        sent = 0

        async def send(message: Any) -> None:
            nonlocal sent
            sent += 1
            if sent == 3:
                raise OSError("the client is gone")

        async def receive() -> Any:
            return {"type": "http.request"}

        with pytest.raises(OSError, match="gone"):
            await site(scope(agent=PERPLEXITY), receive, send)
        (done,) = evidence.of("completion")
        return done

    done = asyncio.run(main())
    assert (done.seen["bytes"], done.seen["whole"], done.seen["delivered"]) == (2, False, False)


def test_an_app_that_raises_in_the_middle_delivers_no_work_and_its_exception_passes() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        raise KeyError("the app's own")

    async def main() -> Draft:
        site, evidence = watched(app, None)
        with pytest.raises(KeyError, match="the app's own"):
            await call(site, scope(agent=PERPLEXITY))
        (done,) = evidence.of("completion")
        return done

    done = asyncio.run(main())
    assert (done.seen["status"], done.seen["bytes"], done.seen["delivered"]) == (200, 2, False)


@pytest.mark.parametrize(
    ("declared", "sent", "whole"),
    [
        (b"3", b"abc", True),
        (b"4", b"abc", False),
        (b"2", b"abc", False),
        (b"x", b"abc", True),
        (b"", b"abc", True),
        (b"0" * 18 + b"4", b"abc", False),
        (b"0" * 19 + b"4", b"abc", True),
        (b"9" * 30, b"abc", True),
    ],
)
def test_an_answer_is_whole_if_no_declared_byte_is_missing(declared: bytes, sent: bytes, whole: bool) -> None:
    start = {**START, "headers": [(b"Content-Length", declared)]}

    done = run_streaming([start, {"type": "http.response.body", "body": sent}])

    assert (done.seen["whole"], done.seen["delivered"]) == (whole, whole)


@pytest.mark.parametrize(("status", "method"), [(200, "HEAD"), (304, "GET"), (204, "GET")])
def test_where_http_sends_no_content_none_is_counted(status: int, method: str) -> None:
    start = {**START, "status": status, "headers": [(b"content-length", b"500")]}

    done = run_streaming([start, {"type": "http.response.body", "body": b"abc"}], method)

    assert (done.seen["bytes"], done.seen["whole"], done.seen["delivered"]) == (0, True, False)


def test_a_part_of_a_work_is_delivered() -> None:
    start = {**START, "status": 206, "headers": [(b"content-length", b"3")]}

    done = run_streaming([start, {"type": "http.response.body", "body": b"abc"}])

    assert (done.seen["bytes"], done.seen["delivered"], done.amount) == (3, True, 3)


def test_trailers_belong_to_a_whole_answer() -> None:
    done = run_streaming(
        [
            {**START, "trailers": True},
            {"type": "http.response.body", "body": b"abc"},
            {"type": "http.response.trailers", "headers": [], "more_trailers": False},
        ]
    )

    assert (done.seen["bytes"], done.seen["delivered"]) == (3, True)


def test_a_debug_message_is_passed_on_and_counts_nothing() -> None:
    done = run_streaming(
        [
            {"type": "http.response.debug", "info": {"template": "x"}},
            START,
            {"type": "http.response.body", "body": b"abc"},
        ]
    )

    assert done.seen["bytes"] == 3


@pytest.mark.parametrize(
    ("offset", "count", "size"),
    [(None, None, 900), (400, None, 600), (400, 100, 100), (900, 500, 100), (2000, None, 0)],
)
def test_zero_copy_counts_what_the_file_holds_from_where_it_starts(
    offset: int | None, count: int | None, size: int, tmp_path: Path
) -> None:
    file = tmp_path / "song.wav"
    file.write_bytes(b"x" * 1000)
    message: dict[str, Any] = {"type": "http.response.zerocopysend"}
    if offset is not None:
        message["offset"] = offset
    if count is not None:
        message["count"] = count
    with file.open("rb") as opened:
        opened.seek(100)
        done = run_streaming([START, {**message, "file": opened}])

    assert done.seen["bytes"] == size


def test_a_file_that_is_not_there_is_the_servers_business() -> None:
    done = run_streaming([START, {"type": "http.response.pathsend", "path": "/nonexistent/song.wav"}])

    assert (done.seen["bytes"], done.seen["delivered"]) == (0, False)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_client_that_leaves_before_the_end_got_no_work(leaves: bool) -> None:
    """Servers drop silently what is sent after a disconnect; the app sees it in receive."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await receive()
        if leaves:
            assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b"cd"})
        if not leaves:
            assert (await receive())["type"] == "http.disconnect"

    async def main() -> Draft:
        site, evidence = watched(app, None)
        await call(site, scope(agent=PERPLEXITY))
        (done,) = evidence.of("completion")
        return done

    done = asyncio.run(main())
    assert (done.seen["bytes"], done.seen["whole"]) == ((2, False) if leaves else (4, True))


@pytest.mark.parametrize(
    "messages",
    [[], [START], [START, {"type": "http.response.early_hint", "links": []}]],
    ids=["nothing", "start", "start and a hint"],
)
def test_an_answer_without_an_end_is_not_whole(messages: list[dict[str, Any]]) -> None:
    done = run_streaming(messages)

    assert (done.seen["whole"], done.seen["delivered"], done.seen["bytes"]) == (False, False, 0)


def test_a_pipe_counts_what_the_app_says_of_it() -> None:
    read, write = os.pipe()
    try:
        with_count = run_streaming([START, {"type": "http.response.zerocopysend", "file": read, "count": 7}])
        without = run_streaming([START, {"type": "http.response.zerocopysend", "file": read}])
    finally:
        os.close(read)
        os.close(write)

    assert with_count.seen["bytes"] == 7
    assert without.seen["bytes"] == 0
