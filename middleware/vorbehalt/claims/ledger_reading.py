"""What the ledger and the report read in one record, so that both read it alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vorbehalt.facts import Standing

_JOINED = "access-log"
OPEN_RULE = "open-path"
NO_PERMISSION = "none"
_CARRIES_A_BODY = (200, 203, 206)


@dataclass(frozen=True, slots=True)
class Rolled:
    """One row of a rollup: visits that left no record of their own. `operator` is empty for impostors."""

    token: str
    operator: str
    purpose: str
    standing: Standing
    action: str
    count: int
    bytes: int
    is_nobodys: bool = False
    """Counted under no name, because there were too many names in that minute."""

    @property
    def refused(self) -> int:
        return self.count if self.action != "allow" else 0

    def poses_with(self, tokens: Collection[str]) -> bool:
        """True if an impostor used one of these product tokens."""
        return self.standing is Standing.CONTRADICTED and self.token in tokens


def rolled(seen: Mapping[str, Any]) -> Iterator[Rolled]:
    """Yield the rows of a rollup."""
    rows = seen.get("rows")
    for row in rows if isinstance(rows, list) else ():
        key, count = row["key"], number(row["count"])
        if len(key) < 6:
            yield Rolled("", "", "", Standing.UNKNOWN, "", count, 0, True)
            continue
        _, token, operator, purpose, standing, action = key[:6]
        yield Rolled(token, operator, purpose, standing_of(standing), action, count, number(row["bytes"]))


def operator_of(seen: Mapping[str, Any]) -> object:
    """Return the operator whose name a record bears; None without one."""
    return mapping(seen.get("claim")).get("operator")


def is_refused(seen: Mapping[str, Any]) -> bool:
    """True if a request was not answered: blocked, limited or challenged."""
    return mapping(seen.get("decision")).get("action") != "allow"


def is_disallowed(seen: Mapping[str, Any]) -> bool:
    """True if robots.txt closed the path to the crawler of a request, and nothing speaks for it.

    Nobody is blamed under a name that the crawler is not documented to read, with a permission by contract,
    at a path that is open to everybody, or where the version that it had fetched last let it in or is not
    known: a cached file may be used for a day (RFC 9309 section 2.4).
    """
    robots = mapping(seen.get("robots"))
    return (
        robots.get("allowed") is False
        and ("fetched" not in robots or mapping(robots["fetched"]).get("allowed") is False)
        and is_bound_by_robots(seen)
    )


def is_bound_by_robots(seen: Mapping[str, Any]) -> bool:
    """False where robots.txt does not count: by contract, under no documented name, or at an open path."""
    robots = mapping(seen.get("robots"))
    return (
        robots.get("documented") is not False
        and (robots.get("permission") or seen.get("permission") or NO_PERMISSION) == NO_PERMISSION
        and mapping(seen.get("decision")).get("rule") != OPEN_RULE
    )


def outcome_of(seen: Mapping[str, Any]) -> list[Any]:
    """Return column, bytes and whether only an access log says so; what is in doubt was not delivered."""
    status, size = number(seen.get("status")), number(seen.get("bytes"))
    joined = seen.get("vantage") == _JOINED
    if status == 304:
        return ["not_modified", 0, joined]
    if status in _CARRIES_A_BODY and seen.get("whole") is not True:
        return ["broken", 0, joined]
    if status in _CARRIES_A_BODY and size > 0 and seen.get("delivered") is True:
        return ["part" if status == 206 else "whole", size, joined]
    return ["other", 0, joined]


def works_of(seen: Mapping[str, Any]) -> Iterable[str]:
    """Return the works that were asked for, an empty one where none is named."""
    works = seen.get("works")
    if isinstance(works, list) and works:
        return dict.fromkeys(map(str, works))
    return (str(seen.get("work") or ""),)


def standing_of(value: object) -> Standing:
    """Return a standing; unknown where it is none of ours."""
    try:
        return Standing(str(value))
    except ValueError:
        return Standing.UNKNOWN


def number(value: object) -> int:
    """Return a count, 0 for what is none. A leaf holds what is too large for its integers as text."""
    try:
        return max(0, int(str(value)))
    except ValueError:
        return 0


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
