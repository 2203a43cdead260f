"""When every search engine looks like an impostor, the fault is likely ours, and the rule rests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.facts import Purpose, Standing
from vorbehalt.policy.disarm import ALERT, CONTRADICTED, HOUR, Disarm

START = 1_800_000_000_000_000_000
MINUTE = HOUR // 60
ENGINE = Purpose.SEARCH_ENGINE


def contradict(disarm: Disarm, times: int, at: int, step: int = MINUTE) -> int:
    """Note so many impostors, one every `step`; return the time of the last."""
    for number in range(times):
        disarm.note(ENGINE, Standing.CONTRADICTED, at + number * step)
    return at + (times - 1) * step


def test_the_twentieth_impostor_of_an_hour_disarms_and_alerts() -> None:
    disarm = Disarm()
    last = contradict(disarm, CONTRADICTED - 1, START)
    assert (disarm.is_disarmed(last), disarm.alerts) == (False, 0)
    last = contradict(disarm, 1, last + MINUTE)
    assert (disarm.is_disarmed(last), disarm.alerts) == (True, 1)
    contradict(disarm, 5, last)
    assert disarm.alerts == 1, "one disarming is one alert"
    assert CONTRADICTED == 20
    assert "trusted_proxies" in ALERT


def test_twenty_in_more_than_an_hour_do_not() -> None:
    disarm = Disarm()
    first = START
    contradict(disarm, 1, first)
    contradict(disarm, CONTRADICTED - 1, first + HOUR, 0)
    assert not disarm.is_disarmed(first + HOUR)
    near = Disarm()
    contradict(near, 1, first)
    contradict(near, CONTRADICTED - 1, first + HOUR - 1, 0)
    assert near.is_disarmed(first + HOUR - 1)


@pytest.mark.parametrize("standing", [Standing.VERIFIED, Standing.SIGNED])
def test_one_real_search_engine_within_the_hour_keeps_it_armed(standing: Standing) -> None:
    disarm = Disarm()
    disarm.note(ENGINE, standing, START)
    last = contradict(disarm, CONTRADICTED * 2, START + MINUTE)
    assert not disarm.is_disarmed(last)
    last = contradict(disarm, CONTRADICTED, START + HOUR, 0)
    assert disarm.is_disarmed(last), "the real one was an hour ago"


@pytest.mark.parametrize(
    "standing", [Standing.CLAIMED, Standing.UNKNOWN, Standing.CONSISTENT, Standing.VERIFIED]
)
def test_only_search_engines_that_were_checked_count(standing: Standing) -> None:
    disarm = Disarm()
    for _ in range(50):
        disarm.note(Purpose.TRAINING, Standing.CONTRADICTED, START)
        disarm.note(ENGINE, standing, START)
    assert not disarm.is_disarmed(START)
    disarm = Disarm()
    disarm.note(Purpose.TRAINING, Standing.VERIFIED, START)
    contradict(disarm, CONTRADICTED, START, 0)
    assert disarm.is_disarmed(START), "a real training crawler says nothing of search engines"


def test_it_is_armed_again_after_a_quiet_hour() -> None:
    disarm = Disarm()
    last = contradict(disarm, CONTRADICTED, START, 0)
    assert disarm.is_disarmed(last + HOUR - 1)
    assert not disarm.is_disarmed(last + HOUR)
    assert not disarm.is_disarmed(last + HOUR - 1), "the state does not flutter"
    contradict(disarm, CONTRADICTED, last + 2 * HOUR, 0)
    assert disarm.alerts == 2


def test_while_impostors_go_on_it_stays_disarmed() -> None:
    disarm = Disarm()
    last = contradict(disarm, CONTRADICTED * 20, START, 10 * MINUTE // CONTRADICTED)
    assert last - START > 3 * HOUR
    assert disarm.is_disarmed(last)
    assert disarm.is_disarmed(last + HOUR - 1)
    assert disarm.alerts == 1
    assert not disarm.is_disarmed(last + HOUR)


def test_a_real_one_arms_it_again_but_not_within_the_hour() -> None:
    disarm = Disarm()
    last = contradict(disarm, CONTRADICTED, START, 0)
    disarm.note(ENGINE, Standing.VERIFIED, last + MINUTE)
    contradict(disarm, 3, last + 2 * MINUTE)
    assert disarm.is_disarmed(last + 30 * MINUTE)
    disarm.note(ENGINE, Standing.VERIFIED, last + 50 * MINUTE)
    contradict(disarm, 3, last + 51 * MINUTE)
    assert not disarm.is_disarmed(last + HOUR)


def test_a_clock_that_goes_back_neither_freezes_nor_raises() -> None:
    disarm = Disarm()
    contradict(disarm, CONTRADICTED, START, 0)
    assert disarm.is_disarmed(START - MINUTE), "a small step back changes nothing"
    assert not disarm.is_disarmed(START - 2 * HOUR)
    contradict(disarm, CONTRADICTED, START - 2 * HOUR, 0)
    assert disarm.is_disarmed(START - 2 * HOUR)
    assert not disarm.is_disarmed(START - HOUR)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ENGINE] * 9 + [Purpose.TRAINING]),
            st.sampled_from([Standing.CONTRADICTED] * 20 + [Standing.VERIFIED, Standing.SIGNED]),
            st.integers(0, 90 * MINUTE),
        ),
        min_size=20,
        max_size=80,
    )
)
def test_it_never_disarms_on_less_than_the_rule_says(events: list[tuple[Purpose, Standing, int]]) -> None:
    disarm, at = Disarm(), START
    seen: list[tuple[Standing, int]] = []
    for purpose, standing, wait in events:
        at += wait // 20
        if purpose is ENGINE:
            seen.append((standing, at))
        before = disarm.alerts
        disarm.note(purpose, standing, at)
        recent = [kind for kind, then in seen if at - then < HOUR]
        if disarm.alerts > before:
            assert recent.count(Standing.CONTRADICTED) >= CONTRADICTED
            assert Standing.VERIFIED not in recent
            assert Standing.SIGNED not in recent
