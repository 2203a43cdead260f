"""The browser that a User-Agent claims, and User-Agents that no browser has."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from faker import Faker
from hypothesis import given
from hypothesis import strategies as st

from pattern_support import CASES, book
from vorbehalt.patterns.browser import Browser, _any_browser, claimed_browser, names_itself
from vorbehalt.patterns.impossible import impossible

ROWS: list[dict[str, str]] = tomllib.loads((CASES / "user_agents.toml").read_text("utf-8"))["case"]
KNOWLEDGE = book().knowledge

INVENTED = re.compile(
    r"\((?:iPhone; CPU iPhone OS 11_0 like Mac OS X|Linux; Android 6\.0; Nexus 5 Build/MRA58N"
    r"|Linux; Android 8\.0; Pixel 2 Build/OPD3\.170816\.012|Linux; Android 5\.0; SM-G900P Build/LRX21T)\)"
    r" AppleWebKit/537\.36 \(KHTML, like Gecko\) Chrome/\d\d\.0\.\d{4}\.\d{4} Mobile Safari/537\.36"
)
"""Four telephones as developers' tools emulate them, each with hundreds of invented versions of Chrome."""


def told(browser: Browser | None) -> str:
    if browser is None:
        return "none"
    flags = [name for name in ("mobile", "webview", "device", "headless") if getattr(browser, f"is_{name}")]
    own = [] if browser.own_major in (0, browser.major) else [f"own={browser.own_major}"]
    version = f"{browser.version[0]}.{browser.version[1]}"
    return " ".join([browser.engine, browser.product, version, browser.platform or "-", *own, *flags])


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_what_is_claimed_and_what_cannot_be(row: dict[str, str]) -> None:
    agent = row["agent"].encode("latin-1")
    assert told(claimed_browser(agent)) == row["claims"]
    assert impossible(agent, KNOWLEDGE) == row.get("impossible", "")


def recorded() -> list[str]:
    """Browsers' User-Agents recorded on live sites, of the package fake-useragent."""
    package: Any = importlib.import_module("fake_useragent")
    lines = (Path(str(package.__file__)).parent / "data" / "browsers.jsonl").read_text("utf-8").splitlines()
    return sorted({json.loads(line)["useragent"] for line in lines})


def test_of_recorded_browsers_none_is_impossible_but_a_family_of_invented_ones() -> None:
    agents = recorded()
    invented = [agent for agent in agents if INVENTED.search(agent)]
    others = [agent for agent in agents if agent not in invented]
    hits = [agent for agent in others if impossible(agent.encode("latin-1"), KNOWLEDGE)]
    assert (len(others) > 300, hits) == (True, [])
    # Four devices, random majors and builds: no Chromium had these, so what the rule finds here is right.
    caught = sum(bool(impossible(agent.encode(), KNOWLEDGE)) for agent in invented)
    assert caught / len(invented) > 0.95


def test_the_short_way_for_plain_chromiums_says_what_the_long_one_says() -> None:
    agents = [*(row["agent"] for row in ROWS), *recorded()]
    agents += [agent.replace("; K)", "; K; wv)").replace("Windows", "Botany") for agent in agents]
    for agent in agents:
        raw = agent.encode("latin-1")
        assert (agent, claimed_browser(raw)) == (agent, _any_browser(agent))


def test_nearly_all_recorded_browsers_are_recognised() -> None:
    claims = Counter(claimed_browser(agent.encode("latin-1")) is not None for agent in recorded())
    assert claims[False] / claims.total() < 0.01


@pytest.mark.parametrize(
    ("kind", "least"),
    [("chrome", 0.97), ("firefox", 0.9), ("internet_explorer", 0.9), ("opera", 1.0), ("safari", 0.78)],
)
def test_most_of_what_faker_invents_cannot_be(kind: str, least: float) -> None:
    faker = Faker()
    faker.seed_instance(6)
    agents = [getattr(faker, kind)().encode("latin-1") for _ in range(2000)]
    caught = sum(bool(impossible(agent, KNOWLEDGE)) for agent in agents) / len(agents)
    assert (kind, caught >= least) == (kind, True)


@given(
    st.one_of(st.binary(max_size=300), st.text("MozilaChrome/(;)0123456789. KHTLFirefxGckSa", max_size=200))
)
def test_no_bytes_are_too_odd(agent: bytes | str) -> None:
    raw = agent if isinstance(agent, bytes) else agent.encode("latin-1")
    for prefix in (b"", b"Mozilla/5.0 (", b"Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/", b"Opera/9.80 ("):
        claimed_browser(prefix + raw)
        impossible(prefix + raw, KNOWLEDGE)


def test_only_plain_browsers_of_today_are_trusted_to_tell_fetch_metadata() -> None:
    agent = (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
    )
    told = {}
    for text in (agent.format(80), agent.format(79), agent.format(80) + " SomeApp/1.0"):
        browser = claimed_browser(text.encode())
        told[text[-22:]] = browser is not None and browser.tells_fetch_metadata
    assert list(told.values()) == [True, False, False]


def test_who_gives_an_address_names_itself() -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0"
    assert not names_itself(agent)
    for more in (
        " (+https://a.example)",
        " SomeBot",
        " me@a.example",
        " FeedFetcher",
        " Web-Crawler",
        " a.com/b",
    ):
        assert names_itself(agent + more)
