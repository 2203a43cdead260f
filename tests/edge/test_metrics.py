"""What Prometheus reads: the contract's names, sums over workers, and nothing that falls."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Mount
from uvicorn import Config

import vorbehalt
from vorbehalt.edge import metrics
from vorbehalt.edge.exposition import HELP
from vorbehalt.edge.gauges import Gauges
from vorbehalt.errors import VorbehaltError
from vorbehalt.stores import counter_files
from vorbehalt.stores.counters import FAMILIES, Counters

REQUESTS = "vorbehalt_requests_total"


class Source:
    def __init__(self, directory: Path | None = None) -> None:
        self.counters = Counters(directory)
        self.counters.open()
        self.written: dict[str, int] = {}
        self.told = Gauges(
            reservations=(("label.example", "ab12"),),
            in_force_since={"label.example": 1.5e9},
            modes={"label.example": "observe"},
            rules=("2026.11.22", "cd34"),
            config="ef56",
            software="1.2",
            crawlers={"1": ("openai", "training"), "Seen": ("seen", "seo"), "Unseen": ("unseen", "seo")},
            rules_ages={"openai-gptbot": 3600.0},
        )

    def gauges(self) -> Gauges:
        return self.told

    def records(self) -> Mapping[str, int]:
        return self.written

    def lost(self) -> Mapping[str, int]:
        return {"disk": 2}


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    metrics.register(made)
    yield made
    metrics.unregister(made)


def samples() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def test_the_names_and_labels_of_the_contract_are_exposed(source: Source) -> None:
    for name, labels in FAMILIES.items():
        source.counters.inc(name, tuple("1" for _ in labels))
    source.told = replace(source.told, anchor_age=12.5)
    text = metrics.exposition().decode()
    found = samples()
    for name in HELP:
        assert found[name, tuple(sorted((label, "1") for label in FAMILIES[name]))] == 1, name
        assert f"# TYPE {name} counter" in text
    assert found["vorbehalt_reservation_info", (("digest", "ab12"), ("host", "label.example"))] == 1
    assert found["vorbehalt_rules_info", (("digest", "cd34"), ("version", "2026.11.22"))] == 1
    assert found["vorbehalt_rules_age_seconds", (("list", "openai-gptbot"),)] == 3600
    assert found["vorbehalt_evidence_anchor_age_seconds", ()] == 12.5
    assert found["vorbehalt_config_info", (("digest", "ef56"),)] == 1
    assert found["vorbehalt_build_info", (("version", "1.2"),)] == 1
    since = found["vorbehalt_reservation_in_force_since_seconds", (("host", "label.example"),)]
    assert since == 1.5e9
    assert found["vorbehalt_evidence_lost_total", (("reason", "disk"),)] == 2
    assert set(HELP) | {"vorbehalt_decision_seconds", "vorbehalt_decision_nanoseconds"} == set(FAMILIES)


def test_the_page_on_metrics_names_exactly_what_is_exposed(source: Source) -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `vorbehalt_")]
    documented = {
        name: tuple(filter(None, labels.strip().split(", ")))
        for names, labels in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    types = re.findall(r"^# TYPE (vorbehalt_\w+) ", metrics.exposition().decode(), re.M)
    assert set(documented) == set(types)
    for name in HELP:
        assert documented[name] == FAMILIES[name], name


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({}, "vorbehalt_paused", 0),
        ({"is_paused": True}, "vorbehalt_paused", 1),
        ({}, "vorbehalt_disarmed", 0),
        ({"is_disarmed": True}, "vorbehalt_disarmed", 1),
        ({}, "vorbehalt_health", 0),
        ({"health": "yellow"}, "vorbehalt_health", 1),
        ({"health": "red"}, "vorbehalt_health", 2),
        ({"health": "violet"}, "vorbehalt_health", 2),
        ({"evidence_health": "yellow"}, "vorbehalt_evidence_health", 1),
        ({"log_size": 0}, "vorbehalt_evidence_log_size", 0),
        ({"log_size": 7}, "vorbehalt_evidence_log_size", 7),
        ({"checkpoint_age": 1.5}, "vorbehalt_evidence_checkpoint_age_seconds", 1.5),
        ({}, "vorbehalt_evidence_log_size", None),
        ({}, "vorbehalt_evidence_checkpoint_age_seconds", None),
        ({}, "vorbehalt_evidence_anchor_age_seconds", None),
    ],
)
def test_a_gauge_says_how_it_is(
    source: Source, change: dict[str, Any], name: str, value: float | None
) -> None:
    source.told = replace(source.told, **change)
    assert samples().get((name, ())) == value


@pytest.mark.parametrize(("mode", "other"), [("enforce", "observe"), ("observe", "enforce")])
def test_the_mode_of_a_host_is_one_of_two(source: Source, mode: str, other: str) -> None:
    source.told = replace(source.told, modes={"label.example": mode})
    found = samples()
    assert found["vorbehalt_mode", (("host", "label.example"), ("mode", mode))] == 1
    assert found["vorbehalt_mode", (("host", "label.example"), ("mode", other))] == 0


def test_of_several_engines_the_one_in_trouble_is_seen(source: Source) -> None:
    second = Source()
    second.told = Gauges(health="red", is_paused=True, anchor_age=9.0)
    source.told = replace(source.told, anchor_age=3.0)
    metrics.register(second)
    try:
        found = samples()
    finally:
        metrics.unregister(second)
    assert found["vorbehalt_health", ()] == 2
    assert found["vorbehalt_paused", ()] == 1
    assert found["vorbehalt_evidence_anchor_age_seconds", ()] == 9
    assert found["vorbehalt_mode", (("host", "label.example"), ("mode", "observe"))] == 1


def test_the_operator_of_every_crawler_that_was_counted_is_named(source: Source) -> None:
    assert not [key for key in samples() if key[0] == "vorbehalt_crawler_info"]
    source.counters.inc("vorbehalt_crawler_signals_total", ("Seen", "/robots.txt"))
    source.counters.inc("vorbehalt_robots_violations_total", ("other",))
    source.counters.inc("vorbehalt_referrals_total", ("Unseen",))
    assert [key for key in samples() if key[0] == "vorbehalt_crawler_info"] == [
        ("vorbehalt_crawler_info", (("crawler", "Seen"), ("operator", "seen"), ("purpose", "seo")))
    ]


def test_living_workers_are_counted_and_the_dead_are_not(tmp_path: Path) -> None:
    one, two, other = Source(tmp_path / "a"), Source(tmp_path / "a"), Source()
    metrics.register(one)
    try:
        assert samples()["vorbehalt_workers", ()] == 2
        metrics.register(two)
        assert samples()["vorbehalt_workers", ()] == 2
        metrics.register(other)
        assert samples()["vorbehalt_workers", ()] == 3
        two.counters.close()
        metrics.unregister(two)
        assert samples()["vorbehalt_workers", ()] == 2
    finally:
        for each in (one, two, other):
            metrics.unregister(each)


def test_names_stand_in_the_text_before_anything_was_counted(source: Source) -> None:
    text = metrics.exposition().decode()
    for name in HELP:
        assert f"# HELP {name} " in text
    assert samples()["vorbehalt_internal_errors_total", ()] == 0


def test_decisions_are_a_histogram(source: Source) -> None:
    counters = source.counters
    for bucket, count in (("0", 1), ("2", 4), ("23", 1), ("999", 1), ("x", 5)):
        counters.inc("vorbehalt_decision_seconds", (bucket,), count)
    counters.inc("vorbehalt_decision_nanoseconds", (), 2_500_000_000)
    found = samples()

    def up_to(bound: str) -> float:
        return found["vorbehalt_decision_seconds_bucket", (("le", bound),)]

    assert (up_to("1e-06"), up_to("2e-06"), up_to("4e-06"), up_to("4.194304")) == (1, 1, 5, 5)
    assert up_to("+Inf") == found["vorbehalt_decision_seconds_count", ()] == 7
    assert found["vorbehalt_decision_seconds_sum", ()] == 2.5


def test_workers_of_one_directory_are_counted_once(tmp_path: Path) -> None:
    one, two, other = Source(tmp_path / "a"), Source(tmp_path / "a"), Source(tmp_path / "b")
    for number, each in enumerate((one, two, other)):
        metrics.register(each)
        each.counters.inc(REQUESTS, ("allow", "none"), 10**number)
    try:
        assert samples()[REQUESTS, (("action", "allow"), ("purpose", "none"))] == 111
    finally:
        for each in (one, two, other):
            metrics.unregister(each)


def test_what_the_evidence_counted_is_shared_once_and_survives_a_new_start(tmp_path: Path) -> None:
    worker, scraped = Source(tmp_path), Source(tmp_path)
    worker.written = {"request": 5}
    metrics.sync(worker)
    metrics.sync(worker)
    key = ("vorbehalt_evidence_records_total", ("request",))
    assert scraped.counters.snapshot()[key] == 5
    worker.written = {"request": 2}
    metrics.sync(worker)
    assert scraped.counters.snapshot()[key] == 7


def test_an_engine_that_fails_is_counted_and_hides_nobody(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Source):
        def records(self) -> Mapping[str, int]:
            raise RuntimeError("no numbers today")

    broken = Broken()
    metrics.register(broken)
    try:
        found = samples()
    finally:
        metrics.unregister(broken)
    assert found["vorbehalt_internal_errors_total", ()] == 1
    assert found["vorbehalt_evidence_lost_total", (("reason", "disk"),)] == 2
    assert "could not tell its metrics" in caplog.text


def test_an_engine_that_is_gone_is_forgotten() -> None:
    metrics.register(Source())
    gc.collect()
    assert "vorbehalt_rules_info{" not in metrics.exposition().decode()


def test_the_public_app_can_be_mounted_or_called(source: Source) -> None:
    assert vorbehalt.metrics_app is metrics.metrics_app
    assert vorbehalt.metrics_app() is vorbehalt.metrics_app
    app = Starlette(routes=[Mount("/metrics", app=vorbehalt.metrics_app)])

    async def ask(method: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://site.example") as client:
            return await client.request(method, "/metrics/")

    answer = asyncio.run(ask("GET"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "vorbehalt_requests_total" in answer.text
    head = asyncio.run(ask("HEAD"))
    assert (head.status_code, head.text) == (200, "")
    assert asyncio.run(ask("POST")).status_code == 405


def test_servers_see_an_asgi_3_application() -> None:
    config = Config(metrics.metrics_app, log_config=None)
    config.load()
    assert config.interface == "asgi3"


def test_the_app_completes_the_lifespan_and_closes_websockets() -> None:
    sent: list[Any] = []

    async def run(kind: str, *messages: str) -> None:
        queue = [{"type": message} for message in messages]

        async def receive() -> Any:
            return queue.pop(0)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await metrics.metrics_app({"type": kind}, receive, send)

    asyncio.run(run("lifespan", "lifespan.startup", "lifespan.shutdown"))
    asyncio.run(run("websocket"))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


def test_a_scrape_that_cannot_be_whole_is_an_error_and_no_fall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Source(tmp_path)
    metrics.register(made)
    monkeypatch.setattr(counter_files, "LOCK_SECONDS", 0.01)
    try:
        with counter_files.exclusive(tmp_path / "metrics"):
            status, _, body = metrics._respond("GET")
        assert status == 503
        assert b"stayed locked" in body
        assert metrics._respond("GET")[0] == 200
    finally:
        metrics.unregister(made)


def fetch(url: str, method: str = "GET") -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_metrics_have_a_port_of_their_own(source: Source) -> None:
    host, port = metrics.listen("127.0.0.1:0")
    assert metrics.listen("127.0.0.1:0") == (host, port)
    status, body = fetch(f"http://{host}:{port}/metrics")
    assert status == 200
    assert b"vorbehalt_rules_info{" in body
    assert fetch(f"http://{host}:{port}/metrics", "HEAD") == (200, b"")
    assert fetch(f"http://{host}:{port}/")[0] == 404
    assert fetch(f"http://{host}:{port}/metrics", "POST")[0] == 501


def test_a_taken_or_malformed_address_is_said_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            VorbehaltError, match=f"metrics cannot listen on 127.0.0.1:{port}: Address already in use"
        ):
            metrics.listen(f"127.0.0.1:{port}")
    for address in ("127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999", "::1:9100", ""):
        with pytest.raises(VorbehaltError, match="9100"):
            metrics.listen(address)
