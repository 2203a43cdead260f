"""A small site on a real port that says everything right, and ways to spoil single answers of it."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import pytest

from vorbehalt.engine import Engine
from vorbehalt.facts import normal_path
from vorbehalt.probe.asking import Asker
from vorbehalt.probe.finding import Finding
from vorbehalt.probe.report import Report
from vorbehalt.probe.run import probe
from vorbehalt.settings import Settings, load, load_rules
from vorbehalt.stores.memory import MemoryLimits

HOME = """<!doctype html><html><head><title>A label</title>
<link rel="stylesheet" href="/style.css"><link rel="alternate" type="application/rss+xml" href="/feed.xml">
</head><body><img src="/images/a.png"><img src="/images/b.png"><audio src="/audio/1.mp3"></audio>
<a href="/songs/1">One</a><a href="/press/">Press</a><a href="/papers/contract.pdf">Paper</a></body></html>
"""
CONTENT: dict[str, tuple[str, bytes]] = {
    "/": ("text/html; charset=utf-8", HOME.encode()),
    "/songs/1": ("text/html; charset=utf-8", b"<!doctype html><title>One</title><p>One"),
    "/press/": ("text/html; charset=utf-8", b"<!doctype html><title>Press</title><p>News"),
    "/style.css": ("text/css", b"body{margin:0}\n" * 40),
    "/feed.xml": ("application/rss+xml", b"<rss version='2.0'><channel></channel></rss>"),
    "/images/a.png": ("image/png", b"\x89PNG" + bytes(200)),
    "/images/b.png": ("image/png", b"\x89PNG" + bytes(300)),
    "/audio/1.mp3": ("audio/mpeg", b"ID3" + bytes(500)),
    "/papers/contract.pdf": ("application/pdf", b"%PDF-1.7"),
}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def without(self, *names: str) -> Answer:
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] not in names))

    def with_(self, *pairs: tuple[str, str]) -> Answer:
        return replace(self.without(*(name for name, _ in pairs)), headers=(*self.without(
            *(name for name, _ in pairs)).headers, *pairs))  # fmt: skip

    def plus(self, *pairs: tuple[str, str]) -> Answer:
        return replace(self, headers=(*self.headers, *pairs))

    def saying(self, body: bytes) -> Answer:
        return replace(self, body=body)

    @property
    def reservation(self) -> tuple[tuple[str, str], ...]:
        names = ("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")
        return tuple(pair for pair in self.headers if pair[0] in names)


RESERVATION = ("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")
Spoil = Callable[[Request, Answer], Answer]


@dataclass
class Site:
    """Answers as a protected site does; `spoil` may change each answer before it is sent."""

    origin: str = ""
    settings: Settings = field(init=False)
    spoil: Spoil = lambda request, answer: answer
    seen: list[Request] = field(default_factory=list)

    def begin(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.configure(self.configuration())

    def configure(self, mapping: dict[str, Any]) -> None:
        """Say what another configuration renders."""
        self.settings = load(mapping, environ={})
        self.plan = Engine(self.settings, MemoryLimits()).default

    def configuration(self, **reservation: object) -> dict[str, Any]:
        """The configuration of the site, as a mapping."""
        press = {
            "name": "press",
            "paths": ["/press/"],
            "training": "allow",
            "ai_input": "allow",
            "tdm": "allow",
        }
        return {
            "format": 1,
            "site": {
                "origin": self.origin,
                "hosts": ["127.0.0.1"],
                "operator": "Label Example GmbH",
                "contact": "mailto:rights@label.example",
                "robots": "none",
            },
            "reservation": {"section": [press], **reservation},
            "evidence": {"directory": "off"},
        }

    def answer(self, request: Request) -> Answer:
        self.seen.append(request)
        return self.spoil(request, self._right(request))

    def _told(self, path: str, media_type: str) -> tuple[tuple[str, str], ...]:
        normal = normal_path(path)
        section = self.plan.headers(normal, self.plan.sections.find(normal))
        own = ((b"content-type", media_type.encode()),) if media_type else ()
        return tuple((name.decode(), value.decode()) for name, value in section.for_answer(own).headers)

    def _right(self, request: Request) -> Answer:
        document = self.plan.document(request.path)
        if document is not None:
            media_type, body = document.media_type, document.body
        elif request.path in CONTENT:
            media_type, body = CONTENT[request.path]
        else:
            told = self._told(request.path, "text/html")
            return Answer(404, (("content-type", "text/html"), *told), b"<p>not here")
        if request.method not in ("GET", "HEAD"):
            return Answer(405, (("allow", "GET, HEAD"), *self._told(request.path, "")))
        told = self._told(request.path, media_type)
        tag = f'"{sha256(body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == tag:
            return Answer(304, (("etag", tag), *self._told(request.path, "")))
        headers = (("content-type", media_type), ("etag", tag), *told)
        if request.headers.get("range") == "bytes=0-99":
            part = body[:100]
            return Answer(206, (("content-range", f"bytes 0-{len(part) - 1}/{len(body)}"), *headers), part)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Answer(200, (("content-encoding", "gzip"), *headers), gzip.compress(body))
        return Answer(200, headers, body)


@pytest.fixture
def site() -> Iterator[Site]:
    """The clean site, listening."""
    found = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            path, _, query = self.path.partition("?")
            given = {name.lower(): value for name, value in self.headers.items()}
            answer = found.answer(Request(self.command, path, query, given))
            lines = [f"HTTP/1.1 {answer.status} Said"]
            lines += [f"{name}: {value}" for name, value in answer.headers]
            if answer.status != 304 and "content-length" not in dict(answer.headers):
                lines.append(f"content-length: {len(answer.body)}")
            body = b"" if self.command == "HEAD" or answer.status == 304 else answer.body
            self.wfile.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
            self.close_connection = True

        do_GET = do_HEAD = do_OPTIONS = handle_any

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing of their own."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A probe that has seen enough leaves."""

    server = Server(("127.0.0.1", 0), Handler)
    found.begin(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


Probe = Callable[..., Report]


@pytest.fixture(scope="session")
def rules() -> Any:
    """Documents and registry of the rules."""
    return load_rules(None)


@pytest.fixture
def probing(site: Site, rules: Any) -> Probe:
    """Probe the site, spoilt in a way or not; with `settings=True` compared with its configuration."""

    def run(
        spoil: Spoil | None = None, *, settings: object = None, paths: tuple[str, ...] = (), **asker: Any
    ) -> Report:
        if spoil is not None:
            site.spoil = spoil
        compared = site.settings if settings is True else settings
        asking = Asker(asker.pop("user_agent", "Vorbehalt-Probe/test"), **asker)
        return probe(site.origin, asking, rules[0], rules[1], compared, paths)  # type: ignore[arg-type]

    return run


def found(report: Report, id: str) -> Finding:
    """The one finding with this id."""
    named = [finding for finding in report.ledger.findings if finding.id == id]
    assert len(named) == 1, [(finding.id, finding.message) for finding in report.ledger.findings]
    return named[0]


@pytest.fixture(name="found")
def _found() -> Callable[[Report, str], Finding]:
    return found


@pytest.fixture
def ids() -> Callable[[Report], set[str]]:
    """The ids of all findings of a report."""
    return lambda report: {finding.id for finding in report.ledger.findings}
