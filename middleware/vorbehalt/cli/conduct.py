"""The watch over clients for commands that judge what is described or logged, not what is asked just now."""

from __future__ import annotations

from vorbehalt.engine import Conduct, inputs_of
from vorbehalt.patterns.watch import Watch
from vorbehalt.settings import Settings


def conduct_for_logs(settings: Settings) -> Conduct:
    """Judge conduct by what a log tells: two headers, the order of time, the status."""
    return Conduct(Watch(settings.book, inputs_of(settings, from_log=True)), settings.patterns)


def conduct_for_one(settings: Settings) -> Conduct:
    """Judge a request that is described by hand, whatever its address."""
    watch = Watch(settings.book, inputs_of(settings))
    return Conduct(watch, settings.patterns, anybody=True)
