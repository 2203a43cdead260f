"""Every query of every dashboard, and every alert, in a real Prometheus that scraped a real run.

The run: two workers behind a trusted proxy, asked by people, crawlers genuine and posing, a search engine
and a feed reader that meet a rule of the site's own, and people sent by AI products.
"""

from __future__ import annotations

import http.server
import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard_support import ROOT, Query, queries
from process_support import CHROME, GOOGLEBOT, GPTBOT, VORBEHALT, ask, free_port, running, wait_for

pytestmark = [pytest.mark.real("prometheus")]

GENUINE, ELSEWHERE, READER = "203.0.112.9", "198.41.0.4", "192.36.148.17"
SEARCHBOT = "Mozilla/5.0 (compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot)"
PERPLEXITY = "Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)"
FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 5 subscribers)"
FILLED = {
    "instance": ".*",
    "operator": "OpenAI",
    "__range": "10m",
    "__interval": "1s",
    "__rate_interval": "5s",
}
UNFILLED_OTHERWISE = {"Last anchor", "Servers not answering"}
"""Panels that show a number of their own in this run: nothing is anchored, and no server is down."""

CONFIG = """\
format = 1
[site]
origin = "https://label.example"
operator = "Label Example GmbH"
contact = "mailto:licensing@label.example"
robots = "none"
[[reservation.section]]
name = "lyrics"
paths = ["/lyrics/*"]
[policy]
may_refuse_search_engines = true
[[policy.rule]]
name = "members"
match = {{ path = "/members/*" }}
action = "block"
[network]
trusted_proxies = ["loopback"]
dns = false
refresh = false
[evidence]
directory = "{folder}/evidence"
reply_deadline = 0.000001
[sidecar]
metrics_listen = "127.0.0.1:{metrics}"
"""

ONCE = [
    (GOOGLEBOT, "/members/", ELSEWHERE, ""),
    (GPTBOT, "/lyrics/1", ELSEWHERE, ""),
    (CHROME, "/members/", READER, ""),
    (FEEDLY, "/members/feed", ELSEWHERE, ""),
    (CHROME, "/lyrics/1", READER, "https://chatgpt.com/c/1"),
    (CHROME, "/", READER, "https://www.perplexity.ai/search"),
]
"""Rare things: agent, path, client, referrer. What is counted of them must be exact."""
OFTEN = [
    (CHROME, "/", READER, ""),
    (GPTBOT, "/robots.txt", GENUINE, ""),
    (GPTBOT, "/lyrics/2", GENUINE, ""),
    (SEARCHBOT, "/lyrics/3", ELSEWHERE, ""),
    (PERPLEXITY, "/lyrics/3", ELSEWHERE, ""),
    (GOOGLEBOT, "/", ELSEWHERE, ""),
    ("curl/8.0", "/", READER, ""),
]

Ask = Callable[..., list[dict[str, Any]]]


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<h1>Words</h1>" * 100
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are no news."""


def fresh_list(folder: Path) -> None:
    """A list of addresses of today, so that the run does not depend on the day."""
    shipped = json.loads((ROOT / "rules/vorbehalt_rules/ranges/openai-gptbot.json").read_text())
    shipped["prefixes"] = [{"ipv4Prefix": "203.0.112.0/24"}]
    shipped["fetched_at"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ranges = folder / "evidence" / "run" / "ranges"
    ranges.mkdir(parents=True)
    (ranges / "openai-gptbot.json").write_text(json.dumps(shipped))


def visit(port: int, requests: list[tuple[str, str, str, str]]) -> None:
    for agent, path, address, referer in requests:
        headers = {"Host": "label.example", "X-Forwarded-For": address}
        ask(port, path, agent, {**headers, **({"Referer": referer} if referer else {})})


def write_prometheus(folder: Path, metrics: int) -> Path:
    """The shipped configuration, faster, and asking this run."""
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    for before, after in (
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("evaluation_interval: 30s", "evaluation_interval: 1s"),
        ("vorbehalt:9100", f"127.0.0.1:{metrics}"),
    ):
        assert before in text
        text = text.replace(before, after)
    (folder / "vorbehalt.rules.yml").write_text((ROOT / "deploy/prometheus/vorbehalt.rules.yml").read_text())
    path = folder / "prometheus.yml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """A function that evaluates PromQL after the run: at its end, or (`is_range`) over all of it."""
    folder = tmp_path_factory.mktemp("prometheus")
    port, metrics, prometheus = free_port(), free_port(), free_port()
    config = folder / "vorbehalt.toml"
    config.write_text(CONFIG.format(folder=folder, metrics=metrics))
    fresh_list(folder)
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    began = time.time()
    api = f"http://127.0.0.1:{prometheus}/api/v1/"

    def evaluate(text: str, *, is_range: bool = False) -> list[dict[str, Any]]:
        values = {"query": text, "time": str(time.time())}
        if is_range:
            values |= {"start": str(began), "end": str(time.time()), "step": "1"}
        form = urllib.parse.urlencode(values).encode()
        try:
            with urllib.request.urlopen(f"{api}query{'_range' * is_range}", form, timeout=20) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(f"{error.read().decode()}\n{text}")
        result: list[dict[str, Any]] = found["data"]["result"]
        return result

    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{prometheus}/-/ready", timeout=20) as answer:
                return int(answer.status) == 200
        except OSError:
            return False

    def holds(text: str) -> Callable[[], bool]:
        return lambda: bool(evaluate(text))

    with ExitStack() as stack:
        stack.callback(site.server_close)
        stack.callback(site.shutdown)
        threading.Thread(target=site.serve_forever, daemon=True).start()
        upstream = f"http://127.0.0.1:{site.server_address[1]}"
        serve = [*VORBEHALT, "serve", "-c", str(config), "--upstream", upstream, "--workers", "2"]
        stack.enter_context(running([*serve, "--listen", f"127.0.0.1:{port}"], port, folder))
        stack.enter_context(
            running(
                [
                    "prometheus",
                    f"--config.file={write_prometheus(folder, metrics)}",
                    f"--storage.tsdb.path={folder / 'tsdb'}",
                    f"--web.listen-address=127.0.0.1:{prometheus}",
                ],
                prometheus,
                folder,
            )
        )
        wait_for(is_ready, "Prometheus does not get ready", 30)
        wait_for(holds("sum_over_time(up[1m]) >= 2"), "Prometheus does not scrape", 30)
        visit(port, [*ONCE, *OFTEN])
        config.write_text(config.read_text().replace("licensing@", "rights@"))
        wait_for(holds('vorbehalt_crawler_requests_total{crawler="curl"}'), "the run is not seen", 30)
        for _ in range(3):
            visit(port, OFTEN)
        grown = 'increase(vorbehalt_crawler_requests_total{crawler="curl"}[5m]) > 2'
        # Several scrapes after the last request, so that `increase` has less to guess at its ends.
        seen = 'count_over_time(vorbehalt_crawler_requests_total{crawler="curl"}[5m]) >= 8'
        wait_for(holds(f"{grown} and {seen}"), "no growth", 30)
        wait_for(holds("count(last_over_time(vorbehalt_config_info[5m])) > 1"), "no reload is seen", 30)
        wait_for(holds("vorbehalt_evidence_log_size > 0"), "nothing is sealed", 30)
        yield evaluate


@pytest.mark.parametrize("query", [pytest.param(query, id=query.place) for query in queries()])
def test_every_query_returns_data(asked: Ask, query: Query) -> None:
    text = query.filled(FILLED)
    if query.title == "Paused" and query.ref == "annotation":
        # Nothing was paused: what is compared has to be there.
        assert text.endswith(" == 1")
        text = text.removesuffix(" == 1")
    assert asked(text, is_range=query.is_range) != []
    bare = text.removesuffix(" or vector(0)").removesuffix(" or vector(-1)")
    assert (asked(bare, is_range=query.is_range) != []) is (query.title not in UNFILLED_OTHERWISE)


def panel(title: str, dashboard: str = "owner", ref: str = "A") -> str:
    (found,) = [q for q in queries() if (q.dashboard, q.title, q.ref) == (dashboard, title, ref)]
    return found.filled(FILLED)


def values(result: list[dict[str, Any]], label: str) -> dict[str, float]:
    return {row["metric"].get(label, ""): float(row["value"][1]) for row in result}


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("Protection", 2),
        ("Search engines refused", 1),
        ("People affected", 1),
        ("Helpers refused or limited", 1),
        ("Visitors sent by AI products", 2),
        ("Proof", 1),
    ],
)
def test_what_happened_once_is_counted_once(asked: Ask, title: str, number: float) -> None:
    assert [float(row["value"][1]) for row in asked(panel(title))] == [number]


def test_names_are_those_who_came(asked: Ask) -> None:
    assert values(asked(panel("Impostors by the name they claimed")), "crawler") == {"GPTBot": 1}
    assert values(asked(panel("By operator", ref="E")), "operator") == {"OpenAI": 1, "Perplexity": 1}
    delivered = values(asked(panel("By operator", ref="C")), "operator")
    assert set(delivered) == {"OpenAI", "Perplexity"}
    assert values(asked(panel("Pages and files delivered per visitor sent")), "operator") == pytest.approx(
        delivered, rel=0.5
    )
    assert set(values(asked(panel("By operator", ref="B")), "operator")) == {"OpenAI"}
    assert set(values(asked(panel("Verified, or only claimed")), "standing")) == {
        "verified",
        "unknown",
        "contradicted",
    }
    assert set(values(asked(panel("Reserved sections most requested")), "section")) == {"lyrics"}
    assert set(values(asked(panel("Told, and came anyway")), "crawler")) == {"GPTBot"}


def test_what_was_often_is_counted_as_near_as_increase_gets(asked: Ask) -> None:
    told = values(asked(panel("What it was told", "crawler")), "document")
    assert told == {"/robots.txt": pytest.approx(4, abs=1)}
    requested = values(asked(panel("By operator")), "operator")
    # Four rounds of GPTBot, which asks for robots.txt as well, and OAI-SearchBot; the impostor is nobody's.
    assert requested["OpenAI"] == pytest.approx(12, abs=2)


def test_both_workers_are_counted_and_the_change_of_the_signals_is_seen(asked: Ask) -> None:
    assert [float(row["value"][1]) for row in asked(panel("Workers", "operator"))] == [2]
    found = asked(panel("What was in force, and since when"))
    kinds = [row["metric"]["what"] for row in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "signals": 2,
        "configuration": 2,
        "knowledge of crawlers": 1,
        "software": 1,
    }


def test_the_alert_rings_for_the_search_engine_and_every_rule_is_healthy(asked: Ask) -> None:
    wait_for(
        lambda: bool(asked('ALERTS{alertname="VorbehaltSearchEnginesRefused", alertstate="firing"}')),
        "the alert does not ring",
    )
    ringing = asked('count by (alertname) (ALERTS{alertstate="firing"})')
    assert [row["metric"]["alertname"] for row in ringing] == ["VorbehaltSearchEnginesRefused"]
