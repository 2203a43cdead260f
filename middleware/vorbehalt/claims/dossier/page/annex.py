"""The annex "Not attributed": what only bore the operator's name. It stands in no main table and no sum."""

from __future__ import annotations

from vorbehalt.claims.dossier.page.blocks import Block, Figures, Points, Section, Words
from vorbehalt.claims.dossier.page.conduct import (
    decisions_table,
    disclosure_table,
    refusal_figures,
    returns_table,
    robots_table,
)
from vorbehalt.claims.dossier.page.harmless import cut
from vorbehalt.claims.dossier.page.middle import ATTRIBUTED, days_chart
from vorbehalt.claims.dossier.page.reserved import served_row, work_cell
from vorbehalt.claims.dossier.page.values import Values, exact, words

_DESCRIBED = ("consistent", "claimed", "unknown")
_GLOSSARY = (
    "requested",
    "refused",
    "delivered",
    "attributed",
    "record",
    "checkpoint",
    "anchor",
    "gap",
    "reservation",
    "standing",
)


def not_attributed(v: Values) -> Section:
    say, contents = v.say, v.contents
    operator = cut(contents.question.operator, 80)
    blocks: list[Block] = [
        Words(say("annex.lead", operator=operator), "box"),
        Words(say("annex.described", operator=operator), "sub"),
        Words(say("annex.described_words", operator=operator)),
    ]
    if contents.summary.described.requested:
        blocks += [v.outcomes("summary.described"), days_chart(v, _DESCRIBED, "annex.chart_days")]
        blocks += _described(v)
    else:
        blocks.append(Words(say("annex.no_described")))
    blocks += [
        Words(say("annex.impostors", operator=operator), "sub"),
        Words(say("annex.impostors_words", operator=operator)),
    ]
    if contents.exculpatory.impostors.requested:
        blocks += [
            v.outcomes("exculpatory.impostors"),
            v.table(
                "attribution.how",
                ("how*****", "#requested"),
                "exculpatory.impostor_how",
                lambda row, it: (words(it[0], 240), v.number(f"{row}.1")),
                most=20,
            ),
        ]
    else:
        blocks.append(Words(say("annex.no_impostors")))
    blocks += _grades(v)
    if any(rollup.standing not in ATTRIBUTED for rollup in contents.traffic.rollups):
        blocks.append(
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
                keep=lambda it: it.standing not in ATTRIBUTED,
            )
        )
    return Section("A", say("section.annex"), tuple(blocks))


def _described(v: Values) -> list[Block]:
    """Return what the main sections say, for requests that only described themselves as the operator's."""
    say, contents = v.say, v.contents
    blocks: list[Block] = []
    if any(work.described.requested for work in contents.works.scheduled):
        blocks.append(
            v.table(
                "annex.works",
                ("work***", "#requested", "#refused", "#delivered"),
                "works.scheduled",
                lambda name, it: (
                    work_cell(it),
                    *(v.number(f"{name}.described.{key}") for key in ("requested", "refused", "delivered")),
                ),
                keep=lambda it: it.described.requested,
                most=30,
                key=lambda it: (-it.described.delivered, -it.described.requested, it.id),
            )
        )
    if any(row.group == "described" for row in contents.robots.rows):
        blocks.append(robots_table(v, "described"))
    if any(item.standing not in ATTRIBUTED for item in contents.reservation.served):
        blocks.append(
            v.table(
                "annex.served",
                ("document*", "version", "standing", "token*", "#times", "first", "last"),
                "reservation.served",
                lambda name, it: served_row(v, name, it),
                keep=lambda it: it.standing not in ATTRIBUTED,
                most=20,
            )
        )
    blocks += [decisions_table(v, 4), *refusal_figures(v, "described"), returns_table(v, "described")]
    if contents.notice.since:
        blocks += [
            Words(say("annex.after_notice", since=say.moment(contents.notice.since)), "sub"),
            v.outcomes("notice.described"),
        ]
    if contents.disclosures:
        blocks.append(disclosure_table(v, "described"))
    return blocks


def _grades(v: Values) -> list[Block]:
    """Return names and reasons of each standing that attributes nothing."""
    say, blocks = v.say, list[Block]()
    for index, grade in enumerate(v.contents.attribution):
        if grade.standing in ATTRIBUTED or not grade.counts.requested:
            continue
        name = f"attribution.{index}"
        blocks += [
            Words(f"{grade.level} · {cut(grade.name, 80)}", "sub"),
            Words(cut(grade.meaning, 400)),
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
                most=12,
            ),
        ]
    return [Words(say("annex.grades"), "sub"), *blocks] if blocks else []


def glossary(v: Values) -> Section:
    """Return what the words of these pages mean."""
    items = tuple(f"{v.say('glossary_word.' + key)}: {v.say('glossary.' + key)}" for key in _GLOSSARY)
    return Section("B", v.say("section.glossary"), (Points(items), Words(v.say("glossary.fonts"), "small")))
