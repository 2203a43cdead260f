"""One question to an authority or a witness, with every limit that a stranger's server calls for.

The client of `lookups` does not fit: it only gets, only over https, and evidence and look-ups know nothing of
each other. Many authorities speak plain http; that is enough, because what they answer is signed.
Synchronous: it is called in the anchor thread, never in a request's way.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from vorbehalt import __version__
from vorbehalt.errors import EvidenceError

MOST_BYTES = 64 << 10
TOTAL_SECONDS = 20.0
_CONNECT_SECONDS = 5.0
_USER_AGENT = f"Vorbehalt/{__version__} (anchors)"


class PostError(EvidenceError):
    """There is no whole answer; the message is the reason in words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes


def post(
    url: str,
    body: bytes | None,
    media_type: str,
    *,
    total_seconds: float = TOTAL_SECONDS,
    tls: ssl.SSLContext | None = None,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    """Send `body` and return the answer, of at most 64 KiB. No redirect is followed, no proxy asked.

    Without a body (None) it is a GET; `media_type` is then of no effect.

    Raises PostError with the reason in words; after `total_seconds` the connection is cut, however slowly the
    other side still sends.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = _connection(parts.scheme, host, parts.port, min(_CONNECT_SECONDS, total_seconds), tls)
    late = threading.Event()

    def cut() -> None:
        late.set()
        if (sock := connection.sock) is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it was closed a moment ago

    clock = threading.Timer(total_seconds, cut)
    clock.daemon = True
    try:
        clock.start()
        connection.connect()
        if connection.sock is not None:
            connection.sock.settimeout(total_seconds)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"User-Agent": _USER_AGENT, **({"Content-Type": media_type} if body is not None else {})}
        connection.request("GET" if body is None else "POST", target, body, headers)
        response = connection.getresponse()
        found = response.read(most_bytes + 1)
        is_short = not response.isclosed() and response.length not in (None, 0)
    except TimeoutError:
        raise PostError(f"no whole answer from {host} within {total_seconds:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise PostError(f"the certificate of {host} does not hold: {error.verify_message}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set():
            raise PostError(f"no whole answer from {host} within {total_seconds:g} s") from None
        raise PostError(f"{host}: {error or type(error).__name__}") from None
    finally:
        clock.cancel()
        connection.close()
    if late.is_set():
        raise PostError(f"no whole answer from {host} within {total_seconds:g} s")
    if len(found) > most_bytes:
        raise PostError(f"the answer of {host} is larger than {most_bytes} bytes")
    if is_short:
        raise PostError(f"the answer of {host} is cut off")
    return Answer(response.status, found)


def _connection(
    scheme: str, host: str, port: int | None, seconds: float, tls: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(
            host, port, timeout=seconds, context=tls or ssl.create_default_context()
        )
    return http.client.HTTPConnection(host, port, timeout=seconds)
