"""The presets say what the table of the default policy says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from support import cases
from vorbehalt.errors import RulesError
from vorbehalt.facts import Action, Purpose, Standing
from vorbehalt.policy.compile import parse_limit
from vorbehalt.policy.presets import load_preset, preset_names
from vorbehalt.policy.reasons import REASONS
from vorbehalt.policy.select import Policy

PRESETS = ("allow-search", "archive-friendly", "observe-only", "reserve-all")


@pytest.mark.parametrize("case", cases("policy"))
def test_a_preset_says_what_the_table_says(
    case: dict[str, Any], documents: Mapping[str, bytes], make_identity: Any, make_case: Any
) -> None:
    policy = Policy(load_preset(case["preset"], documents).rules)
    for purpose in case["purpose"]:
        for standing in case["standing"]:
            for basis in case.get("basis", ["operator"]):
                identity = make_identity(
                    purpose,
                    standing,
                    basis=basis,
                    is_control=case.get("control", False),
                    legal_deposit=case.get("legal_deposit", False),
                )
                request = make_case(identity)
                rule = policy.select(request)
                verdict = policy.conclude(request, rule)
                where = (purpose, standing, basis, rule.name)
                assert (verdict.action, verdict.would) == (case["action"], case["would"]), where
                assert rule.limit == (parse_limit(case["limit"]) if "limit" in case else None), where
                if "reason" in case:
                    assert verdict.reasons[0] == case["reason"], where


def test_the_table_of_the_default_policy_is_complete() -> None:
    covered = {
        (purpose, standing)
        for parameters in cases("policy")
        for case in parameters.values
        if case["preset"] == "allow-search" and not case.get("control")
        for purpose in case["purpose"]
        for standing in case["standing"]
    }
    # Tools and headless browsers have no means of verification, so nothing can contradict them.
    never = {(purpose, "contradicted") for purpose in ("tool", "headless")}
    assert covered == {(purpose, standing) for purpose in Purpose for standing in Standing} - never


def test_exactly_the_documented_presets_are_shipped(documents: Mapping[str, bytes]) -> None:
    assert preset_names(documents) == PRESETS


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("basis", ["operator", "third-party", "inferred"])
def test_no_preset_refuses_search_engines(
    name: str, basis: str, documents: Mapping[str, bytes], make_identity: Any, make_case: Any
) -> None:
    policy = Policy(load_preset(name, documents).rules)
    for standing in Standing:
        if standing is not Standing.CONTRADICTED:
            case = make_case(
                make_identity("search-engine", standing, basis=basis), score=1000, findings=["x"]
            )
            assert policy.conclude(case, policy.select(case)).would is Action.ALLOW


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_challenges_and_every_reason_is_listed(name: str, documents: Mapping[str, bytes]) -> None:
    for rule in load_preset(name, documents).rules:
        assert rule.action in (Action.ALLOW, Action.BLOCK)
        assert rule.reason in REASONS


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_looks_at_readers(name: str, documents: Mapping[str, bytes]) -> None:
    verdict = Policy(load_preset(name, documents).rules).reader_verdict("")
    assert verdict is not None
    assert verdict.action is verdict.would is Action.ALLOW
    assert verdict.reasons == ("no-claim",)


def test_observe_only_refuses_nobody_even_where_the_site_enforces(documents: Mapping[str, bytes]) -> None:
    rules = load_preset("observe-only", documents).rules
    assert {rule.mode for rule in rules} == {"observe"}
    assert len(rules) == len(load_preset("allow-search", documents).rules)


def test_reason_codes_are_kebab_case_and_sentences() -> None:
    for code, sentence in REASONS.items():
        assert code == code.lower()
        assert set(code) <= set("abcdefghijklmnopqrstuvwxyz-")
        assert sentence.endswith(".")


BAD = {
    "no-such": (b"", "there is no such preset"),
    "not-toml": (b"format = ", "Invalid value"),
    "other-format": (b'format = 2\nname = "other-format"\nabout = "x"\n', "format must be 1"),
    "other-name": (b'format = 1\nname = "x"\nabout = "x"\n', "the name must be that of the file"),
    "typo": (b'format = 1\nname = "typo"\nabout = "x"\nrules = []\n', 'did you mean "rule"?'),
    "circle": (b'format = 1\nname = "circle"\nabout = "x"\nbased_on = "circle"\n', "is based on itself"),
    "twice": (
        b'format = 1\nname = "twice"\nabout = "x"\n'
        b'[[rule]]\nname = "a"\nmatch = {}\naction = "allow"\n'
        b'[[rule]]\nname = "a"\nmatch = {}\naction = "allow"\n',
        "two rules with the name a",
    ),
    "code": (
        b'format = 1\nname = "code"\nabout = "x"\n'
        b'[[rule]]\nname = "a"\nmatch = {}\naction = "allow"\nreason = "x"\n',
        "is no reason code",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_preset_is_refused_with_its_place(name: str) -> None:
    body, message = BAD[name]
    with pytest.raises(RulesError, match=f"presets/{name}.toml: ") as caught:
        load_preset(name, {f"presets/{name}.toml": body} if body else {})
    assert message in str(caught.value)
