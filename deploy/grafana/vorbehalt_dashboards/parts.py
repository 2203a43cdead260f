"""Panels in the forms that the dashboards use. Each has a description: what it means and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, RED, BLUE, GREY = "green", "yellow", "red", "blue", "text"
Step = tuple[float | None, str]
Builder = stat.Panel | table.Panel | timeseries.Panel | bargauge.Panel
_Panel = TypeVar("_Panel", stat.Panel, table.Panel, timeseries.Panel, bargauge.Panel)


def query(
    expression: str, legend: str = "", *, ref: str = "A", as_table: bool = False, over_time: bool = False
) -> prometheus.Dataquery:
    """One query; instant unless `over_time`."""
    made = prometheus.Dataquery().expr(expression).ref_id(ref).datasource(SOURCE)
    made = made.range() if over_time else made.instant()
    if as_table:
        made = made.format(PromQueryFormat.TABLE)
    return made.legend_format(legend or "__auto")


def _dressed(
    panel: _Panel,
    title: str,
    text: str,
    *,
    width: int,
    height: int,
    unit: str,
    empty: str,
    steps: Sequence[Step],
    names: dict[int, tuple[str, str]] | None = None,
) -> _Panel:
    panel.title(title).description(text).datasource(SOURCE).span(width).height(height)
    panel.unit(unit).no_value(empty)
    panel.thresholds(
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in steps])
    )
    if names:
        options = {
            str(value): models.ValueMappingResult(text=name, color=color, index=index)
            for index, (value, (name, color)) in enumerate(names.items())
        }
        panel.mappings([models.ValueMap(options=options)])
    return panel


def number(
    title: str,
    text: str,
    expression: str,
    *,
    width: int = 4,
    unit: str = "short",
    empty: str = "nothing yet",
    steps: Sequence[Step] = ((None, BLUE),),
    names: dict[int, tuple[str, str]] | None = None,
    legend: str = "",
) -> stat.Panel:
    """One number, or one word."""
    panel = _dressed(
        stat.Panel(), title, text, width=width, height=5, unit=unit, empty=empty, steps=steps, names=names
    )
    return (
        panel.graph_mode(common_models.BigValueGraphMode.NONE)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .decimals(0)
        .with_target(query(expression, legend))
    )


def bars(
    title: str,
    text: str,
    expression: str,
    legend: str,
    *,
    width: int = 8,
    height: int = 9,
    unit: str = "short",
    empty: str = "nothing in this time range",
    decimals: int = 0,
) -> bargauge.Panel:
    """A few names with a number each."""
    panel = _dressed(
        bargauge.Panel(),
        title,
        text,
        width=width,
        height=height,
        unit=unit,
        empty=empty,
        steps=((None, BLUE),),
    )
    return (
        panel.orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .decimals(decimals)
        .min(0)
        .with_target(query(expression, legend))
    )


def lines(
    title: str,
    text: str,
    queries: Sequence[tuple[str, str]],
    *,
    width: int = 12,
    height: int = 8,
    unit: str = "short",
    steps: Sequence[Step] = ((None, BLUE),),
    stacked: bool = False,
) -> timeseries.Panel:
    """Something over time; `queries` are pairs of expression and legend."""
    panel = _dressed(
        timeseries.Panel(),
        title,
        text,
        width=width,
        height=height,
        unit=unit,
        empty="nothing in this time range",
        steps=steps,
    )
    panel.min(0).fill_opacity(10).line_width(1)
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
    )
    for ref, (expression, legend) in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(query(expression, legend, ref=ref, over_time=True))
    return panel


def grid(
    title: str,
    text: str,
    columns: Sequence[tuple[str, str, str]],
    labels: dict[str, str],
    *,
    width: int = 24,
    height: int = 9,
    empty: str = "nothing in this time range",
    sort: str = "",
    decimals: int = 0,
) -> table.Panel:
    """A table: `columns` are heading, expression, unit; `labels` (label to heading) tell rows apart."""
    panel = _dressed(
        table.Panel(),
        title,
        text,
        width=width,
        height=height,
        unit="short",
        empty=empty,
        steps=((None, GREY),),
    )
    panel.decimals(decimals)
    order = {label: place for place, label in enumerate(labels)}
    renamed = dict(labels)
    for place, (heading, expression, unit) in enumerate(columns):
        ref = "ABCDEFGH"[place]
        panel.with_target(query(expression, ref=ref, as_table=True))
        # With one query the column is called Value, with several each is named after its query.
        column = f"Value #{ref}" if len(columns) > 1 else "Value"
        order[column] = len(labels) + place
        renamed[column] = heading
        panel.override_by_name(heading, [models.DynamicConfigValue(id_val="unit", value=unit)])
    if len(columns) > 1:
        panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": {"Time": True}, "indexByName": order, "renameByName": renamed},
        )
    )
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)])
    return panel


def annotation(name: str, expression: str, color: str) -> dashboard.AnnotationQuery:
    """A mark on every graph wherever the expression has a value."""
    made = dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(True).hide(False)
    return made.icon_color(color).expr(expression)
