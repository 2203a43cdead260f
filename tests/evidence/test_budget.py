"""Beyond its budget a client is counted exactly, and nobody else notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.evidence.leaf.budget import OTHER, Budget
from vorbehalt.evidence.leaf.record import build_leaf
from vorbehalt.evidence.receipt import Draft

MINUTE = 60 * 10**9
Drafts = Callable[..., Draft]


def test_a_client_has_sixty_records_a_minute_and_the_rest_is_counted(make_draft: Drafts) -> None:
    budget = Budget()
    admitted = [budget.admit(make_draft(number, at=5 * MINUTE + number, amount=10)) for number in range(100)]

    assert admitted == [True] * 60 + [False] * 40
    (minute,) = budget.take(everything=True)
    (row,) = minute.rows.values()
    assert (minute.start, row.count, row.amount) == (5 * MINUTE, 40, 400)
    assert (row.first_at, row.last_at) == (5 * MINUTE + 60, 5 * MINUTE + 99)


def test_another_client_and_the_next_minute_have_budgets_of_their_own(make_draft: Drafts) -> None:
    budget = Budget(per_client=1)

    assert budget.admit(make_draft(1, at=0, address="198.51.100.1"))
    assert not budget.admit(make_draft(2, at=1, address="198.51.100.1"))
    assert budget.admit(make_draft(3, at=2, address="198.51.100.2"))
    assert budget.admit(make_draft(4, at=MINUTE, address="198.51.100.1"))


def test_an_operator_has_a_budget_over_all_its_addresses(make_draft: Drafts) -> None:
    budget = Budget(per_operator=10)
    flood = [budget.admit(make_draft(n, address=f"198.51.100.{n}")) for n in range(20)]

    assert flood == [True] * 10 + [False] * 10
    assert budget.admit(make_draft(99, address="192.0.2.1", operator="Anthropic"))


def test_a_completion_follows_its_request(make_draft: Drafts) -> None:
    budget = Budget(per_client=1)
    assert budget.admit(make_draft(1))
    assert not budget.admit(make_draft(2))

    assert budget.admit(make_draft(1, kind="completion", amount=5))
    assert not budget.admit(make_draft(2, kind="completion", amount=700))
    (minute,) = budget.take(everything=True)
    (row,) = minute.rows.values()
    assert (row.count, row.completed, row.amount) == (1, 1, 700)


def test_completions_alone_cannot_flood_the_log(make_draft: Drafts) -> None:
    budget = Budget(per_client=60)

    assert sum(budget.admit(make_draft(n, kind="completion")) for n in range(500)) == 60


def test_without_room_visits_are_only_counted_and_what_has_a_record_gets_its_end(make_draft: Drafts) -> None:
    budget = Budget()
    assert budget.admit(make_draft(1))
    budget.is_capped = True

    assert not budget.admit(make_draft(2))
    assert budget.admit(make_draft(1, kind="completion", amount=5))
    assert not budget.admit(make_draft(2, kind="completion", amount=700))
    assert budget.admit(make_draft(3, kind="gap"))
    (minute,) = budget.take(everything=True)
    (row,) = minute.rows.values()
    assert (row.count, row.completed, row.amount) == (1, 1, 700)
    budget.is_capped = False
    assert budget.admit(make_draft(4))


def test_records_of_the_log_itself_need_no_budget(make_draft: Drafts) -> None:
    budget = Budget(per_client=0, per_operator=0)

    assert budget.admit(make_draft(kind="policy-active"))
    assert not budget.admit(make_draft(kind="request"))


def test_keys_beyond_the_bound_are_counted_together() -> None:
    budget = Budget(max_keys=3)
    for number in range(10):
        budget.count((str(number),), at=number, amount=1)

    (minute,) = budget.take(everything=True)
    assert list(minute.rows) == [("0",), ("1",), ("2",), OTHER]
    assert minute.rows[OTHER].count == 7
    assert minute.total == 10


def test_clients_beyond_the_bound_share_a_budget_and_memory_stays_flat(
    make_draft: Drafts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vorbehalt.evidence.leaf.budget._MAX_CLIENTS", 5)
    budget = Budget(per_client=2)
    admitted = sum(budget.admit(make_draft(n, client=f"client-{n}")) for n in range(50))

    assert admitted == 5 + 2
    assert len(budget._clients) <= 6


@given(
    st.lists(st.tuples(st.integers(0, 5 * 60), st.sampled_from("abcdef"), st.integers(0, 9)), max_size=200)
)
def test_every_visit_is_counted_exactly_once_whatever_the_clock_does(
    visits: list[tuple[int, str, int]],
) -> None:
    budget = Budget(max_keys=4)
    for seconds, key, amount in visits:
        budget.count((key,), at=seconds * 10**9, amount=amount)

    rows = [row for minute in budget.take(everything=True) for row in minute.rows.values()]
    assert sum(row.count for row in rows) == len(visits)
    assert sum(row.amount for row in rows) == sum(amount for _, _, amount in visits)


def test_a_minute_is_finished_by_the_next_one_or_by_the_clock() -> None:
    budget = Budget()
    budget.count(("a",), at=MINUTE + 1)
    budget.finish(2 * MINUTE - 1)
    assert not budget.has_finished
    budget.finish(2 * MINUTE)
    assert [minute.start for minute in budget.take()] == [MINUTE]
    budget.count(("a",), at=3 * MINUTE)
    budget.count(("a",), at=4 * MINUTE)
    assert [minute.start for minute in budget.take()] == [3 * MINUTE]
    assert budget.take() == []


def test_minutes_that_cannot_be_written_are_bounded_and_counted() -> None:
    budget = Budget()
    for number in range(20):
        budget.count(("a",), at=number * MINUTE)
        budget.count(("a",), at=number * MINUTE)

    assert len(budget.take()) == 10
    assert budget.dropped == 2 * 9


def test_ten_thousand_rows_fit_into_leaves_and_none_is_lost() -> None:
    budget = Budget()
    for number in range(10_000):
        budget.count(("example.org" * 20, f"bot-{number}\x01", "blocked"), at=number)

    (minute,) = budget.take(everything=True)
    names: Counter[str] = Counter()
    parts = minute.seen()
    for seen in parts:
        payload = build_leaf(
            Draft(type="rollup", ref="", at=1, seen=seen),
            writer="w",
            sequence=0,
            previous="",
            private={},
            vault_key="",
        )
        assert b'"cut"' not in payload
        rows = seen["rows"]
        assert isinstance(rows, list)
        names.update(row["key"][1] for row in rows)
    assert len(names) == 10_000
    assert [seen["part"] for seen in parts] == list(range(len(parts)))
