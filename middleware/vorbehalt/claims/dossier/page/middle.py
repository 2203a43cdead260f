"""Sections 4 and 5: what was requested, refused, delivered; on what it rests that it was the operator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from vorbehalt.claims.dossier.contents_parts import (
    Counts,
    ScheduledWork,
)
from vorbehalt.claims.dossier.page.blocks import Block, Chart, Figures, Section, Words
from vorbehalt.claims.dossier.page.chart import Bar, Legend, by_day, by_work
from vorbehalt.claims.dossier.page.front import last_day
from vorbehalt.claims.dossier.page.harmless import cut
from vorbehalt.claims.dossier.page.marks import marks_of
from vorbehalt.claims.dossier.page.values import Values, exact, words

ATTRIBUTED = ("signed", "verified")
_WORKS_DRAWN = 15
_LABEL = 30
"""So many characters of a label always fit beside a chart."""
_DAYS_SHOWN = 62
_HOW_SHOWN = 8


def traffic(v: Values) -> Section:
    say, told = v.say, v.contents.traffic
    blocks: list[Block] = [
        Words(say("traffic.lead")),
        Words(say("traffic.outcomes"), "sub"),
        v.outcomes("summary.attributed"),
    ]
    if not v.contents.summary.attributed.requested:
        blocks.insert(1, Words(say("traffic.none"), "box"))
    blocks += [Words(say("traffic.by_day"), "sub"), days_chart(v, ATTRIBUTED, "traffic.chart_days")]
    if any(day.standing in ATTRIBUTED for day in told.days):
        blocks += [
            v.table(
                "traffic.days",
                ("day", "standing", "#requested", "#refused", "#delivered", "#bytes"),
                "traffic.days",
                lambda name, it: (
                    words(it.day),
                    words(say.term("standing", it.standing)),
                    *(v.number(f"{name}.counts.{key}") for key in ("requested", "refused", "delivered")),
                    v.size(f"{name}.counts.bytes"),
                ),
                keep=lambda it: it.standing in ATTRIBUTED,
                most=_DAYS_SHOWN,
                key=lambda it: (it.day, it.standing),
            ),
        ]
    drawn = [work for work in v.contents.works.scheduled if work.attributed.requested]
    drawn.sort(key=lambda work: (-work.attributed.requested, work.id))
    if drawn:
        rows = [(_label(v, work, drawn), _bar(work.attributed)) for work in drawn[:_WORKS_DRAWN]]
        shown = say("traffic.chart_works", shown=say.number(len(rows)), all=say.number(len(drawn)))
        blocks += [
            Words(say("traffic.by_work"), "sub"),
            Chart(by_work(rows, legend(v), say.number), shown),
            Words(say("traffic.work_table"), "small"),
        ]
    blocks += [
        Words(say("traffic.places"), "sub"),
        v.table(
            "traffic.hosts",
            ("host***", "#requested"),
            "traffic.hosts",
            lambda name, it: (words(it[0]), v.number(f"{name}.1")),
            keep=lambda it: it[1],
            most=20,
        ),
        v.table(
            "traffic.sections",
            ("part**", "#requested", "#refused", "#delivered"),
            "traffic.sections",
            lambda name, it: (
                words(it[0] or say("word.rest_of_site")),
                *(v.number(f"{name}.1.{key}") for key in ("requested", "refused", "delivered")),
            ),
            keep=lambda it: it[1].requested,
            most=20,
        ),
        v.table(
            "traffic.vantage",
            ("vantage***", "#requested"),
            "traffic.vantage",
            lambda name, it: (words(say.term("vantage", it[0])), v.number(f"{name}.1")),
            keep=lambda it: it[1],
        ),
    ]
    if any(rollup.standing in ATTRIBUTED for rollup in told.rollups):
        blocks += [
            Words(say("traffic.rollup_words")),
            v.table(
                "traffic.rollups",
                ("day", "standing", "#requested", "#refused", "#bytes"),
                "traffic.rollups",
                lambda name, it: (
                    words(it.day),
                    words(say.term("standing", it.standing)),
                    v.number(f"{name}.requested"),
                    v.number(f"{name}.refused"),
                    v.size(f"{name}.bytes"),
                ),
                keep=lambda it: it.standing in ATTRIBUTED,
            ),
        ]
    if told.imported:
        blocks += [
            Words(say("traffic.imported_words")),
            Figures((v.figure("traffic.imported", v.number("traffic.imported")),)),
        ]
    return Section("4", say("section.traffic"), tuple(blocks))


def days_chart(v: Values, standings: tuple[str, ...], caption: str) -> Chart:
    """Draw the days of some standings, each day once, with gaps and clock faults of the whole log."""
    say, contents = v.say, v.contents
    sums: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0])
    for day in contents.traffic.days:
        if day.standing in standings:
            row = sums[date.fromisoformat(day.day)]
            for index, count in enumerate((day.counts.requested, day.counts.refused, day.counts.delivered)):
                row[index] += count
    marks = marks_of(contents)
    first, last = _span(v, sorted(sums))
    bars = [(day, Bar(*sums[day])) for day in sorted(sums)]
    name = "days" if standings == ATTRIBUTED else "annex"
    svg = by_day(bars, (first, last), marks, legend(v), say.number, name)
    shown = say(caption, since=first.isoformat(), until=last.isoformat())
    seen = [mark for mark in marks if mark.first <= last and mark.last >= first]
    return Chart(svg, f"{shown} {say('traffic.chart_marks') if seen else say('traffic.chart_no_marks')}")


def legend(v: Values) -> Legend:
    return Legend(*(v.say(f"chart.{key}") for key in ("delivered", "refused", "other", "gap", "clock")))


def _span(v: Values, days: list[date]) -> tuple[date, date]:
    """Return the days that a chart covers: the period asked for, else the log, else the rows."""
    question, pin = v.contents.question, v.contents.pin
    known = [date.fromisoformat(text[:10]) for text in (question.since or pin.first_record,) if text]
    if question.until:
        ends = [last_day(question.until)]
    else:
        ends = [date.fromisoformat(pin.last_record[:10])] if pin.last_record else []
    first = min([*known, *days[:1]], default=date(1970, 1, 1))
    last = max([*ends, *days[-1:]], default=first)
    return first, max(first, last)


def _label(v: Values, work: ScheduledWork, drawn: Sequence[ScheduledWork]) -> str:
    """Return a work's title; the lyrics and the recording of a song bear one title and are told apart."""
    if sum(other.title == work.title for other in drawn) < 2 or not work.title:
        return cut(work.title or work.id, 60)
    right = cut(v.say.term("right", work.rights[0].right) if work.rights else work.id, _LABEL // 2)
    return f"{cut(work.title, _LABEL - len(right) - 3)} ({right})"


def _bar(counts: Counts) -> Bar:
    return Bar(counts.requested, counts.refused, counts.delivered)


def attribution(v: Values) -> Section:
    say, grades = v.say, v.contents.attribution
    blocks: list[Block] = [
        Words(say("attribution.lead")),
        v.table(
            "attribution.grades",
            ("level", "standing", "meaning*****", "counted"),
            "attribution",
            lambda _, it: (
                words(it.level),
                words(it.name),
                words(it.meaning, 400),
                words(say("word.yes" if it.standing in ATTRIBUTED else "attribution.annex")),
            ),
        ),
    ]
    for index, grade in enumerate(grades):
        if grade.standing not in ATTRIBUTED or not grade.counts.requested:
            continue
        name = f"attribution.{index}"
        blocks += [
            Words(f"{grade.level} · {cut(grade.name, 80)}", "sub"),
            Figures(
                tuple(
                    v.figure(f"outcome.{key}", v.number(f"{name}.counts.{key}"))
                    for key in ("requested", "refused", "delivered")
                )
            ),
            v.table(
                "attribution.tokens",
                ("token***", "#requested"),
                f"{name}.tokens",
                lambda row, it: (exact(it[0], 80), v.number(f"{row}.1")),
                most=20,
            ),
            v.table(
                "attribution.how",
                ("how*****", "#requested"),
                f"{name}.how",
                lambda row, it: (words(it[0], 240), v.number(f"{row}.1")),
                most=_HOW_SHOWN,
            ),
        ]
        if grade.more_how:
            blocks.append(Figures((v.figure("attribution.more_how", v.number(f"{name}.more_how")),)))
    return Section("5", say("section.attribution"), tuple(blocks))
