"""The demo label's site: a small Starlette application. Of what protects it, only its templates know."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from hashlib import sha256

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from vorbehalt import reservation_feed, reservation_meta
from vorbehalt.demo import catalogue, media, pages

_RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")
_CHUNK = 16_384
_HTML = "text/html; charset=utf-8"

Handler = Callable[[Request], Awaitable[Response]]


def label_site() -> Starlette:
    """Return the site: pages, lyrics, covers, sound, feed, sitemap and a robots.txt of its own."""
    routes = [
        Route("/", _page(pages.home)),
        Route("/songs/", _page(pages.songs)),
        Route("/artists/", _page(pages.artists)),
        Route("/press/", _page(pages.press)),
        Route("/style.css", _fixed(lambda: pages.CSS, "text/css; charset=utf-8", 86_400)),
        Route("/favicon.svg", _fixed(pages.favicon, "image/svg+xml", 86_400)),
        Route("/favicon.ico", _moved("/favicon.svg")),
        Route("/songs", _moved("/songs/")),
        Route("/songs/{number:int}", _song_page(pages.song)),
        Route("/lyrics/{number:int}", _song_page(pages.lyrics)),
        Route("/artists/{slug}", _artist),
        Route("/covers/{number:int}.svg", _cover_svg),
        Route("/covers/{number:int}.png", _cover_png),
        Route("/audio/{number:int}.wav", _audio),
        Route("/feed.xml", _feed),
        Route("/sitemap.xml", _with_origin(pages.sitemap, "application/xml; charset=utf-8")),
        Route("/robots.txt", _with_origin(pages.robots, "text/plain; charset=utf-8")),
    ]
    return Starlette(routes=routes, exception_handlers={404: _missing})


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _cacheable(request: Request, body: bytes, media_type: str, seconds: int = 300) -> Response:
    tag = f'"{sha256(body).hexdigest()[:20]}"'
    headers = {"etag": tag, "cache-control": f"public, max-age={seconds}"}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _html(request: Request, text: str, status: int = 200) -> Response:
    body = text.replace(pages.MARKS, reservation_meta(request)).encode()
    if status != 200:
        return Response(body, status, media_type=_HTML)
    return _cacheable(request, body, _HTML)


def _page(text: Callable[[], str]) -> Handler:
    async def answer(request: Request) -> Response:
        return _html(request, text())

    return answer


def _fixed(text: Callable[[], str], media_type: str, seconds: int) -> Handler:
    async def answer(request: Request) -> Response:
        return _cacheable(request, text().encode(), media_type, seconds)

    return answer


def _with_origin(text: Callable[[str], str], media_type: str) -> Handler:
    async def answer(request: Request) -> Response:
        return _cacheable(request, text(_origin(request)).encode(), media_type, 3_600)

    return answer


async def _feed(request: Request) -> Response:
    text = pages.feed(_origin(request), partial(reservation_feed, request))
    return _cacheable(request, text.encode(), "application/atom+xml; charset=utf-8", 3_600)


def _moved(where: str) -> Handler:
    async def answer(request: Request) -> Response:
        return RedirectResponse(where, status_code=308)

    return answer


def _song_page(text: Callable[[catalogue.Song], str]) -> Handler:
    async def answer(request: Request) -> Response:
        song = catalogue.song(request.path_params["number"])
        if song is None:
            return await _missing(request, None)
        return _html(request, text(song))

    return answer


async def _artist(request: Request) -> Response:
    artist = catalogue.artist(request.path_params["slug"])
    if artist is None:
        return await _missing(request, None)
    return _html(request, pages.artist(artist))


async def _cover_svg(request: Request) -> Response:
    song = catalogue.song(request.path_params["number"])
    if song is None:
        return await _missing(request, None)
    return _cacheable(request, media.cover_svg(song).encode(), "image/svg+xml", 86_400)


async def _cover_png(request: Request) -> Response:
    song = catalogue.song(request.path_params["number"])
    if song is None:
        return await _missing(request, None)
    return _cacheable(request, media.cover_png(song), "image/png", 86_400)


async def _audio(request: Request) -> Response:
    """Stream a song, or one part of it (RFC 9110 section 14; several parts at once are not offered)."""
    song = catalogue.song(request.path_params["number"])
    if song is None:
        return await _missing(request, None)
    body = media.audio(song)
    tag = f'"{sha256(body).hexdigest()[:20]}"'
    headers = {"accept-ranges": "bytes", "etag": tag, "cache-control": "public, max-age=86400"}
    start, end, status = 0, len(body), 200
    asked = request.headers.get("range", "")
    if asked and request.headers.get("if-range", tag) == tag:
        part = _part(asked, len(body))
        if part is not None and part[0] >= part[1]:
            headers["content-range"] = f"bytes */{len(body)}"
            return Response(status_code=416, headers=headers)
        if part is not None:
            (start, end), status = part, 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{len(body)}"
    headers["content-length"] = str(end - start)
    return StreamingResponse(_pieces(body[start:end]), status, headers, "audio/wav")


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of a byte range; empty if it cannot be satisfied, None if ignored."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        return size - length, size
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return None
    return start, end


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), _CHUNK):
        yield body[at : at + _CHUNK]


async def _missing(request: Request, error: Exception | None) -> Response:
    return _html(request, pages.missing(request.url.path), 404)
