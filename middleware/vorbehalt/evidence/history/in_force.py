"""Which set of signals was in force before, by host: a hint that survives restarts and is never trusted.

It names manifests by digest; the manifest itself is read from the objects and checked. Lost or damaged means
only that the next record does not know what was before it: the history is told by the records.
"""

from __future__ import annotations

import json
from pathlib import Path

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.files import PRIVATE_FILE, Disk, locked
from vorbehalt.evidence.history.manifest import Manifest, canonical, read_manifest
from vorbehalt.evidence.objects import ObjectStore

_MAX_BYTES = 4 << 20


class InForce:
    """The last set of each host of one evidence directory; without a directory, of this process."""

    def __init__(self, directory: Path | None = None, disk: Disk | None = None) -> None:
        self._directory = directory
        self._disk = disk or Disk()
        self._own: dict[str, tuple[Manifest, object]] = {}

    def before(self, host: str) -> tuple[Manifest, object] | None:
        """Return manifest and terms of the set before, None if they are unknown or damaged."""
        if self._directory is None:
            return self._own.get(host)
        digest = self._noted().get(host)
        if not isinstance(digest, str):
            return None
        objects = ObjectStore(self._directory)
        try:
            manifest = read_manifest(objects.get(digest))
            return manifest, json.loads(objects.get(manifest.terms))["terms"]
        except (EvidenceError, ValueError, KeyError, TypeError, RecursionError):
            # Whatever the hint names: it is a hint. The audit finds changed objects, not this.
            return None

    def note(self, host: str, manifest: Manifest, terms: object) -> None:
        """Note the set that is in force now; raises OSError if the disk refuses."""
        if self._directory is None:
            self._own[host] = (manifest, terms)
            return
        run = self._directory / "run"
        digest = ObjectStore.digest(manifest.encode())
        with locked(run / "in-force.lock"):
            noted = self._noted()
            if noted.get(host) == digest:
                return
            noted[host] = digest
            self._disk.replace(
                run / "in-force.json", canonical({"format": 1, "hosts": noted}), run, PRIVATE_FILE
            )

    def _noted(self) -> dict[str, object]:
        assert self._directory is not None
        try:
            with (self._directory / "run" / "in-force.json").open("rb") as file:
                hosts = json.loads(file.read(_MAX_BYTES))["hosts"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}
        return dict(hosts) if isinstance(hosts, dict) else {}
