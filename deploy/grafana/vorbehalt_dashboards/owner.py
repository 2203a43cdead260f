"""For the owner of the site, who is no engineer: what is told, who came, what was given, is it proven."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from vorbehalt_dashboards.frame import fill, frame
from vorbehalt_dashboards.parts import GREEN, RED, YELLOW, Builder, bars, grid, lines, number
from vorbehalt_dashboards.queries import (
    AI,
    PEOPLE_AFFECTED,
    PROTECTION,
    SEARCH_ENGINES_REFUSED,
    counted,
    first_seen,
    largest,
    or_none,
    rate,
    series,
)

_AI = f'purpose=~"{AI}"'
_KNOWN = ('operator!=""', _AI)
_PER_VISITOR = (
    f"{counted('vorbehalt_crawler_delivered_total', 'operator!=' + chr(34) * 2, by='operator')}"
    f" / ({counted('vorbehalt_referrals_total', by='operator')} > 0)"
)


def build() -> dashboard.Dashboard:
    """Return the dashboard of the owner."""
    made = frame(
        "vorbehalt-owner",
        "Vorbehalt: what is asked, what is given",
        "What machines are told, who came, what was delivered to whom, and whether the proof is sound."
        " Numbers are counts of the time range at the top right. For proof, use the evidence, not this page.",
        span="now-7d",
        refresh="5m",
    )
    return fill(
        made,
        [
            ("Is all well?", _well()),
            ("Who asked, and what was delivered", _asked()),
            ("Who they were, and what they knew", _who()),
            ("What came back, what was spared", _back()),
            ("What changed", _changed()),
        ],
    )


def _well() -> list[Builder]:
    return [
        number(
            "Protection",
            "On: your rules are applied. Observing: they are only watched, nobody is refused (policy.mode)."
            " Paused: somebody switched them off for a while; signals are still served. With several hosts"
            " the weakest one is shown. If this is not what you decided, ask your operator today.",
            PROTECTION,
            empty="no data: is Vorbehalt running?",
            steps=((None, RED), (1, YELLOW), (2, GREEN)),
            names={0: ("Paused", RED), 1: ("Observing", YELLOW), 2: ("On", GREEN)},
        ),
        number(
            "Reservation in force since",
            "Since when machines are told exactly what they are told now; one time for each host. It begins"
            " anew when the wording, your robots.txt or a rule of the reservation changes. The evidence holds"
            " every earlier version.",
            f"max by (host) ({series('vorbehalt_reservation_in_force_since_seconds')}) * 1000",
            unit="dateTimeAsLocal",
            empty="no data: is Vorbehalt running?",
            steps=((None, GREEN),),
            legend="{{host}}",
        ),
        number(
            "Search engines refused",
            "Requests of search engines that were refused or limited, impostors not counted. Must be 0:"
            " anything else can cost you readers. If it is not, have it looked at at once"
            " (runbook: search engines refused).",
            or_none(counted("vorbehalt_crawler_requests_total", *SEARCH_ENGINES_REFUSED)),
            steps=((None, GREEN), (1, RED)),
        ),
        number(
            "People affected",
            "Requests without any sign of a crawler that were refused or limited. With the presets this is 0;"
            " rules of your own can change that. Each of them has a record with a reference number:"
            " ask your operator to look at some.",
            or_none(counted("vorbehalt_requests_total", *PEOPLE_AFFECTED)),
            steps=((None, GREEN), (1, YELLOW)),
        ),
        number(
            "Proof",
            "In order: records are kept, sealed and complete. Look at it: something was lost or late, or no"
            " evidence is kept on disk. Broken: records are not being kept now. What is lost cannot be made"
            " up for, so do not wait.",
            f"max({series('vorbehalt_evidence_health')})",
            empty="no data: is Vorbehalt running?",
            steps=((None, GREEN), (1, YELLOW), (2, RED)),
            names={0: ("In order", GREEN), 1: ("Look at it", YELLOW), 2: ("Broken", RED)},
        ),
        number(
            "Records lost or late",
            "Records that were lost, or not yet on disk when their answer left. A gap record names each loss,"
            " so the proof stays honest about it. If it is not 0, see the runbook: evidence lost.",
            or_none(counted("vorbehalt_evidence_lost_total")),
            steps=((None, GREEN), (1, RED)),
        ),
    ]


def _asked() -> list[Builder]:
    requests = "vorbehalt_crawler_requests_total"
    return [
        grid(
            "By operator",
            "AI crawlers by who runs them, as far as they say so. Requested includes robots.txt and the other"
            " signals. Refused includes limited. Delivered counts answers with content that were handed over"
            " whole. Visitors sent are people who followed a link in that operator's AI product. Most"
            " requests only claim to be from that operator: see below.",
            (
                ("Requested", counted(requests, *_KNOWN, by="operator"), "short"),
                ("Refused", counted(requests, *_KNOWN, 'action!="allow"', by="operator"), "short"),
                ("Delivered", counted("vorbehalt_crawler_delivered_total", *_KNOWN, by="operator"), "short"),
                (
                    "Bytes delivered",
                    counted("vorbehalt_crawler_delivered_bytes_total", *_KNOWN, by="operator"),
                    "bytes",
                ),
                ("Visitors sent", counted("vorbehalt_referrals_total", by="operator"), "short"),
            ),
            {"operator": "Operator"},
            sort="Requested",
        ),
        bars(
            "Bytes delivered to",
            "How much content was handed over to the AI crawlers of each operator. Delivered does not mean"
            " permitted: no rule of yours grants a licence.",
            largest(
                10, counted("vorbehalt_crawler_delivered_bytes_total", 'operator!=""', _AI, by="operator")
            ),
            "{{operator}}",
            unit="bytes",
        ),
        bars(
            "Reserved sections most requested",
            "Which named sections of your reservation AI crawlers ask for most, whether refused or not. Only"
            " sections that the configuration names are counted ([[reservation.section]]).",
            largest(10, counted("vorbehalt_section_requests_total", _AI, by="section")),
            "{{section}}",
            empty="no named sections, or none was requested",
        ),
        bars(
            "Pages and files delivered per visitor sent",
            "For each operator: answers delivered to its AI crawlers, divided by the people who came from its"
            " AI products. 500 means that 500 answers went out for one visitor that came in. Operators that"
            " sent nobody are not shown. Only people whose browser says where they come from are counted.",
            largest(10, _PER_VISITOR),
            "{{operator}}",
            empty="nobody came from an AI product",
            decimals=1,
        ),
        lines(
            "Requests of AI crawlers",
            "How often AI crawlers ask, by what was done. A sudden step up is a crawl: see which operator in"
            " the table above, and whether it is verified in the row below.",
            ((rate("vorbehalt_crawler_requests_total", _AI, by="action"), "{{action}}"),),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Delivered over time",
            "Content handed over to AI crawlers per second, by operator. Goes to zero when a rule that"
            " refuses them takes effect.",
            ((rate("vorbehalt_crawler_delivered_bytes_total", _AI, by="operator"), "{{operator}}"),),
            unit="Bps",
            stacked=True,
        ),
    ]


def _who() -> list[Builder]:
    violations, signals = "vorbehalt_robots_violations_total", "vorbehalt_crawler_signals_total"
    return [
        bars(
            "Verified, or only claimed",
            "How sure we are of who asked. signed, verified: proven by a signature, a published address list"
            " or reverse DNS. consistent: fits. claimed: nothing but a name, which anybody can send. unknown:"
            " there are means to prove it, but they were old or did not answer. contradicted: proven not to"
            " be who they say. A letter to an operator rests on verified ones.",
            largest(10, counted("vorbehalt_crawler_requests_total", _AI, by="standing")),
            "{{standing}}",
        ),
        bars(
            "Impostors by the name they claimed",
            "Requests proven not to come from the crawler whose name they used. The operator of that name has"
            " nothing to do with them and must not be blamed. Nothing to do: they are refused as impostors.",
            largest(
                10,
                counted("vorbehalt_crawler_requests_total", 'standing="contradicted"', by="crawler"),
            ),
            "{{crawler}}",
            empty="no impostor in this time range",
        ),
        grid(
            "Told, and came anyway",
            "Crawlers in whose name paths were requested that robots.txt closes to them, and how often they"
            " fetched robots.txt and the other signals. Refused or not does not matter here. Most requests"
            " are only claimed to come from that crawler, and some operators say that fetchers for a person"
            " do not follow robots.txt. The records say for each request what was told before.",
            (
                ("Disallowed paths requested", counted(violations, by="crawler"), "short"),
                (
                    "robots.txt fetched",
                    counted(signals, 'document="/robots.txt"', by="crawler"),
                    "short",
                ),
                ("All signals fetched", counted(signals, by="crawler"), "short"),
            ),
            {"crawler": "Crawler"},
            width=8,
            sort="Disallowed paths requested",
        ),
    ]


def _back() -> list[Builder]:
    return [
        number(
            "Bytes spared by refusals",
            "An estimate: every refusal counts as much as the mean page of the same section weighs. It knows"
            " nothing of what the crawler would have asked for next.",
            or_none(counted("vorbehalt_refused_bytes_estimated_total")),
            unit="bytes",
            width=6,
            steps=((None, GREEN),),
        ),
        number(
            "Visitors sent by AI products",
            "People who arrived by a link in an AI product, from a closed list of such products. Browsers"
            " that hide where they come from are not counted.",
            or_none(counted("vorbehalt_referrals_total")),
            width=6,
            steps=((None, GREEN),),
        ),
        number(
            "Helpers refused or limited",
            "Feed readers, link previews, uptime monitors and web archives that were refused or limited. Your"
            " readers and partners use them. A few from somebody who asks too often are no harm; if it grows,"
            " raise the limit of that purpose.",
            or_none(
                counted(
                    "vorbehalt_requests_total",
                    'purpose=~"feed|preview|monitor|archiver"',
                    'action!="allow"',
                )
            ),
            width=6,
            steps=((None, GREEN), (100, YELLOW)),
        ),
        number(
            "Records made",
            "Records that were made durable: what a letter or a claim can later rest on.",
            or_none(counted("vorbehalt_evidence_records_total")),
            width=6,
            steps=((None, GREEN),),
        ),
    ]


def _changed() -> list[Builder]:
    queries = (
        first_seen(series("vorbehalt_reservation_info"), "signals", "digest", "host"),
        first_seen(series("vorbehalt_config_info"), "configuration", "digest"),
        first_seen(series("vorbehalt_rules_info"), "knowledge of crawlers", "version"),
        first_seen(series("vorbehalt_build_info"), "software", "version"),
    )
    return [
        grid(
            "What was in force, and since when",
            "Signals, configuration, knowledge of crawlers and software that were in force in this time"
            " range, with the time at which each was first seen here. One line each: nothing changed."
            " Changes are marked on the graphs as well.",
            (("First seen", " or ".join(queries), "dateTimeAsLocal"),),
            {"what": "What", "host": "Host", "value": "Digest or version"},
            sort="First seen",
            empty="no data: is Vorbehalt running?",
        ),
    ]
