"""How each language writes numbers, shares, sizes, amounts and days: at the borders where they change."""

from __future__ import annotations

from decimal import Decimal

import pytest

from vorbehalt.claims.report.month import Month
from vorbehalt.claims.report.written import ENGLISH, FRENCH, GERMAN

DAY = 86_400 * 10**9


@pytest.mark.parametrize(
    ("part", "whole", "ratio", "share"),
    [
        (10, 4, "2.5", "250.0%"),
        (1, 3, "0.3", "33.3%"),
        (2, 3, "0.7", "66.6%"),
        (1, 20, "0.1", "5.0%"),
        (1, 21, "0.0", "4.7%"),
        (999, 1000, "1.0", "99.9%"),
        (0, 3, "0.0", "0.0%"),
        (2_468, 2, "1,234.0", "123,400.0%"),
    ],
)
def test_ratios_are_rounded_and_shares_are_cut(part: int, whole: int, ratio: str, share: str) -> None:
    assert (ENGLISH.ratio(part, whole), ENGLISH.share(part, whole)) == (ratio, share)


def test_a_share_of_nothing_is_none() -> None:
    assert ENGLISH.share(0, 0) == "0.0%"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1_000, "1,00 kB"), (999_999, "999,99 kB"), (10**6, "1,00 MB"),
        (10**9 - 1, "999,99 MB"), (10**9, "1,00 GB"), (10**12 - 1, "999,99 GB"), (10**12, "1,00 TB"),
        (1_234_560_000_000_000, "1.234,56 TB"),
    ],
)  # fmt: skip
def test_a_size_is_in_the_largest_unit_of_which_there_is_one(count: int, text: str) -> None:
    assert GERMAN.size(count) == text.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("at", "english", "german", "french"),
    [
        (0, "1 January 1970", "1. Januar 1970", "1er janvier 1970"),
        (20_783 * DAY - 1, "25 November 2026", "25. November 2026", "25 novembre 2026"),
        (20_783 * DAY, "26 November 2026", "26. November 2026", "26 novembre 2026"),
    ],
)
def test_days_are_those_of_utc(at: int, english: str, german: str, french: str) -> None:
    found = [written.day_of(at).replace("\u00a0", " ") for written in (ENGLISH, GERMAN, FRENCH)]
    assert found == [english, german, french]


def test_months_and_nouns() -> None:
    assert [FRENCH.month(Month(2026, number)) for number in (1, 12)] == ["janvier 2026", "décembre 2026"]
    found = [[written.counted(n, "a|b")[-1] for n in (0, 1, 2)] for written in (ENGLISH, FRENCH)]
    assert found == [["b", "a", "b"], ["a", "a", "b"]]


def test_amounts_are_rounded_to_even() -> None:
    amounts = [ENGLISH.money(Decimal(text), "EUR") for text in ("1234.565", "1234.575", "0.004")]
    assert amounts == ["1,234.56\u00a0EUR", "1,234.58\u00a0EUR", "0.00\u00a0EUR"]
    assert ENGLISH.money(Decimal("0.0045"), "EUR", 3) == "0.004\u00a0EUR"
