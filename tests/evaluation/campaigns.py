"""Fleets over recorded sessions of people: what is found, when, and how many people are in it.

    .venv/bin/python tests/evaluation/campaigns.py SESSIONS.csv[.gz]

Not part of the suite: it needs a log that may not be shipped. SESSIONS has the columns of the web bot data
set of Iliou et al. 2021 (doi 10.1145/3447815): datetime, method, url, status, referrer, session_id,
user_agent, category (`humans`, `bots`). POSTs, its telemetry, are dropped. The log has neither addresses nor
cookies: each session gets an address of its own, and nobody has a cookie. Sessions begin at random within
three hours of a day when their browsers were current, with the gaps recorded; `--times` repeats each, each
time from another address. Fleets (`tests/crowd_support.py`, and the captured clients of
`tests/cases/clients.jsonl` that hide what they are) come in the third hour: 2,000 addresses in 30 minutes,
for pages that nobody in the log read.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from crowd_support import FLEETS, Event, Outcome, address_of, event, fleet, play  # noqa: E402
from evaluation_support import Row, seconds, sessions  # noqa: E402
from pattern_support import clients  # noqa: E402
from vorbehalt.facts import Headers  # noqa: E402
from vorbehalt.patterns.campaign import upper_bound  # noqa: E402
from vorbehalt.patterns.seen import Inputs  # noqa: E402
from vorbehalt.patterns.sketches import HOUR, SECOND  # noqa: E402

INPUTS = Inputs(frozenset({"assets"}))
"""What an access log shows: paths, User-Agent, Referer; no header order, no scheme, no Sec-Fetch."""

BEGIN = int(datetime(2020, 12, 1, 9, tzinfo=UTC).timestamp()) * SECOND


def events(found: list[list[Row]], name: str, seed: int, times: int) -> Iterator[Event]:
    """Sessions at random times within three hours, each from an address of its own."""
    random = Random(f"{name} {seed}")
    for number, rows in enumerate(found * times):
        begin = BEGIN + int(random.random() * 2.75 * HOUR)
        first = seconds(rows[0])
        home = address_of(random)
        for row in rows:
            at = begin + (seconds(row) - first) * SECOND
            if at >= BEGIN + 3 * HOUR:
                break
            headers: Headers = ((b"host", b"label.example"), (b"user-agent", row["user_agent"].encode()))
            if row["referrer"] not in ("", "-"):
                headers = (*headers, (b"referer", row["referrer"].encode()))
            yield event(at, f"{name} {number}", home, row["url"].partition("?")[0], headers)


def captured() -> dict[str, Headers]:
    """The headers of a page request of every captured client that hides what it is."""
    return {
        client.name: tuple((n.encode(), v.encode()) for n, v in client.requests[0]["headers"])
        for client in clients().values()
        if client.label == "disguised"
    }


def fleets() -> dict[str, Callable[[Random], Headers]]:
    """All kinds of fleet by name."""
    every = captured()
    kinds = dict(FLEETS)
    kinds |= {name: (lambda _, headers=headers: headers) for name, headers in every.items()}  # type: ignore[misc]
    kinds["all captured ones, another each time"] = lambda random: random.choice(list(every.values()))
    return kinds


def old_page(random: Random) -> str:
    return f"/content/archive/{random.randint(1, 90_000)}.php"


def line(name: str, outcome: Outcome) -> str:
    """One row of the table."""
    members = outcome.members
    people = sorted(members & {who for who in outcome.levels if who.startswith("person")})
    limited = sum(level != "observe" for who, level in outcome.levels.items() if who.startswith("person"))
    first = "none" if outcome.first_campaign is None else str(outcome.first_campaign)
    everybody = sum(who.startswith("person") for who in outcome.levels)
    bound = upper_bound(len(people), everybody)
    return (
        f"{name:42} {first:>6} {len(members):8} {len(people):7} {limited:8} of {everybody:4}"
        f"  (people who are members: at most {bound:.1%})"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sessions", type=Path)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if not given.sessions.is_file():
        print(f"NOT EVALUATED: {given.sessions} is not there", file=sys.stderr)
        return 2
    humans, bots = sessions(given.sessions, "humans"), sessions(given.sessions, "bots")
    print(f"{len(humans)} sessions of people, {len(bots)} of bots, each {given.times} times")
    print(f"{'fleet':42} {'found':>6} {'members':>8} {'people':>7} {'limited':>8}")
    people = list(events(humans, "person", given.seed, given.times))
    print(line("no fleet", play(people, inputs=INPUTS)))
    robots = list(events(bots, "robot", given.seed, given.times))
    outcome = play(people, robots, inputs=INPUTS)
    print(line("no fleet, but the bots of the log", outcome))
    print("   campaigns:", [one.cohort for one in outcome.cohorts.campaigns(BEGIN + 3 * HOUR)])
    print("   levels of bots:", dict(Counter(v for k, v in outcome.levels.items() if k.startswith("robot"))))
    for name, headers in fleets().items():
        side = fleet(given.seed, BEGIN + 2 * HOUR, 30, headers, page=old_page)
        print(line(name, play(people, side, inputs=INPUTS)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
