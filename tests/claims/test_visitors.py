"""Visitors sent come from a Prometheus that watched; without one nobody makes up a figure."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import run

import pytest

from process_support import free_port, running, wait_for
from vorbehalt.claims.report.month import Month
from vorbehalt.claims.report.visitors import Watched, ask_prometheus
from vorbehalt.errors import VorbehaltError

OCTOBER = Month(2026, 10)
AFTER = OCTOBER.until + 86_400 * 10**9


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[str]:
    """A server that answers everything alike."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"no JSON", 200, "gave no answer"),
        (b"[]", 200, "gave an answer that is none"),
        (b'{"data": {"result": 3}}', 200, "gave an answer that is none"),
        (b"{}", 500, "gave no answer"),
        (b"{}", 302, "gave no answer"),
        (b'{"data": {"result": [{"metric": {}, "value": [1, "NaN"]}]}}', 200, "a figure that is none"),
        (b'{"data": {"result": [{"metric": {}, "value": [1, "+Inf"]}]}}', 200, "a figure that is none"),
        (b'{"data": {"result": [{}]}}', 200, "a figure that is none"),
    ],
)
def test_an_answer_that_is_none_is_said_and_not_counted(body: bytes, status: int, said: str) -> None:
    with answering(body, status) as url, pytest.raises(VorbehaltError, match=said):
        ask_prometheus(url, OCTOBER, AFTER)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "127.0.0.1:9090", "http://", "ftp://h/"])
def test_only_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(VorbehaltError, match="is no address of a Prometheus"):
        ask_prometheus(url, OCTOBER, AFTER)


def test_where_nobody_watched_there_is_no_figure() -> None:
    with answering(json.dumps({"data": {"result": []}}).encode()) as url:
        assert ask_prometheus(url, OCTOBER, AFTER) is None
        assert ask_prometheus(url, OCTOBER, OCTOBER.since) is None


def samples(first: int, last: int) -> Iterator[str]:
    """OpenMetrics, one sample an hour: OpenAI sends 40 people in October, another one its first 3."""
    times = range(first, last, 3600)
    middle = OCTOBER.since // 10**9 + 15 * 86_400
    label = 'job="vorbehalt",instance="a"'
    yield "# TYPE up gauge\n"
    yield from (f"up{{{label}}} 1 {at}\n" for at in times)
    yield "# TYPE vorbehalt_build_info gauge\n"
    yield from (f"vorbehalt_build_info{{{label}}} 1 {at}\n" for at in times)
    yield "# TYPE vorbehalt_referrals counter\n"
    for operator, before, after, born in (("OpenAI", 100, 140, 0), ("Born", 3, 3, middle)):
        for at in times:
            if at >= born:
                value = after if at >= middle else before
                yield f'vorbehalt_referrals_total{{{label},operator="{operator}"}} {value} {at}\n'
    yield "# EOF\n"


def watched(tmp_path: Path, first: int) -> tuple[Watched | None, Watched | None]:
    """What a real Prometheus says of October and of September that watched from a time on."""
    text = tmp_path / "samples.txt"
    text.write_text("".join(samples(first, AFTER // 10**9)))
    run(["promtool", "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics", text,
         tmp_path / "data"],
        check=True, capture_output=True, timeout=60)  # fmt: skip
    (tmp_path / "prometheus.yml").write_text("{}\n")
    port = free_port()
    command = [
        "prometheus", f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        "--storage.tsdb.retention.time=10y", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with running(command, port, tmp_path):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: is_ready(url), "Prometheus does not answer")
        return ask_prometheus(url, OCTOBER, AFTER), ask_prometheus(url, OCTOBER.before, AFTER)


def is_ready(url: str) -> bool:
    try:
        return ask_prometheus(url, OCTOBER, AFTER) is not None
    except VorbehaltError:
        return False


@pytest.mark.real("prometheus", "promtool")
def test_a_real_prometheus_tells_who_was_sent_in_the_month(tmp_path: Path) -> None:
    october, september = watched(tmp_path, OCTOBER.before.since // 10**9 + 86_400 * 20)
    assert october == Watched({"OpenAI": 40, "Born": 3}, is_whole=True)
    assert september == Watched({"OpenAI": 0}, is_whole=False)
