"""Visitors whom AI products sent: no record tells of them, so a Prometheus that watched is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from vorbehalt.claims.report.month import Month
from vorbehalt.errors import VorbehaltError

_SERIES = "vorbehalt_referrals_total"
_ANY = "vorbehalt_build_info"
_SECONDS = 30.0
_MOST_BYTES = 4 * 1024 * 1024
_DAY = 86_400
# `increase` sees only the steps between two scrapes: the first value of a series that was born meanwhile is
# added. A series with fewer samples than there were scrapes was.
_COUNTED = (
    'sum by (operator) (increase({s}[{w}s]) or label_replace(min_over_time({s}[{w}s]) and '
    "(count_over_time({s}[{w}s]) < on (job, instance) group_left () sum_over_time(up[{w}s])),"
    ' "born", "yes", "", ""))'
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Watched:
    """Visitors by name of the operator. Not `is_whole`: nobody watched on the first day of the month."""

    visitors: dict[str, int]
    is_whole: bool


def ask_prometheus(url: str, month: Month, now: int) -> Watched | None:
    """Ask who was sent in a month, as far as it is over at `now` (nanoseconds UTC); None if nobody watched.

    Raises VorbehaltError if the answer is none.
    """
    until = min(month.until, now) // 10**9
    window = until - month.since // 10**9
    if window <= 0 or not _ask(url, f"count(count_over_time({_ANY}[{window}s]))", until):
        return None
    first = _ask(url, f"count(count_over_time({_ANY}[{_DAY}s]))", month.since // 10**9 + _DAY)
    found: dict[str, int] = {}
    for row in _ask(url, _COUNTED.format(s=_SERIES, w=window), until):
        try:
            operator, value = str(row["metric"].get("operator", "")), round(float(row["value"][1]))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            raise VorbehaltError(f"Prometheus at {url} gave a figure that is none") from error
        found[operator] = found.get(operator, 0) + max(0, value)
    return Watched(found, bool(first) or window <= _DAY)


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        """Whoever is asked is named by the owner; nobody else is."""


def _ask(url: str, query: str, at: int) -> list[Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise VorbehaltError(f"{url} is no address of a Prometheus; write it like http://127.0.0.1:9090")
    asked = f"{url.rstrip('/')}/api/v1/query?{urlencode({'query': query, 'time': at})}"
    request = Request(asked, headers={"Accept": "application/json"})  # noqa: S310 - the scheme is checked
    try:
        with build_opener(_NoRedirect).open(request, timeout=_SECONDS) as answer:
            said = json.loads(answer.read(_MOST_BYTES))
    except (OSError, HTTPException, ValueError) as error:
        raise VorbehaltError(f"Prometheus at {url} gave no answer: {error}") from error
    data = said.get("data") if isinstance(said, dict) else None
    result = data.get("result") if isinstance(data, dict) else None
    if not isinstance(result, list):
        raise VorbehaltError(f"Prometheus at {url} gave an answer that is none")
    return result
