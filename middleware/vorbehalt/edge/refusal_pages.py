"""Pages of refusals that a proxy was told of and may come back for: nginx keeps no body of an auth answer."""

from __future__ import annotations

from collections import OrderedDict

from vorbehalt.edge.respond import Messages
from vorbehalt.edge.shared_pages import Page as Page
from vorbehalt.edge.shared_pages import SharedPages
from vorbehalt.facts import Headers

_KEPT = 512
_shared: SharedPages | None = None


def share_with_workers() -> None:
    """Let all processes forked from now on hand out each other's pages."""
    global _shared
    _shared = SharedPages()


class RefusalPages:
    """The last pages by reference, each handed out once. Nothing is judged, counted or recorded again.

    `shared` is where several workers keep them; by default what `share_with_workers` has made, if it has.
    """

    def __init__(self, shared: SharedPages | None = None) -> None:
        # Where no proxy fetches them it is always full; the oldest of a plain dictionary is slow to find.
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._shared = shared or _shared

    def keep(self, reference: str, status: int, messages: Messages) -> None:
        """Keep the page of a refusal; `status` is what the visitor gets, whatever the proxy was told."""
        start, body = messages
        headers = [pair for pair in start["headers"] if not pair[0].startswith(b"x-vorbehalt-")]
        self.put(reference, status, headers, body["body"])

    def put(self, reference: str, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Keep a page whose headers are its own."""
        page = (status, headers, body)
        if self._shared is not None and self._shared.put(reference, page):
            return
        if len(self._pages) >= _KEPT:
            self._pages.popitem(last=False)
        self._pages[reference] = page

    def take(self, reference: str) -> Page | None:
        """Return a page and forget it; None if it is not known."""
        page = self._pages.pop(reference, None)
        return self._shared.take(reference) if page is None and self._shared is not None else page


def page_messages(page: Page) -> Messages:
    """Return a page as start and body."""
    status, headers, body = page
    return (
        {"type": "http.response.start", "status": status, "headers": headers.copy()},
        {"type": "http.response.body", "body": body},
    )


def bare_refusal_messages(status: int, section_headers: Headers) -> Messages:
    """Return start and body of a refusal whose page is not at hand: it was read, or was long ago."""
    body = b"Too many requests.\n" if status == 429 else b"Rights are reserved here.\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *section_headers,
    ]
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
