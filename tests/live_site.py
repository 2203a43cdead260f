"""The small label that real clients visit: pages with links and pictures, a feed, a cookie, a closed area."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

PAGES: Final = ("/", "/lyrics/1", "/lyrics/9", "/lyrics/4", "/lyrics/23", "/lyrics/12")
"""What a client that is given addresses asks for; all but the first are deep pages. No address follows the
one before, as that would be another finding."""

LINKED: Final = 40


def page(number: int) -> bytes:
    """A page with what belongs to it, links, and one that no person sees and robots.txt closes."""
    links = "".join(
        f'<a href="/lyrics/{(number * 7 + step * 11) % LINKED + 1}">song</a> ' for step in range(4)
    )
    given = "".join(f'<a id="p{place}" href="{path}">{path}</a> ' for place, path in enumerate(PAGES))
    return (
        f"<!doctype html><html lang=en><title>Song {number}</title>"
        '<link rel="stylesheet" href="/static/site.css"><link rel="icon" href="/favicon.svg">'
        '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
        f'<h1>Song {number}</h1><img src="/img/{number}.png" alt="">'
        f"<p>{'la ' * 200}</p><nav>{given}{links}</nav>"
        f'<a href="/intern/{number}" rel="nofollow" hidden aria-hidden="true" tabindex="-1"></a></html>'
    ).encode()


def feed(origin: str) -> bytes:
    items = "".join(
        f"<item><title>Song {n}</title><link>{origin}/lyrics/{n}</link></item>" for n in range(1, 6)
    )
    return (
        '<?xml version="1.0"?><rss version="2.0"><channel><title>Label</title>'
        f"<link>{origin}/</link><description>News</description>{items}</channel></rss>"
    ).encode()


class Site(BaseHTTPRequestHandler):
    """A small label: pages, style, pictures, a feed, sound; the first page of a visit sets a cookie."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        host = self.headers.get("Host", "localhost")
        found = self._find(path, f"https://{host}")
        status, kind, body = found if found is not None else (404, "text/plain", b"no such page")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600" if not kind.startswith("text/html") else "no-cache")
        if kind.startswith("text/html") and "visit=" not in self.headers.get("Cookie", ""):
            self.send_header("Set-Cookie", "visit=1; Path=/; Secure; HttpOnly; SameSite=Lax")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def _find(self, path: str, origin: str) -> tuple[int, str, bytes] | None:
        head, _, last = path.rpartition("/")
        number = int(last) if last.isdigit() and len(last) < 4 else 0
        if path == "/" or (head in ("/lyrics", "/intern") and number):
            return 200, "text/html; charset=utf-8", page(number)
        if path == "/static/site.css":
            return 200, "text/css", b"body{font:16px serif}"
        if path == "/favicon.svg":
            return 200, "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
        if head == "/img":
            return 200, "image/png", PIXEL
        if path == "/feed.xml":
            return 200, "application/rss+xml", feed(origin)
        if path == "/robots.txt":
            return 200, "text/plain", b"User-agent: *\nDisallow: /intern/\n"
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Tests print nothing of their own."""


PIXEL: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00"
    "010501012718e3660000000049454e44ae426082"
)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is nothing to talk about."""


@contextlib.contextmanager
def standing() -> Iterator[str]:
    """The site in a thread; gives its origin."""
    server = Server(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
