"""What a User-Agent claims: forms, boundaries, comparisons, addresses, and who wins."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import cases
from vorbehalt.identify.identity import Claim, kind_of
from vorbehalt.identify.registry import Registry
from vorbehalt.identify.tokens import HEAD, MISSING, TAIL, ClaimCache, TokenIndex


def tokens(claim: Claim | None) -> list[str]:
    return [] if claim is None else [crawler.token for crawler in (claim.crawler, *claim.others)]


@pytest.mark.parametrize("case", cases("identify"))
def test_the_shipped_rules_know_this_user_agent(case: dict[str, Any], shipped_index: TokenIndex) -> None:
    found = tokens(shipped_index.claim(case["ua"].encode("latin-1")))
    assert found[:1] == ([case["token"]] if "token" in case else [])
    if "others" in case:
        assert found[1:] == case["others"]


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (compatible; GPTBot/1.0)", ["GPTBot"]),
        ("gptbot", ["GPTBot"]),
        ("xGPTBot", []),
        ("GPTBotx", []),
        ("GPTBot2", []),
        ("GPTBot_", []),
        ("GPTBot-x", []),
        ("_GPTBot", []),
        (".GPTBot.", ["GPTBot"]),
        ("Googlebot-Image Googlebot", ["Googlebot-Image", "Googlebot"]),
        ("Googlebot-Imagery", []),
        # case
        ("ExaBot/1", ["ExaBot"]),
        ("Exabot/1", ["Exabot"]),
        ("exabot/1", []),
        # phrases appear as written
        ("Yahoo! Slurp/3.0", ["Yahoo! Slurp"]),
        ("yahoo! slurp", ["Yahoo! Slurp"]),
        ("Yahoo! Slurped", []),
        ("Yahoo!  Slurp", []),
        ("Yahoo Slurp", []),
        ("MyYahoo! Slurp", []),
        ("slurp/CAT", ["Yahoo! Slurp"]),
        ("xYahoo! Slurp", []),
        ("xYS (like YS)", []),
        # only the ends of a token that are letters need a boundary
        ("Zap!x", ["Zap!"]),
        ("xZap!", []),
        ("x!Zip", ["Zap!"]),
        ("!Zipx", []),
        ("like!Zip", ["Zap!"]),
        # form product
        ("Java/1.8", ["Java"]),
        ("Java", ["Java"]),
        ("Something Java/1.8", ["Java"]),
        ("Something Java", []),
        ("Java 1.8", []),
        # form lead
        ("got/11", ["got"]),
        ("got (https://example.org)", ["got"]),
        ("got", ["got"]),
        ("  got/11", ["got"]),
        ("got;", []),
        ("x got/11", []),
        # form exact
        ("Novel", ["Novel"]),
        (" novel ", ["Novel"]),
        ("Novel/1.0", ["Novel"]),
        ("Novel/1.0 ", ["Novel"]),
        ("Novel/1.0 x", []),
        ("Novel 1.0", []),
        ("x Novel", []),
        # comparisons
        ("Foo (like GPTBot)", []),
        ("Foo (LIKE\tGPTBot)", []),
        ("Foo (like GPTBot) GPTBot", ["GPTBot"]),
        ("Foo (unlike GPTBot)", ["GPTBot"]),
        ("Foo (like-GPTBot)", []),
        ("Foo (like; GPTBot)", ["GPTBot"]),
        ("Foo (like Gecko) GPTBot", ["GPTBot"]),
        ("Foo (compatible with Googlebot)", []),
        ("Foo (compatible with    Googlebot)", []),
        ("Foo (compatible; Googlebot)", ["Googlebot"]),
        ("like Yahoo! Slurp", []),
        # a word inside a longer token that was found is none
        ("Frog SEO Spider/5.1", ["Frog SEO Spider"]),
        ("Frog SEO Spider/5.1 Spider", ["Frog SEO Spider"]),
        ("Spider/1.0 GPTBot", ["Spider", "GPTBot"]),
        # addresses
        ("Foo (+http://example.org/GPTBot)", ["GPTBot"]),
        ("Foo (+http://example.org/a/gptbot.html)", ["GPTBot"]),
        ("Foo (+http://gptbot.example.org/)", []),
        ("Foo (+http://gptbot/x)", []),
        ("Foo (+www.gptbot.com/)", []),
        ("Foo (+www.example.com/gptbot)", ["GPTBot"]),
        ("Foo (+http://archive.org_bot/)", ["archive.org_bot"]),
        ("://a/wget", []),
        ("Foo http://example.org;GPTBot", ["GPTBot"]),
        ("Foo (gptbot@example.org)", []),
        ("Foo (x@gptbot.example.org)", []),
        ("Foo (+http://example.org/wget)", []),
        ("Foo (+http://example.org/Run-Extended)", []),
        ("Foo (+http://example.org/HeadlessChrome)", []),
        ("Commons/1 (+http://example.org/GPTBot)", ["GPTBot", "Commons"]),
        ("Spider (+http://example.org/Googlebot)", ["Spider", "Googlebot"]),
        # who wins
        ("YS GPTBot", ["GPTBot", "Yahoo! Slurp"]),
        ("YS GPTBot Yahoo! Slurp", ["Yahoo! Slurp", "GPTBot"]),
        ("wget/1 GPTBot", ["GPTBot", "wget"]),
        ("HeadlessChrome/1 wget/1", ["wget", "HeadlessChrome"]),
        ("HeadlessChrome/1 GPTBot", ["GPTBot", "HeadlessChrome"]),
        ("Commons GPTBot", ["GPTBot", "Commons"]),
        ("wget Commons", ["Commons", "wget"]),
        ("Run-Extended GPTBot", ["GPTBot", "Run-Extended"]),
        ("Run-Extended Commons", ["Commons", "Run-Extended"]),
        ("wget Run-Extended", ["Run-Extended", "wget"]),
        ("GPTBot Googlebot", ["Googlebot", "GPTBot"]),
        ("Spider GPTBot", ["Spider", "GPTBot"]),
        ("GPTBot Spider", ["GPTBot", "Spider"]),
    ],
)
def test_tokens_are_found_and_ranked(small: Registry, user_agent: str, expected: list[str]) -> None:
    assert tokens(TokenIndex(small).claim(user_agent.encode())) == expected


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [("GPTBot", "crawler"), ("wget/1", "tool"), ("HeadlessChrome/1", "headless"), ("Mozilla/5.0", "other")],
)
def test_the_kind_of_a_claim(small: Registry, user_agent: str, kind: str) -> None:
    assert kind_of(TokenIndex(small).claim(user_agent.encode())) == kind


def test_the_same_crawler_found_twice_is_claimed_once(small: Registry) -> None:
    claim = TokenIndex(small).claim(b"Yahoo! Slurp Slurp/cat (+http://example.org/gptbot) GPTBot")
    assert tokens(claim) == ["Yahoo! Slurp", "GPTBot"]


@given(st.binary(max_size=400))
def test_no_bytes_raise(small: Registry, user_agent: bytes) -> None:
    TokenIndex(small).claim(user_agent)


@pytest.mark.parametrize(
    "filler", [b"a", b" ", b"\0", b"\xff", b"\r\n", b"GPTBot@", b"http://x/wget ", b"like "]
)
def test_a_megabyte_does_not_raise_and_is_not_kept(small: Registry, filler: bytes) -> None:
    cache = ClaimCache(TokenIndex(small))
    cache.get(filler * (1_000_000 // len(filler)))
    assert not cache.known


def test_only_head_and_tail_of_a_long_user_agent_are_looked_at(small: Registry) -> None:
    index = TokenIndex(small)
    gap = b" " * (HEAD + TAIL)
    assert tokens(index.claim(b"GPTBot" + gap)) == ["GPTBot"]
    assert tokens(index.claim(gap + b"GPTBot")) == ["GPTBot"]
    assert tokens(index.claim(gap + b"GPTBot" + gap)) == []
    whole = b" " * (HEAD + TAIL - 6) + b"GPTBot"
    assert tokens(index.claim(whole)) == ["GPTBot"]
    across = (b" " * (HEAD - 3) + b"GPTBot").ljust(HEAD + TAIL)
    assert tokens(index.claim(across)) == ["GPTBot"]
    assert tokens(index.claim(across + b" ")) == []


def test_a_word_cut_in_two_is_no_token(small: Registry) -> None:
    index = TokenIndex(small)
    assert index.claim(b" " * (HEAD - 6) + b"GPTBotanical" + b" " * TAIL * 2) is None
    assert index.claim(b" " * HEAD + b" MyGPTBot" + b" " * (TAIL - 6)) is None


def test_the_cache_answers_as_the_index_and_is_bounded(small: Registry) -> None:
    index = TokenIndex(small)
    cache = ClaimCache(index, size=16)
    for number in range(200):
        user_agent = b"Mozilla/5.0 %d" % number + (b" GPTBot" if number % 3 else b"")
        for _ in range(2):
            assert cache.get(user_agent) == index.claim(user_agent)
        assert cache.known[user_agent] == index.claim(user_agent)
        assert len(cache.known) <= 16
    assert b"Mozilla/5.0 0" not in cache.known, "the oldest went first"


def test_a_known_user_agent_is_not_judged_again(small: Registry) -> None:
    cache = ClaimCache(TokenIndex(small))
    assert cache.known.get(b"GPTBot", MISSING) is MISSING
    first = cache.get(b"GPTBot")
    assert first is not None
    assert cache.get(bytes(bytearray(b"GPTBot"))) is first
    assert cache.get(b"nobody") is None
    assert cache.known.get(b"nobody", MISSING) is None


def test_a_header_beyond_four_kibibytes_is_not_kept(small: Registry) -> None:
    cache = ClaimCache(TokenIndex(small))
    cache.get(b"GPTBot".ljust(HEAD))
    cache.get(b"GPTBot".ljust(HEAD + 1))
    assert [len(key) for key in cache.known] == [HEAD]
