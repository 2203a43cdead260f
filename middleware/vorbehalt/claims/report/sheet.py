"""A report as text in one language: what the page, the PDF, the message and the terminal all show. Pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from vorbehalt.claims.report.figures import Group, delivered
from vorbehalt.claims.report.report import Report
from vorbehalt.claims.report.sheet_annex import annex_of
from vorbehalt.claims.report.sheet_parts import Chart, Table, dash
from vorbehalt.claims.report.words import Words

MOST_FAULTS = 3


@dataclass(frozen=True, slots=True)
class Sheet:
    """`alarms` are said first of all, `notes` below the tables. `mark` stands on every page of it."""

    language: str
    title: str
    site: str
    alarms: tuple[str, ...]
    lead: tuple[str, ...]
    tables: tuple[Table, ...]
    chart: Chart | None
    notes: tuple[str, ...]
    annex_title: str = ""
    annex: tuple[Table, ...] = ()
    meaning_title: str = ""
    meanings: tuple[str, ...] = ()
    mark: str = ""


def sheet_of(report: Report, words: Words) -> Sheet:
    """Return the report in words. Texts of strangers in it are as they came: whoever shows them escapes."""
    return Sheet(
        language=words.code,
        title=words.title.format(words.written.month(report.month)),
        site=report.site,
        alarms=tuple(_alarms(report, words)),
        lead=tuple(_lead(report, words)),
        tables=(_main(report, words), _rest(report, words)),
        chart=_chart(report, words),
        notes=tuple(_notes(report, words)),
        annex_title=words.annex,
        annex=annex_of(report, words),
        meaning_title=words.meaning,
        meanings=words.meanings,
    )


def _alarms(report: Report, words: Words) -> list[str]:
    written, this = words.written, report.this
    found = []
    if not report.proof.holds:
        problems = report.proof.problems
        found.append(words.broken.format(written.counted(len(problems), words.fault_forms)))
        found += (textwrap.shorten(problem, 160, placeholder=" …") for problem in problems[:MOST_FAULTS])
        if len(problems) > MOST_FAULTS:
            found.append(words.more_faults)
    if report.pruned:
        found.append(words.pruned.format(written.number(report.pruned)))
    if report.elsewhere:
        found.append(words.elsewhere.format(written.number(report.elsewhere)))
    if report.now < report.month.since:
        found.append(words.not_there_yet)
    elif report.is_so_far:
        found.append(words.so_far.format(written.day_of(report.now)))
    if this.is_empty:
        found.append(words.nothing)
    rolled = sum(this.ai[name].rolled["requested"] for name in ("attributed", "described"))
    if rolled:
        found.append(words.incomplete.format(written.counted(rolled, words.request_forms)))
    return found


def _lead(report: Report, words: Words) -> list[str]:
    if report.this.is_empty:
        return []
    one, two = (report.this.ai[name] for name in ("attributed", "described"))
    if not one.requested and not two.requested:
        return [words.lead_none]
    written = words.written
    found = [
        words.lead.format(
            written.counted(one.requested, words.request_forms),
            written.number(one.counts["refused"]),
            written.counted(two.requested, words.request_forms),
            written.number(two.counts["refused"]),
        )
    ]
    if not one.delivered and not two.delivered:
        return [*found, words.lead_nothing_given]
    sizes = [written.size(group.counts["bytes"]) for group in (one, two)]
    given = [written.number(group.delivered) for group in (one, two)]
    return [*found, words.lead_given.format(given[0], sizes[0], given[1], sizes[1])]


def _main(report: Report, words: Words) -> Table:
    written = words.written

    def count(group: Group, visitors: int | None) -> list[str]:
        number = written.number
        share = written.share(len(group.reserved), report.catalogue) if report.catalogue else dash
        if visitors is None:
            ratio = words.not_recorded
        else:
            ratio = written.ratio(group.delivered, visitors) if visitors else dash
        return [
            number(group.requested),
            number(group.counts["refused"]),
            number(group.delivered),
            written.size(group.counts["bytes"]),
            number(len(group.reserved)),
            share,
            number(group.against["requested"]),
            number(group.after["requested"]),
            number(delivered(group.after)),
            ratio,
        ]

    titles = (
        words.requests, words.refused, words.delivered, words.data, words.works, words.share, words.against,
        words.after, words.after_delivered, words.per_visitor,
    )  # fmt: skip
    sent, sent_before = (
        None if visitors is None else sum(visitors.values())
        for visitors in (report.visitors, report.visitors_before)
    )
    columns = []
    for name in ("attributed", "described"):
        columns.append(count(report.this.ai[name], sent))
        columns.append(_unless_empty(report, count(report.before.ai[name], sent_before)))
    month, before = (written.month(figures.month) for figures in (report.this, report.before))
    return Table(
        words.main,
        (words.figure, month, before, month, before),
        tuple(zip(titles, *columns, strict=True)),
        spans=("", words.established, words.described),
        faint=(2, 4),
    )


def _rest(report: Report, words: Words) -> Table:
    written = words.written
    month, before = (written.month(figures.month) for figures in (report.this, report.before))
    now = _rest_of(report, words, is_before=False)
    earlier = _unless_empty(report, _rest_of(report, words, is_before=True))
    letters = written.number(len(report.open_letters))
    if report.overdue:
        letters += f" ({words.overdue.format(written.number(report.overdue))})"
    titles = (
        words.verified, words.impostors, words.visitors, words.search, words.people, words.anchored,
        words.lost, words.rolled,
    )  # fmt: skip
    rows = (*zip(titles, now, earlier, strict=True), (words.letters, letters, ""))
    return Table(words.rest, (words.rest, month, before), rows, faint=(2,))


def _rest_of(report: Report, words: Words, *, is_before: bool) -> list[str]:
    written = words.written
    figures, visitors = (
        (report.before, report.visitors_before) if is_before else (report.this, report.visitors)
    )
    aside, number = figures.aside, written.number
    one, two, three = (figures.ai[name] for name in ("attributed", "described", "impostors"))
    asked = one.requested + two.requested
    people = number(aside.people_requests + aside.people_rolled)
    if aside.people:
        is_bound = bool(aside.people_unmarked or aside.people_rolled)
        clients = written.counted(len(aside.people), words.client_forms)
        people += f" ({(words.clients_at_least if is_bound else words.clients).format(clients)})"
    impostors = number(three.requested + three.rolled["requested"])
    if refused := three.counts["refused"] + three.rolled["refused"]:
        impostors += f" ({words.impostors_refused.format(number(refused))})"
    lost = number(aside.lost)
    if aside.lost_unknown:
        gaps = written.counted(aside.lost_unknown, words.gap_forms)
        lost += f" ({words.lost_unknown.format(gaps)})"
    return [
        written.share(one.requested, asked) if asked else dash,
        impostors,
        words.not_recorded if visitors is None else number(sum(visitors.values())),
        number(aside.search_refused + aside.search_rolled),
        people,
        words.of_days.format(number(len(aside.anchored)), number(figures.month.days)),
        lost,
        number(aside.rolled + aside.unnamed),
    ]


def _unless_empty(report: Report, cells: list[str]) -> list[str]:
    """A month of which nothing was recorded has no figures, not even 0."""
    return [dash for _ in cells] if report.before.is_empty else cells


def _chart(report: Report, words: Words) -> Chart | None:
    days = report.this.days
    if not any(days.requested):
        return None
    rest = tuple(
        asked - refused - given
        for asked, refused, given in zip(days.requested, days.refused, days.delivered, strict=True)
    )
    return Chart(
        words.chart,
        (words.chart_delivered, words.chart_refused, words.chart_other),
        tuple(zip(days.delivered, days.refused, rest, strict=True)),
        words.written.number(max(days.requested)),
    )


def _notes(report: Report, words: Words) -> list[str]:
    found = []
    if report.catalogue is None:
        found.append(words.no_catalogue)
    found.append(words.how_visitors if report.visitors is None else words.no_visitors)
    if report.visitors is not None and not report.visitors_are_whole:
        found.append(words.visitors_partial)
    size = words.written.number(report.size)
    if report.proof.holds:
        assurance = report.proof.assurance
        found.append(words.footer.format(size, dict(words.assurances).get(assurance, assurance)))
    else:
        found.append(words.footer_unverified.format(size))
    return found
