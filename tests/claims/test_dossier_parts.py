"""The parts of a dossier by themselves: what is chosen, what is counted, what is said."""

from __future__ import annotations

import json
import re
from string import Formatter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dossier_support import AT, DAY, OPERATOR
from vorbehalt.claims.dossier.choose import Chooser
from vorbehalt.claims.dossier.conduct import Refusals
from vorbehalt.claims.dossier.contents_parts import (
    Counts,
)
from vorbehalt.claims.dossier.disclosures import Row, compare
from vorbehalt.claims.dossier.most import Most
from vorbehalt.claims.dossier.schedule import CODES, missing_us
from vorbehalt.claims.dossier.times import exact, nanoseconds
from vorbehalt.claims.dossier.words import LANGUAGES
from vorbehalt.claims.dossier.words import missing_us as meaning
from vorbehalt.claims.ledger import Query, Tally
from vorbehalt.claims.ledger_text import as_json
from vorbehalt.works.entry import Right, Work

HOUR = 3_600 * 10**9


def leaf(kind: str, at: int, seen: dict[str, Any], ref: str = "", pseudonym: str = "p") -> dict[str, Any]:
    private = {"address": {"c": "c", "p": pseudonym, "month": "2026-05"}}
    return {"v": 1, "type": kind, "w": "w", "s": 0, "p": "", "at": str(at), "ref": ref, "seen": seen,
            "private": private}  # fmt: skip


def chosen(leaves: list[dict[str, Any]], **asked: Any) -> list[int]:
    """Return the indexes that a pass over these records chooses, through their bytes as a log has them."""
    chooser = Chooser(Query(OPERATOR, tokens=frozenset({"GPTBot"}), **asked))
    for index, one in enumerate(leaves):
        entry = json.dumps(one, separators=(",", ":")).encode()
        if chooser.is_wanted(entry):
            chooser.take(index, one)
    return sorted(chooser.finish())


def claim(operator: str = OPERATOR, standing: str = "verified") -> dict[str, Any]:
    return {"claim": {"token": "GPTBot", "operator": operator, "standing": standing}}


def test_a_signature_comes_with_the_request_of_its_moment_and_client_only() -> None:
    signature = {"method": "web-bot-auth", "thumbprint": "t", "agent": "https://a.example"}
    leaves = [
        leaf("attribution", AT, signature),
        leaf("attribution", AT, signature, pseudonym="another"),
        leaf("attribution", AT + 1, signature),
        leaf("request", AT, claim(standing="signed"), "A"),
        leaf("request", AT + 1, claim("Anthropic", "signed"), "B"),
    ]
    assert chosen(leaves) == [0, 3]


def test_a_completion_goes_with_its_request_whichever_comes_first_and_whenever_it_ends() -> None:
    leaves = [
        leaf("completion", AT + HOUR, {**claim(), "of": "late"}),
        leaf("request", AT + HOUR, claim(), "late"),
        leaf("request", AT + HOUR, claim(), "long"),
        leaf("completion", AT + 5 * DAY, {**claim(), "of": "long"}),
        leaf("request", AT - 1, claim(), "before"),
        leaf("completion", AT + HOUR, {**claim(), "of": "before"}),
        leaf("completion", AT + HOUR, {**claim(), "of": "of nobody"}),
        leaf("completion", AT - 1, {**claim(), "of": "of nobody, earlier"}),
        leaf("request", AT + DAY, claim(), "the end is not included"),
    ]
    assert chosen(leaves, since=AT, until=AT + DAY) == [0, 1, 2, 3, 6]


def test_a_quoted_mark_in_a_text_chooses_nothing() -> None:
    said = '","operator":"OpenAI","type":"gap"'
    assert chosen([leaf("request", AT, {**claim("Anthropic"), "path": said})]) == []


def test_records_of_unknown_types_are_chosen_only_if_they_name_the_operator() -> None:
    leaves = [leaf("novelty", AT, {}), leaf("novelty", AT, {"operator": OPERATOR}),
              leaf("novelty", AT, {"operator": "Anthropic"})]  # fmt: skip
    assert chosen(leaves) == [1]


EVENT = st.fixed_dictionaries({
    "operator": st.sampled_from([OPERATOR, "Anthropic"]),
    "standing": st.sampled_from(["signed", "verified", "claimed", "contradicted", "unknown", "consistent"]),
    "action": st.sampled_from(["allow", "block"]),
    "method": st.sampled_from(["GET", "HEAD"]),
    "hour": st.integers(0, 40),
    "ends": st.lists(st.tuples(st.sampled_from([200, 206, 304, 404]), st.booleans()), max_size=2),
    "early": st.booleans(),
})  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(EVENT, max_size=12), st.sampled_from([(None, None), (3, 30), (20, None)]))
def test_the_ledger_of_what_is_enclosed_is_that_of_the_whole_log(
    events: list[dict[str, Any]], period: tuple[int | None, int | None]
) -> None:
    leaves = []
    for number, one in enumerate(events):
        at, ref = AT + one["hour"] * HOUR, f"R{number}"
        who = claim(one["operator"], one["standing"])
        asked = {**who, "method": one["method"], "decision": {"action": one["action"]}, "work": "own:1"}
        ends = [
            leaf("completion", at + 50 * HOUR, {
                **who, "of": ref, "status": status, "bytes": 9, "whole": whole, "delivered": whole})
            for status, whole in one["ends"]
        ]  # fmt: skip
        request = leaf("request", at, asked, ref)
        leaves += [*ends, request] if one["early"] else [request, *ends]
    since, until = (None if hour is None else AT + hour * HOUR for hour in period)
    whole, enclosed = Tally(Query(OPERATOR, since, until)), Tally(Query(OPERATOR, since, until))
    for one in leaves:
        whole.take(one)
    for index in chosen(leaves, since=since, until=until):
        assert leaves[index]["seen"]["claim"]["operator"] == OPERATOR
        enclosed.take(leaves[index])
    said, found = as_json(whole.finish()), as_json(enclosed.finish())
    # Ends that belong to requests outside the period are not enclosed, and not missed.
    said["unmatched_completions"] = found["unmatched_completions"]
    assert found == said


def test_who_comes_back_and_how_soon_is_counted_by_client() -> None:
    refusals = Refusals()
    assert refusals.take("attributed", "2026-05", "a", AT, True) is False
    assert refusals.take("attributed", "2026-05", "a", AT + 61 * 10**9, False) is True
    # Another month is another pseudonym, whoever it is; first seen within an hour of a refusal.
    assert refusals.take("attributed", "2026-06", "b", AT + HOUR, True) is False
    assert refusals.take("attributed", "2026-06", "c", AT + 2 * HOUR + 1, True) is False
    assert refusals.take("described", "2026-05", "a", AT, False) is False
    found = refusals.summary("attributed", Counts(requested=1))
    assert (found.clients, found.refused_clients, found.came_back) == (3, 3, 1)
    assert (found.within_minute, found.within_hour, found.within_day, found.other_addresses) == (0, 1, 1, 1)
    assert [(one.pseudonym, one.came_back, one.seconds) for one in refusals.returns()] == [("a", 1, 61)]


@pytest.mark.parametrize(
    ("after", "within"),
    [(60 * 10**9, (1, 1, 1)), (60 * 10**9 + 1, (0, 1, 1)), (HOUR, (0, 1, 1)), (HOUR + 1, (0, 0, 1)),
     (DAY, (0, 0, 1)), (DAY + 1, (0, 0, 0)), (-5, (1, 1, 1))],
)  # fmt: skip
def test_within_a_minute_an_hour_and_a_day_mean_that_exactly(after: int, within: tuple[int, ...]) -> None:
    refusals = Refusals()
    refusals.take("described", "2026-05", "a", AT, True)
    refusals.take("described", "2026-05", "a", AT + after, True)
    found = refusals.summary("described", Counts())
    assert (found.within_minute, found.within_hour, found.within_day) == within


@pytest.mark.parametrize(
    ("work", "first", "codes"),
    [
        (None, "", ["not_in_catalogue"]),
        (Work(("a",)), "", ["no_right"]),
        (Work(("a",), rights=(Right("lyrics", "owner", ("DE",)),)), "", ["not_for_us"]),
        (Work(("a",), rights=(Right("lyrics"),)), "", ["no_basis", "no_us_registration"]),
        (Work(("a",), rights=(Right("lyrics", "mandate", us_registration="SR1"),)), "",
         ["mandate_only", "no_us_registration_date"]),
        (Work(("a",), rights=(Right("lyrics", "exclusive", ("US",), us_registration="SR1",
                                    us_registered="2026-05-28"),)), "2026-05-27T00:00:00Z",
         ["us_registered_after_first_request"]),
        (Work(("a",), rights=(Right("lyrics", "owner", us_registration="SR1", us_registered="2026-05-27"),)),
         "2026-05-27T23:00:00Z", []),
    ],
)  # fmt: skip
def test_what_a_claim_in_the_united_states_still_lacks(
    work: Work | None, first: str, codes: list[str]
) -> None:
    assert list(missing_us(work, first)) == codes


@pytest.mark.parametrize(
    ("period", "since", "until", "covered"),
    [
        ("2026-05", None, None, True),
        ("2026-05", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", True),
        ("2026-05", "2026-05-01T00:00:01Z", None, False),
        ("2026-12", None, "2026-12-31T00:00:00Z", False),
        ("2026-12", None, "2027-01-01T00:00:00Z", True),
        ("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", True),
        ("2026", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", False),
    ],
)
def test_a_disclosed_period_is_covered_if_every_day_of_it_is(
    period: str, since: str | None, until: str | None, covered: bool
) -> None:
    query = Query(OPERATOR, since and nanoseconds(since), until and nanoseconds(until))  # type: ignore[arg-type]
    [found] = compare([Row(2, period, "GPTBot", 1, ())], {}, ["GPTBot"], [], query)
    assert found.is_covered is covered


@pytest.mark.parametrize(
    ("domains", "named"),
    [(("label.example",), True), (("example",), True), (("abel.example",), False), ((), None)],
)
def test_a_disclosed_domain_names_the_site_or_a_parent_of_it(
    domains: tuple[str, ...], named: bool | None
) -> None:
    [found] = compare([Row(2, "2026", "GPTBot", 1, domains)], {}, [], ["label.example"], Query(OPERATOR))
    assert found.names_us is named


def test_texts_of_strangers_are_counted_in_bounded_memory() -> None:
    most: Most[str] = Most(10)
    for number in range(100):
        most.add("often")
        most.add(f"once {number}")
    assert most.listed(1) == [("often", 100)]
    assert (most.total, most.beyond(1)) == (200, 100)


@given(st.integers(0, 4_000_000_000 * 10**9))
def test_times_lose_nothing(at: int) -> None:
    assert nanoseconds(exact(at)) == at


def test_both_languages_say_the_same_with_the_same_figures_and_accuse_nobody() -> None:
    english, german = LANGUAGES["en"], LANGUAGES["de"]
    assert english.keys() == german.keys()

    def fields(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert [code for code in english if fields(english[code]) != fields(german[code])] == []
    words = " ".join([*english.values(), *german.values()]).lower()
    assert not re.search(
        "theft|steal|stole|illegal|unlawful|infring|pirat|diebstahl|raub|rechtswidrig", words
    )
    assert all(meaning(language, code) for language in LANGUAGES for code in CODES)
