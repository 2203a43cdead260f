"""From a claim to a standing, by published lists alone. Nothing here may accuse the innocent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.facts import AddressSource, ClientAddress, Purpose, Standing
from vorbehalt.identify.identity import Claim, Identity, establish
from vorbehalt.identify.networks import RangeList
from vorbehalt.identify.registry import Crawler, Means, Party

PARTY = Party("example", "Example AI", True)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
AT = int(NOW.timestamp()) * 10**9
INSIDE, OUTSIDE = "8.8.8.8", "9.9.9.9"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

RANGES = Means("ranges", list="own")
COPIED = Means("ranges", list="copied")
AS = Means("as", list="as")
RDNS = Means("rdns", suffixes=(".example.ai",))
SIGNATURE = Means("signature", directory="https://example.ai")


def range_list(name: str, age: timedelta, basis: str = "operator") -> RangeList:
    body = {
        "list": name,
        "source_url": "https://example.ai/bots.json",
        "fetched_at": (NOW - age).isoformat(),
        "basis": basis,
        "prefixes": [{"ipv4Prefix": "8.8.8.0/24"}, {"ipv6Prefix": "2a00:1450::/32"}],
    }
    return RangeList.from_document(name, json.dumps(body).encode())


def lists(age: timedelta) -> Mapping[str, RangeList]:
    return {
        "own": range_list("own", age),
        "copied": range_list("copied", age, "third-party"),
        "as": range_list("as", age, "third-party"),
    }


def client(text: str | None, source: AddressSource = "direct", is_global: bool = True) -> ClientAddress:
    return ClientAddress(text, source, is_global)


def crawler(*means: Means, purpose: Purpose = Purpose.TRAINING, is_control: bool = False) -> Crawler:
    return Crawler("ExampleBot", PARTY, "crawler", purpose, "operator", verify=means, is_control=is_control)


def standing(who: Crawler, address: str, age: timedelta) -> Standing:
    return establish(Claim(who), client(address), lists(age), AT).standing


@pytest.mark.parametrize(
    ("means", "address", "age", "expected"),
    [
        ([RANGES], INSIDE, HOUR, Standing.VERIFIED),
        ([RANGES], "2a00:1450::5", HOUR, Standing.VERIFIED),
        ([RANGES], INSIDE, 30 * DAY, Standing.VERIFIED),
        ([RANGES], INSIDE, 30 * DAY + HOUR, Standing.UNKNOWN),
        ([RANGES], OUTSIDE, HOUR, Standing.CONTRADICTED),
        ([RANGES], OUTSIDE, 24 * HOUR, Standing.CONTRADICTED),
        ([RANGES], OUTSIDE, 25 * HOUR, Standing.UNKNOWN),
        ([RANGES], OUTSIDE, 300 * DAY, Standing.UNKNOWN),
        ([RANGES, RDNS], INSIDE, HOUR, Standing.VERIFIED),
        ([RANGES, RDNS], OUTSIDE, HOUR, Standing.CONTRADICTED),
        ([RANGES, SIGNATURE], OUTSIDE, HOUR, Standing.UNKNOWN),
        ([RANGES, Means("ranges", list="absent")], OUTSIDE, HOUR, Standing.UNKNOWN),
        ([Means("ranges", list="absent")], OUTSIDE, HOUR, Standing.CLAIMED),
        ([RDNS], OUTSIDE, HOUR, Standing.CLAIMED),
        ([SIGNATURE], OUTSIDE, HOUR, Standing.CLAIMED),
        ([], INSIDE, HOUR, Standing.CLAIMED),
        ([AS], INSIDE, HOUR, Standing.CONSISTENT),
        ([AS], INSIDE, 31 * DAY, Standing.CLAIMED),
        ([AS], OUTSIDE, HOUR, Standing.CLAIMED),
        ([COPIED], INSIDE, HOUR, Standing.CONSISTENT),
        ([COPIED], INSIDE, 31 * DAY, Standing.CLAIMED),
        ([COPIED], OUTSIDE, HOUR, Standing.CLAIMED),
        ([RANGES, AS], OUTSIDE, HOUR, Standing.CONTRADICTED),
        ([RANGES, COPIED], INSIDE, HOUR, Standing.VERIFIED),
    ],
)
def test_what_lists_establish(means: list[Means], address: str, age: timedelta, expected: Standing) -> None:
    assert standing(crawler(*means), address, age) is expected


def test_a_weak_hit_speaks_against_a_contradiction() -> None:
    far = {**lists(HOUR), "own": RangeList.from_document("own", _elsewhere("own"))}
    found = establish(Claim(crawler(RANGES, AS)), client(INSIDE), far, AT)
    assert found.standing is Standing.CONSISTENT


def test_an_as_list_proves_nothing_even_from_the_operator() -> None:
    own = {"as": range_list("as", HOUR, "operator")}
    for address, expected in ((INSIDE, Standing.CONSISTENT), (OUTSIDE, Standing.CLAIMED)):
        assert establish(Claim(crawler(AS)), client(address), own, AT).standing is expected


def test_a_crawler_with_two_lists_is_contradicted_only_when_both_are_fresh() -> None:
    who = crawler(RANGES, Means("ranges", list="second"))
    for age, expected in ((HOUR, Standing.CONTRADICTED), (25 * HOUR, Standing.UNKNOWN)):
        both = {**lists(HOUR), "second": range_list("second", age)}
        assert establish(Claim(who), client(OUTSIDE), both, AT).standing is expected


def _elsewhere(name: str) -> bytes:
    body = {
        "list": name,
        "source_url": "https://example.ai/bots.json",
        "fetched_at": NOW.isoformat(),
        "basis": "operator",
        "prefixes": [{"ipv4Prefix": "7.7.7.0/24"}],
    }
    return json.dumps(body).encode()


def test_a_search_engine_is_never_contradicted_by_lists_alone() -> None:
    for means in ([RANGES], [RANGES, RDNS], [RANGES, Means("ranges", list="copied")]):
        who = crawler(*means, purpose=Purpose.SEARCH_ENGINE)
        assert standing(who, OUTSIDE, HOUR) is Standing.UNKNOWN
        assert standing(who, INSIDE, HOUR) is Standing.VERIFIED


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (client("10.0.0.1", is_global=False), "not globally routable"),
        (client(OUTSIDE, "untrusted"), "not trusted"),
        (client(None, "none"), "not known"),
        (client(INSIDE, "untrusted"), "not trusted"),
    ],
)
def test_an_address_that_cannot_be_used_leaves_the_claim_a_claim(address: ClientAddress, says: str) -> None:
    found = establish(Claim(crawler(RANGES)), address, lists(HOUR), AT)
    assert found.standing is Standing.CLAIMED
    assert says in found.how


@pytest.mark.parametrize(
    "address", [client(INSIDE), client("10.0.0.1", is_global=False), client(None, "none")]
)
def test_a_control_token_cannot_be_genuine(address: ClientAddress) -> None:
    found = establish(Claim(crawler(RANGES, is_control=True)), address, lists(HOUR), AT)
    assert found.standing is Standing.CONTRADICTED
    assert "control token" in found.how


def test_how_names_list_age_and_version() -> None:
    own = lists(50 * HOUR)["own"]
    found = establish(Claim(crawler(RANGES)), client(INSIDE), {"own": own}, AT)
    assert found.how == f"the address is in published list own (2 days old, sha256 {own.digest[:12]})"
    young = establish(Claim(crawler(RANGES)), client(INSIDE), lists(5 * HOUR), AT)
    assert "(5 h old," in young.how


def test_a_list_fetched_after_an_old_request_says_as_little_as_one_as_old() -> None:
    assert standing(crawler(RANGES), OUTSIDE, -23 * HOUR) is Standing.CONTRADICTED
    assert standing(crawler(RANGES), OUTSIDE, -25 * HOUR) is Standing.UNKNOWN
    assert standing(crawler(RANGES), INSIDE, -31 * DAY) is Standing.UNKNOWN
    found = establish(Claim(crawler(RANGES)), client(INSIDE), lists(-400 * DAY), AT)
    assert "fetched 400 days after the request" in found.how


def test_the_ages_are_settings() -> None:
    def found(address: str, age: timedelta) -> Standing:
        return establish(
            Claim(crawler(RANGES)), client(address), lists(age), AT, hit_max_age_days=2, miss_max_age_hours=2
        ).standing

    assert found(INSIDE, 49 * HOUR) is Standing.UNKNOWN
    assert found(INSIDE, 48 * HOUR) is Standing.VERIFIED
    assert found(OUTSIDE, 3 * HOUR) is Standing.UNKNOWN
    assert found(OUTSIDE, 2 * HOUR) is Standing.CONTRADICTED


MEANS = st.sampled_from([RANGES, COPIED, AS, RDNS, SIGNATURE, Means("ranges", list="absent")])


@given(
    means=st.lists(MEANS, max_size=4),
    purpose=st.sampled_from(list(Purpose)),
    text=st.sampled_from([INSIDE, OUTSIDE, "10.0.0.1", None, "2a00:1450::1"]),
    source=st.sampled_from(["direct", "proxy-asserted", "untrusted", "none"]),
    hours=st.integers(-2000, 2000),
)
def test_nobody_is_accused_without_a_fresh_list_of_the_operator(
    means: list[Means],
    purpose: Purpose,
    text: str | None,
    source: Literal["direct", "proxy-asserted", "untrusted", "none"],
    hours: int,
) -> None:
    who = crawler(*means, purpose=purpose)
    address = client(text, source, text not in (None, "10.0.0.1"))
    found = establish(Claim(who), address, lists(timedelta(hours=hours)), AT)
    assert found.how
    assert not text or text not in found.how, "no address in the words of a record"
    if found.standing is Standing.CONTRADICTED:
        assert address.is_usable
        assert RANGES in means
        assert abs(hours) <= 24
        assert text == OUTSIDE
        assert purpose is not Purpose.SEARCH_ENGINE
    if found.standing is Standing.VERIFIED:
        assert RANGES in means
        assert address.is_usable
        assert text in (INSIDE, "2a00:1450::1")
        assert abs(hours) <= 720
    assert isinstance(found, Identity)
