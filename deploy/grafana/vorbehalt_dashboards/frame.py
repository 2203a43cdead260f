"""What all dashboards have in common: data source and server, links, marks of changes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from vorbehalt_dashboards.parts import BLUE, GREY, SOURCE, YELLOW, Builder, annotation
from vorbehalt_dashboards.queries import SIDE, series

TAG = "vorbehalt"
ALL = models.VariableOption(text="All", value="$__all", selected=True)


def _newly(info: str) -> str:
    """Values of an info metric that were not there one step before, on servers that were."""
    return (
        f"({series(info)} unless {series(info)} offset $__interval)"
        f" * {SIDE} group_left () ({series('up')} offset $__interval == 1)"
    )


def frame(
    uid: str, title: str, text: str, *, span: str, refresh: str, operators: bool = False
) -> dashboard.Dashboard:
    """An empty dashboard. `span` is the time range at the start, such as `now-7d`."""
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(text)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .time(span, "now")
        .refresh(refresh)
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
    )
    made.link(
        dashboard.DashboardLink("Vorbehalt dashboards")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
    )
    made.with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    made.with_variable(
        dashboard.QueryVariable("instance")
        .label("Server")
        .description("The address at which Prometheus reads Vorbehalt.")
        .datasource(SOURCE)
        .query("label_values(vorbehalt_build_info, instance)")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(ALL)
    )
    if operators:
        made.with_variable(
            dashboard.QueryVariable("operator")
            .label("Operator")
            .description("Who runs the crawlers, as documented by themselves.")
            .datasource(SOURCE)
            .query('label_values(vorbehalt_crawler_info{operator!=""}, operator)')
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(models.VariableSort.ALPHABETICAL_ASC)
        )
    made.annotation(annotation("Signals changed", _newly("vorbehalt_reservation_info"), BLUE))
    made.annotation(annotation("Configuration changed", _newly("vorbehalt_config_info"), GREY))
    made.annotation(annotation("Paused", f"{series('vorbehalt_paused')} == 1", YELLOW))
    return made


def fill(made: dashboard.Dashboard, rows: Sequence[tuple[str, Sequence[Builder]]]) -> dashboard.Dashboard:
    """Put panels below headings; ids count from 1, so that a link to a panel stays good."""
    number = 0
    for heading, panels in rows:
        number += 1
        made.with_row(dashboard.Row(heading).id(number))
        for panel in panels:
            number += 1
            made.with_panel(panel.id(number))
    return made


def as_json(made: dashboard.Dashboard) -> str:
    """The text of the file that Grafana reads."""
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
