"""The annex of the report: by operator, by outcome, the letters, the works. Pure."""

from __future__ import annotations

from vorbehalt.claims.report.figures import GROUPS, NAMED, Group
from vorbehalt.claims.report.report import Report
from vorbehalt.claims.report.sheet_parts import Table, dash
from vorbehalt.claims.report.words import Words

MOST_WORKS = 15


def annex_of(report: Report, words: Words) -> tuple[Table, ...]:
    """Return the tables of the annex that have something to say."""
    tables = (
        _operators(report, words),
        _posed(report, words),
        _visitors(report, words),
        _outcomes(report, words),
        _letters(report, words),
        _works(report, words),
    )
    return tuple(table for table in tables if table.rows)


def _operators(report: Report, words: Words) -> Table:
    rows = []
    for operator in report.this.operators:
        for kind, groups in ((words.ai, operator.ai), (words.other, operator.other)):
            for name, called in zip(NAMED, words.groups[:2], strict=True):
                if groups[name].requested:
                    who = operator.name or words.nameless
                    rows.append((who, kind, called, *_cells(groups[name], words)))
    head = (words.operator, words.crawlers, words.standing, *words.short)
    return Table(words.by_operator, head, tuple(rows), texts=3)


def _posed(report: Report, words: Words) -> Table:
    """Impostors stand apart: no row with an operator's name counts them."""
    rows = []
    for operator in report.this.operators:
        group = operator.whole("impostors")
        if group.requested:
            counts = (group.requested, group.counts["refused"])
            rows.append((operator.name or words.nameless, *map(words.written.number, counts)))
    return Table(words.posed, (words.posed_name, *words.short[:2]), tuple(rows))


def _visitors(report: Report, words: Words) -> Table:
    if report.visitors is None:
        return Table(words.sent_by, (), ())
    written, by_name = words.written, {operator.name: operator for operator in report.this.operators}
    rows = []
    for name in sorted({*by_name, *report.visitors} - {""}):
        sent = report.visitors.get(name, 0)
        cells = [written.number(sent)]
        for group in NAMED:
            count = by_name[name].ai[group].delivered if name in by_name else 0
            cells += [written.number(count), written.ratio(count, sent) if sent else dash]
        rows.append((name, *cells))
    return Table(words.sent_by, (words.operator, *words.sent), tuple(rows))


def _cells(group: Group, words: Words) -> tuple[str, ...]:
    number = words.written.number
    return (
        number(group.requested),
        number(group.counts["refused"]),
        number(group.delivered),
        words.written.size(group.counts["bytes"]),
        number(len(group.works)),
        number(group.against["requested"]),
        number(group.after["requested"]),
    )


def _outcomes(report: Report, words: Words) -> Table:
    ai, number = report.this.ai, words.written.number
    named = (
        (words.refused, "refused"), (words.delivered, "delivered"), (words.not_modified, "not_modified"),
        (words.head, "head"), (words.broken_off, "broken"), (words.other_answer, "other"),
        (words.unknown, "unknown"),
    )  # fmt: skip
    rows = [(title, *(number(ai[group].told[name]) for group in GROUPS)) for title, name in named]
    rows += [
        (title, *(number(counts[group]) for group in GROUPS))
        for title, counts in (
            (words.unfetched, {name: group.unfetched["requested"] for name, group in ai.items()}),
            (words.licensed, {name: group.licensed["requested"] for name, group in ai.items()}),
            (words.rolled, {name: group.rolled["requested"] for name, group in ai.items()}),
        )
        if any(counts.values())
    ]
    if report.this.is_empty:
        rows = []
    else:
        for title, count in ((words.cut, report.this.aside.cut), (words.unnamed, report.this.aside.unnamed)):
            if count:
                rows.append((title, dash, dash, number(count)))
    return Table(words.outcomes, (words.outcome, *words.groups), tuple(rows))


def _letters(report: Report, words: Words) -> Table:
    kinds, states = dict(words.kinds), dict(words.states)
    rows = []
    for letter in report.open_letters:
        sent, due = letter.sent_at(), letter.due
        state = states.get(letter.state, letter.state)
        if late := letter.days_overdue(report.today):
            state += f", {words.overdue.format(words.written.counted(late, words.day_forms))}"
        rows.append((
            letter.id,
            letter.operator,
            kinds.get(letter.kind, letter.kind),
            words.not_sent if sent is None else words.written.day_named(letter.notice_day),
            dash if due is None else words.written.day_named(due),
            state,
        ))  # fmt: skip
    head = (words.letter, words.operator, words.kind, words.sent_on, words.due, words.state)
    return Table(words.open_letters, head, tuple(rows), texts=6)


def _works(report: Report, words: Words) -> Table:
    rows = []
    for work, counts in report.top_works(MOST_WORKS):
        title = report.title(work)
        named = f"{title} ({work})" if title else work
        rows.append((named, *(words.written.number(counts[name]) for name in NAMED)))
    return Table(words.top_works, (words.work, *words.groups[:2]), tuple(rows))
