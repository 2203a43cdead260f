"""A small site to stand behind a proxy: pages, a picture, a feed, uploads, a range, an upgrade."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(1000)
PAGES = {
    "/": (b"<!doctype html><title>Label</title><h1>Welcome</h1>", "text/html; charset=utf-8"),
    "/cover.png": (PICTURE, "image/png"),
    "/feed.xml": (b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>', "application/rss+xml"),
    "/robots.txt": (b"User-agent: *\nDisallow: /wp-admin/\n", "text/plain"),
}


@dataclass
class Site:
    """Where the site listens, and what it was asked."""

    port: int
    lines: list[str] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)
    root: Path | None = None
    """Files that the site serves before its own pages."""

    def find(self, path: str) -> tuple[int, bytes, str]:
        file = self.root / path.lstrip("/") if self.root is not None else None
        if file is not None and file.is_file():
            return 200, file.read_bytes(), "application/octet-stream"
        return (200, *PAGES[path]) if path in PAGES else (404, b"no such page", "text/plain")


@contextlib.contextmanager
def standing_in() -> Iterator[Site]:
    site = Site(0)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _note(self) -> None:
            site.lines.append(self.requestline)
            site.headers.append(self.headers)

        def do_GET(self) -> None:
            self._note()
            if self.headers.get("Upgrade", "").lower() == "websocket":
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
                self.send_header("Sec-WebSocket-Accept", accept.decode())
                self.end_headers()
                self.wfile.write(self.rfile.read(1))
                self.close_connection = True
                return
            status, body, kind = site.find(self.path.partition("?")[0])
            if status == 200 and self.headers.get("Range") == "bytes=0-7":
                status, body = 206, body[:8]
            self._answer(status, body, kind)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            self._note()
            self._answer(201, self.rfile.read(int(self.headers["Content-Length"]))[::-1], "text/plain")

        def do_OPTIONS(self) -> None:
            self._note()
            self._answer(200, b"", "text/plain", ("Access-Control-Allow-Origin", "https://player.example"))

        def _answer(self, status: int, body: bytes, kind: str, *more: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *more):
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing of their own."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that leaves is nothing to talk about."""

    server = Server(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextlib.contextmanager
def answering_fastcgi(path: Path) -> Iterator[list[str]]:
    """Answer every FastCGI request on a socket with a page, as PHP would; yields the URIs asked for."""
    asked: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            parameters = b""
            while head := self.rfile.read(8):
                _, kind, number, length, padding = struct.unpack(">BBHHBx", head)
                content = self.rfile.read(length)
                self.rfile.read(padding)
                if kind == 4:
                    parameters += content
                if kind == 5 and not length:
                    break
            else:
                return
            asked.append(_fastcgi_parameter(parameters, b"REQUEST_URI"))
            page = b"Content-Type: text/html\r\n\r\n<h1>a post</h1>"
            for kind, content in ((6, page), (6, b""), (3, bytes(8))):
                self.wfile.write(struct.pack(">BBHHBx", 1, kind, number, len(content), 0) + content)

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        path.chmod(0o777)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join(10)


def _fastcgi_parameter(data: bytes, wanted: bytes) -> str:
    at = 0
    while at < len(data):
        sizes = []
        for _ in range(2):
            wide = data[at] >> 7
            sizes.append(struct.unpack_from(">I", data, at)[0] & 0x7FFFFFFF if wide else data[at])
            at += 4 if wide else 1
        name, value = data[at : at + sizes[0]], data[at + sizes[0] : at + sum(sizes)]
        at += sum(sizes)
        if name == wanted:
            return value.decode("latin-1")
    return ""
