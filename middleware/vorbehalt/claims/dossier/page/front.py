"""Sections 0 and 1: the page that is read first, and who stands on which side."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from vorbehalt.claims.dossier.page.blocks import Block, Figure, Figures, Points, Section, Words
from vorbehalt.claims.dossier.page.harmless import cut
from vorbehalt.claims.dossier.page.marks import clock_faults
from vorbehalt.claims.dossier.page.values import Values, exact, listed, words

_SENTENCES = 7
_ROOM = 640
"""Characters of sentences on the first page."""
_MIDNIGHT = "T00:00:00Z"
_PROBLEMS = 3
_FIRST = ("fails", "gaps", "pruned", "earlier_log", "nothing", "only_impostors", "only_described")
"""Codes of sentences that are said in the frame at the top, in the words of this page or their own."""


def summary(v: Values) -> Section:
    """Section 0, which has to fit on one page whatever the contents are: all in it is bounded."""
    say, contents = v.say, v.contents
    question, told = contents.question, contents.summary
    grade = say.term("assurance", told.assurance)
    blocks: list[Block] = [
        Words(say("summary.lead", operator=cut(question.operator, 80), period=period(v)), "lead"),
        Words(f"{say('summary.grade')}: {grade}. {cut(told.assurance_words, 200)}", "grade"),
    ]
    warnings = first_warnings(v)
    if warnings:
        blocks.append(Points(warnings, say("summary.first"), is_boxed=True))
    else:
        blocks.append(Words(say("summary.whole")))
    blocks += [
        Words(say("summary.attributed", operator=cut(question.operator, 80))),
        Figures(
            (
                v.figure("outcome.requested", v.number("summary.attributed.requested")),
                v.figure("outcome.refused", v.number("summary.attributed.refused")),
                v.figure("outcome.delivered", v.number("summary.attributed.delivered")),
                v.figure("outcome.bytes", v.size("summary.attributed.bytes")),
                v.figure("summary.works_delivered", v.number("summary.works_delivered")),
                v.figure("summary.share", v.percent("summary.share_of_catalogue")),
                v.figure("summary.against_robots", v.number("summary.violations")),
                v.figure("summary.after_notice", v.number("summary.after_notice")),
                v.figure("summary.enclosed", v.number("summary.records_enclosed")),
            ),
            is_large=True,
        ),
    ]
    sentences = _fitting(item.sentence for item in told.sentences if item.code not in _FIRST)
    if sentences:
        blocks.append(Points(sentences))
    blocks.append(Words(say("summary.not_attributed"), "small"))
    blocks.append(
        Words(
            say(
                "summary.pinned",
                size=say.number(contents.pin.size),
                root=cut(contents.pin.root, 60),
                origin=cut(contents.pin.origin, 80),
            ),
            "small",
        )
    )
    return Section("0", say("section.summary"), tuple(blocks))


def _fitting(sentences: Iterable[str]) -> tuple[str, ...]:
    """Return as many sentences, the first ones, as there is room for below the figures."""
    room, found = _ROOM, list[str]()
    for sentence in sentences:
        text = cut(sentence, 230)
        if len(text) > room or len(found) == _SENTENCES:
            break
        room -= len(text)
        found.append(text)
    return tuple(found)


def first_warnings(v: Values) -> tuple[str, ...]:
    """Return what has to be known before any figure is read: failures, gaps, clocks, no traffic."""
    say, contents = v.say, v.contents
    found: list[str] = []
    problems = contents.verification.problems
    if not (contents.verification.ok and contents.summary.verifies):
        found.append(say("summary.fails"))
        found += [cut(item.sentence, 200) for item in contents.summary.sentences if item.code == "fails"]
        found += [cut(problem, 130) for problem in problems[:_PROBLEMS]]
        if len(problems) > _PROBLEMS:
            found.append(say("summary.more_problems", count=say.number(len(problems) - _PROBLEMS)))
    if contents.summary.gaps:
        found.append(say("summary.gaps", count=say.number(contents.summary.gaps)))
    faults = len(clock_faults(contents.limitations.clocks))
    if faults:
        found.append(say("summary.clocks", count=say.number(faults)))
    if contents.system.unbounded:
        found.append(say("summary.unbounded", count=say.number(contents.system.unbounded)))
    if not contents.summary.attributed.requested:
        said = [item for item in contents.summary.sentences if item.code in _FIRST[2:]]
        plain = say("summary.nothing", operator=cut(contents.question.operator, 80))
        found += [cut(item.sentence, 300) for item in said[:1]] or [plain]
    return tuple(found)


def period(v: Values) -> str:
    """Return the period as words; what was not asked for is bounded by the log itself."""
    question, pin = v.contents.question, v.contents.pin
    since, until = question.since or pin.first_record, question.until or pin.last_record
    if question.since.endswith(_MIDNIGHT) and question.until.endswith(_MIDNIGHT):
        return v.say("word.period_days", since=since[:10], until=last_day(until).isoformat())
    return v.say("word.period", since=v.say.moment(since), until=v.say.moment(until))


def last_day(until: str) -> date:
    """Return the last day before a time (RFC 3339) that is no longer included."""
    return (datetime.fromisoformat(until) - timedelta(seconds=1)).date()


def parties(v: Values) -> Section:
    say, told = v.say, v.contents.parties
    blocks: list[Block] = [Words(say("parties.lead"))]
    for site in told.sites:
        blocks.append(
            Words(", ".join(cut(name, 60) for name in site.names[:6]) or cut(site.origin, 60), "sub")
        )
        facts = [
            ("parties.origin", exact(site.origin)),
            ("parties.site_operator", words(site.operator)),
            ("parties.rightsholder", words(site.rightsholder or "–")),
            ("parties.capacity", words(say.term("capacity", site.capacity))),
            ("parties.contact", words(site.contact or "–")),
            ("parties.licence_contact", words(site.licence_contact or "–")),
            (
                "parties.declared",
                listed(f"{say.term('use', use)}: {say.term('stance', stance)}" for use, stance in site.uses),
            ),
        ]
        if site.on_behalf_of:
            facts.insert(4, ("parties.on_behalf_of", listed(site.on_behalf_of)))
        facts += [
            ("parties.section", words(f"{name}: {', '.join(paths)}")) for name, paths in site.sections[:20]
        ]
        blocks.append(Figures(tuple(v.figure(label, cell) for label, cell in facts)))
    blocks += [
        Words(say("parties.of_operator", operator=cut(told.operator, 80)), "sub"),
        Figures(
            (
                v.figure("parties.name", words(told.operator)),
                v.figure("parties.homepage", exact(told.homepage)),
                v.figure("parties.configuration", exact(told.configuration)),
                v.figure("parties.rules", words(told.rules)),
                *(
                    Figure(f"{say('parties.catalogue')} {cut(name, 60)}", exact(sha))
                    for name, sha in told.catalogue_files[:12]
                ),
            )
        ),
        v.table(
            "parties.crawlers",
            ("token*", "purpose", "basis", "documentation*", "means*"),
            "parties.crawlers",
            lambda _, it: (
                exact(it.token),
                words(say.term("purpose", it.purpose)),
                words(say.term("basis", it.basis)),
                exact(it.documentation, 120),
                listed(_means(v, item) for item in it.means),
            ),
        ),
    ]
    return Section("1", say("section.parties"), tuple(blocks))


def _means(v: Values, item: str) -> str:
    """Return by what a crawler can be recognised: a kind, and its list or address."""
    kind, colon, rest = item.partition(":")
    return v.say.term("means", kind) + colon + rest
