"""Pauses and spares as values: whom they concern, from when to when, and what they change."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.errors import StoreError
from vorbehalt.facts import Action, ClientAddress
from vorbehalt.policy.overrides import NOTHING, Overrides, Overriding, Pause, Spare, visitor_key
from vorbehalt.policy.overrides_text import decode, encode
from vorbehalt.policy.verdict import Allowance, Verdict

KEY = bytes(32)
REF = "VB-0000-1111-2222-3333"
HERE = ClientAddress("203.0.113.9", "direct", is_global=True)
REFUSED = Verdict(Action.BLOCK, Action.BLOCK, True, "closed", ("site-rule",))
LIMITED = Verdict(
    Action.LIMIT, Action.ALLOW, True, "feed", ("quota-exceeded",), allowance=Allowance(False, 1, 0, 60, 9, 60)
)
ALLOWED = Verdict(Action.ALLOW, Action.ALLOW, True, "default-allow", ("no-claim",))


def spare(**more: Any) -> Spare:
    return replace(Spare(REF, 10, 20, visitor_key(KEY, "203.0.113.9")), **more)


def paused(pause: Pause, verdict: Verdict = REFUSED, at: int = 15) -> Verdict:
    return Overriding(Overrides((pause,))).apply(verdict, HERE, at)


def spared(one: Spare, client: ClientAddress = HERE, at: int = 15, key: bytes | None = KEY) -> Verdict:
    return Overriding(Overrides(spares=(one,)), key).apply(REFUSED, client, at)


def test_a_pause_lets_through_and_keeps_what_policy_says() -> None:
    for verdict in (REFUSED, LIMITED):
        found = paused(Pause(10), verdict)
        assert (found.action, found.would, found.enforced) == (Action.ALLOW, verdict.would, False)
        assert found.reasons == (*verdict.reasons, "paused")
        assert found.rule == verdict.rule


def test_a_pause_says_nothing_of_what_was_allowed() -> None:
    assert paused(Pause(10), ALLOWED) is ALLOWED


@pytest.mark.parametrize(("at", "action"), [(9, "block"), (10, "allow"), (19, "allow"), (20, "block")])
def test_pauses_and_spares_hold_from_their_first_nanosecond_to_before_their_last(
    at: int, action: str
) -> None:
    assert paused(Pause(10, 20), at=at).action == action
    assert spared(spare(), at=at).action == action


def test_a_pause_without_an_end_holds_on() -> None:
    assert paused(Pause(10), at=10**19).action is Action.ALLOW


@pytest.mark.parametrize(("rule", "action"), [("closed", "allow"), ("other", "block"), ("", "allow")])
def test_a_pause_of_a_rule_concerns_that_rule_alone(rule: str, action: str) -> None:
    assert paused(Pause(10, rule=rule)).action == action


def test_a_spare_is_an_allow_rule_of_its_own() -> None:
    found = spared(spare())

    assert (found.action, found.would, found.enforced) == (Action.ALLOW, Action.ALLOW, True)
    assert (found.rule, found.reasons) == (f"spare:{REF}", ("spared",))
    assert Overriding(Overrides(spares=(spare(),)), KEY).apply(LIMITED, HERE, 15).allowance is None


@pytest.mark.parametrize(
    ("text", "source", "action"),
    [
        ("203.0.113.9", "direct", "allow"),
        ("203.0.113.9", "proxy-asserted", "allow"),
        ("203.0.113.9", "untrusted", "block"),
        ("203.0.113.10", "direct", "block"),
        (None, "none", "block"),
    ],
)
def test_a_spare_concerns_one_address_that_is_known(text: Any, source: Any, action: str) -> None:
    assert spared(spare(), ClientAddress(text, source)).action == action


def test_a_spare_of_an_ipv6_address_is_one_of_its_network() -> None:
    one = spare(who=visitor_key(KEY, "2001:db8:1:2::1"))

    assert spared(one, ClientAddress("2001:db8:1:2:ffff::9", "direct")).action is Action.ALLOW
    assert spared(one, ClientAddress("2001:db8:1:3::1", "direct")).action is Action.BLOCK


def test_a_spare_concerns_the_same_claim_alone() -> None:
    assert spared(spare(token="GPTBot")).action is Action.BLOCK


def test_without_the_key_nobody_is_recognised() -> None:
    assert spared(spare(), key=None).action is Action.BLOCK
    assert spared(spare(), key=b"another").action is Action.BLOCK


def test_a_spare_goes_before_a_pause() -> None:
    both = Overriding(Overrides((Pause(10),), (spare(),)), KEY)

    assert both.apply(REFUSED, HERE, 15).reasons == ("spared",)


def test_all_is_paused_only_by_a_pause_of_all() -> None:
    found = Overrides((Pause(10, 20), Pause(10, rule="a")))

    assert [found.is_paused(at) for at in (9, 10, 19, 20)] == [False, True, True, False]
    assert [len(found.pauses_at(at)) for at in (9, 10, 20)] == [0, 2, 1]


def test_a_second_pause_of_a_rule_takes_the_place_of_the_first() -> None:
    found = NOTHING.paused(Pause(1, rule="a")).paused(Pause(2)).paused(Pause(3, 9, "a"))

    assert found.pauses == (Pause(2), Pause(3, 9, "a"))
    assert NOTHING.spared(spare()).spared(spare(until=99)).spares == (spare(until=99),)


def test_what_has_run_out_is_dropped() -> None:
    found = Overrides((Pause(1, 5), Pause(1, 6, "a"), Pause(1)), (spare(until=5), spare(until=6))).living(5)

    assert found == Overrides((Pause(1, 6, "a"), Pause(1)), (spare(until=6),))


def test_a_clock_elsewhere_that_is_ahead_delays_nothing() -> None:
    found = Overrides((Pause(100, 200),), (spare(since=100),)).known_at(50)

    assert found.is_paused(50)
    assert found.spares_at(15) == ()
    assert [one.since for one in found.spares] == [50]


TIMES = st.integers(0, 10**18)
TEXTS = st.text(max_size=50)
PAUSES = st.builds(Pause, TIMES, st.none() | TIMES, TEXTS, TEXTS)
SPARES = st.builds(Spare, st.just(REF), TIMES, TIMES, st.just("ab" * 32), TEXTS, TEXTS)


@given(st.lists(PAUSES, max_size=3), st.lists(SPARES, max_size=3))
def test_what_is_written_is_read_back(pauses: list[Pause], spares: list[Spare]) -> None:
    whole = Overrides(tuple(pauses), tuple(spares))

    assert decode(encode(whole)) == whole


GOOD: dict[str, Any] = json.loads(encode(Overrides((Pause(1),), (spare(),))))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"format": 2}, "format"),
        ({"format": True}, "format"),
        ({"more": 1}, "pauses"),
        ({"pauses": {}}, "pauses"),
        ({"pauses": [{}] * 1001}, "pauses"),
        ({"pauses": [{}]}, "pauses[0]"),
        ({"pauses": [{**GOOD["pauses"][0], "since": "1"}]}, "pauses[0].since"),
        ({"pauses": [{**GOOD["pauses"][0], "until": -1}]}, "pauses[0].until"),
        ({"pauses": [{**GOOD["pauses"][0], "since": True}]}, "pauses[0].since"),
        ({"pauses": [{**GOOD["pauses"][0], "rule": None}]}, "pauses[0].rule"),
        ({"pauses": [{**GOOD["pauses"][0], "reason": "x" * 201}]}, "pauses[0].reason"),
        ({"spares": [{**GOOD["spares"][0], "until": None}]}, "spares[0].until"),
        ({"spares": [{**GOOD["spares"][0], "ref": "VB-1"}]}, "spares[0].ref"),
        ({"spares": [{**GOOD["spares"][0], "who": "203.0.113.9"}]}, "spares[0].who"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(StoreError) as caught:
        decode(json.dumps({**GOOD, **change}).encode())
    assert place in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b" " * (1 << 20) + b"{}"])
def test_what_is_no_such_file_is_refused(body: bytes) -> None:
    with pytest.raises(StoreError):
        decode(body)
