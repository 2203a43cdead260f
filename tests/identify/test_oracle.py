"""The index against an oracle: the same rules, written once more as one regular expression per token."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vorbehalt.identify.registry import Crawler, Registry
from vorbehalt.identify.tokens import TokenIndex

WORD = rb"[A-Za-z0-9_\-\x80-\xff]"
BLANK = rb"[ \t\r\n\x00\x0b\x0c]"
COMPARED = re.compile(
    rb"(?:^|[^A-Za-z0-9_\-\x80-\xff])(?:like|compatible with)" + BLANK + rb"{1,9}$", re.I | re.S
)
ADDRESS = re.compile(rb"[^ \t\r\n\x00\x0b\x0c()<>\[\]{}\"'`,;|]*$")
MAIL_BEFORE = re.compile(rb"@(?:" + WORD + rb"|\.)*$")
MAIL_AFTER = re.compile(rb"(?:" + WORD + rb"|\.)*@")


def oracle(registry: Registry, text: bytes) -> list[str]:
    """Tokens claimed by a User-Agent of at most 4,608 bytes, the winner first."""
    found: list[tuple[int, int, bool, Crawler]] = []
    for crawler in registry.crawlers:
        for spelling in (crawler.token, *crawler.aliases):
            hit = occurrence(crawler, spelling.encode(), text)
            if hit is not None:
                found.append((*hit, crawler))
    free = [
        one
        for one in found
        if not any(a <= one[0] and one[1] <= b and b - a > one[1] - one[0] for a, b, _, _ in found)
    ]
    order: list[str] = []
    for _, _, _, crawler in sorted(free, key=rank):
        if crawler.token not in order:
            order.append(crawler.token)
    return order


def rank(hit: tuple[int, int, bool, Crawler]) -> tuple[int, bool, int, int, str]:
    start, end, inside, crawler = hit
    if crawler.is_control:
        party = 2
    else:
        party = {"crawler": 0 if crawler.party.is_operator else 1, "tool": 3, "headless": 4}[crawler.kind]
    return party, inside, start - end, start, crawler.token


def occurrence(crawler: Crawler, spelling: bytes, text: bytes) -> tuple[int, int, bool] | None:
    flags = re.S if crawler.case_sensitive else re.S | re.I
    opened = rb"(?<!" + WORD + rb")" if re.match(WORD, spelling) else b""
    closed = rb"(?!" + WORD + rb")" if re.match(WORD, spelling[-1:]) else b""
    core = opened + rb"(?P<t>" + re.escape(spelling) + rb")" + closed
    whole = rb"\A" + BLANK + rb"*" + core
    forms = {
        "word": [core],
        "product": [core + rb"(?=/)", whole + BLANK + rb"*\Z"],
        "lead": [whole + rb"(?=/| |\Z)"],
        "exact": [whole + rb"(?:/[^ \t\r\n\x00\x0b\x0c]*)?" + BLANK + rb"*\Z"],
    }
    spans = sorted(
        {match.span("t") for form in forms[crawler.form] for match in re.finditer(form, text, flags)}
    )
    inside: tuple[int, int, bool] | None = None
    for start, end in spans:
        if COMPARED.search(text[:start]):
            continue
        if MAIL_BEFORE.search(text[:start]) or MAIL_AFTER.match(text[end:]):
            continue
        before = ADDRESS.search(text[:start])
        assert before is not None
        address = before.group().lower()
        if b"://" not in address and not address.lstrip(b"+").startswith(b"www."):
            return start, end, False
        path = b"/" in (address.rpartition(b"://")[2] if b"://" in address else address)
        if (
            inside is None
            and crawler.kind == "crawler"
            and not crawler.is_control
            and (path or b"." in spelling)
        ):
            inside = start, end, True
    return inside


def user_agents(registry: Registry) -> st.SearchStrategy[bytes]:
    spellings = [name for crawler in registry.crawlers for name in (crawler.token, *crawler.aliases)]
    token = st.sampled_from(spellings)
    spelled = st.one_of(token, token.map(str.lower), token.map(str.upper), token.map(str.title))
    words = "Mozilla/5.0,(KHTML; like Gecko),like,compatible with,Chrome/128.0,Safari/537.36,bot,1.0,é,_,-"
    addresses = "https://,http://a.b/,www.,example.org/,x@,@x"
    fragment = st.sampled_from([*words.split(","), *addresses.split(",")])
    between = st.sampled_from(
        [" ", "", "/", "; ", "(", ")", ",", "+", ".", "-", "_", "  ", "\t", "\0", "x", "9", "ÿ"]
    )
    parts = st.lists(st.tuples(st.one_of(spelled, spelled, fragment), between), max_size=7)
    return parts.map(lambda pairs: "".join(a + b for a, b in pairs).encode("latin-1"))


def agrees(registry: Registry, index: TokenIndex, user_agent: bytes) -> None:
    claim = index.claim(user_agent)
    found = [] if claim is None else [crawler.token for crawler in (claim.crawler, *claim.others)]
    assert found == oracle(registry, user_agent)


def test_the_index_equals_the_oracle_on_a_small_registry(small: Registry) -> None:
    index = TokenIndex(small)

    @settings(max_examples=600, deadline=None)
    @given(user_agents(small))
    def check(user_agent: bytes) -> None:
        agrees(small, index, user_agent)

    check()


def test_the_index_equals_the_oracle_on_the_shipped_rules(
    shipped: Registry, shipped_index: TokenIndex
) -> None:
    @settings(max_examples=120, deadline=None)
    @given(user_agents(shipped))
    def check(user_agent: bytes) -> None:
        agrees(shipped, shipped_index, user_agent)

    check()


def test_the_index_equals_the_oracle_on_every_sample(shipped: Registry, shipped_index: TokenIndex) -> None:
    samples = {
        sample for crawler in shipped.crawlers for sample in crawler.must_match + crawler.must_not_match
    }
    assert len(samples) > 300
    for sample in sorted(samples)[::4]:
        agrees(shipped, shipped_index, sample.encode())


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [(b"GPTBot", ["GPTBot"]), (b"xGPTBot", []), (b"like GPTBot", []), (b"wget GPTBot", ["GPTBot", "wget"])],
)
def test_the_oracle_is_no_rubber_stamp(small: Registry, user_agent: bytes, expected: list[str]) -> None:
    assert oracle(small, user_agent) == expected
