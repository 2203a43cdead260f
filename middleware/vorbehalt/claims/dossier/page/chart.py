"""Charts as SVG that a grey printer can tell apart, without style, script or reference. Pure.

The same picture goes into HTML and, by typst, into the PDF: hence plain attributes only. Dark is delivered,
hatched is refused, pale is any other outcome; all three together are what was requested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

from vorbehalt.claims.dossier.page.harmless import cut

_WIDTH, _LEFT = 680, 58
_TOP, _PLOT, _BOTTOM = 30, 170, 24
_ROW, _NAMES, _COUNT = 22, 236, 64
_WIDEST = 70.0
_FONT = "Libertinus Serif, Georgia, Times New Roman, serif"
_DARK, _MIDDLE, _PALE, _INK, _LINE = "#16324f", "#8a9099", "#dfe3e8", "#1a1a1a", "#c4c4c4"
_PATTERNS = (
    '<defs><pattern id="refused-{id}" width="4" height="4" patternUnits="userSpaceOnUse">'
    f'<rect width="4" height="4" fill="#ffffff"/><path d="M0 4L4 0M-1 1L1 -1M3 5L5 3" stroke="{_INK}"'
    ' stroke-width="0.9"/></pattern>'
    '<pattern id="gap-{id}" width="6" height="6" patternUnits="userSpaceOnUse">'
    f'<rect width="6" height="6" fill="#f4f0e6"/><circle cx="3" cy="3" r="0.9" fill="{_MIDDLE}"/>'
    "</pattern></defs>"
)
Number = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Bar:
    """Counts of one day or work: refused and delivered are part of requested."""

    requested: int
    refused: int
    delivered: int

    @property
    def other(self) -> int:
        return max(self.requested - self.refused - self.delivered, 0)


@dataclass(frozen=True, slots=True)
class Mark:
    """A time in which the log is not whole (`gap`) or its clock not sure: days, the last one included."""

    first: date
    last: date
    is_gap: bool


@dataclass(frozen=True, slots=True)
class Legend:
    """The words of a chart in one language."""

    delivered: str
    refused: str
    other: str
    gap: str
    clock: str


def by_day(
    bars: Sequence[tuple[date, Bar]],
    period: tuple[date, date],
    marks: Sequence[Mark],
    legend: Legend,
    number: Number,
    name: str = "day",
) -> str:
    """Return what was requested on each day of a period (both ends included), with gaps and clock faults.

    `name` keeps the patterns of several charts on one page apart: letters only.
    """
    first, last = period
    days = (last - first).days + 1
    scale = (_WIDTH - _LEFT - 6) / days
    shown = [(day, bar) for day, bar in bars if first <= day <= last]
    most = _nice(max((bar.requested for _, bar in shown), default=0))
    floor = _TOP + _PLOT
    parts = [_PATTERNS.format(id=name)]
    for mark in marks:
        start, end = max(mark.first, first), min(mark.last, last)
        if mark.is_gap and start <= end:
            x, wide = _LEFT + (start - first).days * scale, max(((end - start).days + 1) * scale, 2.0)
            parts.append(_rect(x, _TOP, wide, _PLOT, f"url(#gap-{name})"))
            parts.append(f'<path d="M{x + wide / 2 - 5:.2f} {_TOP - 10}h10l-5 9z" fill="{_INK}"/>')
    for tick in (0, most // 2, most):
        y = floor - _PLOT * tick / most
        parts.append(f'<path d="M{_LEFT} {y:.2f}H{_WIDTH - 6}" stroke="{_LINE}" stroke-width="0.7"/>')
        parts.append(_text(_LEFT - 7, y + 4, number(tick), "end"))
    wide = min(max(scale - (1.2 if scale > 5 else 0), 0.6), _WIDEST)
    for day, bar in shown:
        x = _LEFT + (day - first).days * scale + (max(scale - wide, 0) / 2 if wide == _WIDEST else 0)
        parts.append(_column(x, wide, bar, floor, _PLOT / most, name))
    for mark in marks:
        if not mark.is_gap and first <= mark.first <= last:
            x = _LEFT + ((mark.first - first).days + 0.5) * scale
            parts.append(
                f'<path d="M{x:.2f} {_TOP}V{floor}" stroke="{_INK}" stroke-width="0.9"'
                ' stroke-dasharray="2 3"/>'
                f'<path d="M{x:.2f} {_TOP - 11}l5 5l-5 5l-5 -5z" fill="#ffffff" stroke="{_INK}"/>'
            )
    steps = min(days - 1, 4)
    for index in range(steps + 1):
        at = first + timedelta(days=(days - 1) * index // max(steps, 1))
        place = "start" if not index else "end" if index == steps else "middle"
        x = _LEFT + (0 if not index else days if index == steps else (at - first).days + 0.5) * scale
        parts.append(_text(x, floor + 17, at.isoformat(), place))
    key = [("dark", legend.delivered), (f"refused-{name}", legend.refused), ("pale", legend.other)]
    key += [(f"gap-{name}", legend.gap)] if any(mark.is_gap for mark in marks) else []
    key += [("clock", legend.clock)] if any(not mark.is_gap for mark in marks) else []
    high = floor + _BOTTOM
    return _svg(high + _key_height(key), "".join(parts) + _key(key, high + 14))


def by_work(rows: Sequence[tuple[str, Bar]], legend: Legend, number: Number) -> str:
    """Return one line for each work, longest first; titles are cut."""
    most = max((bar.requested for _, bar in rows), default=0) or 1
    plot = _WIDTH - _NAMES - _COUNT
    parts = [_PATTERNS.format(id="work")]
    for index, (title, bar) in enumerate(rows):
        top, x = 6 + index * _ROW, float(_NAMES)
        parts.append(_text(_NAMES - 8, top + 12, cut(title, 36), "end", _NAMES - 12))
        for count, fill in (
            (bar.delivered, _DARK),
            (bar.refused, "url(#refused-work)"),
            (bar.other, _PALE),
        ):
            if count:
                wide = max(plot * count / most, 0.8)
                parts.append(_rect(x, top, wide, _ROW - 7, fill, outline=True))
                x += wide
        parts.append(_text(x + 6, top + 12, number(bar.requested), "start"))
    key = [("dark", legend.delivered), ("refused-work", legend.refused), ("pale", legend.other)]
    high = 6 + len(rows) * _ROW
    return _svg(high + _key_height(key), "".join(parts) + _key(key, high + 14))


def _column(x: float, wide: float, bar: Bar, floor: int, unit: float, name: str) -> str:
    parts, top = [], float(floor)
    for count, fill in ((bar.delivered, _DARK), (bar.refused, f"url(#refused-{name})"), (bar.other, _PALE)):
        if count:
            high = max(count * unit, 0.6)
            top -= high
            parts.append(_rect(x, top, wide, high, fill, outline=wide > 3))
    return "".join(parts)


def _rect(x: float, y: float, wide: float, high: float, fill: str, *, outline: bool = False) -> str:
    line = f' stroke="{_INK}" stroke-width="0.5"' if outline else ""
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{wide:.2f}" height="{high:.2f}" fill="{fill}"{line}/>'


def _text(x: float, y: float, text: str, place: str, room: int = 0) -> str:
    """Draw a line of text; where it may be wider than `room`, it is pressed into it."""
    wide = sum(12.5 if char in "mwMW@%" or char > "\u2e80" else 7.2 for char in text)
    fit = f' textLength="{room}" lengthAdjust="spacingAndGlyphs"' if room and wide > room else ""
    return f'<text x="{x:.2f}" y="{y:.2f}" text-anchor="{place}"{fit}>{escape(text)}</text>'


def _key(items: Sequence[tuple[str, str]], top: int) -> str:
    parts = []
    for index, (kind, words) in enumerate(items):
        x, y = _LEFT + index % 3 * 205, top + index // 3 * 20
        if kind.startswith("gap-"):
            parts.append(_rect(x, y - 10, 14, 12, f"url(#{kind})", outline=True))
            parts.append(f'<path d="M{x + 2} {y - 8}h10l-5 8z" fill="{_INK}"/>')
        elif kind == "clock":
            parts.append(f'<path d="M{x + 7} {y - 10}l6 6l-6 6l-6 -6z" fill="#ffffff" stroke="{_INK}"/>')
        else:
            fill = {"dark": _DARK, "pale": _PALE}.get(kind, f"url(#{kind})")
            parts.append(_rect(x, y - 10, 14, 12, fill, outline=True))
        parts.append(_text(x + 20, y, words, "start"))
    return "".join(parts)


def _key_height(items: Sequence[tuple[str, str]]) -> int:
    return 24 + (len(items) - 1) // 3 * 20


def _svg(high: int, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {high}" width="{_WIDTH}"'
        f' height="{high}"'
        f' font-family="{_FONT}" font-size="12.5" fill="{_INK}">{inside}</svg>'
    )


def _nice(value: int) -> int:
    """Return the next even round number: half of it is whole."""
    step = 1
    while True:
        for factor in (2, 4, 6, 10):
            if value <= factor * step:
                return factor * step
        step *= 10
