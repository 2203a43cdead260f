"""The witness as a small HTTP server: `POST <prefix>/add-checkpoint`, and nothing else but its key."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, socket
from socketserver import TCPServer
from typing import Any

from vorbehalt import __version__
from vorbehalt.errors import TamperError
from vorbehalt.evidence.anchor.witness_store import WitnessStore
from vorbehalt.evidence.tlog.witness import MAX_REQUEST_BYTES, Refusal

log = logging.getLogger("vorbehalt.witness")

_TEXT = "text/plain; charset=utf-8"
_AT_ONCE = 32
_IDLE_SECONDS = 10.0


class WitnessServer(ThreadingHTTPServer):
    """Listens once it is made; `serve_forever` answers. TLS and limits of rate are a proxy's business."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, store: WitnessStore) -> None:
        self.store = store
        self.places = threading.BoundedSemaphore(_AT_ONCE)
        self.address_family = AF_INET6 if ":" in host else AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name of this machine, which may take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        if not self.places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A client that went away is none of our troubles; nothing about it is written down."""
        log.debug("a connection ended badly", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = f"Vorbehalt/{__version__}"
    sys_version = ""
    timeout = _IDLE_SECONDS
    server: WitnessServer

    def do_POST(self) -> None:
        if not self.path.endswith("/add-checkpoint"):
            self._refuse(404, "there is only add-checkpoint here\n")
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self._refuse(411, "the request needs a Content-Length\n")
            return
        if int(length[:12]) > MAX_REQUEST_BYTES:
            self._refuse(413, f"a request has at most {MAX_REQUEST_BYTES} bytes\n")
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        try:
            answer = self.server.store.add(body)
        except (OSError, TamperError) as error:
            log.error("nothing is cosigned: %s", error)
            self._refuse(500, "the witness cannot keep what it signs\n")
            return
        if isinstance(answer, Refusal):
            self._send(answer.status, answer.text.encode(), answer.media_type)
        else:
            self._send(200, answer, _TEXT)

    def do_GET(self) -> None:
        if self.path.endswith("/vkey"):
            self._send(200, f"{self.server.store.cosigner.witness.vkey}\n".encode(), _TEXT)
        else:
            self._send(404, b"there is only add-checkpoint and vkey here\n", _TEXT)

    def log_message(self, format: str, *args: object) -> None:
        log.info(format, *args)

    def _refuse(self, status: int, text: str) -> None:
        """Answer without having read the body: the connection cannot go on."""
        self.close_connection = True
        self._send(status, text.encode(), _TEXT)

    def _send(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
