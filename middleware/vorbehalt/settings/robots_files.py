"""The site's own robots.txt where the configuration names a file."""

from __future__ import annotations

from pathlib import Path

from vorbehalt.errors import ConfigError, Problem
from vorbehalt.settings.model import Settings

MAX_BYTES = 512 * 1024


def read_robots_files(settings: Settings) -> dict[str, bytes]:
    """Read every `robots = "file:PATH"` of a configuration; keys are `HostSettings.key`. Or ConfigError."""
    found: dict[str, bytes] = {}
    for host in (settings.default_host, *settings.hosts):
        if not host.robots.startswith("file:"):
            continue
        path = Path(host.robots.removeprefix("file:"))
        try:
            with path.open("rb") as file:
                found[host.key] = file.read(MAX_BYTES + 1)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise ConfigError([Problem(settings.source, 0, "site.robots", "V028", message)]) from None
    return found
