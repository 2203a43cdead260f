"""The scripts of tests/served through every arrangement: the same signals and decisions, or as documented.

Each arrangement is real and started once; all scripts are hosts of its one configuration.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import served_site
from arrangement_support import REFERENCE
from asgi_support import call, scope
from following_support import following
from guide_support import ROOT
from process_support import (
    CHROME,
    GOOGLEBOT,
    GPTBOT,
    VORBEHALT,
    free_port,
    importing_from,
    running,
    vorbehalt,
    wait_for,
)
from served_support import HOSTS, OURS, Told, ask_host, comparable, over_the_wire, script, write_config
from vorbehalt import VorbehaltMiddleware
from websocket_support import UPGRADE

TESTS = Path(__file__).parents[1]
HERE = f"{sys.executable} -m uvicorn --factory --no-proxy-headers --log-level warning".split()
AGENTS = {
    "a person": CHROME,
    "GPTBot": GPTBOT,
    "ClaudeBot": "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    "a control token": "Google-Extended",
    "an AI search index": "Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)",
    "a fetch for a person": "ChatGPT-User/1.0",
    "a search engine": GOOGLEBOT,
    "a tool": "curl/8.5.0",
}
REFUSED = {"GPTBot", "ClaudeBot", "a control token"}


@dataclass(frozen=True, slots=True)
class Running:
    """An arrangement that listens on `port`; its evidence; the reference that decides in this process."""

    name: str
    port: int
    evidence: Path
    reference: VorbehaltMiddleware


def starting(name: str, stack: ExitStack, folder: Path) -> Running:
    config = write_config(folder)
    site = free_port()
    environment = importing_from(TESTS)
    if name == "middleware":
        environment["CONFIG_OF_TEST"] = str(config)
        stack.enter_context(
            running([*HERE, "--port", str(site), "served_site:protected"], site, folder, environment)
        )
        return Running(name, site, folder / "vorbehalt-evidence", reference(config))
    behind = [*HERE, "--port", str(site), "served_site:site"]
    behind.remove("--factory")
    stack.enter_context(running(behind, site, folder, environment))
    if name == "reverse proxy":
        port = free_port()
        serve = [*VORBEHALT, "serve", "-c", str(config), "--listen", f"127.0.0.1:{port}"]
        stack.enter_context(running([*serve, "--upstream", f"http://127.0.0.1:{site}"], port, folder))
        return Running(name, port, folder / "vorbehalt-evidence", reference(config))
    at = stack.enter_context(
        following(f"{name.lower()}.md", folder, *swaps(name.lower(), config), behind=site)
    )
    (folder / "work" / "own-robots.txt").write_bytes((folder / "own-robots.txt").read_bytes())
    at.guide.follow(until="What to know")
    return Running(name, at.web, at.evidence, reference(config))


def swaps(proxy: str, config: Path) -> list[tuple[str, str]]:
    """The page is followed with the configuration of the scripts, on a port of this machine.

    The proxies wait longer, so that a busy machine does not make them let pass what is asked here.
    """
    slow = [("timeout 50ms", "timeout 5s"), ("timeout 200ms", "timeout 5s"), ("timeout: 0.2s", "timeout: 5s")]
    listen = {
        "nginx": [("listen 80;", "listen 127.0.0.1:WEB;")],
        "caddy": [
            ("http://www.example.org, http://127.0.0.1 {", "http://:WEB {"),
            ("import /etc/caddy", "{\n\tadmin off\n}\nimport /etc/caddy"),
        ],
        "envoy": [("address: 0.0.0.0, port_value: 8080", "address: 127.0.0.1, port_value: WEB")],
    }[proxy]
    init = f"vorbehalt init --for {proxy} --yes --origin https://www.example.org"
    return [(init, f"cp {config} vorbehalt.toml"), *slow, *listen]


def reference(config: Path) -> VorbehaltMiddleware:
    """The middleware in this process, with nothing between it and the question."""
    table = tomllib.loads(config.read_text())
    table["evidence"]["directory"] = "memory:"
    for host in table["host"]:
        if "robots" in host["site"]:
            host["site"]["robots"] = f"file:{config.parent}/own-robots.txt"
    return VorbehaltMiddleware(served_site.site, config=table)


@contextmanager
def arranged(name: str) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="vorbehalt-") as text, ExitStack() as stack:
        Path(text).chmod(0o755)  # a server that has left root reads it
        at = starting(name, stack, Path(text))
        yield at
        assert at.reference.runtime is not None
        at.reference.runtime.stop()


@pytest.fixture(scope="module")
def started() -> Iterator[Callable[[str], Running]]:
    """Start an arrangement when it is first asked for, in whatever order the tests come; end all together."""
    with ExitStack() as stack:
        found: dict[str, Running] = {}

        def start(name: str) -> Running:
            if name not in found:
                found[name] = stack.enter_context(arranged(name))
            return found[name]

        yield start


@pytest.fixture(
    params=[
        "middleware",
        "reverse proxy",
        pytest.param("nginx", marks=pytest.mark.real("nginx")),
        pytest.param("Caddy", marks=pytest.mark.real("caddy")),
        pytest.param("Envoy", marks=pytest.mark.real("envoy")),
    ],
)
def at(request: pytest.FixtureRequest, started: Callable[[str], Running]) -> Running:
    return started(request.param)


def decided(at: Running, host: str, path: str, agent: str, method: str, accept: str) -> Told:
    """What the reference answers."""
    request = scope(
        path, agent=agent.encode(), method=method, client=("127.0.0.1", 50123), scheme="http",
        headers=[(b"accept", accept.encode())],
    )  # fmt: skip
    request["headers"][0] = (b"host", f"{host}.example".encode())
    got = asyncio.run(call(at.reference, request))
    lines = tuple((name.decode().lower(), value.decode()) for name, value in got.start["headers"])
    return Told(got.status, lines, got.body)


def masked(body: bytes) -> bytes:
    return REFERENCE.sub(b"VB-####", body)


@pytest.mark.parametrize("name", list(HOSTS))
def test_the_signals_are_those_of_the_script(at: Running, name: str) -> None:
    told = comparable(over_the_wire(at.port, name))
    expected = comparable(script(name))
    assert told == expected


@pytest.mark.parametrize("agent", list(AGENTS))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_the_decisions_are_those_of_the_reference(at: Running, agent: str, method: str, accept: str) -> None:
    for host, path in (
        ("default", "/page.html"),
        ("default", "/nowhere"),
        ("press-open", "/press/page.html"),
        ("audio-reserved-text-open", "/audio/song.mp3"),
    ):
        expected = decided(at, host, path, AGENTS[agent], method, accept)
        got = ask_host(at.port, host, path, AGENTS[agent], method, Accept=accept)
        assert got.status == expected.status, path
        assert got.status == (403 if agent in REFUSED else 404 if path == "/nowhere" else 200), path
        assert joined(got) == joined(expected), path
        assert masked(got.body) == (b"" if method == "HEAD" else masked(expected.body)), path
        if got.status == 403:
            for header in ("cache-control", "vary", *(["content-type"] if method == "GET" else [])):
                assert got.all(header) == expected.all(header), (path, header)


def joined(told: Told) -> dict[str, str]:
    return {name: ", ".join(told.all(name)) for name in OURS if told.all(name)}


def test_a_document_is_not_sent_twice_and_cannot_be_written_to(at: Running) -> None:
    first = ask_host(at.port, "default", "/robots.txt")
    again = ask_host(at.port, "default", "/robots.txt", If_None_Match=first.all("etag")[0])
    head = ask_host(at.port, "default", "/robots.txt", GPTBOT, "HEAD")
    posted = ask_host(at.port, "default", "/robots.txt", method="POST", Content_Length="0")
    assert (again.status, again.body, again.reservation) == (304, b"", first.reservation)
    assert (head.status, head.body, head.all("etag")) == (200, b"", first.all("etag"))
    assert posted.status == 405


def answer_of_another_type(at: Running) -> str:
    told = ask_host(at.port, "audio-reserved-text-open", "/listen/page.html")
    return f"`{told.all('content-usage')[0]}`"


def own(header: str) -> Callable[[Running], str]:
    def seen(at: Running) -> str:
        told = ask_host(at.port, "default", "/own/page.html")
        return f"`{', '.join(told.all(header))}`"

    return seen


def handshake(at: Running) -> str:
    lines = [b"GET /live HTTP/1.1", b"Host: default.example", b"User-Agent: " + CHROME.encode(), *UPGRADE]
    with socket.create_connection(("127.0.0.1", at.port), timeout=10) as one:
        one.sendall(b"\r\n".join([*lines, b"", b""]))
        head = one.recv(65536).partition(b"\r\n\r\n")[0].lower()
    assert b" 101 " in head[:40]
    values = re.findall(rb"^tdm-reservation: (\S*)", head, re.M)
    return f"`{b', '.join(values).decode()}`"


def vantage(at: Running) -> str:
    """What the records of crawlers' requests say of where we stood."""
    ask_host(at.port, "default", "/page.html", GPTBOT)

    def found() -> set[str]:
        shown = vorbehalt("evidence", "show", at.evidence, "--type", "request", "--json").stdout.decode()
        return {json.loads(line)["seen"]["vantage"] for line in shown.splitlines()}

    wait_for(lambda: bool(found()), "no request is sealed")
    return f"`{', '.join(sorted(found()))}`"


def type_of_a_bodiless_refusal(at: Running) -> str:
    told = ask_host(at.port, "default", "/page.html", GPTBOT, "HEAD", Accept="text/html")
    return f"`{', '.join(told.all('content-type')) or 'none'}`"


ROWS: dict[str, Callable[[Running], str]] = {
    "`Content-Usage` of an HTML page in a section for `audio/*`": answer_of_another_type,
    "`tdm-reservation`, where the site says 0 itself": own("tdm-reservation"),
    "`X-Robots-Tag`, where the site says `nosnippet` itself": own("x-robots-tag"),
    "`tdm-reservation` in the handshake of a websocket": handshake,
    "`Content-Type` of a refusal to HEAD": type_of_a_bodiless_refusal,
    "`vantage` of a record": vantage,
}


def table() -> dict[str, dict[str, str]]:
    """Row to arrangement to cell, of the page on arrangements."""
    lines = (ROOT / "docs" / "arrangements.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}


def test_the_page_on_arrangements_names_every_difference() -> None:
    assert list(table()) == list(ROWS)


@pytest.mark.parametrize("row", list(ROWS))
def test_differences_are_as_documented(at: Running, row: str) -> None:
    assert ROWS[row](at) == table()[row][at.name]
