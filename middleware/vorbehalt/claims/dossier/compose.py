"""From the enclosed records and what is given to the contents of a dossier: the same in, the same out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from vorbehalt.claims.dossier.contents import Conduct, Contents, Summary, Traffic, Works
from vorbehalt.claims.dossier.contents_parts import (
    Counts,
    Day,
    Grade,
)
from vorbehalt.claims.dossier.contents_told import (
    Statement,
)
from vorbehalt.claims.dossier.disclosures import compare
from vorbehalt.claims.dossier.exculpatory import exculpatory_of
from vorbehalt.claims.dossier.figures import Figures
from vorbehalt.claims.dossier.given import Given
from vorbehalt.claims.dossier.limits import limitations_of
from vorbehalt.claims.dossier.notices import letters_in, notice_of
from vorbehalt.claims.dossier.reservation import Versions
from vorbehalt.claims.dossier.robots import robots_of
from vorbehalt.claims.dossier.schedule import scheduled, unmapped
from vorbehalt.claims.dossier.system import assurance_of, system_of
from vorbehalt.claims.dossier.tallying import (
    ATTRIBUTED_NAME,
    DESCRIBED_NAME,
    GROUPS,
    by_text,
    counts_of,
)
from vorbehalt.claims.dossier.times import nanoseconds
from vorbehalt.claims.dossier.verifying import verify_of
from vorbehalt.claims.dossier.words import Words
from vorbehalt.claims.ledger import ATTRIBUTED, Ledger
from vorbehalt.claims.ledger_reading import mapping, number
from vorbehalt.claims.ledger_rows import Line
from vorbehalt.claims.ledger_text import day, percent
from vorbehalt.claims.register import Letter
from vorbehalt.evidence.tlog.leaf import decode_leaf, seen_of
from vorbehalt.facts import Standing

LEVELS = {
    Standing.SIGNED: "V3", Standing.VERIFIED: "V2", Standing.CONSISTENT: "V1", Standing.CLAIMED: "V0",
    Standing.CONTRADICTED: "VX", Standing.UNKNOWN: "VU",
}  # fmt: skip
_MOST_HOW = 50
Entries = Callable[[], Iterable[tuple[int, bytes]]]


@dataclass(frozen=True, slots=True)
class Composed:
    """`data` are the lists and key directories on which standings rest, by SHA-256 hex."""

    contents: Contents
    ledger: Ledger
    letter: Letter | None
    """The letter that gave notice first."""
    data: tuple[str, ...]


def compose(entries: Entries, given: Given) -> Composed:
    """Return the contents, and what is behind them. `entries` is asked three times for the same records.

    They come in the order of the log. Raises EvidenceError if one cannot be decoded.
    """
    hosts = frozenset(name for site in given.parties.sites[1:] for name in site.names)
    versions = Versions(entries(), given.last, hosts, given.read)
    letters = letters_in(entries())
    since = letters.first_notice(given.question.operator)
    figures = Figures(given.query, versions, since)
    for index, entry in entries():
        figures.take(index, decode_leaf(entry))
    ledger = figures.close()
    _take_given(ledger, given)
    words = Words(given.question.language, given.question.operator)
    lines = list(ledger.days.lines())
    groups = {name: _counts(lines, *standings) for name, standings in GROUPS}
    attributed, described = groups[ATTRIBUTED_NAME], groups[DESCRIBED_NAME]
    impostors = _counts(lines, Standing.CONTRADICTED)
    robots = robots_of(figures, attributed.requested + described.requested)
    conduct = _conduct(figures)
    notice = notice_of(figures, letters, since)
    system = system_of(figures, given, words)
    limitations = limitations_of(figures, ledger, given, words, system.unbounded)
    reservation = versions.as_reservation(given.query, figures.served)
    problems = (*given.verification.problems, *versions.problems)
    contents = Contents(
        question=given.question,
        pin=given.pin,
        verification=type(given.verification)(not problems, tuple(dict.fromkeys(problems))),
        summary=_summary(figures, ledger, given, words, groups, impostors, robots.violations_attributed,
                         notice.attributed.requested, ledger.gaps, len(problems)),
        parties=given.parties,
        reservation=reservation,
        works=_works(figures, ledger, given),
        traffic=_traffic(figures, lines, given),
        attribution=tuple(_grades(figures, lines, words)),
        robots=robots,
        conduct=conduct,
        notice=notice,
        disclosures=tuple(
            compare(given.disclosures, by_text(figures.tally.book("tokens")),
                    [crawler.token for crawler in given.parties.crawlers], _own_names(given), given.query)
        ),
        disclosures_file=given.disclosures_file,
        exculpatory=exculpatory_of(figures, groups, impostors, robots, conduct, reservation, words),
        limitations=limitations,
        system=system,
        verify=verify_of(given, words),
    )  # fmt: skip
    return Composed(
        contents, ledger, letters.first_letter(given.question.operator), tuple(sorted(figures.data))
    )


def _take_given(ledger: Ledger, given: Given) -> None:
    """Put the numbers of records that are not enclosed where a ledger of the whole log has them."""
    for row in given.rollups:
        at = ledger.rollups.at(nanoseconds(f"{row.day}T00:00:00Z"), Standing(row.standing))
        for name in ("requested", "refused", "bytes"):
            ledger.rollups.add(at, name, getattr(row, name))
    ledger.unnamed, ledger.cut = given.unnamed, given.cut


def _summary(
    figures: Figures,
    ledger: Ledger,
    given: Given,
    words: Words,
    groups: dict[str, Counts],
    impostors: Counts,
    violations: int,
    after: int,
    gaps: int,
    problems: int,
) -> Summary:
    attributed, described = groups[ATTRIBUTED_NAME], groups[DESCRIBED_NAME]
    delivered = len(ledger.works_of(*ATTRIBUTED, delivered=True))
    assurance = assurance_of(figures)

    def sentences() -> Iterator[Statement]:
        if problems:
            yield words.statement("fails", problems=problems)
        if gaps:
            yield words.statement("gaps", gaps=gaps)
        if given.pruned:
            yield words.statement("pruned", records=given.pruned)
        if earlier := _earlier(figures):
            yield words.statement("earlier_log", records=earlier)
        if not attributed.requested and not described.requested:
            yield words.statement("only_impostors" if impostors.requested else "nothing")
        elif not attributed.requested:
            yield words.statement("only_described")
        if attributed.requested:
            yield words.statement("attributed", requested=attributed.requested, refused=attributed.refused,
                                  delivered=attributed.delivered)  # fmt: skip
            yield words.statement("works", works=delivered)
        if violations:
            yield words.statement("violations", requests=violations)
        if after:
            yield words.statement("after_notice", requests=after)
        if described.requested:
            yield words.statement("described", requested=described.requested)
        if impostors.requested:
            yield words.statement("impostors", requested=impostors.requested)

    return Summary(
        assurance=assurance,
        assurance_words=words.say(f"assurance.{assurance}"),
        verifies=not problems,
        has_traffic=bool(attributed.requested or described.requested),
        sentences=tuple(sentences()),
        attributed=attributed,
        described=described,
        impostors=impostors,
        works_requested=len(ledger.works_of(*ATTRIBUTED, delivered=False)),
        works_delivered=delivered,
        share_of_catalogue=percent(delivered, given.catalogue) if given.catalogue else "",
        catalogue=given.catalogue,
        violations=violations,
        after_notice=after,
        gaps=gaps,
        records_enclosed=figures.records,
    )


def _earlier(figures: Figures) -> int:
    """Return how many records the logs held that this one follows, as it says itself."""
    began = (mapping(seen_of(leaf).get("from")) for _, leaf in figures.of("key-rotation"))
    return sum(number(one.get("size")) for one in began)


def _works(figures: Figures, ledger: Ledger, given: Given) -> Works:
    paths, requests = unmapped(figures.unmapped)
    return Works(tuple(scheduled(ledger.works, given.work)), paths, requests)


def _traffic(figures: Figures, lines: list[Line], given: Given) -> Traffic:
    def pairs(name: str) -> Iterator[tuple[str, Counts, Counts]]:
        for text, groups in sorted(by_text(figures.tally.book(name)).items()):
            yield text, counts_of(groups.get(ATTRIBUTED_NAME, ())), counts_of(groups.get(DESCRIBED_NAME, ()))

    def requests(name: str) -> tuple[tuple[str, int, int], ...]:
        return tuple((text, one.requested, two.requested) for text, one, two in pairs(name))

    return Traffic(
        days=tuple(Day(day(line.day), line.standing.value, counts_of([line])) for line in lines),
        rollups=given.rollups,
        rollups_enclosed=given.rollups_enclosed,
        hosts=requests("hosts"),
        sections=tuple(pairs("sections")),
        vantage=requests("vantage"),
        cut=given.cut,
        unnamed=given.unnamed,
        pruned=given.pruned,
        imported=figures.imported,
    )


def _grades(figures: Figures, lines: list[Line], words: Words) -> Iterator[Grade]:
    tokens = list(figures.tally.book("tokens").lines())
    for standing, level in LEVELS.items():
        counts = _counts(lines, standing)
        if not counts.requested:
            continue
        how = figures.how.get(standing)
        names: dict[str, int] = {}
        for line in tokens:
            if line.standing is standing:
                names[line.work] = names.get(line.work, 0) + line.counts["requested"]
        yield Grade(
            standing=standing.value,
            level=level,
            name=words.say(f"grade.{standing.value}"),
            meaning=words.say(f"meaning.{standing.value}"),
            counts=counts,
            tokens=tuple(sorted(names.items(), key=lambda item: (-item[1], item[0]))),
            how=tuple(how.listed(_MOST_HOW)) if how else (),
            more_how=how.beyond(_MOST_HOW) if how else 0,
        )


def _conduct(figures: Figures) -> Conduct:
    after = by_text(figures.tally.book("refused")).get("after", {})
    decisions = []
    for text, groups in sorted(by_text(figures.tally.book("decisions")).items()):
        counts = [counts_of(groups.get(name, ())).requested for name, _ in GROUPS]
        decisions.append((*json.loads(text), *counts))
    return Conduct(
        after_refusal=tuple(
            figures.refusals.summary(name, counts_of(after.get(name, ()))) for name, _ in GROUPS
        ),
        returns=tuple(figures.refusals.returns()),
        decisions=tuple(decisions),
    )


def _counts(lines: Iterable[Line], *standings: Standing) -> Counts:
    return counts_of(line for line in lines if line.standing in standings)


def _own_names(given: Given) -> list[str]:
    return sorted({name for site in given.parties.sites for name in site.names})
