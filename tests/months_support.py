"""Logs of many operators over two months, made from a seed: for tests of the report, and to measure it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tlog_support import Log, Writer
from vorbehalt.claims.report.month import Month

DAY = 86_400 * 10**9
OPERATORS = {
    "OpenAI": ("GPTBot", "training"),
    "Anthropic": ("ClaudeBot", "training"),
    "Perplexity": ("PerplexityBot", "search"),
    "Common Crawl": ("CCBot", "dataset"),
    "Meta": ("meta-externalagent", "training"),
    "Google": ("Googlebot", "search-engine"),
}
STANDINGS = ("verified", "verified", "signed", "claimed", "claimed", "contradicted")
AI = ("training", "dataset", "search", "user-fetch", "agent", "undocumented")
VERSION, OLDER = "ab" * 32, "cd" * 32
BATCH = 4096


@dataclass(frozen=True)
class Made:
    """What a log is made of: `end` of requests are answered, so many works, in so many days of the month."""

    requests: int
    works: int = 400
    seed: int = 7
    end: float = 0.35


def seen_of(random: Random, made: Made, operator: str, **changed: Any) -> dict[str, Any]:
    """Return what a request record of a crawler says."""
    token, purpose = OPERATORS[operator]
    work = int(random.triangular(0, made.works, 0))
    is_allowed = changed.pop("is_allowed", random.random() < made.end)
    said = {
        "version": VERSION,
        "allowed": random.random() < 0.4,
        "line": "Disallow: /",
        "number": 3,
        "agent": token,
    }
    fetch = {"version": VERSION, "at": "1", "status": 200, "standing": "verified"}
    return {
        "host": "label.example",
        "method": "HEAD" if random.random() < 0.03 else "GET",
        "path": f"/lyrics/{work}",
        "vantage": "app",
        "claim": {
            "token": token, "operator": operator, "purpose": purpose, "ai": purpose in AI,
            "standing": random.choice(STANDINGS),
        },
        "decision": {"action": "allow" if is_allowed else "block", "would": "block", "reasons": ["x"]},
        "reservation": {"section": "press" if work % 9 == 0 else "", "headers": VERSION, "signals": OLDER},
        "work": f"own:{work}",
        "permission": "none",
        "told": {"since": "1", "crawler": {"/robots.txt": fetch if random.random() < 0.7 else "none"}},
        "robots": said,
        **changed,
    }  # fmt: skip


def records(month: Month, made: Made) -> Iterator[dict[str, Any]]:
    """Yield the records of a month in the order in which they were written."""
    random = Random(made.seed * 10_000 + month.year * 12 + month.number)
    step = month.days * DAY // max(1, made.requests)
    names = list(OPERATORS)
    for number in range(made.requests):
        at, ref = month.since + number * step, f"VB-{month}-{number}"
        operator = random.choices(names, (9, 6, 4, 3, 2, 1))[0]
        seen = seen_of(random, made, operator)
        if operator == "Google":
            seen["decision"]["action"] = "block" if random.random() < 0.02 else "allow"
        private = {"address": {"c": "00" * 32, "p": f"{random.randrange(60):032x}", "month": str(month)}}
        if random.random() < 0.004:
            seen |= {"claim": None, "decision": {"action": "block"}}
        yield {"type": "request", "at": str(at), "ref": ref, "seen": seen, "private": private}
        if seen["decision"]["action"] == "allow":
            yield completion(random, at, ref, seen)
        if number % 500 == 250:
            yield rollup(random, at)
    if made.requests:
        yield {
            "type": "gap",
            "at": str(month.until - 1),
            "ref": "",
            "seen": {"reason": "disk_full", "lost": "3"},
        }
        for day in range(0, month.days, 1 if made.requests > 50 else 3):
            said = {
                "kind": "rfc3161",
                "verified": "rfc3161-client",
                "size": 1,
                "time": str(month.since + day * DAY),
            }
            yield {"type": "anchor", "at": str(month.until - 1), "ref": "", "seen": said}


def completion(random: Random, at: int, ref: str, seen: dict[str, Any]) -> dict[str, Any]:
    status = random.choices((200, 206, 304, 404), (16, 1, 2, 1))[0]
    whole = random.random() < 0.95
    size = random.randrange(2_000, 90_000) if status in (200, 206, 404) and seen["method"] != "HEAD" else 0
    said = {
        "of": ref, "host": "label.example", "status": status, "bytes": size, "whole": whole,
        "delivered": whole and size > 0 and status in (200, 206), "vantage": "app", "claim": seen["claim"],
    }  # fmt: skip
    return {"type": "completion", "at": str(at + 10**8), "ref": ref, "seen": said}


def rollup(random: Random, at: int) -> dict[str, Any]:
    key = ["label.example", "GPTBot", "OpenAI", "training", "verified", "block", "block"]
    row = {"key": key, "count": str(random.randrange(1, 40)), "completed": "0", "bytes": "0"}
    return {
        "type": "rollup",
        "at": str(at),
        "ref": "",
        "seen": {"minute": str(at - at % (60 * 10**9)), "rows": [row]},
    }


def write_log(directory: Path, parts: Iterator[dict[str, Any]]) -> int:
    """Write records into a new evidence directory; return how many."""
    log, writer, waiting = Log(directory), Writer(), list[bytes]()
    for record in parts:
        waiting.append(writer.leaf(record.pop("type"), **record))
        if len(waiting) == BATCH:
            log.seal(waiting, keep_partials=False)
            waiting = []
    log.seal(waiting, keep_partials=False)
    return log.size


def two_months(month: Month, made: Made) -> Iterator[dict[str, Any]]:
    yield from records(month.before, Made(made.requests * 3 // 4, made.works, made.seed, made.end))
    yield from records(month, made)


if __name__ == "__main__":
    print(write_log(Path(sys.argv[1]), two_months(Month(2026, 10), Made(int(sys.argv[2]), int(sys.argv[3])))))
