"""A contract lets one operator do what is reserved for everybody else: proven, in time, in its place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from vorbehalt.engine import Engine
from vorbehalt.facts import Action, ClientAddress, Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

GPTBOT = b"Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
THEIRS, ELSEWHERE = "4.227.36.7", "203.0.114.9"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


NOW = at("2026-09-02T12:00:00")


def judge(
    permission: dict[str, Any] | None,
    *,
    agent: bytes = GPTBOT,
    address: str = THEIRS,
    path: str = "/lyrics/1",
    when: int = NOW,
    **policy: Any,
) -> Verdict:
    config: dict[str, Any] = {
        "format": 1,
        "site": {"origin": "https://label.example"},
        "reservation": {
            "section": [{"name": "press", "paths": ["/press/"], "search": "reserve"}],
            "permission": [permission] if permission else [],
        },
        "policy": policy,
        "evidence": {"directory": "off"},
    }
    engine = Engine(load(config, environ={}, now=datetime(2026, 6, 1, tzinfo=UTC)), MemoryLimits())
    client = ClientAddress(address, "direct", is_global=True, peer=address)
    headers = ((b"host", b"label.example"), (b"user-agent", agent))
    return engine.judge(
        Visit(when, "GET", "https", "label.example", path, path.encode(), "1.1", headers, client)
    )


LICENCE = {"reference": "V-2026-014", "operator": "OpenAI", "uses": ["training"]}


def test_without_a_contract_training_is_refused() -> None:
    verdict = judge(None)
    assert (verdict.action, verdict.permission) == (Action.BLOCK, "none")


def test_a_proven_crawler_of_the_licensee_is_answered_and_the_contract_is_named() -> None:
    verdict = judge(LICENCE)

    assert (verdict.action, verdict.would, verdict.enforced) == (Action.ALLOW, Action.ALLOW, True)
    assert (verdict.rule, verdict.reasons) == ("licence:V-2026-014", ("licensed",))
    assert verdict.permission == "licence:V-2026-014"


@pytest.mark.parametrize("name", ["openai", "OPENAI", "OpenAI"])
def test_the_licensee_is_found_by_id_or_name(name: str) -> None:
    assert judge({**LICENCE, "operator": name}).permission == "licence:V-2026-014"


def test_nobody_uses_a_licence_by_a_name_alone() -> None:
    verdict = judge(LICENCE, address=ELSEWHERE)
    assert (verdict.action, verdict.permission) == (Action.BLOCK, "none")
    assert judge(LICENCE, when=at("2026-11-20T00:00:00")).permission == "none", "lists too old: only claimed"


@pytest.mark.parametrize(
    ("changed", "permitted"),
    [
        ({"operator": "anthropic"}, False),
        ({"uses": ["search"]}, False),
        ({"uses": ["ai_input"]}, False),
        ({"uses": ["search", "training"]}, True),
        ({"uses": ["tdm"]}, True),
        ({"sections": ["press"]}, False),
    ],
)
def test_only_what_the_contract_says_is_permitted(changed: dict[str, Any], permitted: bool) -> None:
    verdict = judge({**LICENCE, **changed})
    assert (verdict.permission != "none") is permitted
    assert (verdict.action is Action.ALLOW) is permitted


def test_a_contract_for_a_section_holds_there() -> None:
    assert judge({**LICENCE, "sections": ["press"]}, path="/press/1").action is Action.ALLOW


@pytest.mark.parametrize(
    ("when", "permitted"),
    [
        ("2026-08-31T23:59:59", False),
        ("2026-09-01T00:00:00", True),
        ("2026-09-03T23:59:59", True),
        ("2026-09-04T00:00:00", False),
    ],
)
def test_a_contract_holds_from_its_first_instant_to_before_its_last(when: str, permitted: bool) -> None:
    dated = {**LICENCE, "from": "2026-09-01", "until": "2026-09-04"}
    assert (judge(dated, when=at(when)).permission != "none") is permitted


def test_what_is_answered_anyway_names_the_contract_and_keeps_its_own_rule() -> None:
    verdict = judge(LICENCE, mode="enforce", preset="observe-only")
    assert (verdict.action, verdict.permission) == (Action.ALLOW, "licence:V-2026-014")
    assert verdict.would is Action.ALLOW


def test_too_many_requests_stay_too_many_under_a_contract() -> None:
    limited = {"name": "slow", "match": {"token": ["GPTBot"]}, "action": "limit", "limit": "1/day"}
    config: dict[str, Any] = {
        "format": 1,
        "site": {"origin": "https://label.example"},
        "reservation": {"permission": [LICENCE]},
        "policy": {"rule": [limited]},
        "evidence": {"directory": "off"},
    }
    engine = Engine(load(config, environ={}), MemoryLimits())
    client = ClientAddress(THEIRS, "direct", is_global=True, peer=THEIRS)
    headers = ((b"host", b"label.example"), (b"user-agent", GPTBOT))
    visit = Visit(NOW, "GET", "https", "label.example", "/a", b"/a", "1.1", headers, client)

    verdicts = [engine.judge(visit) for _ in range(3)]

    assert verdicts[0].action is Action.ALLOW
    assert verdicts[-1].action is Action.LIMIT
    assert {verdict.permission for verdict in verdicts} == {"licence:V-2026-014"}
