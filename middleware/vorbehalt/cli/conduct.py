"""The watch over clients for commands that judge what is described or logged, not what is asked just now."""

from __future__ import annotations

from vorbehalt.cli.lists import lists_of_the_time
from vorbehalt.engine import Conduct, Engine, inputs_of
from vorbehalt.patterns.watch import Watch
from vorbehalt.settings import Settings, read_robots_files
from vorbehalt.stores.memory import MemoryLimits


def conduct_for_logs(settings: Settings) -> Conduct:
    """Judge conduct by what a log tells: two headers, the order of time, the status."""
    return Conduct(Watch(settings.book, inputs_of(settings, from_log=True)), settings.patterns)


def engine_for_logs(settings: Settings) -> tuple[Engine, Conduct]:
    """An engine that judges the requests of old logs as of their own time, by the lists of that time."""
    conduct = conduct_for_logs(settings)
    ranges = lists_of_the_time(settings)
    robots = read_robots_files(settings)
    return Engine(settings, MemoryLimits(), robots, ranges=ranges, conduct=conduct), conduct


def conduct_for_one(settings: Settings) -> Conduct:
    """Judge a request that is described by hand, whatever its address."""
    watch = Watch(settings.book, inputs_of(settings))
    return Conduct(watch, settings.patterns, anybody=True)
