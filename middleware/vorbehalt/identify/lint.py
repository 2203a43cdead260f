"""Checks the knowledge as a whole: every sample against every crawler, sources, lists, robots tokens.

- R001 a must_match sample is not recognised; R002 it is, but yields another party's crawler
- R003 a must_not_match sample yields the crawler; R010 a crawler has no must_match sample
- R004 a source is missing, old or dated in the future
- R005 a list is named but absent; R006 a list is there but unused; R012 a list is malformed
- R007 a robots token is none (RFC 9309 section 2.2.1, and digits, which documented tokens contain)
- R008 a token is kept and rejected; R011 an ordinary word has the form `word`
- R009 a robots token belongs to a search engine and to a crawler for AI
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from vorbehalt.errors import Problem, RulesError
from vorbehalt.facts import AI_PURPOSES, Purpose
from vorbehalt.identify.identity import Claim
from vorbehalt.identify.networks import RangeList
from vorbehalt.identify.registry import Crawler, Registry
from vorbehalt.identify.tokens import TokenIndex

OLDEST_SOURCE: Final = timedelta(days=400)
_ROBOTS_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+")
_ORDINARY: Final = re.compile(
    "agent|ai|android|app|bot|browser|chrome|code|crawler|cursor|dart|desktop|firefox|gecko|go|got|java|like"
    "|linux|mac|mobile|mozilla|operator|phone|ruby|safari|search|spider|version|web|windows",
    re.IGNORECASE,
)
"""Words that people's clients send too: too bare for the form `word`."""


def lint(registry: Registry, documents: Mapping[str, bytes], today: date) -> list[Problem]:
    """Return everything wrong with the rules, ordered by file, line and id."""
    places = _Places(documents)
    found = [
        *_samples(registry, places),
        *_sources(registry, places, today),
        *_lists(registry, documents, places),
        *_tokens(registry, places),
    ]
    return sorted(set(found), key=lambda problem: (problem.file, problem.line, problem.id, problem.message))


class _Places:
    """Finds the line on which a crawler's token stands."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self._lines: dict[tuple[str, str], int] = {}
        for name, body in documents.items():
            if not name.endswith(".toml"):
                continue
            for number, line in enumerate(body.decode("utf-8", "replace").splitlines(), 1):
                key, equals, value = line.partition("=")
                if equals and key.strip() == "token":
                    self._lines.setdefault((name, value.strip().strip("\"'")), number)

    def problem(self, crawler: Crawler, id: str, message: str) -> Problem:
        file = f"operators/{crawler.party.id}.toml"
        line = self._lines.get((file, crawler.token), 0)
        return Problem(file, line, crawler.token, id, f"{crawler.token}: {message}")

    def line(self, file: str, token: str) -> int:
        return self._lines.get((file, token), 0)


def may_stand_for(claim: Claim, crawler: Crawler) -> bool:
    """True if a claim found in a sample of this crawler is the right one, or a more specific listed one.

    More specific is: the token holds this one, or this one was found too and the winner belongs to the same
    party, or outranks it as a crawler outranks a tool.
    """
    winner = claim.crawler
    if winner == crawler or crawler.token.lower() in winner.token.lower():
        return True
    if crawler not in claim.others:
        return False
    return winner.party.id == crawler.party.id or (winner.kind == "crawler") != (crawler.kind == "crawler")


def _samples(registry: Registry, places: _Places) -> Iterator[Problem]:
    index = TokenIndex(registry)
    for crawler in registry.crawlers:
        if not crawler.must_match and not crawler.is_control:
            yield places.problem(crawler, "R010", "no must_match sample")
        for sample in crawler.must_match:
            claim = index.claim(sample.encode())
            if claim is None or (claim.crawler != crawler and not may_stand_for(claim, crawler)):
                found = "nothing" if claim is None else _names(claim)
                lost = claim is not None and crawler in claim.others
                id, verb = ("R002", "also claims and yields") if lost else ("R001", "yields")
                yield places.problem(crawler, id, f"must_match {sample!r} {verb} {found}")
        for sample in crawler.must_not_match:
            claim = index.claim(sample.encode())
            if claim is not None and claim.crawler == crawler:
                yield places.problem(crawler, "R003", f"must_not_match {sample!r} yields it")


def _names(claim: Claim) -> str:
    return ", ".join(f"{one.token} ({one.party.id})" for one in (claim.crawler, *claim.others))


def _sources(registry: Registry, places: _Places, today: date) -> Iterator[Problem]:
    for crawler in registry.crawlers:
        if not crawler.sources:
            yield places.problem(crawler, "R004", "no source")
        for source in crawler.sources:
            if source.date > today:
                yield places.problem(
                    crawler, "R004", f"source {source.id} is dated {source.date}, after today"
                )
            elif today - source.date > OLDEST_SOURCE:
                age = (today - source.date).days
                yield places.problem(crawler, "R004", f"source {source.id} is {age} days old")


def _lists(registry: Registry, documents: Mapping[str, bytes], places: _Places) -> Iterator[Problem]:
    named: set[str] = set()
    for crawler in registry.crawlers:
        for means in crawler.verify:
            if means.list:
                file = f"ranges/{means.list}.json"
                named.add(file)
                if file not in documents:
                    yield places.problem(crawler, "R005", f"{file} is named but not there")
    for file in documents:
        if file.startswith("ranges/") and file.endswith(".json"):
            if file not in named:
                yield Problem(file, 0, "", "R006", "no crawler names this list")
            try:
                RangeList.from_document(file, documents[file])
            except RulesError as error:
                yield Problem(file, 0, "", "R012", str(error))


def _tokens(registry: Registry, places: _Places) -> Iterator[Problem]:
    engines = {
        token.lower(): crawler
        for crawler in registry.crawlers
        if crawler.purpose is Purpose.SEARCH_ENGINE and not crawler.is_control
        for token in crawler.robots_tokens
    }
    rejected = {token.lower() for token in registry.rejected}
    for crawler in registry.crawlers:
        for token in crawler.robots_tokens:
            if not _ROBOTS_TOKEN.fullmatch(token):
                yield places.problem(crawler, "R007", f"{token!r} is no product token of robots.txt")
            engine = engines.get(token.lower())
            if engine is not None and crawler.purpose in AI_PURPOSES:
                yield places.problem(
                    crawler, "R009", f"robots token {token} is also that of the search engine {engine.token}"
                )
        if crawler.token in registry.rejected or (
            crawler.token.lower() in rejected and not crawler.case_sensitive
        ):
            yield places.problem(crawler, "R008", "is kept here and rejected in rejected.toml")
        for name in (crawler.token, *crawler.aliases):
            if crawler.form == "word" and not crawler.case_sensitive and _ORDINARY.fullmatch(name):
                yield places.problem(crawler, "R011", f"{name!r} is an ordinary word: form word is too loose")
