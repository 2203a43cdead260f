"""What contradicts the terms and is not ours: found, named once in the log, listed by health.

Our own signals win wherever we can see it. Whoever runs the site should know all the same: somewhere a page,
a header or a file says something else, and a cache or another address may serve it without us.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

log = logging.getLogger("vorbehalt")

_MOST = 64
_LONGEST = 200


class Conflicts:
    """Sentences by what they are about. Bounded; lives longer than one configuration. Never raises."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}
        self._of_hosts: dict[str, tuple[str, ...]] = {}
        self._headers: set[tuple[bytes, bytes]] = set()

    @property
    def sentences(self) -> list[str]:
        """All that was found and still holds."""
        return [*(text for texts in self._of_hosts.values() for text in texts), *self._found.values()]

    def note(self, code: str, sentence: str) -> None:
        """Name one conflict; `code` says what it is about, so that it is named once."""
        if code not in self._found and len(self._found) < _MOST:
            self._found[code] = sentence
            log.warning("conflict: %s", sentence)

    def forget(self, code: str) -> None:
        """Take back what was found and is so no more."""
        self._found.pop(code, None)

    def set_robots(self, host: str, origin: str, sentences: Iterable[str]) -> None:
        """Replace what was found in one host's own robots.txt; `host` is its key."""
        texts = tuple(f"{origin}: {sentence}" for sentence in sentences)
        if texts == self._of_hosts.get(host, ()):
            return
        for text in texts:
            log.warning("conflict: %s", text)
        self._of_hosts[host] = texts

    def note_mount(self, root_path: str) -> None:
        """Name a mount: crawlers look for signal documents at the root of a host and nowhere else."""
        if "mount" not in self._found:
            self.note(
                "mount",
                f"this site answers below {root_path[:_LONGEST]!r}, but crawlers read robots.txt and"
                " /.well-known/tdmrep.json at the root of the host: protect the outermost app, or route these"
                " paths of the host here",
            )

    def note_header(self, name: bytes, value: bytes) -> None:
        """Name a header of the app that says something else than ours, which is sent in its place."""
        seen = (name, value)
        if seen in self._headers or len(self._headers) >= _MOST:
            return
        self._headers.add(seen)
        text = f"{name.decode('latin-1')}: {value.decode('latin-1')}"[:_LONGEST]
        self.note(
            f"header {text}",
            f"the site itself sends {text!r}, which contradicts the reservation; ours goes out in its place",
        )
