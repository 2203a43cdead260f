"""Judgements about crawlers that must not drift: whoever changes one changes a test."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

import vorbehalt_rules

Table = dict[str, Any]

FILES: dict[str, Table] = {
    name: tomllib.loads(body.decode())
    for name, body in vorbehalt_rules.documents().items()
    if name.startswith("operators/") and name.endswith(".toml")
}
ENTRIES: list[tuple[Table, Table]] = [
    (file, crawler) for file in FILES.values() for crawler in file["crawler"]
]
BY_TOKEN = {crawler["token"]: (file, crawler) for file, crawler in ENTRIES}


def entry(token: str) -> Table:
    return BY_TOKEN[token][1]


def test_what_is_refused_by_default_has_the_word_of_its_operator() -> None:
    """Only this list is refused as training; whoever adds to it must have read the operator's own words."""
    refused = {
        crawler["token"]
        for _, crawler in ENTRIES
        if crawler["purpose"] in ("training", "dataset") and crawler["purpose_basis"] == "operator"
    }
    assert refused == {
        *("GPTBot", "ClaudeBot", "CCBot", "Google-Extended", "Applebot-Extended", "Amazonbot", "FacebookBot"),
        *("meta-externalagent", "MistralAI-Training", "AI2Bot", "Ai2Bot-Dolma", "omgili", "omgilibot"),
        *("webzio", "webzio-extended", "img2dataset", "VelenPublicWebCrawler", "aiHitBot", "ICC-Crawler"),
        *("Cotoyogi", "SBIntuitionsBot", "LCC"),
    }
    assert [token for token in refused if not entry(token).get("documentation")] == []
    assert [token for token in refused if not entry(token).get("purpose_note")] == []


def test_lists_of_strangers_are_sources_but_never_an_operators_documentation() -> None:
    strangers = ("knownagents.com", "datadome.co", "xforce-security.com", "github.com/search")
    pages = [crawler.get("documentation", "") for _, crawler in ENTRIES]
    assert [page for page in pages if any(stranger in page for stranger in strangers)] == []


def test_an_unidentified_operator_is_accused_of_nothing() -> None:
    purposes = {crawler["purpose"] for crawler in FILES["operators/unidentified.toml"]["crawler"]}
    assert purposes == {"undocumented"}


@pytest.mark.parametrize(
    "token",
    [
        *(
            "HeadlessChrome",
            "Puppeteer",
            "Playwright",
            "heritrix",
            "curl",
            "Wget",
            "Scrapy",
            "Nutch",
            "img2dataset",
        ),
        *(
            "crawl4ai",
            "python-requests",
            "Go-http-client",
            "Mastodon",
            "Google-Gemini-CLI",
            "Chrome-Lighthouse",
        ),
        *("Miniflux", "FreshRSS", "NetNewsWire", "Tiny Tiny RSS", "yacybot", "Lightpanda"),
    ],
)
def test_who_wrote_a_tool_is_not_called_its_operator(token: str) -> None:
    file, crawler = BY_TOKEN[token]
    assert "maker" in file
    assert crawler["kind"] in ("tool", "headless")


def test_every_entry_of_a_maker_is_a_tool_and_no_tool_has_an_operator() -> None:
    for file, crawler in ENTRIES:
        assert ("maker" in file) == (crawler["kind"] != "crawler"), crawler["token"]


def test_control_tokens_are_those_that_are_never_sent() -> None:
    control = {crawler["token"] for _, crawler in ENTRIES if crawler.get("control")}
    assert control == {"Google-Extended", "Applebot-Extended"}
    assert all(entry(token)["robots"] == [token] for token in control)


@pytest.mark.parametrize(
    ("token", "purpose", "basis"),
    [
        ("GPTBot", "training", "operator"),
        ("ClaudeBot", "training", "operator"),
        ("meta-externalagent", "training", "operator"),
        ("Amazonbot", "training", "operator"),
        ("CCBot", "dataset", "operator"),
        ("Bytespider", "training", "third-party"),
        ("DeepSeekBot", "training", "third-party"),
        ("Claude-Web", "undocumented", "third-party"),
        ("anthropic-ai", "undocumented", "third-party"),
        ("GoogleOther", "undocumented", "operator"),
        ("PerplexityBot", "search", "operator"),
        ("Diffbot", "search", "operator"),
        ("OAI-SearchBot", "search", "operator"),
        ("ChatGPT-User", "user-fetch", "operator"),
        ("YandexAdditionalBot", "search", "operator"),
        ("Googlebot", "search-engine", "operator"),
        ("Applebot", "search-engine", "operator"),
        ("PetalBot", "search-engine", "operator"),
        ("facebookexternalhit", "preview", "operator"),
        ("OAI-AdsBot", "monitor", "operator"),
        ("meta-externalads", "monitor", "operator"),
        ("AdsBot-Google", "monitor", "operator"),
        ("Mediapartners-Google", "monitor", "operator"),
        ("adidxbot", "monitor", "operator"),
        ("YandexDirect", "monitor", "operator"),
        ("ias_crawler", "monitor", "operator"),
        ("proximic", "monitor", "operator"),
        ("TurnitinBot", "dataset", "inferred"),
        ("AwarioBot", "dataset", "inferred"),
        ("Scrapy", "tool", "inferred"),
        ("Nutch", "tool", "inferred"),
        ("heritrix", "archiver", "inferred"),
        ("HeadlessChrome", "headless", "inferred"),
        ("Feedly", "feed", "operator"),
        ("FeedFetcher-Google", "feed", "operator"),
        ("Miniflux", "feed", "inferred"),
        ("SemrushBot", "seo", "operator"),
    ],
)
def test_the_purpose_of_a_well_known_token(token: str, purpose: str, basis: str) -> None:
    assert (entry(token)["purpose"], entry(token)["purpose_basis"]) == (purpose, basis)


def test_exa_and_exalead_are_told_apart_by_case() -> None:
    for token, party, other in (("ExaBot", "exa", "exalead"), ("Exabot", "exalead", "exa")):
        file, crawler = BY_TOKEN[token]
        assert file["operator"]["id"] == party != other
        assert crawler["case"] == "sensitive"
        assert crawler["must_not_match"]


def test_facebot_is_not_facebookbot() -> None:
    assert entry("Facebot")["purpose"] == "preview"
    assert entry("FacebookBot")["purpose"] == "training"


def test_a_renamed_crawler_keeps_its_old_name() -> None:
    assert "Google-NotebookLM" in entry("Google-GeminiNotebook")["aliases"]


def test_programs_on_the_machines_of_people_are_not_held_against_an_address_list() -> None:
    for token in (
        "claude-code",
        "WhatsApp",
        "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        "GitHubCopilotChat",
    ):
        assert "verify" not in entry(token), token


def test_libraries_with_a_legal_deposit_are_marked() -> None:
    deposit = {crawler["token"] for _, crawler in ENTRIES if crawler.get("legal_deposit")}
    assert deposit == {"bnf.fr_bot", "bl.uk_lddc_bot"}
    assert all(entry(token)["purpose"] == "archiver" for token in deposit)
