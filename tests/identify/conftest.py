"""The shipped rules, read once, and small registries made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from vorbehalt.facts import Purpose
from vorbehalt.identify.registry import Crawler, Party, Registry
from vorbehalt.identify.tokens import TokenIndex

RULES = Path(__file__).parents[2] / "rules" / "vorbehalt_rules"


@pytest.fixture(scope="session")
def shipped_documents() -> Mapping[str, bytes]:
    return {
        path.relative_to(RULES).as_posix(): path.read_bytes()
        for path in sorted(RULES.rglob("*"))
        if path.suffix in (".toml", ".json")
    }


@pytest.fixture(scope="session")
def shipped(shipped_documents: Mapping[str, bytes]) -> Registry:
    return Registry.from_documents(shipped_documents, "test")


@pytest.fixture(scope="session")
def shipped_index(shipped: Registry) -> TokenIndex:
    return TokenIndex(shipped)


@pytest.fixture(scope="session")
def small() -> Registry:
    """One crawler for every form, kind and trap."""
    runs = Party("runs", "Runs Ltd", True)
    other = Party("other", "Other Ltd", True)
    makes = Party("makes", "Makers", False)
    training, tool = Purpose.TRAINING, Purpose.TOOL
    crawlers = (
        Crawler("GPTBot", runs, "crawler", training, "operator"),
        Crawler("Googlebot", other, "crawler", Purpose.SEARCH_ENGINE, "operator"),
        Crawler("Googlebot-Image", other, "crawler", Purpose.SEARCH_ENGINE, "operator"),
        Crawler("ExaBot", runs, "crawler", Purpose.SEARCH, "operator", case_sensitive=True),
        Crawler("Exabot", other, "crawler", Purpose.SEARCH_ENGINE, "operator", case_sensitive=True),
        Crawler("Spider", runs, "crawler", training, "inferred"),
        Crawler("Frog SEO Spider", other, "crawler", Purpose.SEO, "operator"),
        Crawler("archive.org_bot", other, "crawler", Purpose.ARCHIVER, "operator"),
        Crawler(
            "Yahoo! Slurp", other, "crawler", Purpose.SEARCH_ENGINE, "operator", aliases=("Slurp/cat", "YS")
        ),
        Crawler("Run-Extended", runs, "crawler", training, "operator", is_control=True),
        Crawler("Commons", makes, "crawler", Purpose.ARCHIVER, "inferred"),
        Crawler("Java", makes, "tool", tool, "inferred", form="product"),
        Crawler("got", makes, "tool", tool, "inferred", form="lead"),
        Crawler("Zap!", runs, "crawler", training, "operator", aliases=("!Zip",)),
        Crawler("Novel", runs, "crawler", training, "inferred", form="exact"),
        Crawler("wget", makes, "tool", tool, "inferred"),
        Crawler("HeadlessChrome", makes, "headless", Purpose.HEADLESS, "inferred"),
    )
    return Registry("test", "0" * 64, crawlers, {"runs": runs, "other": other, "makes": makes})
