"""The rules behind the named cases, at their edges and for any combination of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.facts import AddressSource, ClientAddress, Purpose, Standing
from vorbehalt.identify.answers import DnsAnswer, SignatureAnswer
from vorbehalt.identify.identity import Claim, Identity, establish, signed_claim
from vorbehalt.identify.means import OperatorMeans, operator_means, same_origin
from vorbehalt.identify.networks import RangeList
from vorbehalt.identify.registry import Crawler, Means, Party, Registry

PARTY, OTHER = Party("example", "Example AI", True), Party("other", "Other Ltd", True)
HOUR = 3_600_000_000_000
AT = 1_795_000_000 * 10**9
INSIDE, OUTSIDE = "8.8.8.8", "9.9.9.9"
KEY = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"

RANGES, SECOND, COPIED = (Means("ranges", list=name) for name in ("own", "second", "copied"))
AS, ABSENT = Means("as", list="as"), Means("ranges", list="absent")
RDNS = Means("rdns", suffixes=(".example.ai", ".example.net"))
SIGNATURE = Means("signature", directory="https://example.ai")
ENGINE = Purpose.SEARCH_ENGINE


def crawler(*means: Means, purpose: Purpose = Purpose.SEARCH, token: str = "ExampleBot") -> Crawler:
    return Crawler(token, PARTY, "crawler", purpose, "operator", verify=means)


def range_list(name: str, hours: int = 1, basis: str = "operator") -> RangeList:
    body = {
        "list": name,
        "source_url": "https://example.ai/bots.json",
        "fetched_at": "2026-11-18T12:00:00Z",
        "basis": basis,
        "prefixes": [{"ipv4Prefix": "8.8.8.0/24"}],
    }
    found = RangeList.from_document(name, json.dumps(body).encode())
    return RangeList(name, found.source_url, AT - hours * HOUR, found.basis, found.digest, found.networks)


def lists(hours: int = 1) -> Mapping[str, RangeList]:
    third = {name: range_list(name, hours, "third-party") for name in ("copied", "as")}
    return {"own": range_list("own", hours), "second": range_list("second", hours), **third}


def dns(outcome: str, *names: str, age: int = HOUR) -> DnsAnswer:
    return DnsAnswer(outcome, names, AT - age, 300)  # type: ignore[arg-type]


def signed(outcome: str = "verified", agent: str = "https://example.ai", how: str = "x") -> SignatureAnswer:
    return SignatureAnswer(outcome, agent, KEY, how, directory_digest="d" * 64)  # type: ignore[arg-type]


def judge(who: Crawler, address: str = OUTSIDE, **more: object) -> Identity:
    hours = more.pop("hours", 1)
    assert isinstance(hours, int)
    client = ClientAddress(address, "direct", True)
    return establish(Claim(who), client, lists(hours), AT, **more)  # type: ignore[arg-type]


def test_a_negative_of_dns_counts_for_24_hours() -> None:
    who = crawler(RDNS)
    for age, expected in (
        (24 * HOUR, Standing.CONTRADICTED),
        (24 * HOUR + 1, Standing.CLAIMED),
        (-24 * HOUR, Standing.CONTRADICTED),
        (-24 * HOUR - 1, Standing.CLAIMED),
    ):
        for outcome in ("open", "absent", "closed"):
            assert judge(who, dns=dns(outcome, "a.example.org", age=age)).standing is expected


def test_a_name_of_dns_verifies_for_24_hours_and_is_then_unknown() -> None:
    for means in ((RDNS,), (RANGES, RDNS)):
        who = crawler(*means)
        fresh = dns("closed", "x.example.org", "crawl.example.ai", age=24 * HOUR)
        assert judge(who, dns=fresh).standing is Standing.VERIFIED
        old = judge(who, dns=dns("closed", "crawl.example.ai", age=24 * HOUR + 1))
        assert (old.standing, "too old" in old.how) == (Standing.UNKNOWN, True)


def test_a_name_spells_no_address_and_keeps_its_suffix() -> None:
    for name, shown in (
        ("crawl.example.ai", "to crawl.example.ai and back (1 h old)"),
        ("crawl-9-9-9-9.eu.example.ai", "to *.eu.example.ai and back"),
        ("a.ip9.example.net", "to a.*.example.net and back"),
        ("example.ai", "to example.ai and back"),
    ):
        assert shown in judge(crawler(RDNS), dns=dns("closed", name)).how
    vouched = DnsAnswer("closed", ("crawl.example.ai",), AT, 300, authenticated=True)
    assert "(0 h old, DNSSEC)" in judge(crawler(RDNS), dns=vouched).how
    late = judge(crawler(RDNS), dns=dns("closed", "crawl.example.ai", age=-2 * HOUR))
    assert "(asked 2 h after the request)" in late.how


def test_a_search_engine_needs_two_means_and_not_two_lists() -> None:
    negative = dns("absent")
    for means, expected in (
        ((RANGES, RDNS), Standing.CONTRADICTED),
        ((RANGES, SECOND, RDNS), Standing.CONTRADICTED),
        ((RANGES, SECOND), Standing.UNKNOWN),
        ((RDNS,), Standing.UNKNOWN),
        ((RANGES,), Standing.UNKNOWN),
        ((COPIED, RDNS), Standing.UNKNOWN),
        ((AS, RDNS), Standing.UNKNOWN),
        ((RANGES, RDNS, SIGNATURE), Standing.UNKNOWN),
        ((RANGES, RDNS, ABSENT), Standing.UNKNOWN),
    ):
        found = judge(crawler(*means, purpose=ENGINE), dns=negative)
        assert found.standing is expected, means
        words = "one negative does not contradict a search engine" in found.how
        assert words is (SIGNATURE not in means and ABSENT not in means and expected is Standing.UNKNOWN)


def test_a_search_engine_is_never_contradicted_by_an_old_list_whatever_the_settings_allow() -> None:
    for purpose, expected in ((ENGINE, Standing.UNKNOWN), (Purpose.SEARCH, Standing.CONTRADICTED)):
        who = crawler(RANGES, RDNS, purpose=purpose)
        found = judge(who, dns=dns("absent"), hours=25, miss_max_age_hours=72)
        assert found.standing is expected
    strict = judge(crawler(RANGES, RDNS, purpose=ENGINE), dns=dns("absent"), hours=3, miss_max_age_hours=2)
    assert strict.standing is Standing.UNKNOWN, "a shorter time of the site holds"


def test_a_negative_of_dns_does_not_outweigh_an_old_list_that_could_be_renewed() -> None:
    assert judge(crawler(RANGES, RDNS), dns=dns("absent"), hours=25).standing is Standing.UNKNOWN
    assert judge(crawler(RANGES, RDNS), INSIDE, dns=dns("absent"), hours=800).standing is Standing.UNKNOWN
    assert judge(crawler(RANGES, RDNS), INSIDE, dns=dns("absent")).standing is Standing.VERIFIED


def test_dns_that_failed_says_nothing() -> None:
    assert judge(crawler(RDNS), dns=dns("failed", "crawl.example.ai")).standing is Standing.CLAIMED
    assert judge(crawler(RANGES, RDNS), dns=dns("failed")).standing is Standing.CONTRADICTED
    assert judge(crawler(RANGES, RDNS, purpose=ENGINE), dns=dns("failed")).standing is Standing.UNKNOWN


def test_an_answer_on_its_way_holds_a_contradiction_back() -> None:
    who = crawler(RANGES, RDNS)
    assert judge(who, awaited=frozenset({"rdns"})).standing is Standing.UNKNOWN
    assert judge(who, awaited=frozenset({"signature"})).standing is Standing.CONTRADICTED
    assert judge(crawler(RANGES), awaited=frozenset({"rdns"})).standing is Standing.CONTRADICTED
    answered = judge(who, awaited=frozenset({"rdns"}), dns=dns("absent"))
    assert answered.standing is Standing.CONTRADICTED


def test_an_operator_without_means_is_never_contradicted() -> None:
    for answer in (dns("absent"), dns("open"), dns("closed", "evil.example"), None):
        for signature in (None, signed("invalid"), signed(agent="https://evil.example")):
            found = judge(crawler(), dns=answer, signature=signature)
            assert found.standing is Standing.CLAIMED
            assert "Example AI names no means of verification for ExampleBot" in found.how


def registry(*crawlers: Crawler) -> OperatorMeans:
    return operator_means(Registry("t", "0" * 64, crawlers, {}))


def test_the_means_of_an_operator_stand_by_its_id_once_with_all_their_crawlers() -> None:
    one, two = crawler(RANGES), crawler(RANGES, SIGNATURE, token="Second")
    foreign = Crawler("Foreign", OTHER, "crawler", Purpose.SEARCH, "operator", verify=(AS,))
    found = registry(one, two, foreign, crawler(token="None"))
    assert {party: [row.means for row in rows] for party, rows in found.items()} == {
        "example": [RANGES, SIGNATURE],
        "other": [AS],
    }
    assert [row.token for row in found["example"][0].crawlers] == ["ExampleBot", "Second"]


def test_what_an_operator_documents_for_another_crawler_helps_and_never_harms() -> None:
    kin = crawler(SECOND, RDNS, token="Second")
    documented = registry(kin)
    own = crawler(Means("ranges", list="elsewhere"))
    elsewhere = RangeList("elsewhere", "", AT, "operator", "e" * 64, range_list("own").networks)
    none = crawler()
    for who in (own, none):
        verified = judge(who, INSIDE, documented=documented)
        assert verified.standing is Standing.VERIFIED
        assert "documented for Second" in verified.how
        assert (
            judge(who, dns=dns("closed", "a.example.ai"), documented=documented).standing is Standing.VERIFIED
        )
        assert judge(who, INSIDE, documented=documented, hours=800).standing is Standing.UNKNOWN
        assert judge(who, dns=dns("absent"), documented=documented).standing is Standing.CLAIMED
    assert (
        establish(
            Claim(own),
            ClientAddress(OUTSIDE, "direct", True),
            {**lists(), "elsewhere": elsewhere},
            AT,
            dns=dns("absent"),
            documented=documented,
        ).standing
        is Standing.CONTRADICTED
    )
    foreign = Crawler("Foreign", OTHER, "crawler", Purpose.SEARCH, "operator")
    assert judge(foreign, INSIDE, documented=documented).standing is Standing.CLAIMED


@pytest.mark.parametrize("purpose", list(Purpose))
def test_what_fetches_at_anybodys_wish_vouches_for_no_search_engine(purpose: Purpose) -> None:
    documented = registry(
        crawler(SECOND, token="A", purpose=Purpose.MONITOR), crawler(SECOND, token="B", purpose=purpose)
    )
    people = purpose in (Purpose.USER_FETCH, Purpose.AGENT, Purpose.FEED, Purpose.PREVIEW)
    engine = judge(crawler(ABSENT, purpose=ENGINE), INSIDE, documented=documented)
    assert engine.standing is (Standing.CONSISTENT if people else Standing.VERIFIED)
    search = judge(crawler(ABSENT, purpose=Purpose.SEARCH), INSIDE, documented=documented)
    assert search.standing is Standing.VERIFIED
    own = judge(crawler(SECOND, purpose=ENGINE), INSIDE, documented=documented)
    assert own.standing is Standing.VERIFIED


def test_a_second_token_takes_over_only_with_proof_of_its_own() -> None:
    first, second = crawler(RANGES), Crawler("Second", OTHER, "crawler", ENGINE, "operator", verify=(RDNS,))
    claim = Claim(first, (second,))

    def found(address: str, answer: DnsAnswer | None) -> tuple[str, Standing]:
        client = ClientAddress(address, "direct", True)
        identity = establish(claim, client, lists(), AT, dns=answer)
        return identity.token, identity.standing

    closes = dns("closed", "crawl.example.ai")
    assert found(OUTSIDE, closes) == ("Second", Standing.VERIFIED)
    assert found(INSIDE, closes) == ("ExampleBot", Standing.VERIFIED)
    assert found(OUTSIDE, dns("absent")) == ("ExampleBot", Standing.CONTRADICTED)
    assert found(OUTSIDE, dns("closed", "crawl.example.ai", age=30 * HOUR)) == (
        "ExampleBot",
        Standing.CONTRADICTED,
    )


def test_a_control_token_beside_a_crawler_changes_nothing() -> None:
    control = Crawler("X", OTHER, "crawler", Purpose.TRAINING, "operator", is_control=True, verify=(RANGES,))
    client = ClientAddress(INSIDE, "direct", True)
    assert establish(Claim(crawler(), (control,)), client, lists(), AT).token == "ExampleBot"


def test_a_signature_outranks_lists_and_names_its_key() -> None:
    found = judge(crawler(RANGES, SIGNATURE), INSIDE, signature=signed())
    assert found.standing is Standing.SIGNED
    assert f"signed with key {KEY[:12]} of https://example.ai (directory sha256 {'d' * 12})" in found.how
    assert found.data == (lists()["own"].digest, "d" * 64)
    assert "not Example AI's" not in found.how
    for outcome in ("invalid", "unverified"):
        assert judge(crawler(SIGNATURE), signature=signed(outcome)).standing is Standing.CLAIMED
        still = judge(crawler(RANGES, SIGNATURE), signature=signed(outcome))
        assert still.standing is Standing.UNKNOWN, "as good as no signature, and no worse"


@pytest.mark.parametrize(
    "agent",
    ["https://example.ai", "https://EXAMPLE.ai/", "https://example.ai:443", "https://example.ai:443/"],
)
def test_an_origin_is_compared_as_an_origin(agent: str) -> None:
    assert judge(crawler(SIGNATURE), signature=signed(agent=agent)).standing is Standing.SIGNED


@pytest.mark.parametrize(
    "agent",
    ["", "http://example.ai", "https://example.ai.evil", "https://example.ai:8443", "https://a.example.ai"],
)
def test_another_origin_is_somebody_else(agent: str) -> None:
    assert judge(crawler(SIGNATURE), signature=signed(agent=agent)).standing is Standing.CLAIMED
    assert not same_origin("", "")


def test_words_of_strangers_are_cut_and_cleaned() -> None:
    evil = signed(agent="https://evil.example/\r\nX: \u202e" + "a" * 5000)
    how = judge(crawler(RANGES), signature=evil).how
    assert how.isascii()
    assert how.isprintable()
    assert len(how) < 400


def test_a_signature_without_a_token_is_a_claim_of_its_directory() -> None:
    agent = crawler(SIGNATURE, purpose=Purpose.AGENT)
    documented = registry(crawler(RANGES, token="First"), agent)
    for outcome in ("verified", "invalid", "unverified"):
        assert signed_claim(signed(outcome), documented) == Claim(agent)
    assert signed_claim(signed(agent="https://evil.example"), documented) is None
    assert signed_claim(signed(agent=""), documented) is None
    assert signed_claim(None, documented) is None


ANSWERS = st.one_of(
    st.none(),
    st.builds(
        DnsAnswer,
        st.sampled_from(["closed", "open", "absent", "failed"]),
        st.sampled_from([(), ("crawl.example.ai",), ("evil.example",)]),
        st.integers(AT - 50 * HOUR, AT + 50 * HOUR),
        st.just(300),
    ),
)
SIGNATURES = st.one_of(
    st.none(),
    st.builds(
        SignatureAnswer,
        st.sampled_from(["verified", "invalid", "unverified"]),
        st.sampled_from(["https://example.ai", "https://evil.example", ""]),
        st.just(KEY),
        st.just("x"),
    ),
)
SOURCES = st.sampled_from(["direct", "proxy-asserted", "untrusted", "none"])


@given(
    means=st.lists(st.sampled_from([RANGES, SECOND, COPIED, AS, ABSENT, RDNS, SIGNATURE]), unique=True),
    kin=st.lists(st.sampled_from([RANGES, SECOND, AS, RDNS, SIGNATURE]), unique=True),
    purpose=st.sampled_from(list(Purpose)),
    text=st.sampled_from([INSIDE, OUTSIDE, None]),
    source=SOURCES,
    is_global=st.booleans(),
    hours=st.integers(-800, 800),
    answer=ANSWERS,
    signature=SIGNATURES,
)
def test_nobody_is_lifted_or_accused_without_what_the_rules_ask_for(
    means: list[Means],
    kin: list[Means],
    purpose: Purpose,
    text: str | None,
    source: AddressSource,
    is_global: bool,
    hours: int,
    answer: DnsAnswer | None,
    signature: SignatureAnswer | None,
) -> None:
    who = crawler(*means, purpose=purpose)
    client = ClientAddress(text, source, is_global and text is not None)
    documented = registry(who, crawler(*kin, token="Kin"))
    found = establish(
        Claim(who), client, lists(hours), AT, dns=answer, signature=signature, documented=documented
    )
    assert found.how
    assert text is None or text not in found.how
    if not client.is_usable:
        assert found.standing is Standing.CLAIMED
        return
    all_means = {*means, *kin}
    is_signed = signature is not None and (signature.outcome, signature.agent) == (
        "verified",
        "https://example.ai",
    )
    closes = (
        answer is not None
        and answer.closes_under(RDNS.suffixes) != ""
        and abs(AT - answer.asked_at) <= 24 * HOUR
    )
    listed = text == INSIDE and abs(hours) <= 720
    if found.standing is Standing.SIGNED:
        assert is_signed
        assert SIGNATURE in all_means
    if found.standing is Standing.VERIFIED:
        assert (listed and all_means & {RANGES, SECOND}) or (closes and RDNS in all_means)
    if found.standing is Standing.CONTRADICTED:
        missed = text == OUTSIDE and abs(hours) <= 24 and bool({RANGES, SECOND} & set(means))
        denied = (
            answer is not None
            and answer.outcome != "failed"
            and not answer.closes_under(RDNS.suffixes)
            and abs(AT - answer.asked_at) <= 24 * HOUR
            and RDNS in means
        )
        assert missed + denied >= (2 if purpose is ENGINE else 1)
        assert not {SIGNATURE, ABSENT} & set(means)
        assert not (closes and RDNS in all_means)


def test_an_as_of_the_operator_is_a_hint_for_its_other_crawlers_too_and_is_said_once() -> None:
    kin, own = crawler(AS, token="Kin"), crawler(AS)
    assert judge(crawler(RANGES), INSIDE, documented=registry(kin), hours=1).standing is Standing.VERIFIED
    hinted = judge(crawler(), INSIDE, documented=registry(kin))
    assert (hinted.standing, "documented for Kin" in hinted.how) == (Standing.CONSISTENT, True)
    assert judge(own, INSIDE, documented=registry(own)).how.count("AS list as") == 1


def test_a_key_of_the_same_operator_is_not_called_anothers() -> None:
    agent = crawler(SIGNATURE, token="Agent", purpose=Purpose.AGENT)
    engine = judge(crawler(RANGES, RDNS, purpose=ENGINE), signature=signed(), documented=registry(agent))
    assert engine.standing is Standing.CONSISTENT
    assert "not Example AI's" not in engine.how
