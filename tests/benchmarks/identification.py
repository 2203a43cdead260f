"""Identification alone: unseen and known User-Agents, flat in the number of tokens, and other libraries."""

from __future__ import annotations

import importlib
import importlib.util
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import Budget, Figure, interleaved, table, timed
from vorbehalt.identify.registry import Registry
from vorbehalt.identify.tokens import ClaimCache, TokenIndex
from vorbehalt.settings import load_rules


def browsers() -> list[str]:
    """Real browser strings of the fake-useragent package."""
    fake_useragent = importlib.import_module("fake_useragent")
    data = Path(str(fake_useragent.__file__)).parent / "data" / "browsers.jsonl"
    found = {json.loads(line)["useragent"] for line in data.read_text("utf-8").splitlines()}
    return sorted(agent for agent in found if "bot" not in agent.lower())


def stream() -> list[bytes]:
    """2,000 distinct strings, nine of ten from browsers, one of ten from crawlers of our own samples."""
    rnd = random.Random(42)
    people = browsers()
    while len(people) < 1800:
        # Fewer recorded strings than wanted: other builds of the same browsers.
        people.append(rnd.choice(people) + f" Build/{rnd.randrange(10**6)}")
    crawlers = [sample for crawler in load_rules(None)[1].crawlers for sample in crawler.must_match]
    chosen = rnd.sample(people, 1800) + rnd.sample(crawlers, min(200, len(crawlers)))
    rnd.shuffle(chosen)
    return [agent.encode("latin-1", "replace") for agent in chosen]


def resized(registry: Registry, count: int) -> Registry:
    """The registry with exactly `count` tokens: cut, or filled up with invented ones."""
    import dataclasses

    crawlers = list(registry.crawlers[:count])
    rnd = random.Random(7)
    while len(crawlers) < count:
        name = "".join(rnd.choices("bcdfghjklmnpqrstvwxz", k=6)).title() + rnd.choice(
            ["Bot", "Crawler", "-Agent"]
        )
        token = f"{name}{len(crawlers)}"
        crawlers.append(dataclasses.replace(registry.crawlers[0], token=token, aliases=(), must_match=()))
    return dataclasses.replace(registry, crawlers=tuple(crawlers))


def over(function: Callable[[Any], Any], data: list[Any], limit: int | None = None) -> Callable[[], float]:
    """Time `function` over the data."""
    chosen = data[:limit] if limit else data

    def batch() -> int:
        for item in chosen:
            function(item)
        return len(chosen)

    return lambda: timed(batch)


def run(rounds: int) -> tuple[dict[str, Figure], list[Budget]]:
    """Print the table of identification and return it with its budgets."""
    registry = load_rules(None)[1]
    agents = stream()
    texts = [agent.decode("latin-1") for agent in agents]
    cache = ClaimCache(TokenIndex(registry))
    for agent in agents:
        cache.get(agent)
    sizes = {count: TokenIndex(resized(registry, count)) for count in (300, 600, 1500)}
    variants: dict[str, Callable[[], float]] = {
        f"unseen, {len(registry.crawlers)} tokens": over(TokenIndex(registry).claim, agents),
        **{f"unseen, {count} tokens": over(index.claim, agents) for count, index in sizes.items()},
        "known (look-up in the cache)": over(cache.get, agents),
    }
    if importlib.util.find_spec("ai_crawler_index"):
        ai_crawler_index = importlib.import_module("ai_crawler_index")
        variants["ai-crawler-index identify"] = over(ai_crawler_index.identify, texts, 500)
    if importlib.util.find_spec("crawleruseragents"):
        crawleruseragents = importlib.import_module("crawleruseragents")
        variants["crawler-user-agents is_crawler"] = over(crawleruseragents.is_crawler, texts, 200)
    user_agents = importlib.import_module("user_agents")
    # Its parser keeps what it has seen: every round gets strings of its own.
    unseen = iter(texts)
    variants["user-agents parse"] = lambda: over(user_agents.parse, [next(unseen) for _ in range(60)])()
    figures = interleaved(variants, rounds)
    table("Identification of one User-Agent", figures)
    three, fifteen = figures["unseen, 300 tokens"].median, figures["unseen, 1500 tokens"].median
    budgets = [
        Budget(
            "an unseen User-Agent", figures[f"unseen, {len(registry.crawlers)} tokens"].median, 3.0, " µs"
        ),
        Budget("flat from 300 to 1,500 tokens: ratio", fifteen / three, 1.3),
        Budget("a known User-Agent", figures["known (look-up in the cache)"].median, 0.25, " µs"),
    ]
    return figures, budgets
