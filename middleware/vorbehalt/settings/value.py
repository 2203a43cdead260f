"""The table [value]: what deliveries are worth to the owner. For the internal estimate of the report only.

It is no part of the configuration's digest, and so of no record: prices are the owner's own business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from vorbehalt.policy.tables import Table
from vorbehalt.works.entry import RIGHTS

Per = Literal["work", "delivery"]
MOST = 1e9
PER: tuple[Per, ...] = ("work", "delivery")


@dataclass(frozen=True, slots=True)
class Rate:
    """One line of the owner's rate card: a price for works in one right, of one kind, or both.

    `per` work: once for each work delivered in the month; `per` delivery: each time. Empty stands for any.
    """

    price: float
    right: str = ""
    kind: str = ""
    per: Per = "work"


@dataclass(frozen=True, slots=True)
class ValueSettings:
    """Prices in one currency; None and empty where the owner set none.

    Of the rates the first that fits a work in one of its rights counts.
    """

    currency: str = ""
    egress_per_gb: float | None = None
    cost_per_1000_pages: float | None = None
    rates: tuple[Rate, ...] = ()

    @property
    def is_set(self) -> bool:
        """True if there is a price."""
        return self.egress_per_gb is not None or self.cost_per_1000_pages is not None or bool(self.rates)


def read_value(table: Table, *, has_catalogue: bool) -> ValueSettings:
    """Read [value]. `has_catalogue`: some host has one, so that rights and kinds of works are known."""
    currency = table.text("currency")
    egress, pages = _price(table, "egress_per_gb"), _price(table, "cost_per_1000_pages")
    rates: list[Rate] = []
    for entry in table.tables("rate"):
        rate = _read_rate(entry)
        entry.finish()
        if rate is None:
            continue
        if any(_hides(earlier, rate) for earlier in rates):
            entry.flaw("", "V141", "this rate never applies: an earlier one is for the same works")
        rates.append(rate)
    value = ValueSettings(currency, egress, pages, tuple(rates))
    if currency and not (len(currency) <= 8 and currency.isprintable()):
        table.flaw("currency", "V007", "value.currency is no currency; write it like EUR")
    if value.is_set and not currency:
        table.flaw("", "V005", "value.currency is missing; write the one in which you count, like EUR")
    if currency and not value.is_set:
        table.flaw("currency", "V142", "a currency without a price: no estimate is made")
    if rates and not has_catalogue:
        table.flaw("rate", "V143", "rates apply to works of a catalogue, and works.catalogue is not set")
    table.finish()
    return value


def _read_rate(table: Table) -> Rate | None:
    right = table.choice("right", "", RIGHTS)
    kind = table.text("kind")
    per = cast(Per, table.choice("per", "work", PER))
    price = _price(table, "price")
    if price is None:
        if not table.has("price"):
            table.flaw("price", "V005", f"{table.where('price')} is missing")
        return None
    if not right and not kind:
        if not table.has("right"):
            table.flaw("", "V005", f"{table.key} names neither a right nor a kind of work")
        return None
    return Rate(price, right, kind, per)


def _price(table: Table, name: str) -> float | None:
    price = table.number(name)
    if price is not None and price > MOST:
        table.flaw(name, "V007", f"{table.where(name)} must be at most {MOST:,.0f}")
        return None
    return price


def _hides(earlier: Rate, later: Rate) -> bool:
    """True if every work of the later rate is one of the earlier."""
    return earlier.right in ("", later.right) and earlier.kind in ("", later.kind)
