"""What is said when the site behind the proxy cannot answer, in the reader's language."""

from __future__ import annotations

from html import escape
from typing import Any

from vorbehalt.edge.negotiate import best_language
from vorbehalt.edge.respond import STYLE, STYLE_HASH
from vorbehalt.edge.words import LANGUAGES, PROXY


async def say(scope: Any, send: Any, status: int, default: str = "en", *, close: bool = False) -> None:
    """Answer with a page for 400, 502 or 504; `close`: the client must not send more on this connection.

    The handshake of a websocket gets it where the server can send one, else a close frame.
    """
    is_websocket = scope["type"] == "websocket"
    wished = b",".join(value for name, value in scope["headers"] if name == b"accept-language")
    language = best_language(wished, LANGUAGES, default if default in LANGUAGES else "en")
    title, sentence = PROXY[language][status]
    if is_websocket and "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008 if status == 400 else 1013, "reason": title})
        return
    body = (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n<p>{escape(sentence)}</p>\n<p>{status}</p>\n</main>\n</body>\n</html>\n"
    ).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"content-language", language.encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept-Language"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; style-src 'sha256-%b'" % STYLE_HASH.encode()),
    ]
    if close or (status == 400 and not is_websocket):
        headers.append((b"connection", b"close"))
    prefix = "websocket.http.response" if is_websocket else "http.response"
    await send({"type": f"{prefix}.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": b"" if scope.get("method") == "HEAD" else body})
