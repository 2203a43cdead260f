"""One operator over time: what its crawlers asked for, what they were told, what was delivered to them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from vorbehalt_dashboards.frame import fill, frame
from vorbehalt_dashboards.parts import GREEN, YELLOW, Builder, bars, grid, lines, number
from vorbehalt_dashboards.queries import counted, or_none, rate, series

_THIS = 'operator="$operator"'
_OF_THIS = f"and on (crawler) {series('vorbehalt_crawler_info', _THIS)}"
_REQUESTS = "vorbehalt_crawler_requests_total"
_DELIVERED = "vorbehalt_crawler_delivered_total"
_BYTES = "vorbehalt_crawler_delivered_bytes_total"


def build() -> dashboard.Dashboard:
    """Return the dashboard of one operator."""
    made = frame(
        "vorbehalt-crawler",
        "Vorbehalt: one operator over time",
        "What the crawlers of one operator asked for, what they were told, and what was delivered to them."
        " Requests that were proven to be of impostors are not counted here. For a letter use the dossier:"
        " these numbers are an overview.",
        span="now-30d",
        refresh="5m",
        operators=True,
    )
    return fill(
        made,
        [("At a glance", _glance()), ("Over time", _over_time()), ("Its crawlers", _crawlers())],
    )


def _glance() -> list[Builder]:
    return [
        number(
            "Requested",
            "Requests in the name of this operator's crawlers, impostors not counted.",
            or_none(counted(_REQUESTS, _THIS)),
        ),
        number(
            "Refused or limited",
            "Of these, how many got no content.",
            or_none(counted(_REQUESTS, _THIS, 'action!="allow"')),
        ),
        number(
            "Verified",
            "Share of the requests whose sender is proven. Only these show what the operator itself did; the"
            " rest merely bears its name.",
            f"{counted(_REQUESTS, _THIS, 'standing=~' + chr(34) + 'signed|verified' + chr(34))}"
            f" / {counted(_REQUESTS, _THIS)}",
            unit="percentunit",
            empty="none is verified",
            steps=((None, YELLOW), (0.5, GREEN)),
        ),
        number(
            "Delivered",
            "Answers with content that were handed over whole.",
            or_none(counted(_DELIVERED, _THIS)),
        ),
        number(
            "Bytes delivered",
            "Content of these answers, as it was handed to the web server.",
            or_none(counted(_BYTES, _THIS)),
            unit="bytes",
        ),
        number(
            "Visitors sent",
            "People who came from this operator's AI products.",
            or_none(counted("vorbehalt_referrals_total", _THIS)),
            steps=((None, GREEN),),
        ),
    ]


def _over_time() -> list[Builder]:
    return [
        lines(
            "Requests by what was done",
            "Requests per second. A change of the rules or of the signals is marked.",
            ((rate(_REQUESTS, _THIS, by="action"), "{{action}}"),),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Requests by standing",
            "How sure it is that the operator sent them. claimed rising while verified stays flat: somebody"
            " uses the name.",
            ((rate(_REQUESTS, _THIS, by="standing"), "{{standing}}"),),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Content delivered",
            "Bytes per second handed over, by crawler.",
            ((rate(_BYTES, _THIS, by="crawler"), "{{crawler}}"),),
            unit="Bps",
            stacked=True,
        ),
        lines(
            "People sent, answers delivered",
            "Both per second. What goes out and what comes back.",
            (
                (rate(_DELIVERED, _THIS, by="operator"), "answers delivered to {{operator}}"),
                (rate("vorbehalt_referrals_total", _THIS, by="operator"), "people sent by {{operator}}"),
            ),
            unit="ops",
        ),
    ]


def _crawlers() -> list[Builder]:
    signals = "vorbehalt_crawler_signals_total"
    return [
        grid(
            "By crawler",
            "Each crawler of this operator by its purpose, as documented. Disallowed paths are those that"
            " robots.txt closes to it.",
            (
                ("Requested", counted(_REQUESTS, _THIS, by="crawler, purpose"), "short"),
                ("Refused", counted(_REQUESTS, _THIS, 'action!="allow"', by="crawler, purpose"), "short"),
                ("Delivered", counted(_DELIVERED, _THIS, by="crawler, purpose"), "short"),
                ("Bytes delivered", counted(_BYTES, _THIS, by="crawler, purpose"), "bytes"),
            ),
            {"crawler": "Crawler", "purpose": "Purpose"},
            width=24,
            sort="Requested",
        ),
        grid(
            "What it was told",
            "How often each signal document was fetched in the name of its crawlers. A crawler that fetched"
            " robots.txt and then asked for nothing stayed away. The records say which version it was given.",
            (("Fetched", counted(signals, by="crawler, document", where=_OF_THIS), "short"),),
            {"crawler": "Crawler", "document": "Document"},
            width=12,
            sort="Fetched",
            empty="none of its crawlers fetched a signal in this time range",
        ),
        bars(
            "Disallowed paths requested",
            "Requests for paths that the robots.txt in force closes to that crawler, refused or not. The"
            " sender may be somebody else unless it is verified.",
            counted("vorbehalt_robots_violations_total", by="crawler", where=_OF_THIS),
            "{{crawler}}",
            width=12,
            empty="none in this time range",
        ),
    ]
