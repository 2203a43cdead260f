"""The knowledge base as data: complete, dated, and fair to those it names."""

from __future__ import annotations

import ipaddress
import json
import re
import tomllib
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import vorbehalt_rules

Table = dict[str, Any]

AI = {"training", "dataset", "search", "user-fetch", "agent", "undocumented"}
EDITION = datetime.strptime(vorbehalt_rules.__version__, "%Y.%m.%d").date()
DOCUMENTS = vorbehalt_rules.documents()
FILES: dict[str, Table] = {
    name: tomllib.loads(body.decode())
    for name, body in DOCUMENTS.items()
    if name.startswith("operators/") and name.endswith(".toml")
}
ENTRIES: list[tuple[str, Table, Table]] = [
    (name, file, crawler) for name, file in FILES.items() for crawler in file["crawler"]
]
BY_TOKEN: dict[str, tuple[Table, Table]] = {crawler["token"]: (file, crawler) for _, file, crawler in ENTRIES}
LISTS = {
    name: json.loads(body)
    for name, body in DOCUMENTS.items()
    if name.startswith(("ranges/", "proxy_networks/"))
}
REJECTED = {
    row["token"]: row["reason"] for row in tomllib.loads(DOCUMENTS["rejected.toml"].decode())["rejected"]
}


def entry(token: str) -> Table:
    return BY_TOKEN[token][1]


def spellings(crawler: Table) -> list[str]:
    return [crawler["token"], *crawler.get("aliases", [])]


# --- size


def test_at_least_380_entries_are_kept() -> None:
    assert len(ENTRIES) >= 380


def test_at_least_200_entries_are_about_ai() -> None:
    assert sum(crawler["purpose"] in AI for _, _, crawler in ENTRIES) >= 200


def test_over_60_operators_are_known() -> None:
    assert sum("operator" in file for file in FILES.values()) > 60


# --- form of the files


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_one_party_named_like_the_file(name: str) -> None:
    file = FILES[name]
    assert ("operator" in file) != ("maker" in file)
    party = file.get("operator") or file.get("maker")
    assert party is not None
    assert name == f"operators/{party['id']}.toml"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", party["id"])
    assert party["name"].strip()


def test_no_two_parties_share_a_name() -> None:
    names = Counter((file.get("operator") or file["maker"])["name"].lower() for file in FILES.values())
    assert [name for name, times in names.items() if times > 1] == []


def test_a_spelling_belongs_to_one_entry_unless_case_tells_them_apart() -> None:
    seen: dict[str, list[tuple[str, bool]]] = {}
    for _, _, crawler in ENTRIES:
        for spelling in spellings(crawler):
            seen.setdefault(spelling.lower(), []).append((spelling, crawler.get("case") == "sensitive"))
    shared = {
        folded: found
        for folded, found in seen.items()
        if len(found) > 1 and not (all(sensitive for _, sensitive in found) and len(set(found)) == len(found))
    }
    assert shared == {}


def test_no_token_is_both_kept_and_rejected() -> None:
    kept = {spelling.lower() for _, _, crawler in ENTRIES for spelling in spellings(crawler)}
    assert [token for token in REJECTED if token.lower() in kept] == []


def test_every_rejection_has_a_reason_in_a_sentence() -> None:
    assert len(REJECTED) >= 9
    assert [token for token, reason in REJECTED.items() if len(reason) < 30 or not reason.endswith(".")] == []


# --- what an entry rests on


def test_every_source_is_dated_and_has_an_address() -> None:
    for name, file in FILES.items():
        ids = [source["id"] for source in file["source"]]
        assert len(ids) == len(set(ids)), name
        for source in file["source"]:
            assert source["url"].startswith(("https://", "http://")), name
            assert type(source["date"]) is date, name
            assert date(2026, 1, 1) <= source["date"] <= EDITION, name


def test_every_entry_names_a_source_of_its_file_and_no_source_is_unused() -> None:
    for name, file in FILES.items():
        ids = {source["id"] for source in file["source"]}
        used: set[str] = set()
        for crawler in file["crawler"]:
            assert crawler["sources"], crawler["token"]
            used.update(crawler["sources"])
        assert used == ids, name


def test_every_dataset_says_why() -> None:
    found = [crawler for _, _, crawler in ENTRIES if crawler["purpose"] == "dataset"]
    assert found
    assert [c["token"] for c in found if not c.get("purpose_note", "").endswith(".")] == []


# --- samples and robots.txt


def test_every_entry_has_a_sample_that_holds_its_token() -> None:
    for _, _, crawler in ENTRIES:
        assert crawler["must_match"], crawler["token"]
        for sample in crawler["must_match"]:
            assert any(s.lower() in sample.lower() for s in spellings(crawler)), crawler["token"]


def test_no_sample_stands_in_for_two_entries() -> None:
    samples = Counter(sample for _, _, crawler in ENTRIES for sample in crawler["must_match"])
    assert [sample for sample, times in samples.items() if times > 1] == []


def test_robots_tokens_are_product_tokens_of_rfc_9309() -> None:
    tokens = [token for _, _, crawler in ENTRIES for token in crawler["robots"]]
    assert len(tokens) > 200
    assert [token for token in tokens if not re.fullmatch(r"[A-Za-z_-]+", token)] == []


def test_disallowing_an_ai_crawler_never_disallows_a_search_engine() -> None:
    def tokens(purposes: set[str]) -> set[str]:
        return {
            token.lower()
            for _, _, crawler in ENTRIES
            if crawler["purpose"] in purposes and not crawler.get("control")
            for token in crawler["robots"]
        }

    assert tokens(AI) & tokens({"search-engine"}) == set()
    assert entry("ExaBot")["robots"] == []


@pytest.mark.parametrize(
    "token", ["LCC", "Java", "got", "Dart", "Bun", "Ruby", "newspaper", "Yeti", "Devin", "YaK"]
)
def test_a_bare_word_has_a_strict_form_and_a_sample_of_what_it_is_not(token: str) -> None:
    assert entry(token)["form"] in ("product", "lead", "exact")
    assert entry(token)["must_not_match"]


def test_the_old_internet_explorer_is_kept_apart_from_the_leipzig_corpora() -> None:
    assert any("SLCC1" in sample for sample in entry("LCC")["must_not_match"])
    assert any("Ubuntu" in sample for sample in entry("Bun")["must_not_match"])


def test_words_of_peoples_programs_are_rejected() -> None:
    assert {"Code", "Cursor", "Operator", "OpenAI", "Spider", "Electron", "Trae"} <= REJECTED.keys()
    assert {"CloudVertexBot", "Terra Cotta"} <= REJECTED.keys()


# --- verification


def test_every_list_that_is_named_exists_and_every_list_is_named() -> None:
    named = {
        f"ranges/{means['list']}.json"
        for _, _, crawler in ENTRIES
        for means in crawler.get("verify", [])
        if means["method"] in ("ranges", "as")
    }
    assert named == {name for name in LISTS if name.startswith("ranges/")}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_parses_and_says_where_and_when_it_was_fetched(name: str) -> None:
    document = LISTS[name]
    optional = {"form", "service", "fetched_basis"}
    needed = {"creationTime", "list", "source_url", "fetched_at", "basis", "prefixes"}
    assert set(document) - optional == needed
    assert document["list"] == Path(name).stem
    assert document["basis"] in ("operator", "third-party")
    assert document["source_url"].startswith(("https://", "http://"))
    fetched = datetime.fromisoformat(document["fetched_at"])
    assert fetched.tzinfo == UTC
    assert fetched.date() <= EDITION
    networks = []
    for row in document["prefixes"]:
        ((key, text),) = row.items()
        network = ipaddress.ip_network(text)
        assert key == f"ipv{network.version}Prefix"
        assert network.is_global, text
        assert network.prefixlen >= (8 if network.version == 4 else 24), text
        networks.append(network)
    assert networks
    assert len(networks) == len(set(networks))


def test_a_list_of_an_autonomous_system_is_never_named_as_a_list_of_a_crawler() -> None:
    for _, _, crawler in ENTRIES:
        for means in crawler.get("verify", []):
            if means["method"] in ("ranges", "as"):
                assert (means["method"] == "as") == bool(re.search(r"-as\d+$", means["list"])), crawler[
                    "token"
                ]


def test_a_suffix_of_reverse_dns_is_never_one_under_which_strangers_have_names() -> None:
    suffixes = {
        suffix
        for _, _, crawler in ENTRIES
        for means in crawler.get("verify", [])
        if means["method"] == "rdns"
        for suffix in means["suffixes"]
    }
    assert {".googlebot.com", ".search.msn.com", ".applebot.apple.com", ".crawl.commoncrawl.org"} <= suffixes
    assert all(re.fullmatch(r"(\.[a-z0-9-]+){2,}", suffix) for suffix in suffixes)
    assert suffixes.isdisjoint({".googleusercontent.com", ".bc.googleusercontent.com", ".amazonaws.com"})


def test_tools_and_control_tokens_have_no_means_of_verification() -> None:
    for _, file, crawler in ENTRIES:
        if "maker" in file or crawler.get("control"):
            assert "verify" not in crawler, crawler["token"]


# --- hosts of AI products


def test_every_host_of_an_ai_product_is_a_host_name_of_a_known_operator() -> None:
    hosts = tomllib.loads(DOCUMENTS["ai_product_hosts.toml"].decode())["host"]
    names = [host["name"] for host in hosts]
    assert {"chatgpt.com", "chat.openai.com", "www.perplexity.ai", "claude.ai", "gemini.google.com"} <= set(
        names
    )
    assert len(names) == len(set(names))
    for host in hosts:
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host["name"])
        assert "operator" in FILES[f"operators/{host['operator']}.toml"]
        assert host["date"] <= EDITION


def test_a_search_engine_is_no_ai_product_host() -> None:
    names = {host["name"] for host in tomllib.loads(DOCUMENTS["ai_product_hosts.toml"].decode())["host"]}
    assert names.isdisjoint({"www.google.com", "www.bing.com", "duckduckgo.com", "x.com", "www.facebook.com"})
