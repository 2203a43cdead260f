"""A replay as one self-contained HTML page that the owner of a site understands. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from vorbehalt.facts import AI_PURPOSES, Action, Purpose
from vorbehalt.replay.drawing import STYLE, bar, timeline
from vorbehalt.replay.report_tables import (
    bad_lines,
    by_operator,
    by_purpose,
    every_crawler,
    refused_pages,
    samples,
    table,
)
from vorbehalt.replay.result import CrawlerRow, Result
from vorbehalt.replay.words import ACTIONS, counted, day, number, share, size

_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_BYSTANDERS = frozenset(Purpose) - AI_PURPOSES


@dataclass(frozen=True, slots=True)
class About:
    """What a report says of itself. `enforced_for_replay`: the site only observes; the replay pretended."""

    site: str = ""
    preset: str = ""
    rules_version: str = ""
    generated: str = ""
    enforced_for_replay: bool = False


def render_html(result: Result, about: About | None = None) -> str:
    """Return the report. It holds no client address; everything that comes from a log is escaped."""
    about = about or About()
    title = f"Who would have been turned away{' from ' + about.site if about.site else ''}"
    parts = (
        _head(result, about, title),
        _cards(result),
        _section("When they came", timeline(result.timeline, result.timeline_width)),
        _section("Who crawls", by_purpose(result) + by_operator(result)),
        _section("What would change", _change(result)),
        _section("Who might be hit by mistake", _mistakes(result)),
        _section("Most refused pages", refused_pages(result)),
        _section("Every crawler found", every_crawler(result)),
        _section("What this log cannot show", _limits(result)),
        _section("Lines that could not be read", bad_lines(result)),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{''.join(parts)}{_footer(about)}</main>\n</body>\n</html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}</section>\n" if body else ""


def _head(result: Result, about: About, title: str) -> str:
    return (
        f'<header>\n<h1>{escape(title)}</h1>\n<p class="soft">{_period(result)} · '
        f"{counted(result.lines, 'log line')} from {escape(', '.join(result.files))}</p>\n"
        f'<p class="lead">{_lead(result)}</p>\n{_warnings(result, about)}</header>\n'
    )


def _period(result: Result) -> str:
    if result.first is None or result.last is None:
        return "No request found"
    first, last = day(result.first), day(result.last)
    return first if first == last else f"{first} to {last}"


def _refused(result: Result) -> int:
    return result.requests - result.actions[Action.ALLOW]


def _ai(result: Result) -> list[CrawlerRow]:
    return [row for row in result.crawlers if row.purpose in AI_PURPOSES]


def _lead(result: Result) -> str:
    if not result.requests:
        return "Nothing in this log could be read as a request."
    refused = _refused(result)
    if not refused:
        return "Under your policy every request in this log would have been answered."
    people = (
        "No visitor without a crawler's name would have been refused."
        if not result.people_refused
        else f"<strong>{counted(result.people_refused, 'request')} of visitors without a crawler's name "
        "would have "
        "been refused</strong>: look at them below."
    )
    return (
        f"Under your policy {number(refused)} of {counted(result.requests, 'request')} "
        f"({share(refused, result.requests)}) would not have been answered. {people}"
    )


def _warnings(result: Result, about: About) -> str:
    notes = [escape(text) for text in result.warnings]
    if about.enforced_for_replay:
        notes.append(
            "Your configuration observes only: today nobody is refused. "
            "This report shows what would happen if it were enforced."
        )
    if result.requests and result.without_user_agent * 2 > result.requests:
        notes.append(
            f"{share(result.without_user_agent, result.requests)} of the requests are logged without a "
            "User-Agent, so crawlers cannot be told apart. Log in the combined format; in Traefik keep the "
            "User-Agent field."
        )
    if result.requests and result.without_public_address * 2 > result.requests:
        notes.append(
            f"{share(result.without_public_address, result.requests)} of the requests come from "
            "addresses that "
            "are not public: the log sees your proxy, not your visitors. Client counts and limits mean "
            "little here."
        )
    if not notes:
        return ""
    return '<div class="note" role="note">' + "".join(f"<p>{note}</p>" for note in notes) + "</div>\n"


def _cards(result: Result) -> str:
    if not result.requests:
        return ""
    ai = sum(row.requests for row in _ai(result))
    taken = sum(row.bytes for row in _ai(result))
    refused = _refused(result)
    about = "" if result.clients_exact else "about "
    cards = (
        ("", number(result.requests), f"requests by {about}{counted(result.clients['total'], 'client')}"),
        (
            "no" if ai else "",
            share(ai, result.requests),
            f"from AI crawlers: {counted(ai, 'request')}, {size(taken)}",
        ),
        (
            "",
            share(refused, result.requests),
            f"would not be answered: {counted(refused, 'request')}, {size(result.refused_bytes)} not "
            "delivered",
        ),
        (
            "warn" if result.people_refused else "ok",
            number(result.people_refused),
            f"refusals of {counted(result.people_refused_clients, 'visitor')} without a crawler's name"
            if result.people_refused
            else "visitors without a crawler's name refused",
        ),
    )
    items = "".join(f'<li class="{kind}"><b>{value}</b>{text}</li>\n' for kind, value, text in cards)
    return f'<ul class="cards">\n{items}</ul>\n'


def _change(result: Result) -> str:
    if not result.requests:
        return ""
    clients = {Action.LIMIT: "limited", Action.CHALLENGE: "challenged", Action.BLOCK: "blocked"}
    rows = []
    most = result.requests
    for action, (word, meaning) in ACTIONS.items():
        count = result.actions[action]
        if not count and action is Action.CHALLENGE:
            continue
        whom = number(result.clients[clients[action]]) if action in clients else ""
        answered, refused = (count, 0) if action is Action.ALLOW else (0, count)
        rows.append(
            (
                f"{escape(word.capitalize())}<small>{escape(meaning)}</small>",
                number(count),
                share(count, result.requests),
                whom,
                bar(answered, refused, most),
            )
        )
    body = table(("Outcome", "#Requests", "#Share", "#Clients", ""), rows)
    told = sum(row.robots_fetches for row in _ai(result))
    if told:
        body += (
            f"<p>{number(told)} of the answered requests were AI crawlers reading robots.txt; "
            "what machines are told is refused to nobody.</p>\n"
        )
    watched = [row for row in result.crawlers if row.would_only]
    if watched:
        names = ", ".join(f"{row.token} ({number(row.would_only)})" for row in watched[:12])
        body += (
            "<p>Answered, though your policy says otherwise, because the rule for them only observes: "
            f"{escape(names)}.</p>\n"
        )
    return body


def _mistakes(result: Result) -> str:
    if not result.requests:
        return ""
    if result.people_refused:
        body = (
            f"<p>{counted(result.people_refused, 'request')} by "
            f"{counted(result.people_refused_clients, 'client')} "
            "without a crawler's name would have been refused. People may be among them. The first ones, "
            "to be "
            "found in your log by time and path:</p>\n" + samples(result)
        )
    else:
        body = (
            "<p>Nobody without a crawler's name would have been limited, challenged or refused. "
            f"{number(result.people_requests)} such requests "
            f"({share(result.people_requests, result.requests)}) "
            "would have been answered as before.</p>\n"
        )
    hit = [row for row in result.crawlers if row.purpose in _BYSTANDERS and row.refused]
    if hit:
        body += (
            "<p>These are no AI crawlers, and some of their requests would have been refused. Search "
            "engines and "
            "feed readers bring people to you; see whether that is what you want:</p>\n"
        )
        body += every_crawler(result, hit)
    else:
        body += "<p>No search engine, feed reader, preview or tool would have been refused.</p>\n"
    return body


def _limits(result: Result) -> str:
    points = [
        "A crawler is counted here by the name it gives itself. Anybody can give any name, and a crawler "
        "that "
        "gives none is counted as a person. A name is confirmed only by an address list that was fresh "
        "at the "
        "time of the request; for old logs there is none, so most claims stay unchecked.",
        "A log holds the address, the time, the page and the User-Agent. Signs that need more than that "
        "(how a "
        "browser introduces itself, how a client behaves while it is watched) are not in this report.",
        "Pages that were answered from a cache or by a network in front of your server may be missing.",
        "Crawlers change. This shows what would have happened on this log, not on tomorrow's: a refused "
        "crawler "
        "may come back under another name, come more often, or stay away.",
        "“Answered” means that the page is sent. It grants no permission; your reservation goes with "
        "every answer.",
    ]
    if result.has_disallowed:
        points.append(
            "“Disallowed” counts requests that the robots.txt of today's configuration disallows to this "
            "crawler. On the day of the log another one may have been served, or none: what a crawler was "
            "told then stands in the evidence, not here."
        )
    if not result.clients_exact:
        points.append(
            "Numbers of clients are estimates (about 1 % off): there were too many to count one by one."
        )
    if not result.refused_paths_exact:
        points.append("Counts of refused pages are lower bounds: there were too many pages to keep them all.")
    return "<ul>\n" + "".join(f"<li>{escape(point)}</li>\n" for point in points) + "</ul>\n"


def _footer(about: About) -> str:
    facts = [
        f"preset {about.preset}" if about.preset else "",
        f"crawler knowledge of {about.rules_version}" if about.rules_version else "",
        f"made {about.generated}" if about.generated else "",
    ]
    text = " · ".join(["Vorbehalt replay", *(fact for fact in facts if fact)])
    return f'<footer class="soft">{escape(text)}. This page holds no visitor addresses.</footer>\n'
