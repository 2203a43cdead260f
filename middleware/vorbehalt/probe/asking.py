"""Puts questions to a site, one at a time, within limits of number, time and size."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic, time_ns
from urllib.parse import quote, urlsplit, urlunsplit

from vorbehalt.probe.exchange import Exchange, Fault, Kind, Truncated, Variant
from vorbehalt.probe.wire import MOST_HEAD, Connection, TooMuch, Wire, read_head, unpacked

MOST_REQUESTS = 70
TOTAL_SECONDS = 180.0
MOST_BODY = 1024 * 1024
MOST_SAMPLE = 64 * 1024
"""Of pictures, sound and the like only so much is read: what is looked at are the headers."""

_SAMPLES: frozenset[Kind] = frozenset({"image", "media", "style", "script", "pdf"})
_KEPT = "%/:@!$&'()*+,;=~-._?"


def normal_url(url: str) -> str:
    """Return an absolute http(s) URL in ASCII without fragment. Raises ValueError with a sentence."""
    if any((ord(character) < 0x21 and character != " ") or character == "\x7f" for character in url):
        raise ValueError("the URL holds control characters")
    parts = urlsplit(url.strip())
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError("only http:// and https:// URLs can be asked")
    host = parts.hostname or ""
    try:
        name = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not name or any(character in ' /\\@<>"' for character in name):
        raise ValueError("the URL names no host")
    if parts.username is not None:
        raise ValueError("a user name in the URL is not sent: leave it out")
    netloc = f"[{name}]" if ":" in name else name
    if parts.port is not None and parts.port != (443 if parts.scheme.lower() == "https" else 80):
        netloc += f":{parts.port}"
    path = quote(parts.path or "/", safe=_KEPT)
    return urlunsplit((parts.scheme.lower(), netloc, path, quote(parts.query, safe=_KEPT), ""))


def target_of(url: str) -> str:
    """Return the request target of a normal URL."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@dataclass(slots=True)
class Asker:
    """Keeps every exchange in the order in which it was asked.

    `timeout_seconds` is for one whole answer. `refused` counts the questions for which nothing was left.
    """

    user_agent: str
    timeout_seconds: float = 10.0
    most_requests: int = MOST_REQUESTS
    total_seconds: float = TOTAL_SECONDS
    now: Callable[[], float] = monotonic
    clock: Callable[[], int] = time_ns
    exchanges: list[Exchange] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    _began: float | None = None

    def ask(
        self,
        url: str,
        kind: Kind,
        variant: Variant = "plain",
        *,
        method: str = "GET",
        headers: Sequence[tuple[str, str]] = (),
        asked_path: str = "",
        user_agent: str = "",
    ) -> Exchange | None:
        """Ask once, following no redirect; None if number or time is used up."""
        if self._began is None:
            self._began = self.now()
        left = self.total_seconds - (self.now() - self._began)
        if len(self.exchanges) >= self.most_requests or left <= 0:
            self.unasked.append(asked_path or target_of(url))
            return None
        given = {name.lower() for name, _ in headers}
        lines = [
            ("Host", urlsplit(url).netloc),
            ("User-Agent", user_agent or self.user_agent),
            *([] if "accept" in given else [("Accept", "*/*")]),
            *([] if "accept-encoding" in given else [("Accept-Encoding", "identity")]),
            *headers,
            ("Connection", "close"),
        ]
        head = f"{method} {target_of(url)} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
        asked = Exchange(
            kind, variant, method, url, self.clock(), head.encode("latin-1", "replace"), asked_path=asked_path
        )
        seconds = min(self.timeout_seconds, left)
        answered = self._answer(asked, self.now() + seconds, f"{seconds:g} s")
        self.exchanges.append(answered)
        return answered

    def _answer(self, asked: Exchange, deadline: float, limit: str) -> Exchange:
        parts = urlsplit(asked.url)
        host = parts.hostname or ""
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        try:
            sock = socket.create_connection((host, port), timeout=max(0.01, deadline - self.now()))
        except OSError as error:
            return replace(asked, fault=connection_fault(error, host, port, limit))
        with contextlib.closing(sock):
            address = str(sock.getpeername()[0])
            try:
                if secure:
                    sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
                sock.sendall(asked.request)
            except OSError as error:
                fault = connection_fault(error, host, port, limit)
                return replace(asked, fault=fault, address=address)
            with contextlib.closing(sock):
                return self._read(replace(asked, address=address), sock, deadline, f"{host}:{port}", limit)

    def _read(
        self, asked: Exchange, sock: socket.socket, deadline: float, server: str, limit: str
    ) -> Exchange:
        most = MOST_SAMPLE if asked.kind in _SAMPLES else MOST_BODY
        wire = Wire(sock, deadline, self.now, most + MOST_HEAD)
        connection = Connection(wire)
        entity = bytearray()
        fault: Fault | None = None
        truncated: Truncated = ""
        answers = []
        try:
            while True:
                answer = http.client.HTTPResponse(connection.as_socket(), method=asked.method)
                answers.append(answer)
                answer.begin()
                if not 101 < answer.status < 200:
                    break
            while len(entity) <= most and (piece := answer.read(16_384)):
                entity += piece
            if len(entity) > most:
                truncated = "length"
            elif answer.length:
                fault = Fault("cut-off", f"the answer ends {answer.length} bytes before its Content-Length")
                truncated = "disconnect"
        except TooMuch:
            truncated = "length"
            fault = None if entity else Fault("malformed", "the answer has more headers than are read here")
        except TimeoutError:
            truncated, fault = "time", Fault("time-out", f"{server} did not end its answer within {limit}")
        except http.client.IncompleteRead as error:
            entity += error.partial
            truncated, fault = (
                "disconnect",
                Fault("cut-off", "the connection ended in the middle of the answer"),
            )
        except (http.client.HTTPException, ValueError) as error:
            truncated, fault = "disconnect", _unreadable(error, bytes(wire.received), server)
        except OSError as error:
            truncated, fault = (
                "disconnect",
                Fault("reset", f"{server} broke the connection off: {_why(error)}"),
            )
        received = bytes(wire.received)
        head, status, headers = read_head(received)
        coding = next((value for name, value in headers if name == b"content-encoding"), b"")
        body = unpacked(bytes(entity[:most]), coding.decode("latin-1").strip().lower(), most)
        return replace(
            asked, received=received, head=head, status=status, headers=headers, entity=bytes(entity),
            body=body, fault=fault, truncated=truncated,
        )  # fmt: skip


def connection_fault(error: OSError, host: str, port: int, limit: str) -> Fault:
    """Say in one sentence why a server cannot be reached."""
    if isinstance(error, socket.gaierror):
        return Fault("dns", f"the name {host} cannot be resolved (DNS): {_why(error)}")
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or _why(error)
        return Fault("tls", f"the certificate of {host}:{port} is not accepted (TLS): {reason}")
    if isinstance(error, TimeoutError):
        return Fault("time-out", f"{host}:{port} did not answer within {limit} (time-out)")
    if isinstance(error, ssl.SSLError):
        return Fault("tls", f"no TLS connection with {host}:{port}: {error.reason or _why(error)}")
    if isinstance(error, ConnectionRefusedError):
        return Fault("refused", f"{host}:{port} refuses connections")
    if isinstance(error, ConnectionError):
        return Fault("reset", f"{host}:{port} broke the connection off: {_why(error)}")
    return Fault("unreachable", f"{host}:{port} cannot be reached: {_why(error)}")


def _unreadable(error: Exception, received: bytes, server: str) -> Fault:
    if not received:
        return Fault("reset", f"{server} closed the connection without an answer")
    if not received.startswith(b"HTTP/"):
        return Fault("not-http", f"what answers at {server} does not speak HTTP")
    return Fault(
        "malformed", f"the answer of {server} cannot be read: {str(error)[:120] or type(error).__name__}"
    )


def _why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
