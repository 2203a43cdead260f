"""Since when a host tells machines what it tells now: kept over restarts in a small file of worker state.

It is there for a glance at a dashboard. Proof of what was told when is in the evidence.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

NAME = "in_force_since.json"


class InForceSince:
    """Remembers digest and time by host; times are seconds UTC. `directory` None keeps them in this process.

    A worker writes only when its own signals change, so that two workers of which one is late do not undo
    each other's entries. Never raises: a file that cannot be read or written means that counting begins now.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / NAME
        self._seen: dict[str, str] = {}
        self._known: dict[str, tuple[str, float]] = {}

    @property
    def since(self) -> Mapping[str, float]:
        """Host to the time since when its signals are in force."""
        return {host: at for host, (_, at) in dict(self._known).items()}

    def note(self, digests: Mapping[str, str], unsettled: frozenset[str], now: float) -> None:
        """Take note of what is in force. Blocks on the disk, but only if something is new.

        Hosts in `unsettled` have not yet read the site's own robots.txt since the start: what they tell now
        is not yet what they told before, and changes no entry.
        """
        if self._seen == digests:
            return
        known = {**self._known, **self._read()}
        before = dict(known)
        for host, digest in digests.items():
            entry = known.get(host)
            if entry is not None and host in unsettled:
                continue
            self._seen[host] = digest
            if entry is None or entry[0] != digest:
                known[host] = (digest, now)
        self._seen = {host: digest for host, digest in self._seen.items() if host in digests}
        self._known = {host: entry for host, entry in known.items() if host in digests}
        if known != before:
            self._write(known)

    def _read(self) -> dict[str, tuple[str, float]]:
        if self._path is None:
            return {}
        try:
            found = json.loads(self._path.read_bytes())
            return {str(host): (str(entry[0]), float(entry[1])) for host, entry in found.items()}
        except (OSError, ValueError, TypeError, AttributeError, LookupError):
            return {}

    def _write(self, known: Mapping[str, tuple[str, float]]) -> None:
        if self._path is None:
            return
        temporary = self._path.with_name(f".{NAME}.{os.getpid()}")
        try:
            temporary.write_text(json.dumps(known, sort_keys=True), "utf-8")
            os.replace(temporary, self._path)
        except OSError:
            # A full disk is said by the evidence; the time of this process is still told.
            return
