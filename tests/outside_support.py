"""Visits of crawlers, and a resolver that answers when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from asgi_support import config
from vorbehalt.facts import ClientAddress, Visit
from vorbehalt.identify.answers import DnsAnswer
from vorbehalt.identify.networks import read_range_lists
from vorbehalt.settings import load

GOOGLEBOT = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BYTESPIDER = b"Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)"
GOOGLE, OPENAI, STRANGER = "66.249.66.1", "4.227.36.7", "203.0.114.9"
DAY = 86_400_000_000_000
SETTINGS = load(config(), environ={})
LISTS = read_range_lists(SETTINGS.rules_documents)
FETCHED = LISTS["openai-gptbot"].fetched_at
FRESH = {name: replace(ranges, fetched_at=FETCHED) for name, ranges in LISTS.items()}


class ScriptedDns:
    """Answers when told; remembers what it was asked."""

    def __init__(self) -> None:
        self.known: dict[str, DnsAnswer] = {}
        self.asked: list[str] = []
        self.on_answer: Callable[[str, DnsAnswer], None] | None = None

    def peek(self, address: str) -> DnsAnswer | None:
        return self.known.get(address)

    def ask(self, address: str) -> None:
        self.asked.append(address)

    def answer(self, address: str, outcome: Any, *names: str, at: int = FETCHED) -> None:
        self.known[address] = DnsAnswer(outcome, names, at, 300)
        if self.on_answer is not None:
            self.on_answer(address, self.known[address])


def visit(agent: bytes, address: str, at: int = FETCHED + DAY // 2, source: Any = "direct") -> Visit:
    return Visit(
        received_at=at,
        method="GET",
        scheme="https",
        host="label.example",
        path="/page",
        target=b"/page",
        http_version="1.1",
        headers=((b"host", b"label.example"), (b"user-agent", agent)),
        client=ClientAddress(address, source, is_global=True),
    )
