"""The internal estimate: the owner's own prices times the figures of the month, on a sheet of its own. Pure.

It goes into no log, dossier or letter, and into no other form of the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from vorbehalt.claims.report.figures import Figures
from vorbehalt.claims.report.report import Report
from vorbehalt.claims.report.sheet import Sheet
from vorbehalt.claims.report.sheet_parts import Table
from vorbehalt.claims.report.words import Words
from vorbehalt.settings.value import Rate, ValueSettings
from vorbehalt.works.entry import Work

WorkOf = Callable[[str], Work | None]
_GB, _PAGES = Decimal(10**9), Decimal(1000)


@dataclass(frozen=True, slots=True)
class Item:
    """One line: `count` of something at a `price`. `rate` is the line of the rate card, if it is one."""

    count: int
    price: Decimal
    amount: Decimal
    rate: Rate | None = None
    is_egress: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """The lines of one group of standings; `unpriced` reserved works were delivered that no rate fits."""

    items: tuple[Item, ...]
    unpriced: int

    @property
    def total(self) -> Decimal:
        return sum((item.amount for item in self.items), Decimal(0))


def estimate_of(figures: Figures, group: str, value: ValueSettings, work_of: WorkOf) -> Estimate:
    """Price what AI crawlers of one group were delivered; of works only those that are reserved."""
    counted = figures.ai[group]
    items: list[Item] = []
    if value.egress_per_gb is not None:
        price, size = _decimal(value.egress_per_gb), counted.counts["bytes"]
        items.append(Item(size, price, size * price / _GB, is_egress=True))
    if value.cost_per_1000_pages is not None:
        price = _decimal(value.cost_per_1000_pages)
        items.append(Item(counted.delivered, price, counted.delivered * price / _PAGES))
    sums = dict.fromkeys(value.rates, 0)
    unpriced = 0
    for id in counted.reserved:
        rate = rate_for(value, work_of(id))
        if rate is None:
            unpriced += 1
        else:
            sums[rate] += 1 if rate.per == "work" else figures.works[id][group]
    items += (
        Item(count, _decimal(rate.price), count * _decimal(rate.price), rate) for rate, count in sums.items()
    )
    return Estimate(tuple(items), unpriced if value.rates else 0)


def rate_for(value: ValueSettings, work: Work | None) -> Rate | None:
    """Return the first rate that fits a work in one of its rights; None if none does."""
    if work is None:
        return None
    rights = {right.right for right in work.rights}
    fits = (
        rate
        for rate in value.rates
        if (not rate.right or rate.right in rights)
        and (not rate.kind or rate.kind.lower() == work.kind.lower())
    )
    return next(fits, None)


def estimate_sheet(report: Report, words: Words, value: ValueSettings, work_of: WorkOf) -> Sheet:
    """Return the sheet; identities are never added up."""
    tables, notes = [], [words.value_note]
    for group, title in (("attributed", words.established), ("described", words.described)):
        found = estimate_of(report.this, group, value, work_of)
        tables.append(_table(found, title, words, value.currency))
        if found.unpriced:
            sentence = words.value_unpriced.format(words.written.number(found.unpriced))
            notes.append(f"{title}: {sentence}")
    alarms = []
    if not report.proof.holds:
        count = words.written.counted(len(report.proof.problems), words.fault_forms)
        alarms.append(words.broken.format(count))
    if report.is_so_far:
        alarms.append(words.so_far.format(words.written.day_of(report.now)))
    return Sheet(
        language=words.code,
        title=words.value_title.format(words.written.month(report.month)),
        site=report.site,
        alarms=tuple(alarms),
        lead=(words.value_lead,),
        tables=tuple(tables),
        chart=None,
        notes=tuple(notes),
        mark=words.value_mark,
    )


def _table(found: Estimate, title: str, words: Words, currency: str) -> Table:
    head = (words.value_item, words.value_count, words.value_price, words.value_amount)
    rows = [*_rows(found, words, currency), (words.value_sum, "", "", _money(found.total, words, currency))]
    return Table(title, head, tuple(rows))


def _rows(found: Estimate, words: Words, currency: str) -> Iterator[tuple[str, ...]]:
    written = words.written
    for item in found.items:
        price = _price(item.price, words, currency)
        if item.rate is not None:
            what = ", ".join(filter(None, (item.rate.right, item.rate.kind)))
            per = words.value_per[item.rate.per == "delivery"]
            named, count = words.value_rate.format(what, per), written.number(item.count)
        elif item.is_egress:
            named, count, price = words.value_egress, written.size(item.count), f"{price} / GB"
        else:
            named, count, price = words.value_pages, written.number(item.count), f"{price} / 1000"
        yield named, count, price, _money(item.amount, words, currency)


def _money(amount: Decimal, words: Words, currency: str) -> str:
    return words.written.money(amount, currency)


def _price(price: Decimal, words: Words, currency: str) -> str:
    """Return a price with all its digits: those of traffic are fractions of a cent."""
    digits = f"{price.normalize():f}".partition(".")[2]
    return words.written.money(price, currency, max(2, len(digits)))


def _decimal(price: float) -> Decimal:
    return Decimal(str(price))
