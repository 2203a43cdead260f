"""Points for labelled sessions of people and of bots that drive a browser: how well do they tell them apart?

    .venv/bin/python tests/evaluation/sessions.py SESSIONS.csv[.gz]

Not part of the suite: it needs a log that may not be shipped. SESSIONS has the columns of the web bot data
set of Iliou et al. 2021 (doi 10.1145/3447815). POSTs, its telemetry, are dropped. Every session is a client
of its own, judged as of the recorded times with what an access log shows (`--also cookies`: as if
that were seen as well, to show what comes of counting what is missing). The points of a session are the
highest that it came to.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from conduct_support import ADDRESS, BOOK  # noqa: E402
from evaluation_support import Row, auc, bound, recall, seconds, sessions  # noqa: E402
from vorbehalt.facts import Headers, Visit  # noqa: E402
from vorbehalt.patterns.definition import LEVELS, Level  # noqa: E402
from vorbehalt.patterns.seen import NEEDS, Inputs  # noqa: E402
from vorbehalt.patterns.sketches import SECOND  # noqa: E402
from vorbehalt.patterns.watch import Watch  # noqa: E402


@dataclass(frozen=True, slots=True)
class Session:
    """What a session came to: highest points and level, and the findings that made them."""

    points: int
    level: Level
    findings: tuple[str, ...]
    user_agent: str
    pages: int


def judged(rows: Sequence[Row], inputs: Inputs) -> Session:
    watch = Watch(BOOK, inputs, capacity=64)
    points, level, findings = 0, LEVELS[0], ()  # type: tuple[int, Level, tuple[str, ...]]
    for row in rows:
        headers: Headers = ((b"host", b"label.example"), (b"user-agent", row["user_agent"].encode()))
        if row["referrer"] not in ("", "-"):
            headers = (*headers, (b"referer", row["referrer"].encode()))
        url = row["url"]
        visit = Visit(
            seconds(row) * SECOND,
            row["method"],
            "https",
            "label.example",
            url.partition("?")[0],
            url.encode(),
            "1.1",
            headers,
            ADDRESS,
        )
        found = watch.observe(visit)
        if found.score > points:
            findings = tuple(f"{one.id} {one.weight}" for one in found.findings)
        points = max(points, found.score)
        level = max(level, found.level, key=LEVELS.index)
    pages = sum("." not in row["url"].rpartition("/")[2] or ".php" in row["url"] for row in rows)
    return Session(points, level, findings, rows[0]["user_agent"], pages)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sessions", type=Path)
    parser.add_argument("--also", nargs="*", choices=sorted(NEEDS), default=[], metavar="NEED")
    given = parser.parse_args()
    if not given.sessions.is_file():
        print(f"NOT EVALUATED: {given.sessions} is not there", file=sys.stderr)
        return 2
    inputs = Inputs(frozenset({"assets", "robots", *given.also}))
    print(f"seen: {', '.join(sorted(inputs.given))}")
    people = [judged(rows, inputs) for rows in sessions(given.sessions, "humans")]
    bots = [judged(rows, inputs) for rows in sessions(given.sessions, "bots")]
    for name, found in (("people", people), ("bots", bots)):
        for level in LEVELS[1:]:
            hits = sum(LEVELS.index(one.level) >= LEVELS.index(level) for one in found)
            print(f"{name} at {level} or above: {bound(hits, len(found))}")
        points = sorted(Counter(one.points for one in found).items())
        print(f"{name}, points: {', '.join(f'{points}: {count}' for points, count in points)}")
    of_people, of_bots = [one.points for one in people], [one.points for one in bots]
    threshold, share = recall(of_people, of_bots, 0.01)
    print(f"AUC {auc(of_people, of_bots):.2f}; at 1 % false alarms ({threshold} points) recall {share:.1%}")
    for one in people:
        if one.level != "observe":
            print(f"  person at {one.level}, {one.points}: {', '.join(one.findings)}; {one.user_agent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
