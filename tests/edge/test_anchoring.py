"""A running middleware anchors its own log, and nobody waits for that."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from anchor_support import Answering, Authority, answering, time_stamp
from asgi_support import PageApp, call, config, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.anchor.thread import AnchorThread
from vorbehalt.evidence.auditor.audit import verify

pytestmark = pytest.mark.real("openssl")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tsa", chain=True)


def protected(tmp_path: Path, authority: Authority, url: str) -> VorbehaltMiddleware:
    anchors = [{"rfc3161": url, "name": "tsa", "root": str(authority.folder / "root.pem")}]
    evidence = {"directory": str(tmp_path / "evidence"), "origin": "label.example/e", "anchors": anchors}
    return VorbehaltMiddleware(PageApp(), config=config(evidence=evidence))


async def refused(middleware: VorbehaltMiddleware, path: str) -> int:
    return (await call(middleware, scope(path, agent=b"GPTBot/1.2"))).status


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert holds()


def test_its_log_is_time_stamped(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AnchorThread, "every_seconds", 0.05)
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        middleware = protected(tmp_path, authority, url)
        asyncio.run(refused(middleware, "/lyrics/1"))
        runtime = middleware.runtime
        assert runtime is not None
        assert runtime.gauges().anchor_age is None
        until(lambda: runtime.gauges().anchor_age is not None)
        assert "anchor" not in str(runtime.health()["reasons"])
        runtime.stop()

    report = verify(tmp_path / "evidence")
    assert (report.ok, report.assurance) == (True, "timestamped")


def test_an_authority_that_hangs_holds_up_neither_answers_nor_the_end(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AnchorThread, "every_seconds", 0.05)
    asked, released = threading.Event(), threading.Event()

    def hang(query: bytes) -> tuple[int, str, bytes]:
        asked.set()
        released.wait(60)
        return 503, "text/plain", b""

    answer: Answering = hang
    with answering(answer) as url:
        middleware = protected(tmp_path, authority, url)
        asyncio.run(refused(middleware, "/lyrics/1"))
        until(asked.is_set)
        began = time.monotonic()
        status = asyncio.run(refused(middleware, "/lyrics/2"))
        answered = time.monotonic() - began
        runtime = middleware.runtime
        assert runtime is not None
        runtime.stop()
        stopped = time.monotonic() - began
        released.set()

    assert status == 403
    assert answered < 5
    assert stopped < 10
    report = verify(tmp_path / "evidence")
    assert (report.ok, report.records, report.assurance) == (True, 2, "self-attested")
