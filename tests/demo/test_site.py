"""The demo label's site is a plausible site: pages, media, ranges, caching, a robots.txt of its own."""

from __future__ import annotations

import asyncio
import io
import re
import struct
import wave
import zlib
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from protego import Protego

from asgi_support import protect
from vorbehalt.demo import catalogue, media, pages
from vorbehalt.demo.site import label_site

_SITE = label_site()


@dataclass
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def _get(path: str, headers: dict[str, str] | None = None, site: Any = _SITE) -> _Answer:
    """Ask the site in process, without a server."""
    sent: list[dict[str, Any]] = []
    pairs = [
        (b"host", b"label.example"),
        *((k.lower().encode(), v.encode()) for k, v in (headers or {}).items()),
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": pairs,
        "client": ("203.0.113.7", 4711),
        "server": ("label.example", 443),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(site(scope, receive, send))
    start = sent[0]
    return _Answer(
        start["status"],
        {key.decode(): value.decode() for key, value in start["headers"]},
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


class _Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        self.links += [value for name, value in attrs if name in ("href", "src") and value]


def test_every_link_of_every_page_leads_somewhere() -> None:
    asked: set[str] = set()
    waiting = {"/"}
    while waiting:
        path = waiting.pop()
        asked.add(path)
        answer = _get(path)
        assert answer.status in (200, 308), path
        if answer.headers.get("content-type", "").startswith("text/html"):
            found = {link.partition("#")[0] for link in _Links(answer.body.decode()).links}
            # Our own middleware answers the terms.
            waiting |= {link for link in found if link and link != "/ai-policy"} - asked

    assert len([path for path in asked if path.startswith("/lyrics/")]) == len(catalogue.SONGS)
    assert len([path for path in asked if path.startswith("/audio/")]) == len(catalogue.SONGS)


@pytest.mark.parametrize("path", ["/", "/songs/1", "/lyrics/1", "/artists/", "/press/", "/nowhere"])
def test_pages_are_accessible_and_need_no_script(path: str) -> None:
    page = _Links(_get(path).body.decode())

    assert "script" not in page.tags
    assert page.tags.count("h1") == 1
    assert page.tags.count("main") == 1
    assert next(attrs.get("lang") for tag, attrs in page.attributes if tag == "html") in ("en", "de")
    assert all(attrs.get("alt") for tag, attrs in page.attributes if tag == "img")
    assert not [link for link in page.links if link.startswith(("http:", "https:", "//"))]


def test_lyrics_are_in_the_language_they_say() -> None:
    german = next(song for song in catalogue.SONGS if song.language == "de")
    english = next(song for song in catalogue.SONGS if song.language == "en")

    assert b'<html lang="de">' in _get(f"/lyrics/{german.number}").body
    assert b'<html lang="en">' in _get(f"/lyrics/{english.number}").body


def test_what_is_known_is_not_sent_again() -> None:
    first = _get("/songs/")
    again = _get("/songs/", {"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    other = _get("/songs/", {"If-None-Match": '"other"'})

    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert (other.status, other.body) == (200, first.body)


def test_sound_is_a_wave_file_with_a_melody() -> None:
    answer = _get("/audio/1.wav")
    with wave.open(io.BytesIO(answer.body)) as sound:
        frames = sound.readframes(sound.getnframes())
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 11_025)
        assert 2 < sound.getnframes() / sound.getframerate() < 12

    samples = struct.unpack(f"<{len(frames) // 2}h", frames)
    assert answer.headers["content-type"] == "audio/wav"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert max(samples) > 5_000
    assert media.audio(catalogue.SONGS[0]) != media.audio(catalogue.SONGS[1])


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-99", 206, 0, 100),
        ("bytes=100-", 206, 100, None),
        ("bytes=-50", 206, -50, None),
        ("bytes=10-99999999", 206, 10, None),
        ("bytes=-99999999", 206, 0, None),
        ("bytes=99999999-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=9-3", 200, 0, None),
        ("bytes=0-1,5-6", 200, 0, None),
        ("lines=1-2", 200, 0, None),
        ("bytes=-", 200, 0, None),
    ],
)
def test_sound_is_sent_in_parts(asked: str, status: int, start: int, end: int | None) -> None:
    whole = media.audio(catalogue.SONGS[0])
    answer = _get("/audio/1.wav", {"Range": asked})

    assert answer.status == status
    assert answer.body == whole[start:end]
    if status == 206:
        first = start % len(whole)
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.body) - 1}/{len(whole)}"
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(whole)}"


def test_a_part_of_an_older_version_is_the_whole() -> None:
    tag = _get("/audio/1.wav").headers["etag"]

    assert _get("/audio/1.wav", {"Range": "bytes=0-9", "If-Range": tag}).status == 206
    assert _get("/audio/1.wav", {"Range": "bytes=0-9", "If-Range": '"old"'}).status == 200


def test_a_cover_is_a_png_that_adds_up() -> None:
    body = _get("/covers/2.png").body
    assert body.startswith(b"\x89PNG\r\n\x1a\n")
    at, kinds, pixels = 8, [], b""
    while at < len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        kind, data = body[at + 4 : at + 8], body[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + data) == int.from_bytes(body[at + 8 + length : at + 12 + length], "big")
        kinds.append(kind)
        pixels += data if kind == b"IDAT" else b""
        at += 12 + length

    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    assert len(zlib.decompress(pixels)) == 320 * (1 + 3 * 320)


@pytest.mark.parametrize("path", ["/covers/1.svg", "/favicon.svg", "/feed.xml", "/sitemap.xml"])
def test_documents_in_xml_are_well_formed(path: str) -> None:
    root = ElementTree.fromstring(_get(path).body)

    assert len(root) >= 2


def test_the_feed_and_the_sitemap_name_this_site() -> None:
    urls = re.findall(r"<loc>(.*?)</loc>", _get("/sitemap.xml").body.decode())

    assert "https://label.example/lyrics/1" in urls
    assert all(_get(url.removeprefix("https://label.example")).status == 200 for url in urls)
    assert b"https://label.example/feed.xml" in _get("/feed.xml").body


def test_the_site_has_rules_of_its_own_for_robots() -> None:
    rules = Protego.parse(_get("/robots.txt").body.decode())

    assert not rules.can_fetch("https://label.example/intern/x", "SomeBot")
    assert rules.can_fetch("https://label.example/lyrics/1", "GPTBot")
    assert not rules.can_fetch("https://label.example/audio/1.wav", "AhrefsBot")


@pytest.mark.parametrize(
    "path", ["/nowhere", "/songs/99", "/lyrics/0", "/artists/nobody", "/audio/9.wav", "/covers/9.png"]
)
def test_what_is_not_there_is_a_page_that_says_so(path: str) -> None:
    answer = _get(path)

    assert answer.status == 404
    assert b"There is no such track" in answer.body


def test_a_hostile_address_is_only_text() -> None:
    assert b"<script>" not in _get("/<script>alert(1)</script>").body


def test_works_and_artists_are_distinct() -> None:
    assert [song.number for song in catalogue.SONGS] == list(range(1, len(catalogue.SONGS) + 1))
    assert len({song.isrc for song in catalogue.SONGS}) == len(catalogue.SONGS)
    assert {song.language for song in catalogue.SONGS} == {"de", "en"}
    assert all(len(song.lyrics.splitlines()) > 10 for song in catalogue.SONGS)


def test_a_protected_page_says_in_its_head_what_its_headers_say() -> None:
    page = _get("/lyrics/1", site=protect(label_site()))
    bare = _get("/lyrics/1")

    assert b'<meta name="tdm-reservation" content="1">' in page.body
    assert f'<meta name="tdm-policy" content="{page.headers["tdm-policy"]}">'.encode() in page.body
    assert page.body.index(b"tdm-reservation") < page.body.index(b"</head>")
    assert b"tdm-" not in bare.body
    assert pages.MARKS.encode() not in bare.body


def test_the_feed_of_a_protected_site_leads_to_the_licence_and_marks_every_entry() -> None:
    root = ElementTree.fromstring(_get("/feed.xml", site=protect(label_site())).body)
    atom, rsl = "{http://www.w3.org/2005/Atom}", "{https://rslstandard.org/rsl}"

    assert [link.get("href") for link in root.findall(f"{atom}link") if link.get("rel") == "license"] == [
        "https://label.example/license.xml"
    ]
    entries = root.findall(f"{atom}entry")
    assert [entry.find(f"{rsl}content") is not None for entry in entries] == [True] * len(catalogue.PRESS)
