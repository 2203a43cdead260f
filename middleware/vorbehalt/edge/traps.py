"""Trap links at work: one secret for all workers, and who followed which link."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from pathlib import Path

from vorbehalt.edge.trap_links import traps_of
from vorbehalt.engine import HostPlan
from vorbehalt.facts import Visit

log = logging.getLogger("vorbehalt")

_NAME = "trap-secret"
_SIZE = 32


def leads_nowhere(plan: HostPlan, visit: Visit) -> bool:
    """True for every path behind trap links, whoever asks and whatever the mark says."""
    path = plan.settings.terms.trap_path
    return bool(path) and visit.path.startswith(path) and not visit.is_websocket


def followed(plan: HostPlan, visit: Visit) -> str | None:
    """Say of a visit that followed a link of ours to whom else it was given; None if it is no such visit."""
    links = traps_of(plan)
    mark = None if links is None else links.mark_of(visit.path, visit.received_at)
    if links is None or mark is None:
        return None
    return links.tie(mark, visit.client.text or "")


def shared_secret(directory: Path | None) -> bytes:
    """Return the secret of this site's traps, kept in the state: all workers and the next start know it.

    Without a state on disk every process has its own; so it is where the disk refuses, which is logged.
    """
    if directory is None:
        return secrets.token_bytes(_SIZE)
    path = directory / _NAME
    try:
        with contextlib.suppress(FileExistsError):
            _keep(path, secrets.token_bytes(_SIZE))
        found = path.read_bytes()
    except OSError as error:
        log.error("the secret of trap links cannot be kept: %s", error)
        return secrets.token_bytes(_SIZE)
    if len(found) != _SIZE:
        log.error("%s is damaged: remove it; until then no worker knows the trap links of another", path)
        return secrets.token_bytes(_SIZE)
    return found


def _keep(path: Path, secret: bytes) -> None:
    """Put the whole secret there; FileExistsError if there is one, also where another worker was quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise FileExistsError
    own = path.with_name(f".{_NAME}.{os.getpid()}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        os.link(own, path)
    finally:
        own.unlink(missing_ok=True)
