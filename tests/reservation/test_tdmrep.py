"""TDMRep: the file as both kinds of readers take it, the policy as a JSON-LD processor reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyld import jsonld  # type: ignore[import-untyped]

from terms_support import Terms
from vorbehalt.reservation import tdmrep
from vorbehalt.reservation.checks import problems
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Stance, Uses

OPEN = Uses("allow", "allow", "allow", "allow")
POLICY = "https://label.example/.well-known/tdm-policy.json"
TERMS = Terms("https://label.example", "Label Example GmbH", "mailto:licensing@label.example")

stances: st.SearchStrategy[Stance] = st.sampled_from(["allow", "reserve"])
uses = st.builds(Uses, stances, stances, stances, stances)
section_paths = st.from_regex(r"/[ab]{1,2}(\*[ab])?/?\$?", fullmatch=True)
sections = st.lists(st.tuples(section_paths, uses), max_size=4).map(
    lambda found: tuple(Section(f"s{n}", (path,), part) for n, (path, part) in enumerate(found))
)


def test_the_default_file_is_an_array_with_a_number() -> None:
    assert json.loads(tdmrep.render_file(TERMS)) == [
        {"location": "/", "tdm-reservation": 1, "tdm-policy": POLICY}
    ]


def test_an_open_section_comes_first_and_names_no_policy() -> None:
    terms = Terms("https://label.example", sections=(Section("press", ("/press/", "/press/*.zip$"), OPEN),))
    assert tdmrep.locations(terms) == [
        {"location": "/press/*.zip$", "tdm-reservation": 0},
        {"location": "/press/", "tdm-reservation": 0},
        {"location": "/", "tdm-reservation": 1, "tdm-policy": POLICY},
    ]


@pytest.mark.parametrize("reserved", ["training", "ai_input", "tdm"])
def test_one_reserved_mining_use_is_enough_for_the_reservation(reserved: str) -> None:
    part: dict[str, Stance] = {"training": "allow", "ai_input": "allow", "tdm": "allow", reserved: "reserve"}
    assert tdmrep.locations(Terms("https://label.example", uses=Uses(**part)))[0]["tdm-reservation"] == 1


@given(uses, sections, st.text("/ab", max_size=6).map(lambda text: "/" + text))
def test_first_match_and_longest_match_readers_agree_with_the_terms(
    rest: Uses, parts: tuple[Section, ...], path: str
) -> None:
    terms = Terms("https://label.example", uses=rest, sections=parts)
    rules = [
        (PathPattern.of(str(rule["location"])), rule["tdm-reservation"]) for rule in tdmrep.locations(terms)
    ]
    matching = [(pattern.priority, value) for pattern, value in rules if pattern.matches(path)]
    first = matching[0][1]
    name = SectionIndex(terms).find(path)
    here = next((part.uses for part in parts if part.name == name), rest)
    assert first == int(here.reserves_mining)
    if not problems(terms):
        assert {value for length, value in matching if length == max(matching)[0]} == {first}


# What our policy uses of both contexts (ODRL 2.2, TDMRep report), so that no network is needed.
_CONTEXTS: dict[str, dict[str, Any]] = {
    "http://www.w3.org/ns/odrl.jsonld": {
        "odrl": "http://www.w3.org/ns/odrl/2/",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "uid": "@id",
        "Offer": "odrl:Offer",
        "profile": {"@id": "odrl:profile", "@type": "@id"},
        "assigner": {"@id": "odrl:assigner", "@type": "@id"},
        "permission": {"@id": "odrl:permission", "@type": "@id"},
        "duty": {"@id": "odrl:duty", "@type": "@id"},
        "action": {"@id": "odrl:action", "@type": "@vocab"},
        "obtainConsent": "odrl:obtainConsent",
    },
    "http://www.w3.org/ns/tdmrep.jsonld": {"tdm": "http://www.w3.org/ns/tdmrep#"},
}


def _load(url: str, options: object) -> dict[str, Any]:
    return {"contextUrl": None, "documentUrl": url, "document": {"@context": _CONTEXTS[url]}}


def test_a_json_ld_processor_reads_an_offer_that_needs_consent() -> None:
    policy = json.loads(tdmrep.render_policy(TERMS))
    (offer,) = jsonld.expand(policy, {"documentLoader": _load})
    odrl = "http://www.w3.org/ns/odrl/2/"
    assert offer["@type"] == [odrl + "Offer"]
    assert offer["@id"] == POLICY
    assert offer[odrl + "profile"] == [{"@id": "http://www.w3.org/ns/tdmrep"}]
    (permission,) = offer[odrl + "permission"]
    assert permission[odrl + "action"] == [{"@id": "http://www.w3.org/ns/tdmrep#mine"}]
    assert permission[odrl + "duty"] == [{odrl + "action": [{"@id": odrl + "obtainConsent"}]}]
    (assigner,) = offer[odrl + "assigner"]
    assert assigner["@id"] == "https://label.example"
    assert assigner["http://www.w3.org/2006/vcard/ns#fn"] == [{"@value": "Label Example GmbH"}]


def test_the_policy_holds_neither_obligation_nor_prohibition() -> None:
    assert not {"obligation", "prohibition"} & set(tdmrep.policy(TERMS))


def test_the_assigner_of_a_licensee_is_the_operator() -> None:
    terms = Terms("https://label.example", "Agency", capacity="licensee", rightsholder="Composer")
    assert tdmrep.policy(terms)["assigner"]["vcard:fn"] == "Agency"


@pytest.mark.parametrize(
    ("may_license", "expected"), [(False, "mailto:rights@x.example"), (True, "mailto:licence@x.example")]
)
def test_the_licence_contact_is_named_only_with_may_license(may_license: bool, expected: str) -> None:
    terms = Terms(
        "https://label.example",
        contact="mailto:rights@x.example",
        licence_contact="mailto:licence@x.example",
        may_license=may_license,
    )
    assert tdmrep.policy(terms)["assigner"]["vcard:hasEmail"] == expected


def test_a_web_address_as_contact_is_a_url_and_no_mail_address() -> None:
    assigner = tdmrep.policy(Terms("https://label.example", contact="https://label.example/rights"))[
        "assigner"
    ]
    assert assigner == {"uid": "https://label.example", "vcard:hasURL": "https://label.example/rights"}
