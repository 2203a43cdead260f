"""One line of the file that says who was told what: a JSON array, ASCII. Pure.

    ["since",1,{"":"1764000000000000000","archive.example":"1764000000000000000"}]
    ["fetch","","GPTBot","OpenAI","/robots.txt","<SHA-256 hex>","1764000000000000000",200,"verified"]

A `since` line names all hosts that are observed from there on, and since when (nanoseconds UTC). No line
holds an address or a User-Agent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vorbehalt.evidence.history.told import Fetch, Hosts, filled, observed
from vorbehalt.facts import Standing

FORMAT = 1
_LONGEST_NAME = 512
_DIGEST = re.compile("[0-9a-f]{64}")
_TIME = re.compile("[1-9][0-9]{0,18}")
_STATUSES = (200, 304)
_STANDINGS = {standing.value: standing for standing in Standing if standing is not Standing.CONTRADICTED}
AHEAD = 86_400 * 10**9
"""A line from further in the future than this is not believed: it would stay the last one for ever."""

Key = tuple[str, str, str, bool]
"""Host, token, path, whether it is proven: what a line of one second stands for."""


@dataclass(frozen=True, slots=True)
class FetchLine:
    """A crawler's fetch of a document of a host (`HostSettings.key`)."""

    host: str
    token: str
    path: str
    fetch: Fetch

    @property
    def key(self) -> Key:
        return (self.host, self.token, self.path, self.fetch.is_proven)

    @property
    def entry(self) -> tuple[str, str, str, Fetch]:
        return (self.host, self.token, self.path, self.fetch)

    def encode(self) -> bytes:
        fetch = self.fetch
        return _encoded(
            [
                "fetch",
                self.host,
                self.token,
                fetch.operator,
                self.path,
                fetch.version,
                str(fetch.at),
                fetch.status,
                fetch.standing.value,
            ]
        )


@dataclass(frozen=True, slots=True)
class SinceLine:
    """The hosts that are observed from here on, and since when."""

    since: Mapping[str, int]

    def encode(self) -> bytes:
        return _encoded(["since", FORMAT, {host: str(at) for host, at in self.since.items()}])


ToldLine = FetchLine | SinceLine


def read_line(raw: bytes, now: int) -> ToldLine:
    """Read one line without its end. Raises ValueError for everything that `encode` would not write."""
    try:
        parts = json.loads(raw)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(parts, list) or not parts:
        raise ValueError("no array")
    kind, *rest = parts
    if kind == "since" and len(rest) == 2 and rest[0] == FORMAT and isinstance(rest[1], dict):
        return SinceLine({_name(host, may_be_empty=True): _time(at, now) for host, at in rest[1].items()})
    if kind != "fetch" or len(rest) != 8:
        raise ValueError("neither a fetch nor a beginning")
    host, token, operator, path, version, at, status, standing = rest
    if not isinstance(version, str) or not _DIGEST.fullmatch(version):
        raise ValueError("no digest")
    if type(status) is not int or status not in _STATUSES:
        raise ValueError("no status of a fetch")
    if not isinstance(standing, str) or standing not in _STANDINGS:
        raise ValueError("no standing that counts")
    return FetchLine(
        _name(host, may_be_empty=True),
        _name(token),
        _name(path),
        Fetch(
            version,
            _time(at, now),
            status,
            _STANDINGS[standing],
            None if operator is None else _name(operator),
        ),
    )


def read_lines(data: bytes, now: int) -> tuple[list[ToldLine], int]:
    """Read lines; returns those that can be read, and how many cannot."""
    lines, bad = [], 0
    for raw in data.split(b"\n"):
        if raw:
            try:
                lines.append(read_line(raw, now))
            except ValueError:
                bad += 1
    return lines, bad


def after(hosts: Hosts, lines: Iterable[ToldLine]) -> Hosts:
    """Return what is known after these lines."""
    batch: list[tuple[str, str, str, Fetch]] = []
    for line in lines:
        if isinstance(line, FetchLine):
            batch.append(line.entry)
        else:
            hosts = observed(filled(hosts, batch), line.since)
            batch = []
    return filled(hosts, batch)


def _encoded(value: list[object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def _name(value: object, *, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_NAME or not (value or may_be_empty):
        raise ValueError("no name")
    return value


def _time(value: object, now: int) -> int:
    if not isinstance(value, str) or not _TIME.fullmatch(value) or int(value) > now + AHEAD:
        raise ValueError("no time")
    return int(value)
