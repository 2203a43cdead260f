"""Sections 6 to 9: robots.txt, conduct after refusals and after a notice, the operator's disclosures."""

from __future__ import annotations

from typing import Any

from vorbehalt.claims.dossier.contents_parts import (
    RobotsRow,
)
from vorbehalt.claims.dossier.page.blocks import Block, Cell, Figures, Section, Table, Words
from vorbehalt.claims.dossier.page.harmless import cut
from vorbehalt.claims.dossier.page.reserved import work_cell
from vorbehalt.claims.dossier.page.values import Values, digest, exact, listed, words

_LETTERS = 20


def robots(v: Values) -> Section:
    say = v.say
    blocks: list[Block] = [
        Words(say("robots.lead")),
        Figures(
            (
                v.figure("robots.against", v.number("robots.violations_attributed")),
                v.figure("robots.unasked", v.number("robots.unasked")),
            )
        ),
        robots_table(v, "attributed"),
        Words(say("robots.reading"), "small"),
    ]
    return Section("6", say("section.robots"), tuple(blocks))


def robots_table(v: Values, group: str) -> Table | Words:
    """Return what robots.txt said to one group of requests, line by line."""
    return v.table(
        "robots.rows",
        ("token*", "version*", "line**", "said*", "fetched*", "#requested", "#delivered"),
        "robots.rows",
        lambda name, it: (
            exact(it.token, 60),
            digest(it.version),
            _line(v, it),
            words(_said(v, it)),
            _fetched(v, it),
            v.number(f"{name}.counts.requested"),
            v.number(f"{name}.counts.delivered"),
        ),
        keep=lambda it: it.group == group,
        most=60,
        key=lambda it: (not it.is_violation, it.allowed, -it.counts.requested, it.token),
    )


def _line(v: Values, it: RobotsRow) -> Cell:
    if it.number is None:
        return words(v.say("robots.no_line"))
    return exact(f"{it.number}: {it.line} ({it.agent})", 140)


def _said(v: Values, it: RobotsRow) -> str:
    said = v.say("robots.allowed" if it.allowed else "robots.disallowed")
    if it.permission not in ("", "none"):
        said += f"; {v.say('robots.permission', reference=cut(it.permission, 60))}"
    if not it.is_documented:
        said += f"; {v.say('robots.undocumented')}"
    return said


def _fetched(v: Values, it: RobotsRow) -> Cell:
    known = v.say.term("fetched", it.fetched if it.fetched in ("none", "unknown") else "other")
    if it.fetched == it.version:
        return words(v.say("robots.same"))
    if it.fetched_allowed is not None:
        known += f" {v.say('robots.allowed' if it.fetched_allowed else 'robots.disallowed')}"
    return words(f"{known} {cut(it.fetched, 17) if it.fetched not in ('none', 'unknown') else ''}".strip())


def after_refusal(v: Values) -> Section:
    say = v.say
    blocks: list[Block] = [
        Words(say("conduct.lead")),
        decisions_table(v, 3),
        *refusal_figures(v, "attributed"),
        returns_table(v, "attributed"),
        Words(say("conduct.pseudonyms"), "small"),
    ]
    return Section("7", say("section.conduct"), tuple(blocks))


def decisions_table(v: Values, column: int) -> Table | Words:
    """Return what was decided for the requests of one group; `column` is where its count stands."""
    say = v.say
    return v.table(
        "conduct.decisions",
        ("action", "rule*", "reasons***", "#requested"),
        "conduct.decisions",
        lambda name, it: (
            words(say.term("action", it[0])),
            exact(it[1], 80),
            words(it[2], 160),
            v.number(f"{name}.{column}"),
        ),
        keep=lambda it: it[column],
        key=lambda it: (-it[column], it[:3]),
    )


def refusal_figures(v: Values, group: str) -> list[Block]:
    """Return how clients of one group went on after they were refused."""
    names = (
        "clients",
        "refused_clients",
        "came_back",
        "requests_after",
        "delivered_after",
        "within_minute",
        "within_hour",
        "within_day",
        "other_addresses",
    )
    return [
        Figures(
            tuple(
                v.figure(f"conduct.{key}", v.number(f"conduct.after_refusal.{index}.{key}")) for key in names
            )
        )
        for index, item in enumerate(v.contents.conduct.after_refusal)
        if item.group == group
    ]


def returns_table(v: Values, group: str) -> Table | Words:
    """Return the clients that came back after a refusal."""
    say = v.say
    return v.table(
        "conduct.returns",
        ("client", "month", "#requested", "#refused", "#came_back", "#seconds", "first_refused*"),
        "conduct.returns",
        lambda name, it: (
            digest(it.pseudonym),
            words(it.month),
            v.number(f"{name}.requests"),
            v.number(f"{name}.refused"),
            v.number(f"{name}.came_back"),
            v.number(f"{name}.seconds"),
            words(say.moment(it.first_refused)),
        ),
        keep=lambda it: it.group == group,
        most=25,
    )


def after_notice(v: Values) -> Section:
    say, told = v.say, v.contents.notice
    since = say("notice.since", since=say.moment(told.since)) if told.since else say("notice.never")
    blocks: list[Block] = [Words(since)]
    if told.since:
        blocks.append(v.outcomes("notice.attributed"))
    for index, letter in enumerate(told.letters[:_LETTERS]):
        name = f"notice.letters.{index}"
        title = say(
            "notice.letter",
            id=cut(letter.id, 30),
            kind=say.term("letter", letter.kind),
            date=say.day(letter.date),
        )
        blocks += [
            Words(title, "sub"),
            Figures(
                (
                    v.figure("notice.due", say.day(letter.due)),
                    v.figure("notice.state", say("notice.open" if letter.is_open else "notice.closed")),
                    v.figure("notice.approved_by", words(letter.approved_by or "–")),
                    v.figure("notice.digest", exact(letter.digest)),
                )
            ),
            v.table(
                "notice.steps",
                ("step", "date", "recorded", "#record", "note***"),
                f"{name}.steps",
                lambda row, it: (
                    words(say.term("step", it.name)),
                    words(it.date),
                    words(say.moment(it.at)),
                    v.number(f"{row}.index"),
                    words(it.note, 200),
                ),
            ),
        ]
    more = v.more(len(told.letters) - _LETTERS, "notice.letters")
    blocks += [Words(more, "small")] if more else []
    if told.works:
        known = {work.id: work for work in v.contents.works.scheduled}
        blocks.append(
            v.table(
                "notice.works",
                ("work**",),
                "notice.works",
                lambda _, it: (work_cell(known[it]) if it in known else words(it),),
            )
        )
    return Section("8", say("section.notice"), tuple(blocks))


def disclosures(v: Values) -> Section:
    say, contents = v.say, v.contents
    if not contents.disclosures_file[0]:
        return Section("9", say("section.disclosures"), (Words(say("disclosures.none")),))
    name, sha = contents.disclosures_file
    blocks: list[Block] = [
        Words(say("disclosures.lead")),
        Figures((v.figure("disclosures.file", exact(name)), v.figure("disclosures.digest", exact(sha)))),
        disclosure_table(v, "attributed"),
        Words(say("disclosures.reading"), "small"),
    ]
    return Section("9", say("section.disclosures"), tuple(blocks))


def disclosure_table(v: Values, group: str) -> Table | Words:
    """Return the operator's own figures beside those of one group of requests."""
    return v.table(
        "disclosures.rows",
        ("#row", "period", "crawler", "#disclosed", "#logged", "domains**", "remark**"),
        "disclosures",
        lambda row, it: (
            v.number(f"{row}.line"),
            words(it.period),
            words(it.crawler, 60),
            v.number(f"{row}.requests"),
            v.number(f"{row}.{group}.requested"),
            listed(it.domains, 100),
            words(_remark(v, it)),
        ),
    )


def _remark(v: Values, it: Any) -> str:
    say = v.say
    remarks = []
    if it.names_us is not None:
        remarks.append(say("disclosures.names_us" if it.names_us else "disclosures.names_others"))
    if not it.is_known:
        remarks.append(say("disclosures.unknown"))
    if not it.is_covered:
        remarks.append(say("disclosures.uncovered"))
    return "; ".join(remarks) or "–"
