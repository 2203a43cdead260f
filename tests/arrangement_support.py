"""What every proxy with the sidecar beside it must do: the same claims, whoever the proxy is."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from guide_support import Guide, kill
from process_support import CHROME, GOOGLEBOT, GPTBOT, Answer, ask, vorbehalt, wait_for
from stand_in_site import PICTURE, Site

RESERVATION = ("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")
SIGNALS = (
    "/robots.txt",
    "/license.xml",
    "/ai-policy",
    "/.well-known/tdmrep.json",
    "/.well-known/tdm-policy.json",
)
REFERENCE = re.compile(rb"VB-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")
WITHIN_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A proxy that listens on `web`, its sidecar's metrics, the site behind, the page that was followed."""

    guide: Guide
    web: int
    metrics: int
    site: Site

    @property
    def config(self) -> Path:
        return self.guide.folder / "work" / "vorbehalt.toml"

    @property
    def evidence(self) -> Path:
        return self.guide.folder / "work" / "vorbehalt-evidence"

    def records(self, kind: str) -> list[dict[str, object]]:
        shown = vorbehalt("evidence", "show", self.evidence, "--type", kind, "--json").stdout
        return [json.loads(line) for line in shown.decode().splitlines()]


def the_curl_lines_hold(guide: Guide) -> None:
    assert guide.seen, "the page has no curl line"
    assert [(line, came) for line, _, came in guide.seen] == [(line, says) for line, says, _ in guide.seen]


def people_are_served_and_crawlers_refused(at: Arrangement) -> None:
    for path, status in (("/", 200), ("/cover.png", 200), ("/feed.xml", 200), ("/nowhere", 404)):
        person, crawler = ask(at.web, path), ask(at.web, path, GPTBOT)
        assert person.status == status, path
        assert crawler.status == 403, path
        assert crawler.headers["cache-control"] == "no-store"
        assert REFERENCE.search(crawler.body), f"{path}: {crawler.body!r}"
        for answer in (person, crawler):
            assert [name for name in RESERVATION if name not in answer.headers] == [], path
            assert answer.headers["tdm-reservation"] == "1", "told once"
        assert "no-store" not in person.headers.get("cache-control", "")
    for path in SIGNALS:
        assert ask(at.web, path, GPTBOT).status == 200, path
    html = ask(at.web, "/", GPTBOT, {"Accept": "text/html"})
    assert (html.status, html.headers["content-type"]) == (403, "text/html; charset=utf-8")


def a_real_browser_reads_the_page(at: Arrangement) -> None:
    chromium = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        f"--user-data-dir={at.guide.folder / 'browser'}", "--dump-dom", f"http://127.0.0.1:{at.web}/",
    ]  # fmt: skip
    shown = subprocess.run(chromium, capture_output=True, timeout=60, check=True).stdout
    assert b"<h1>Welcome</h1>" in shown


def methods_and_bodies_arrive(at: Arrangement) -> None:
    assert ask(at.web, "/upload", method="POST", body=b"abc" * 50_000).body == b"cba" * 50_000
    assert ask(at.web, "/upload", GPTBOT, method="POST", body=b"abc").status == 403
    head = ask(at.web, "/cover.png", method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(PICTURE)))
    assert ask(at.web, "/", GPTBOT, method="HEAD").status == 403
    part = ask(at.web, "/cover.png", headers={"Range": "bytes=0-7"})
    assert (part.status, part.body) == (206, PICTURE[:8])
    preflight = {"Origin": "https://player.example", "Access-Control-Request-Method": "POST"}
    allowed = ask(at.web, "/api", headers=preflight, method="OPTIONS")
    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, "https://player.example")
    assert (
        ask(at.web, "/", headers={"Cookie": "a=" + "x" * 6_000, "Host": "www.example.org:8443"}).status == 200
    )


def targets_arrive_as_they_were_sent(at: Arrangement) -> None:
    for target in ("/a%20b%2Fc?x=%zz&y=1", "//double//slash", "/b%C3%BCcher?q=%FF"):
        ask(at.web, target)
        assert at.site.lines[-1].split()[1] == target


def a_websocket_gets_through(at: Arrangement) -> None:
    assert (b" 101 " in _upgrade(at.web, CHROME)[:40], b" 403 " in _upgrade(at.web, GPTBOT)[:40]) == (
        True,
        True,
    )


def _upgrade(port: int, agent: str) -> bytes:
    lines = (
        "GET /live HTTP/1.1", f"Host: 127.0.0.1:{port}", f"User-Agent: {agent}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return one.recv(4096)


def nothing_forged_is_believed(at: Arrangement, address: str, standings: object) -> None:
    forged = [
        {"X-Forwarded-For": address},
        {"X-Forwarded-For": f"{address}, 127.0.0.1"},
        {"X-Real-IP": address, "True-Client-IP": address, "CF-Connecting-IP": address},
        {"Forwarded": f"for={address}"},
        {"X-Forwarded-For": address, "X-Vorbehalt-Secret": "guess-guess-guess"},
        {"Connection": "close, X-Forwarded-For", "X-Forwarded-For": address},
    ]
    for headers in forged:
        # Envoy answers 400 to a Connection header that names such a field.
        assert ask(at.web, "/", GOOGLEBOT, headers).status in (200, 400 if "Connection" in headers else 200)
    assert callable(standings)
    assert set(standings(at.metrics, "Googlebot")) == {"claimed"}
    elsewhere = [
        {"X-Original-URI": "/favicon.ico"},
        {"X-Original-URL": "http://127.0.0.1/favicon.ico"},
        {"X-Forwarded-Uri": "/favicon.ico", "X-Forwarded-Method": "OPTIONS"},
        {"X-Forwarded-Host": "elsewhere.example", "X-Original-Method": "OPTIONS"},
        {"X-Vorbehalt-Status": "200", "X-Vorbehalt-Reference": "VB-0000-0000-0000-0000"},
    ]
    for headers in elsewhere:
        assert ask(at.web, "/lyrics/1", GPTBOT, headers).status == 403, headers


def strangers_cannot_ask_the_sidecar(at: Arrangement) -> None:
    for path in ("/.vorbehalt/auth", "/.vorbehalt-auth", "/.vorbehalt/refusal/VB-0000-0000-0000-0000"):
        assert ask(at.web, path).status == 404, path


def timed(
    at: Arrangement, path: str = "/", method: str = "GET", body: bytes | None = None
) -> tuple[Answer, float]:
    start = time.perf_counter()
    answer = ask(at.web, path, method=method, body=body)
    return answer, time.perf_counter() - start


def the_site_outlives_the_sidecar(at: Arrangement) -> None:
    """Hanging, dead, and back again; the log says that its writer ended without closing."""
    pid = at.guide.sidecar()
    alive = ask(at.web, "/").headers
    headers_alive = {name: alive[name] for name in RESERVATION}
    os.kill(pid, signal.SIGSTOP)
    try:
        hanging = [timed(at) for _ in range(3)] + [timed(at, "/upload", "POST", b"abc")]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [answer.status for answer, _ in hanging] == [200, 200, 200, 201]
    assert min(seconds for _, seconds in hanging[:3]) < WITHIN_SECONDS
    assert sorted(seconds for _, seconds in hanging)[1] < WITHIN_SECONDS, hanging
    ask(at.web, "/before", GPTBOT)
    kill(pid)
    dead = [timed(at) for _ in range(4)]
    told = [ask(at.web, path) for path in SIGNALS]
    elsewhere = [ask(at.web, path) for path in ("/cover.png", "/nowhere")]
    assert {answer.status for answer, _ in dead} == {200}
    assert min(seconds for _, seconds in dead) < WITHIN_SECONDS
    assert ask(at.web, "/", GPTBOT).status == 200, "when in doubt the request passes"
    assert [answer.status for answer in told] == [200] * len(SIGNALS)
    documents = at.guide.folder / "srv/vorbehalt"
    assert [answer.body for answer in told] == [(documents / path[1:]).read_bytes() for path in SIGNALS]
    assert [answer.status for answer in elsewhere] == [200, 404]
    for answer in (dead[-1][0], *told, *elsewhere):
        assert {name: answer.headers.get(name) for name in RESERVATION} == headers_alive


def the_next_start_records_the_gap(at: Arrangement, serve: str) -> None:
    at.guide._shell(at.guide.swapped(serve))
    wait_for(lambda: ask(at.web, "/", GPTBOT).status == 403, "the sidecar is not asked again")

    def unclean() -> list[object]:
        """Others may stand beside it: on a slow machine a record comes late for its answer."""
        seen = [record["seen"] for record in at.records("gap")]
        return [one["writer"] for one in seen if isinstance(one, dict) and one["reason"] == "unclean_end"]

    wait_for(lambda: bool(unclean()), "no gap is recorded")
    assert unclean() == [at.records("writer-open")[0]["w"]]
    assert vorbehalt("evidence", "verify", at.evidence).returncode == 0


def the_access_log_is_joined(at: Arrangement, log: Path, join: str) -> None:
    """By reference or request id; a second time nothing is added."""
    reference = REFERENCE.search(ask(at.web, "/lyrics/7", GPTBOT).body)
    answered = ask(at.web, "/cover.png", "PerplexityBot/1.0")
    assert reference is not None
    refused = reference[0].decode()
    assert answered.status == 200
    wait_for(lambda: _mentions(at, log), "the proxy's log does not name the last request", 30)
    first, second = (vorbehalt(*join.split()[1:], "--json", folder=at.config.parent) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    counts, again = json.loads(first.stdout), json.loads(second.stdout)
    assert counts["joined"] >= 2
    # Not one alone: on a slow machine the proxy may have given up waiting and let a crawler in before.
    sent = {of: told for of, *told in map(_sent, at.records("completion"))}
    assert sent[refused][:2] == [403, False]
    assert [200, True, len(PICTURE)] in sent.values()
    delivered = [told[2] for told in sent.values() if told[1]]
    assert (counts["delivered"], counts["bytes"]) == (len(delivered), sum(delivered))
    assert (again["joined"], again["already"]) == (0, counts["joined"])
    told = vorbehalt("explain", "-c", at.config, "--ref", refused, folder=at.config.parent).stdout.decode()
    assert "is not seen by us" in told
    assert "the proxy's own log says: status 403" in told


def _sent(completion: dict[str, object]) -> tuple[str, int, bool, int]:
    """Of which request the proxy's log tells the status, whether it was delivered, and the bytes."""
    seen = completion["seen"]
    assert isinstance(seen, dict)
    return seen["of"], seen["status"], seen["delivered"], seen["bytes"]


def _mentions(at: Arrangement, log: Path) -> bool:
    wanted = [record for record in at.records("request") if "PerplexityBot" in str(record["seen"])]
    text = log.read_text() if log.exists() else ""
    return bool(wanted) and all(any(name in text for name in _names(record)) for record in wanted)


def _names(record: dict[str, object]) -> list[str]:
    seen = record["seen"]
    assert isinstance(seen, dict)
    return [str(name) for name in (record["ref"], seen.get("request_id")) if name]
