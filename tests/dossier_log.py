"""A small evidence log with all that a dossier tells of, and with the records of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dossier_support import AT, OPERATOR, SECRET, Records
from tlog_support import Log


def mixed_log(directory: Path) -> Log:
    """Write a log with all that a dossier tells of, and with others whose records bear SECRET."""
    log = Log(directory)
    r = Records(log)
    hour = 3_600 * 10**9
    other = {"operator": "Anthropic", "token": "ClaudeBot", "how": SECRET}
    entries = [
        r.leaf("writer-open", 0, {"software": "vorbehalt 0.1.0", "rules": "2026.1", "config": "c" * 64}),
        r.policy(1),
        r.leaf("clock", 2, {"event": "state", "synchronised": False, "max_error_us": 1}),
        # Delivered whole, in part; HEAD; not modified; broken; no end.
        r.request(hour, "A1"),
        r.completion(hour + 1, "A1"),
        r.request(hour + 2, "A2", work="own:song-2", path="/songs/2", claim={"standing": "signed"}),
        r.completion(hour + 3, "A2", status=206, bytes=10, claim={"standing": "signed"}),
        r.request(hour + 4, "A3", method="HEAD"),
        r.completion(hour + 5, "A3", bytes=0, delivered=False),
        r.request(hour + 6, "A4"),
        r.completion(hour + 7, "A4", status=304, bytes=0, delivered=False),
        r.request(hour + 8, "A5"),
        r.completion(hour + 9, "A5", whole=False, delivered=False),
        r.request(hour + 10, "A6"),
        # Refused, and back a minute later; then another address.
        r.request(2 * hour, "B1", decision={"action": "block", "status": 403}, pseudonym="b" * 32),
        r.request(
            2 * hour + 60 * 10**9, "B2", decision={"action": "block", "status": 403}, pseudonym="b" * 32
        ),
        r.request(2 * hour + 61 * 10**9, "B3", pseudonym="d" * 32),
        r.completion(2 * hour + 62 * 10**9, "B3"),
        # Claimed, unknown, an impostor; at a path without a work; allowed by robots.txt; under a contract.
        r.request(
            3 * hour, "C1", claim={"standing": "claimed", "how": "only its name"}, work=None, path="/x"
        ),
        r.completion(3 * hour + 1, "C1", claim={"standing": "claimed"}),
        r.request(3 * hour + 2, "C2", claim={"standing": "unknown", "how": "the list is 3 days old"}),
        r.request(
            3 * hour + 3,
            "C3",
            claim={"standing": "contradicted", "how": "not in the list"},
            told={},
            robots={},
            decision={"action": "block", "status": 403},
        ),
        r.request(
            3 * hour + 4,
            "C4",
            robots={"version": "1" * 64, "allowed": True, "line": None, "number": None, "agent": "*"},
        ),
        r.completion(3 * hour + 5, "C4"),
        r.request(
            3 * hour + 6,
            "C5",
            permission="licence:7",
            robots={
                "version": "1" * 64,
                "allowed": False,
                "line": "Disallow: /",
                "number": 2,
                "agent": "GPTBot",
                "permission": "licence:7",
            },
        ),
        r.leaf(
            "signal-served",
            3 * hour + 7,
            {
                "host": "label.example",
                "document": "/robots.txt",
                "digest": "1" * 64,
                "status": 200,
                "claim": {"operator": OPERATOR, "token": "GPTBot", "standing": "verified"},
            },
            "S1",
        ),
        # Others.
        r.request(4 * hour, f"{SECRET}-1", claim=other, path=f"/{SECRET}"),
        r.completion(4 * hour + 1, f"{SECRET}-1", claim=other),
        r.leaf("signal-served", 4 * hour + 2, {"document": "/robots.txt", "claim": other, "mark": SECRET}),
        r.leaf(
            "hold", 4 * hour + 3, {"event": "begin", "matter": SECRET, "scope": {"operator": "Anthropic"}}
        ),
        r.leaf("assessment", 4 * hour + 4, {"of": f"{SECRET}-1", "conclusion": "limit"}),
        r.leaf(
            "export", 4 * hour + 5, {"what": "dossier", "query": {"operator": "Anthropic"}, "mark": SECRET}
        ),
        r.leaf(
            "attribution",
            4 * hour + 6,
            {"method": "rdns", "claims": [{"token": "ClaudeBot", "operator": "Anthropic", "says": SECRET}]},
        ),
        r.leaf("attribution", 4 * hour + 7, {"method": "web-bot-auth", "thumbprint": "t", "agent": SECRET}),
        r.leaf(
            "notice",
            4 * hour + 8,
            {
                "step": "written",
                "letter": "2026-0001",
                "number": 0,
                "operator": "Anthropic",
                "date": "2026-05-27",
                "note": SECRET,
            },
        ),
        r.leaf("vault-access", 4 * hour + 9, {"who": "a", "why": SECRET, "scope": "address"}),
        r.leaf(
            "imported",
            4 * hour + 10,
            {"kind": "request", "logged_at": str(AT), "claim": other, "log": {"sha256": "e" * 64, "line": 1}},
        ),
        r.leaf(
            "imported", 4 * hour + 11, {"kind": "access-log", "log": {"sha256": "e" * 64, "name": SECRET}}
        ),
        r.leaf("request", 4 * hour + 12, {}, SECRET, cut=[{"at": "", "length": 9, "sha256": "0" * 64}]),
        # Of the operator beside its requests.
        r.leaf(
            "attribution",
            5 * hour,
            {"method": "rdns", "claims": [{"token": "GPTBot", "operator": OPERATOR, "says": "proof"}]},
        ),
        r.leaf(
            "hold",
            5 * hour + 1,
            {
                "event": "begin",
                "matter": "m",
                "scope": {"operator": OPERATOR},
                "openings": 3,
                "who": "Ada",
                "why": "a dispute",
            },
        ),
        r.leaf(
            "notice",
            5 * hour + 2,
            {
                "step": "written",
                "letter": "2026-0002",
                "number": 0,
                "operator": OPERATOR,
                "kind": "inquiry",
                "language": "en",
                "date": "2026-05-27",
                "digest": "f" * 64,
                "approved_by": "Ada",
            },
        ),
        r.leaf(
            "notice",
            5 * hour + 3,
            {
                "step": "sent",
                "letter": "2026-0002",
                "number": 1,
                "operator": OPERATOR,
                "date": "2026-05-27",
                "note": "post",
            },
        ),
        r.request(6 * hour, "D1", work="own:song-3", path="/songs/3"),
        r.completion(6 * hour + 1, "D1"),
        r.leaf(
            "imported",
            6 * hour + 2,
            {
                "kind": "request",
                "logged_at": str(AT),
                "claim": {"operator": OPERATOR, "standing": "claimed"},
                "log": {"sha256": "d" * 64, "line": 4},
            },
        ),
        r.leaf(
            "rollup",
            6 * hour + 3,
            {
                "minute": str(AT),
                "part": 0,
                "parts": 1,
                "rows": [
                    row("GPTBot", OPERATOR, 5),
                    row("ClaudeBot", "Anthropic", 7, host=SECRET),
                    {"key": ["other"], "count": "3", "bytes": "0"},
                ],
            },
        ),
        r.leaf(
            "rollup",
            6 * hour + 4,
            {"minute": str(AT), "part": 0, "parts": 1, "rows": [row("GPTBot", OPERATOR, 11)]},
        ),
        r.leaf("gap", 6 * hour + 5, {"reason": "queue_full", "lost": "4", "late": "0"}),
        r.leaf(
            "shred", 6 * hour + 6, {"scope": "before 2026-01-01", "who": "Ada", "why": "their time was over"}
        ),
        r.leaf("correction", 6 * hour + 7, {"of": 3, "who": "Ada", "says": "the clock was wrong"}),
        r.leaf("correction", 6 * hour + 8, {"of": 26, "who": "Ada", "says": SECRET}),
    ]
    log.seal(entries)
    return log


def row(token: str, operator: str, count: int, host: str = "label.example") -> dict[str, Any]:
    """Return a row of a rollup."""
    key = [host, token, operator, "training", "claimed", "allow", "allow"]
    return {"key": key, "count": str(count), "completed": "0", "bytes": "9", "first_at": "0", "last_at": "0"}
