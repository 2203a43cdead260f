"""A site that observes asks a replay one thing: what would happen if it enforced? Pure."""

from __future__ import annotations

from dataclasses import replace

from vorbehalt.settings.model import Settings


def observes(settings: Settings) -> bool:
    """Return whether any host of these settings only observes."""
    return any(host.mode == "observe" for host in (settings.default_host, *settings.hosts))


def enforced(settings: Settings) -> Settings:
    """Return the settings with every host enforcing; a rule that has a mode of its own keeps it."""
    return replace(
        settings,
        default_host=replace(settings.default_host, mode="enforce"),
        hosts=tuple(replace(host, mode="enforce") for host in settings.hosts),
    )
