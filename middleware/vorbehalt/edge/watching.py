"""A configuration that changes while it is in force: which files are watched, and what needs a restart."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace

from vorbehalt.settings import Settings

Stamp = Mapping[str, tuple[int, int, int] | None]

_NEEDS_RESTART: Mapping[str, Callable[[Settings], object]] = {
    "evidence.directory": lambda settings: settings.evidence.directory,
    "evidence.origin": lambda settings: settings.evidence.origin,
    "evidence.anchors": lambda settings: settings.evidence.anchors,
    "evidence.retention": lambda settings: settings.evidence.keeping,
    "state.directory": lambda settings: settings.state.directory,
    "state.redis": lambda settings: replace(settings.state, directory=None),
    "metrics.listen": lambda settings: settings.metrics_listen,
    "network.dns": lambda settings: settings.network.dns,
    "network.refresh": lambda settings: settings.network.refresh,
    "network.signatures": lambda settings: settings.network.signatures,
}
"""What is opened once, at the start."""


def needs_restart(before: Settings, now: Settings) -> list[str]:
    """Return the keys that differ and that only a restart puts into effect."""
    return [name for name, of in _NEEDS_RESTART.items() if of(now) != of(before)]


def stamp_of(settings: Settings, known: Stamp) -> Stamp:
    """Return a cheap fingerprint of a configuration and the files it names; `known` ones are kept."""
    hosts = (settings.default_host, *settings.hosts)
    files = [host.robots.removeprefix("file:") for host in hosts if host.robots.startswith("file:")]
    files += [path for host in hosts for path in host.page_template_files]
    return {
        path: known[path] if path in known else _file_stamp(path)
        for path in (settings.source, *files)
        if os.path.isabs(path)
    }


def _file_stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
