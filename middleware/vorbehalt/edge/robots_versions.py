"""Versions of robots.txt that were fetched and are in force no more: at hand for who is judged by them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from vorbehalt.edge.live import make_room
from vorbehalt.errors import VorbehaltError
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.reservation.robots.in_force import RobotsInForce

log = logging.getLogger("vorbehalt")

_KEPT = 32


class RobotsVersions:
    """The last few versions, in memory. `directory` is that of the evidence, which keeps the bytes of all.

    Asking reads memory only; what is missing is fetched from the disk by who may wait for it.
    """

    def __init__(self, directory: Path | None) -> None:
        self._objects = None if directory is None else ObjectStore(directory)
        self._kept: dict[str, RobotsInForce] = {}
        self._wanted: dict[str, None] = {}
        self._gone: dict[str, None] = {}

    def keep(self, robots: RobotsInForce) -> None:
        """Remember a version that is about to be replaced."""
        if robots.version not in self._kept:
            make_room(self._kept, _KEPT)
            self._kept[robots.version] = robots

    def find(self, version: str) -> RobotsInForce | None:
        """Return a version if its bytes are at hand; else it is wanted."""
        found = self._kept.get(version)
        if found is None and self._objects is not None and version not in self._gone:
            self.want((version,))
        return found

    def want(self, versions: Iterable[str]) -> None:
        """Have these versions fetched by the next `fetch`, the first of them first."""
        for version in versions:
            if len(self._wanted) >= _KEPT:
                return
            if version not in self._kept and version not in self._gone:
                self._wanted[version] = None

    def fetch(self) -> None:
        """Read what is wanted from the evidence; blocks on the disk, never raises."""
        while self._objects is not None and self._wanted:
            version = next(iter(self._wanted))
            try:
                self.keep(RobotsInForce.of(self._objects.get(version), version))
            except VorbehaltError as error:
                # Served before this evidence began, or not kept: the record says "unknown".
                make_room(self._gone, 8 * _KEPT)
                self._gone[version] = None
                log.info("a robots.txt that was fetched is not at hand: %s", error)
            self._wanted.pop(version, None)
