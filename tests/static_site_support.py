"""A static site with its exported files, and what the middleware would have told with the same answers."""

from __future__ import annotations

import asyncio
import http.client
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from asgi_support import call, scope
from process_support import SECONDS, vorbehalt
from vorbehalt import VorbehaltMiddleware
from vorbehalt.reservation.static_site.documents import StaticDocument, static_documents

OURS = ("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")
SITE = """\
format = 1
[site]
origin = "https://label.example"
operator = "Label Example GmbH"
contact = "mailto:licensing@label.example"
robots = "none"
[evidence]
directory = "memory:"
"""
BY_PATH = """
[[reservation.section]]
name = "press"
paths = ["/press/", "/b\u00fccher/"]
training = "allow"
ai_input = "allow"
tdm = "allow"
[[reservation.section]]
name = "intern"
paths = ["/press/intern/", "/*.flac$", "/press/*/private"]
search = "reserve"
[[reservation.section]]
name = "odd.one"
paths = ["/odd;{%24x}'/", "/odd/100%25/"]
training = "allow"
[[reservation.section]]
name = "alone"
paths = ["/alone/$"]
training = "allow"
ai_input = "allow"
tdm = "allow"
"""
BY_MEDIA = """
[[reservation.section]]
name = "press"
paths = ["/press/"]
training = "allow"
ai_input = "allow"
tdm = "allow"
[[reservation.section]]
name = "intern"
paths = ["/press/intern/"]
search = "reserve"
[[reservation.section]]
name = "sound"
paths = ["/"]
media = ["audio/*"]
search = "reserve"
[[reservation.section]]
name = "pictures"
paths = ["/press/", "/listen/"]
media = ["image/png", "audio/*"]
training = "reserve"
ai_input = "allow"
tdm = "allow"
"""
CONFIGS = {"by path": BY_PATH, "by media": BY_MEDIA, "one for all": ""}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(300)
FILES: Mapping[str, bytes] = {
    "index.html": b"<!doctype html><title>Home</title>",
    "press/index.html": b"<!doctype html><title>Press</title>",
    "press/cover.png": PICTURE,
    "press/talk.mp3": b"ID3" + bytes(500),
    "press/intern/index.html": b"<!doctype html><title>Intern</title>",
    "press/intern/cover.png": PICTURE,
    "press/intern/talk.mp3": b"ID3" + bytes(500),
    "press/a/private.html": b"<!doctype html><title>Private</title>",
    "pressroom.html": b"<!doctype html><title>Room</title>",
    "listen/song.mp3": b"ID3" + bytes(500),
    "listen/cover.png": PICTURE,
    "audio/song.flac": b"fLaC" + bytes(500),
    "audio/song.flac.html": b"<!doctype html><title>Not the song</title>",
    "feed.xml": b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"/>',
    "b\u00fccher/index.html": b"<!doctype html><title>Books</title>",
    "odd;{$x}'/index.html": b"<!doctype html><title>Odd</title>",
    "odd/100%/index.html": b"<!doctype html><title>Odd</title>",
    "alone/index.html": b"<!doctype html><title>Alone</title>",
    "alone/with.html": b"<!doctype html><title>Not alone</title>",
    "ours.cgi": b"",
}
MISSING = ("/nowhere", "/press/nowhere", "/listen/nowhere.mp3", "/b%C3%BCcher/nowhere")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its answer: all header lines in order, names in lower case."""

    method: str
    path: str
    sent: Mapping[str, str]
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def told(self) -> list[tuple[str, str]]:
        """What the answer says of the reservation, in a fixed order; a name that comes twice stands twice."""
        return sorted((name, value) for name, value in self.headers if name in OURS)

    def value(self, name: str) -> str:
        return ", ".join(value for found, value in self.headers if found == name)

    @property
    def title(self) -> str:
        return f"{self.method} {self.path} {dict(self.sent)} -> {self.status} {self.value('content-type')}"


def ask_all(port: int, paths: Mapping[str, bytes] = FILES) -> Iterator[Asked]:
    """Every file in every way: whole, its head, a part of it, not modified; and what is not there."""
    for name in paths:
        path = "/" + quote(name.removesuffix("index.html"), safe="/;'")
        whole = fetch(port, Asked("GET", path, {}))
        yield whole
        yield fetch(port, Asked("HEAD", path, {}))
        if len(whole.body) > 100:
            yield fetch(port, Asked("GET", path, {"Range": "bytes=2-9"}))
        for name, header in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
            if validator := whole.value(name):
                yield fetch(port, Asked("GET", path, {header: validator}))
    for path in MISSING:
        yield fetch(port, Asked("GET", path, {}))
        yield fetch(port, Asked("HEAD", path, {}))


def fetch(port: int, asked: Asked) -> Asked:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(asked.method, asked.path, headers={"Host": "label.example", **asked.sent})
        answer = connection.getresponse()
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Asked(asked.method, asked.path, asked.sent, answer.status, headers, answer.read())
    finally:
        connection.close()


@dataclass
class Exported:
    """A configuration, the folder of the site with its exported files, and the middleware beside it."""

    folder: Path
    config: str
    root: Path = field(init=False)
    site: VorbehaltMiddleware = field(init=False)
    answer: Asked = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "vorbehalt.toml").write_text(SITE + self.config, "utf-8")
        self.root = self.folder / "www"
        for name, body in FILES.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(body)
        done = vorbehalt("signals", "--write", "www", folder=self.folder)
        assert done.returncode == 0, done.stderr.decode()
        self.site = VorbehaltMiddleware(self._again, config=tomllib.loads(SITE + self.config))

    async def _again(self, scope: Any, receive: Any, send: Any) -> None:
        """The site as the server answered it, without what it said of the reservation."""
        kind = self.answer.value("content-type").encode()
        headers = [(b"content-type", kind)] if kind else []
        await send({"type": "http.response.start", "status": self.answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def expected(self, answer: Asked) -> list[tuple[str, str]]:
        """What the middleware adds to the very same answer."""
        self.answer = answer
        path = unquote(answer.path)
        got = asyncio.run(call(self.site, scope(path, method=answer.method)))
        headers = [(name.decode(), value.decode()) for name, value in got.start["headers"]]
        return sorted((name, value) for name, value in headers if name in OURS)

    @property
    def documents(self) -> Mapping[str, StaticDocument]:
        assert self.site.runtime is not None
        plan = self.site.runtime.live.engine.default
        return {one.path: one for one in static_documents(plan.settings.terms, plan.bundle)}
