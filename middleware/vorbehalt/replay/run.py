"""Old logs through a judge, line by line in the order of time, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from ipaddress import ip_network
from typing import TextIO

from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.replay.entry import Entry, Malformed
from vorbehalt.replay.formats import Parser
from vorbehalt.replay.result import Result
from vorbehalt.replay.sources import STDIN, LogError, Source
from vorbehalt.replay.tally import Tally
from vorbehalt.replay.visits import VisitMaker

Judge = Callable[[Visit], Verdict]
Disallows = Callable[[Visit, Verdict], bool]
"""Whether robots.txt disallows a judged visit to its crawler."""
Answered = Callable[[Visit, int, bool], None]
"""Told of an answer that failed: the visit, its status, and whether it set a cookie, which no log tells."""
Report = Callable[[str, int, int, "int | None"], None]
"""Called now and then with file name, lines read in all, bytes of this file read, its size if known."""
_STEP = 20_000
UNIX = "unix"
"""A trusted proxy without an address: logs name none."""


class Progress:
    """Says on a stream how far a replay has come: one line, written over on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._told: set[str] = set()

    def __call__(self, file: str, lines: int, read: int, size: int | None) -> None:
        share = f" ({100 * read // size} %)" if size else ""
        if self._is_terminal:
            done = "\n" if size is not None and read >= size else ""
            self._stream.write(f"\r{file}{share}: {lines:,} lines read\x1b[K{done}")
            self._stream.flush()
        elif file not in self._told:
            self._told.add(file)
            self._stream.write(f"reading {file}\n")


def replay(
    paths: Sequence[str],
    judge: Judge,
    *,
    trusted_proxies: Sequence[str] = (),
    progress: Report | None = None,
    disallows: Disallows | None = None,
    answered: Answered | None = None,
) -> Result:
    """Judge every request of the logs as of its own time, and add up.

    Several files (rotated, or of several servers) are merged by time, whatever their order, so that quotas
    see time pass as it did; `-` is standard input. `trusted_proxies` are networks in text. `disallows`
    is asked about visits with a claim; None: nothing is counted as disallowed. `answered` is told of failures
    that were not refusals of ours. Raises LogError if a log
    cannot be opened.
    """
    tally = Tally()
    networks = [ip_network(name, strict=False) for name in trusted_proxies if name != UNIX]
    maker = VisitMaker(networks)
    client_of, visit_of, add = maker.client, maker.visit, tally.add
    sources = [Source(path) for path in dict.fromkeys(paths)]
    for entry in _merged(sources, tally, progress):
        client = client_of(entry)
        address = client.address
        visit = visit_of(entry, address)
        verdict = judge(visit)
        if answered is not None and entry.status is not None and entry.status >= 400:
            answered(visit, entry.status, False)
        is_against = disallows is not None and verdict.identity is not None and disallows(visit, verdict)
        add(entry, visit.path, client.key, address.is_usable, verdict, is_against)
    warnings = tuple(f"{source.name}: {source.ended_early}" for source in sources if source.ended_early)
    return tally.result(tuple(source.name for source in sources), warnings)


def _entries(source: Source, tally: Tally, progress: Report | None) -> Iterator[Entry]:
    parse = Parser().parse
    size = source.size() if progress is not None else None
    for number, line in enumerate(source.lines(), 1):
        try:
            entry = parse(line)
        except Malformed as error:
            tally.skip(source.name, number, str(error), line)
        else:
            yield entry
        if progress is not None and number % _STEP == 0:
            progress(source.name, tally.lines, source.bytes_read, size)
    if progress is not None:
        progress(source.name, tally.lines, source.bytes_read, size)


def _merged(sources: list[Source], tally: Tally, progress: Report | None) -> Iterator[Entry]:
    """Yield all entries by time. A file is opened only when its time has come, so that rotated files, which
    follow one another, are never open together."""
    if len(sources) == 1:
        yield from _entries(sources[0], tally, progress)
        return
    waiting = sorted(((_first_time(source), number) for number, source in enumerate(sources)), reverse=True)
    # The number breaks ties before entries are compared; lines of one file keep their order.
    running: list[tuple[int, int, Entry, Iterator[Entry]]] = []
    while waiting or running:
        if waiting and (not running or waiting[-1][0] <= running[0][0]):
            number = waiting.pop()[1]
            entries = _entries(sources[number], tally, progress)
        else:
            _, number, entry, entries = heappop(running)
            yield entry
        following = next(entries, None)
        if following is not None:
            heappush(running, (following.at, number, following, entries))


def _first_time(source: Source) -> int:
    """Return the time of the first request in a file; 0 for standard input, which can be read only once."""
    if source.path == STDIN:
        return 0
    parse = Parser().parse
    for number, line in enumerate(Source(source.path).lines()):
        try:
            return parse(line).at
        except Malformed:
            if number > 1_000:
                break
    return 0


__all__ = ["Disallows", "Judge", "LogError", "Progress", "Report", "replay"]
