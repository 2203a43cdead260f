"""For who keeps it running: is it up, fast and whole."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from vorbehalt_dashboards.frame import fill, frame
from vorbehalt_dashboards.parts import BLUE, GREEN, RED, YELLOW, Builder, bars, grid, lines, number
from vorbehalt_dashboards.queries import (
    PEOPLE_AFFECTED,
    SEARCH_ENGINES_REFUSED,
    counted,
    or_none,
    rate,
    series,
)

_DAY = 86_400
_BUCKETS = f"sum by (le) (rate({series('vorbehalt_decision_seconds_bucket')}[$__rate_interval]))"
_ZERO_OR_RED = ((None, GREEN), (1, RED))


def build() -> dashboard.Dashboard:
    """Return the dashboard of the operator of the site."""
    made = frame(
        "vorbehalt-operator",
        "Vorbehalt: operation",
        "Latency, errors, shared counters, age of the rules, evidence, workers. Each alert has a runbook"
        " in docs/runbooks.md.",
        span="now-6h",
        refresh="30s",
    )
    return fill(
        made,
        [
            ("State", _state()),
            ("Traffic and time", _traffic()),
            ("Evidence", _evidence()),
            ("Rules", _rules()),
        ],
    )


def _state() -> list[Builder]:
    return [
        number(
            "Health",
            "Worst state of all servers. Reasons in words: GET /.vorbehalt/health on the server, or its log.",
            f"max({series('vorbehalt_health')})",
            width=3,
            empty="down",
            steps=((None, GREEN), (1, YELLOW), (2, RED)),
            names={0: ("Green", GREEN), 1: ("Yellow", YELLOW), 2: ("Red", RED)},
        ),
        number(
            "Servers not answering",
            "Scrapes that fail. People are still served where the proxy fails open; nothing is recorded and"
            " nothing refused meanwhile (runbook: down).",
            f"count({series('up', 'job=~' + chr(34) + '.*vorbehalt.*' + chr(34))} == 0) or vector(0)",
            width=3,
            steps=_ZERO_OR_RED,
        ),
        number(
            "Workers",
            "Living processes whose counters are summed. Fewer than configured: look for 'worker ... ended'"
            " in the log.",
            f"sum({series('vorbehalt_workers')})",
            width=3,
            empty="down",
            steps=((None, RED), (1, GREEN)),
        ),
        number(
            "Internal errors",
            "Failures of our own. Each of these requests went on without us: unjudged, unrecorded. The log"
            " has a traceback (runbook: internal errors).",
            or_none(counted("vorbehalt_internal_errors_total")),
            width=3,
            steps=_ZERO_OR_RED,
        ),
        number(
            "Store errors",
            "Failures of the shared counters. Limits then apply per worker until they are back.",
            or_none(counted("vorbehalt_store_errors_total")),
            width=3,
            steps=((None, GREEN), (1, YELLOW)),
        ),
        number(
            "Impostor rule",
            "Disarmed: twenty search engines were contradicted within an hour and none was verified, so the"
            " fault is likely ours. Impostors are only observed (runbook: disarmed).",
            f"max({series('vorbehalt_disarmed')})",
            width=3,
            empty="down",
            steps=((None, GREEN), (1, RED)),
            names={0: ("Armed", GREEN), 1: ("Disarmed", RED)},
        ),
        number(
            "Search engines refused",
            "Impostors not counted. Must be 0 (runbook: search engines refused).",
            or_none(counted("vorbehalt_crawler_requests_total", *SEARCH_ENGINES_REFUSED)),
            width=3,
            steps=_ZERO_OR_RED,
        ),
        number(
            "People affected",
            "Requests without a claim that were refused or limited. Only rules of your own do that.",
            or_none(counted("vorbehalt_requests_total", *PEOPLE_AFFECTED)),
            width=3,
            steps=((None, GREEN), (1, YELLOW)),
        ),
    ]


def _traffic() -> list[Builder]:
    quantiles = [
        (f"histogram_quantile({q}, {_BUCKETS})", name) for q, name in ((0.5, "median"), (0.99, "99 %"))
    ]
    return [
        lines(
            "Requests by what was done",
            "All requests that were judged, per second. A line that falls to zero while the site has visitors"
            " means that requests do not come through here.",
            ((rate("vorbehalt_requests_total", by="action"), "{{action}}"),),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "What policy says",
            "The same by what policy would do. Differs from the left while observing or paused: what you"
            " would see with enforcement on.",
            ((rate("vorbehalt_would_total", by="action"), "{{action}}"),),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Time to decide",
            "Our own part of a request: without the application, without waiting for a record. Buckets are"
            " powers of two, so a quantile is right within a factor of two. More than a few milliseconds:"
            " the machine has no processor time left.",
            quantiles,
            unit="s",
            steps=((None, BLUE), (0.01, YELLOW)),
        ),
        lines(
            "Errors",
            "Failures of our own and of the shared counters, per second. Anything above zero wants a look"
            " at the log.",
            (
                (rate("vorbehalt_internal_errors_total", by="instance"), "internal {{instance}}"),
                (rate("vorbehalt_store_errors_total", by="instance"), "store {{instance}}"),
            ),
            steps=((None, BLUE), (0.001, RED)),
        ),
    ]


def _evidence() -> list[Builder]:
    return [
        number(
            "Evidence",
            "Green: kept and sealed. Yellow: something was lost or late, or nothing is kept on disk. Red: the"
            " log does not grow. Reasons: GET /.vorbehalt/health.",
            f"max({series('vorbehalt_evidence_health')})",
            empty="down",
            steps=((None, GREEN), (1, YELLOW), (2, RED)),
            names={0: ("Green", GREEN), 1: ("Yellow", YELLOW), 2: ("Red", RED)},
        ),
        number(
            "Records lost or late",
            "By any reason; the panel on the right names them (runbook: evidence lost).",
            or_none(counted("vorbehalt_evidence_lost_total")),
            steps=_ZERO_OR_RED,
        ),
        number(
            "Log size",
            "Leaves under the last checkpoint. Grows while there are records; never falls.",
            f"max({series('vorbehalt_evidence_log_size')})",
            empty="no log is kept on disk",
        ),
        number(
            "Log last grew",
            "Time since the last checkpoint. Long is harmless while no crawler comes; long while records are"
            " made means that nobody seals.",
            f"max({series('vorbehalt_evidence_checkpoint_age_seconds')})",
            unit="s",
            empty="no log is kept on disk",
        ),
        number(
            "Last anchor",
            "Time since the log was last anchored outside. Until then the log proves order and integrity, not"
            " the time (runbook: anchor old).",
            f"max({series('vorbehalt_evidence_anchor_age_seconds')}) or vector(-1)",
            unit="s",
            steps=((None, GREEN), (2 * _DAY, YELLOW), (7 * _DAY, RED)),
            names={-1: ("never anchored", YELLOW)},
        ),
        number(
            "Answers recorded before reply",
            "Records of requests that were made durable. Compare with requests of AI crawlers.",
            or_none(counted("vorbehalt_evidence_records_total", 'type="request"')),
        ),
        lines(
            "Records by type",
            "Records made durable per second. request comes before the reply, completion after it.",
            ((rate("vorbehalt_evidence_records_total", by="type"), "{{type}}"),),
            unit="ops",
            stacked=True,
        ),
        bars(
            "Records lost or late, by reason",
            "late: the answer left at the deadline, the record followed. disk_full, disk_error: see the disk."
            " queue_full: the disk is too slow for this load. closed: a request came after the stop.",
            counted("vorbehalt_evidence_lost_total", by="reason"),
            "{{reason}}",
            width=12,
            height=8,
            empty="nothing was lost",
        ),
    ]


def _rules() -> list[Builder]:
    age = series("vorbehalt_rules_age_seconds")
    return [
        number(
            "Oldest address list",
            "A list older than 24 hours contradicts nobody, one older than 30 days verifies nobody. Run"
            " vorbehalt rules refresh, or set network.refresh (runbook: rules stale).",
            f"max({age})",
            unit="s",
            empty="no lists",
            steps=((None, GREEN), (21 * _DAY, YELLOW), (30 * _DAY, RED)),
        ),
        number(
            "Lists fresh enough to contradict",
            "Share of the lists that are at most 24 hours old. 0 %: impostor detection is inactive.",
            f"(count({age} <= {_DAY}) or vector(0)) / count({age})",
            unit="percentunit",
            empty="no lists",
            steps=((None, YELLOW), (0.9, GREEN)),
        ),
        grid(
            "Oldest lists",
            "The ten oldest lists. One that stays old while the others are fresh could not be fetched:"
            " see the log of the refresh.",
            (("Age", f"topk(10, max by (list) ({age}))", "s"),),
            {"list": "List"},
            width=8,
            height=8,
            sort="Age",
            empty="no lists",
        ),
        grid(
            "In force now",
            "Version of the software and of the knowledge of crawlers, and digest of the configuration."
            " Servers that should be alike and are not: one was not restarted or reloaded.",
            (
                (
                    "Servers",
                    "count by (version, digest) ("
                    f"{series('vorbehalt_rules_info')} or {series('vorbehalt_build_info')}"
                    f" or {series('vorbehalt_config_info')})",
                    "short",
                ),
            ),
            {"version": "Version", "digest": "Digest"},
            width=8,
            height=8,
        ),
    ]
