"""Who was told what, as values: proofs and claims side by side, hosts apart, the start of observation."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.evidence.history.told import (
    Fetch,
    Hosts,
    HostTold,
    Last,
    bounded,
    count,
    filled,
    noted,
    observed,
)
from vorbehalt.evidence.history.told_lines import AHEAD, FetchLine, SinceLine, read_line
from vorbehalt.facts import Standing

ROBOTS = "/robots.txt"
PATHS = (ROBOTS, "/license.xml")
ONE, TWO = "1" * 64, "2" * 64
START = 1_764_000_000 * 10**9


def fetch(at: int, standing: str = "verified", version: str = ONE, operator: str | None = "OpenAI") -> Fetch:
    return Fetch(version, START + at, 200, Standing(standing), operator)


def told(*fetches: tuple[str, Fetch]) -> HostTold:
    return filled({"": HostTold(START)}, (("", token, ROBOTS, one) for token, one in fetches))[""]


def test_nothing_fetched_is_none_since_the_start_of_observation() -> None:
    assert told().as_record("GPTBot", "OpenAI", PATHS) == {
        "since": str(START),
        "crawler": {ROBOTS: "none", "/license.xml": "none"},
        "operator": {},
    }


def test_a_fetch_says_version_time_status_and_standing() -> None:
    found = told(("GPTBot", fetch(5))).as_record("GPTBot", "OpenAI", PATHS)

    assert found["crawler"] == {
        ROBOTS: {"version": ONE, "at": str(START + 5), "status": 200, "standing": "verified"},
        "/license.xml": "none",
    }
    assert found["operator"] == {}


def test_what_another_crawler_of_the_operator_fetched_is_said_of_the_operator() -> None:
    known = told(("OAI-SearchBot", fetch(5)), ("PerplexityBot", fetch(9, operator="Perplexity")))

    found = known.as_record("GPTBot", "OpenAI", PATHS)
    assert found["crawler"] == {ROBOTS: "none", "/license.xml": "none"}
    assert found["operator"] == {ROBOTS: fetch(5).as_json()}
    assert known.as_record("OAI-SearchBot", "OpenAI", PATHS)["operator"] == {}


def test_a_crawler_that_anybody_may_run_has_no_operator() -> None:
    assert "operator" not in told(("CCBot", fetch(5, operator=None))).as_record("CCBot", None, PATHS)


@pytest.mark.parametrize("standing", ["claimed", "consistent", "unknown"])
def test_a_later_claim_does_not_hide_a_proof_and_is_no_proof(standing: str) -> None:
    known = told(("GPTBot", fetch(5)), ("GPTBot", fetch(7, standing, TWO)))

    found = known.as_record("GPTBot", "OpenAI", (ROBOTS,))["crawler"]
    assert found == {ROBOTS: {**fetch(5).as_json(), "later": fetch(7, standing, TWO).as_json()}}


@pytest.mark.parametrize("standing", ["signed", "verified"])
def test_a_later_proof_takes_the_place_of_a_claim(standing: str) -> None:
    known = told(("GPTBot", fetch(5, "claimed")), ("GPTBot", fetch(7, standing, TWO)))

    assert known.last("GPTBot", ROBOTS) == Last(fetch(7, standing, TWO), None)


def test_a_claim_alone_says_that_it_is_one() -> None:
    found = told(("GPTBot", fetch(5, "claimed"))).as_record("GPTBot", "OpenAI", (ROBOTS,))
    assert found["crawler"] == {ROBOTS: fetch(5, "claimed").as_json()}


def test_an_impostor_was_told_and_not_the_crawler() -> None:
    start: Hosts = {"": HostTold(START)}
    assert noted(start, "", "GPTBot", ROBOTS, fetch(5, "contradicted")) is start
    assert filled(start, [("", "GPTBot", ROBOTS, fetch(5, "contradicted"))]) == start


standings = st.sampled_from([name.value for name in Standing])
fetches = st.lists(
    st.tuples(st.integers(1, 4), standings, st.sampled_from([ONE, TWO])).map(lambda parts: fetch(*parts)),
    max_size=4,
    unique_by=lambda one: (one.at, one.standing),
)


@given(fetches)
def test_the_order_in_which_fetches_become_known_does_not_matter(found: list[Fetch]) -> None:
    def after(order: tuple[Fetch, ...]) -> Hosts:
        known: Hosts = {"": HostTold(START)}
        for one in order:
            known = noted(known, "", "GPTBot", ROBOTS, one)
        return known

    expected = filled({"": HostTold(START)}, (("", "GPTBot", ROBOTS, one) for one in found))
    ranks = {one: (one.at, one.version, one.standing.value) for one in found}
    distinct = len({(one.at, one.version) for one in found}) == len(ranks)
    for order in permutations(found):
        assert not distinct or after(order) == expected


@given(fetches)
def test_the_last_proof_and_only_later_claims_are_kept(found: list[Fetch]) -> None:
    last = told(*(("GPTBot", one) for one in found)).last("GPTBot", ROBOTS)
    proofs = [one.at for one in found if one.standing.value in ("signed", "verified")]
    claims = [one.at for one in found if one.standing.value in ("claimed", "consistent", "unknown")]
    proven, claimed = max(proofs, default=None), max(claims, default=None)
    if proven is not None and claimed is not None and claimed <= proven:
        claimed = None
    kept = last or Last()
    assert (kept.proven and kept.proven.at, kept.claimed and kept.claimed.at) == (proven, claimed)


def test_hosts_are_apart_and_one_that_is_not_observed_learns_nothing() -> None:
    start = observed({}, {"": START, "archive.example": START + 10})
    after = noted(start, "archive.example", "GPTBot", ROBOTS, fetch(20))

    assert after[""].as_record("GPTBot", None, (ROBOTS,))["crawler"] == {ROBOTS: "none"}
    assert after["archive.example"].as_record("GPTBot", None, (ROBOTS,)) == {
        "since": str(START + 10),
        "crawler": {ROBOTS: fetch(20).as_json()},
    }
    assert noted(start, "elsewhere.example", "GPTBot", ROBOTS, fetch(20)) is start


def test_a_host_that_comes_back_is_observed_anew() -> None:
    start = noted(observed({}, {"": START, "a": START}), "a", "GPTBot", ROBOTS, fetch(1))
    again = observed(observed(start, {"": START}), {"": START, "a": START + 50})

    assert again["a"] == HostTold(START + 50)
    assert again[""].since == START


def test_what_is_forgotten_moves_the_start_of_observation_behind_it() -> None:
    tokens = [f"bot{number}" for number in range(10)]
    known = filled(
        {"": HostTold(START), "b": HostTold(START)},
        [("", token, ROBOTS, fetch(number)) for number, token in enumerate(tokens)]
        + [("b", "GPTBot", ROBOTS, fetch(99))],
    )

    kept = bounded(known, 8)

    assert count(kept) == 8
    assert kept[""].since == START + 3
    assert kept[""].last("bot2", ROBOTS) is None
    assert kept[""].last("bot3", ROBOTS) == Last(fetch(3), None)
    assert kept["b"] == known["b"]
    assert bounded(known, 11) is known


@given(
    st.text(max_size=20),
    st.text(min_size=1, max_size=20),
    st.one_of(st.none(), st.text(min_size=1, max_size=9)),
    st.sampled_from([name for name in Standing if name is not Standing.CONTRADICTED]),
    st.sampled_from([200, 304]),
)
def test_a_line_is_read_as_it_was_written(
    host: str, token: str, operator: str | None, standing: Standing, status: int
) -> None:
    line = FetchLine(host, token, ROBOTS, Fetch(ONE, START, status, standing, operator))
    raw = line.encode()
    assert raw.endswith(b"\n")
    assert raw.count(b"\n") == 1
    assert read_line(raw[:-1], START) == line
    since = SinceLine({host: START, "": START + 1})
    assert read_line(since.encode()[:-1], START + 1) == since


GOOD = FetchLine("", "GPTBot", ROBOTS, fetch(1)).encode()[:-1]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        GOOD[:-1],
        GOOD[1:],
        GOOD.replace(b'"fetch"', b'"fetched"'),
        GOOD.replace(b"200", b"206"),
        GOOD.replace(b"200", b"true"),
        GOOD.replace(b"200", b"200.0"),
        GOOD.replace(b"verified", b"contradicted"),
        GOOD.replace(b'"verified"', b"[]"),
        GOOD.replace(b"1111111111", b"111111111A", 1),
        GOOD.replace(ONE.encode(), b"1"),
        GOOD.replace(b'"17640', b'"-17640'),
        GOOD.replace(b'"17640', b'"917640'),
        GOOD.replace(b'"GPTBot"', b'""'),
        GOOD.replace(b'"GPTBot"', b'"' + b"x" * 513 + b'"'),
        GOOD.replace(b'"GPTBot"', b"1"),
        b'["since",2,{"":"1764000000000000000"}]',
        b'["since",1,{"":1764000000000000000}]',
        b'["since",1,[]]',
        SinceLine({"": START + AHEAD + 1}).encode()[:-1],
    ],
)
def test_what_would_not_be_written_is_not_read(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words differ
        read_line(raw, START)
    assert read_line(GOOD, START)
