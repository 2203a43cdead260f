"""What tests of the report share: visits as records, and the report of a log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from months_support import DAY
from vorbehalt.claims.register import Letter, Step
from vorbehalt.claims.report.counting import MonthsTally, count_months
from vorbehalt.claims.report.figures import Figures, figures_of
from vorbehalt.claims.report.month import Month
from vorbehalt.claims.report.report import Proof, Report

OCTOBER = Month(2026, 10)
TOKENS = {"GPTBot": "OpenAI", "ClaudeBot": "Anthropic", "Googlebot": "Google"}
CRAWLERS = (
    ("GPTBot", "OpenAI", "training", True),
    ("OAI-SearchBot", "OpenAI", "search", True),
    ("ClaudeBot", "Anthropic", "training", True),
    ("Googlebot", "Google", "search-engine", False),
    ("OddBot", None, "undocumented", True),
)
CATALOGUE = 7


def records_of(visits: list[dict[str, Any]], rolled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, visit in enumerate(visits):
        at = OCTOBER.since + visit["hour"] * 3600 * 10**9
        claim = claim_of(visit["crawler"], visit["standing"])
        works = list(visit["works"])
        request = {
            "type": "request",
            "at": str(at),
            "ref": f"VB-{number}",
            "seen": {
                "host": "label.example",
                "method": visit["method"],
                "path": "/x",
                "claim": claim,
                "decision": {"action": visit["action"]},
                "work": works[0] if works else None,
                **({"works": works} if len(works) > 1 else {}),
            },
        }
        ends = [
            {
                "type": "completion",
                "at": str(at + 2 * DAY),
                "ref": f"VB-{number}",
                "seen": {"of": f"VB-{number}", "status": status, "bytes": size, "whole": whole,
                         "delivered": delivered, "vantage": vantage, "claim": claim},
            }
            for status, size, whole, delivered, vantage in visit["ends"]
        ]  # fmt: skip
        found += [*ends, request] if visit["early"] else [request, *ends]
    for row in rolled:
        at = OCTOBER.since + row["hour"] * 3600 * 10**9
        token, operator, purpose, _ = row["crawler"] or ("", None, "none", False)
        counted = "" if row["standing"] == "contradicted" else operator or ""
        key = ["h", token, counted, purpose, row["standing"] if token else "none", row["action"], "block"]
        rows = [{"key": key, "count": str(row["count"]), "completed": "0", "bytes": "11"}]
        found.append({"type": "rollup", "at": str(at), "ref": "", "seen": {"minute": str(at), "rows": rows}})
    return found


def claim_of(crawler: Any, standing: str) -> dict[str, Any] | None:
    if crawler is None:
        return None
    token, operator, purpose, is_ai = crawler
    return {"token": token, "operator": operator, "purpose": purpose, "standing": standing, "ai": is_ai}


def counted(directory: Path, **asked: Any) -> tuple[dict[Month, Figures], int]:
    usual: dict[str, Any] = {
        "tokens": TOKENS, "is_reserved": lambda host, section: True, "first_notice": lambda operator: None,
    }  # fmt: skip
    size = asked.pop("size", None)
    tally = MonthsTally(OCTOBER, **{**usual, **asked})
    size = count_months(directory, tally, size)
    return figures_of(tally), size


def report_of(figures: Mapping[Month, Figures], size: int = 0, **changed: Any) -> Report:
    usual: dict[str, Any] = {
        "site": "https://label.example", "now": OCTOBER.until + DAY, "size": size,
        "proof": Proof("self-attested"), "this": figures[OCTOBER], "before": figures[OCTOBER.before],
        "catalogue": CATALOGUE,
    }  # fmt: skip
    return Report(**{**usual, **changed})


def visit_at(hour: int, **changed: Any) -> dict[str, Any]:
    return {
        "hour": hour, "crawler": CRAWLERS[0], "standing": "verified", "action": "allow", "method": "GET",
        "works": (), "ends": [(200, 5000, True, True, "app")], "early": False, **changed,
    }  # fmt: skip


def letter(day: str, **changed: Any) -> Letter:
    at = OCTOBER.since + (int(day[-2:]) - 1) * DAY + DAY // 2
    steps = (Step("written", at - 1, day), Step("sent", at, day, number=1))
    usual: dict[str, Any] = {
        "id": "2026-0001", "operator": "OpenAI", "kind": "factual", "language": "en", "date": day,
        "due": "2026-10-20", "digest": "", "approved_by": "A. Person", "steps": steps,
    }  # fmt: skip
    return Letter(**{**usual, **changed})


def gap(hour: int, **seen: Any) -> dict[str, Any]:
    return {"type": "gap", "at": str(OCTOBER.since + hour * 3600 * 10**9), "ref": "", "seen": seen}
