"""What evaluations share: labelled sessions out of a log, and how well points tell two classes apart."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

Row = dict[str, str]


def sessions(path: Path, category: str) -> list[list[Row]]:
    """The sessions of a category, each in order of time, telemetry dropped."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    found: dict[str, list[Row]] = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        if row["category"] == category and row["method"] == "GET":
            found.setdefault(row["session_id"], []).append(row)
    return [sorted(rows, key=lambda row: row["datetime"]) for rows in found.values()]


def seconds(row: Row) -> int:
    """When a row was logged, in seconds UTC."""
    moment = datetime.strptime(row["datetime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return int(moment.timestamp())


def auc(people: Sequence[int], bots: Sequence[int]) -> float:
    """The chance that a bot has more points than a person; a tie counts half (Mann and Whitney 1947)."""
    counts, below, wins = Counter(people), 0, 0.0
    of_bots = Counter(bots)
    for points in sorted({*people, *bots}):
        wins += of_bots[points] * (below + counts[points] / 2)
        below += counts[points]
    return wins / (len(people) * len(bots))


def recall(people: Sequence[int], bots: Sequence[int], false_alarms: float) -> tuple[int, float]:
    """The lowest threshold with no more false alarms than this share, and the share of bots that reach it."""
    for threshold in sorted({1, *(points + 1 for points in people)}):
        if sum(points >= threshold for points in people) <= false_alarms * len(people):
            return threshold, sum(points >= threshold for points in bots) / len(bots)
    raise AssertionError("unreachable")


def bound(hits: int, of: int) -> str:
    """The upper 95 % bound of a share: the rule of three where there is none, else Wilson's (one-sided)."""
    if hits == 0:
        return f"0 of {of} (95 %: below {min(1, 3 / of):.1%})"
    z, share = 1.645, hits / of
    upper = (share + z * z / (2 * of) + z * ((share * (1 - share) + z * z / (4 * of)) / of) ** 0.5) / (
        1 + z * z / of
    )
    return f"{hits} of {of} = {share:.1%} (95 %: below {upper:.1%})"
