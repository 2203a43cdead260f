"""A quota admits what it says, and never more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.policy.limit import Meter, step
from vorbehalt.policy.rules import Quota

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND

quotas = st.builds(
    Quota,
    st.integers(1, 500),
    st.sampled_from([1, 7, 60, 3600, 86400]),
    st.just("prefix"),
    st.integers(0, 40),
)


@given(quotas, st.lists(st.integers(0, 20 * SECOND), min_size=1, max_size=80))
def test_no_span_of_time_sees_more_than_burst_and_rate(quota: Quota, gaps: list[int]) -> None:
    tat, now, admitted = 0, START, []
    for gap in gaps:
        now += gap
        tat, allowance = step(tat, now, quota)
        if allowance.admitted:
            admitted.append(now)
    burst = quota.burst or quota.count
    for first, start in enumerate(admitted):
        for last in range(first, len(admitted)):
            span = admitted[last] - start
            # In whole numbers: (n - burst) * period <= count * span
            assert (last - first + 1 - burst) * quota.period_seconds * SECOND <= quota.count * span


@given(quotas, st.lists(st.integers(0, 3 * SECOND), max_size=60))
def test_waiting_as_long_as_told_admits_and_a_second_less_does_not(quota: Quota, gaps: list[int]) -> None:
    tat, now = 0, START
    for gap in gaps:
        now += gap
        tat, allowance = step(tat, now, quota)
        if not allowance.admitted:
            assert allowance.retry_after_seconds >= 1
            assert step(tat, now + allowance.retry_after_seconds * SECOND, quota)[1].admitted
            if allowance.retry_after_seconds > 1:
                assert not step(tat, now + (allowance.retry_after_seconds - 1) * SECOND, quota)[1].admitted


@given(quotas, st.lists(st.integers(-100 * SECOND, 20 * SECOND), max_size=60))
def test_what_was_left_is_what_is_admitted_at_once(quota: Quota, gaps: list[int]) -> None:
    meter, tat, now = Meter(quota), 0, START
    for gap in gaps:
        now += gap
        tat, allowance = meter.step(tat, now)
        assert 0 <= allowance.remaining <= (quota.burst or quota.count) - allowance.admitted
        assert (allowance.retry_after_seconds == 0) is allowance.admitted
        again = tat
        for _ in range(allowance.remaining):
            again, left = meter.step(again, now)
            assert left.admitted
        assert not meter.step(again, now)[1].admitted
        full = now + allowance.reset_seconds * SECOND
        assert step(tat, full, quota)[1].remaining == (quota.burst or quota.count) - 1


def test_a_refused_request_costs_nothing() -> None:
    quota = Quota(1, 10)
    tat, _ = step(0, START, quota)
    for seconds in range(1, 10):
        tat, allowance = step(tat, START + seconds * SECOND, quota)
        assert not allowance.admitted
        assert allowance.retry_after_seconds == 10 - seconds
    assert step(tat, START + 10 * SECOND, quota)[1].admitted


def test_a_clock_that_goes_back_makes_nobody_wait_longer_than_the_quota() -> None:
    quota = Quota(6, 60)
    tat, _ = step(0, START, quota)
    tat, allowance = step(tat, START - 86400 * SECOND, quota)
    assert not allowance.admitted
    assert allowance.retry_after_seconds == 10
    assert allowance.reset_seconds == 60


def test_the_figures_of_a_plain_quota() -> None:
    tat, allowance = step(0, START, Quota(30, 60, burst=3))
    assert (allowance.limit, allowance.period_seconds) == (30, 60)
    assert (allowance.remaining, allowance.reset_seconds) == (2, 2)
    for _ in range(2):
        tat, allowance = step(tat, START, Quota(30, 60, burst=3))
    assert (allowance.admitted, allowance.remaining, allowance.reset_seconds) == (True, 0, 6)
    assert step(tat, START, Quota(30, 60, burst=3))[1].retry_after_seconds == 2


@pytest.mark.parametrize("quota", [Quota(0, 60), Quota(1, 0)])
def test_a_quota_that_makes_no_sense_admits_at_least_one_and_never_fails(quota: Quota) -> None:
    assert step(0, START, quota)[1].admitted


def test_a_meter_does_not_grow_with_its_answers() -> None:
    meter = Meter(Quota(99_991, 86400))
    tat = 0
    for index in range(10_000):
        tat, _ = meter.step(tat, START + index * 7_919)
    assert len(meter._answers) <= 4096
