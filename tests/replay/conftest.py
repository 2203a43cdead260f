"""Verdicts, judges and log lines for replays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vorbehalt.facts import Action, Finding, Purpose, Standing, Visit
from vorbehalt.identify.identity import Identity
from vorbehalt.identify.registry import Crawler, Party
from vorbehalt.policy.verdict import Verdict

NOBODY = Verdict(Action.ALLOW, Action.ALLOW, True, "a-rule", ())


def _verdict(
    action: Action = Action.ALLOW,
    token: str = "",
    purpose: Purpose = Purpose.TRAINING,
    *,
    would: Action | None = None,
    is_tool: bool = False,
    findings: tuple[Finding, ...] = (),
) -> Verdict:
    identity = None
    if token:
        party = Party(token.lower(), f"{token} Ltd", not is_tool)
        crawler = Crawler(token, party, "tool" if is_tool else "crawler", purpose, "operator")
        identity = Identity(crawler, Standing.CLAIMED, "the User-Agent says so")
    reasons = () if action is Action.ALLOW else ("purpose-reserved",)
    return Verdict(action, would or action, True, "a-rule", reasons, identity, findings)


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Make a verdict about an invented crawler, or about nobody in particular."""
    return _verdict


@pytest.fixture
def by_agent() -> Callable[[dict[bytes, Verdict]], Callable[[Visit], Verdict]]:
    """Make a judge that looks for a word in the User-Agent."""

    def make(verdicts: dict[bytes, Verdict]) -> Callable[[Visit], Verdict]:
        def judge(visit: Visit) -> Verdict:
            agent = visit.header(b"user-agent")
            return next((found for word, found in verdicts.items() if word in agent), NOBODY)

        return judge

    return make


@pytest.fixture
def line() -> Callable[..., str]:
    """Make one line in the combined format."""

    def make(
        agent: str = "Mozilla/5.0",
        *,
        address: str = "203.0.113.7",
        path: str = "/",
        time: str = "22/Nov/2026:10:05:03 +0000",
        size: int = 100,
        rest: str = "",
    ) -> str:
        return f'{address} - - [{time}] "GET {path} HTTP/1.1" 200 {size} "-" "{agent}"{rest}'

    return make


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., str]:
    """Write lines into a log file and return its path."""

    def write(*lines: str, name: str = "access.log") -> str:
        path = tmp_path / name
        path.write_text("".join(f"{text}\n" for text in lines), "utf-8")
        return str(path)

    return write
