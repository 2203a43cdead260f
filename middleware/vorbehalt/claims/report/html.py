"""A sheet as one HTML page without script, that prints on one A4 page and an annex."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from vorbehalt.claims.report.sheet import Sheet
from vorbehalt.claims.report.sheet_parts import Chart
from vorbehalt.claims.report.strangers import shown
from vorbehalt.errors import VorbehaltError

if TYPE_CHECKING:
    from jinja2 import Template

_STEP: Final = 26
_TALL: Final = 70
_KINDS: Final = ("given", "refused", "other")


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of the bar of a day, in units of the picture."""

    kind: str
    x: int
    y: float
    width: int
    height: float


def as_html(sheet: Sheet) -> str:
    """Return the page; all texts are escaped. Raises VorbehaltError without Jinja2."""
    chart = sheet.chart
    return _template().render(
        sheet=sheet,
        bars=() if chart is None else _bars(chart),
        width=0 if chart is None else _STEP * len(chart.days),
        kinds=_KINDS,
    )


@cache
def _template() -> Template:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise VorbehaltError("HTML needs the extra `claims`: pip install 'vorbehalt[claims]'") from error
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, finalize=_finalize
    )
    return environment.from_string((files(__package__) / "templates" / "page.html").read_text("utf-8"))


def _finalize(value: object) -> object:
    # Only plain texts: what a macro made is markup already, and was finalized piece by piece.
    return shown(value) if type(value) is str else value


def _bars(chart: Chart) -> list[Bar]:
    found = []
    for number, day in enumerate(chart.days):
        y: float = _TALL + 1
        for kind, count in zip(_KINDS, day, strict=True):
            height = round(_TALL * count / chart.height, 2)
            if height:
                y = round(y - height, 2)
                found.append(Bar(kind, number * _STEP + 2, y, _STEP - 4, height))
    return found
