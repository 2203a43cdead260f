"""Sections 2 and 3: what was reserved and how it reached the operator, and which works were asked for."""

from __future__ import annotations

from typing import Any

from vorbehalt.claims.dossier.contents_parts import (
    ScheduledWork,
)
from vorbehalt.claims.dossier.page.blocks import Block, Cell, Figures, Section, Words
from vorbehalt.claims.dossier.page.harmless import cut
from vorbehalt.claims.dossier.page.values import Values, digest, exact, listed, words
from vorbehalt.claims.dossier.words import missing_us

_MOST_ROWS = 30


def reservation(v: Values) -> Section:
    say, told = v.say, v.contents.reservation
    blocks: list[Block] = [Words(say("reservation.lead"))]
    if not told.versions:
        blocks.append(Words(say("reservation.none"), "box"))
    else:
        blocks.append(
            v.table(
                "reservation.versions",
                ("host", "version", "since", "until", "#record", "origin", "#answered_attributed"),
                "reservation.versions",
                lambda name, it: (
                    words(it.host or say("word.main_host"), 60),
                    digest(it.digest),
                    words(say.moment(it.since)),
                    words(say.moment(it.until) if it.until else say("word.to_pin")),
                    v.number(f"{name}.record"),
                    listed(it.sources, 100) if it.is_imported else words(say("word.own_log")),
                    v.number(f"{name}.attributed"),
                ),
            )
        )
    for index, version in enumerate(told.versions[:12]):
        name = f"reservation.versions.{index}"
        blocks += [
            v.table(
                "reservation.documents",
                ("document*", "digest***", "media_type"),
                f"{name}.documents",
                lambda _, it: (exact(it.path), exact(it.digest), words(it.media_type)),
            ),
            v.table(
                "reservation.headers",
                ("part", "headers****", "reserved*", "#answered_attributed"),
                f"{name}.headers",
                lambda name, it: (
                    words(it.section or say("word.rest_of_site"), 60),
                    exact(" · ".join(it.lines), 600),
                    listed(say.term("use", use) for use in it.reserved),
                    v.number(f"{name}.attributed"),
                ),
            ),
        ]
        blocks.insert(
            -2,
            Words(
                say("reservation.version", version=cut(version.digest, 17), since=say.moment(version.since)),
                "sub",
            ),
        )
        if version.pending:
            blocks.append(
                Words(say("reservation.pending", items=cut(", ".join(version.pending), 200)), "box")
            )
    more = v.more(len(told.versions) - 12, "reservation.versions")
    blocks += [Words(more, "small")] if more else []
    blocks += [
        Words(say("reservation.delivery"), "sub"),
        v.table(
            "reservation.headers_seen",
            ("headers_digest**", "vantage", "#answered_attributed"),
            "reservation.headers_seen",
            lambda name, it: (
                digest(it.digest) if it.digest else words(say("word.none")),
                words(say.term("vantage", it.vantage)),
                v.number(f"{name}.attributed"),
            ),
            keep=lambda it: it.attributed,
        ),
        v.table(
            "reservation.served",
            ("document*", "version", "standing", "token*", "#times", "first", "last"),
            "reservation.served",
            lambda name, it: served_row(v, name, it),
            keep=lambda it: it.standing in ("signed", "verified"),
            most=_MOST_ROWS,
        ),
    ]
    if told.older_records:
        blocks.append(Figures((v.figure("reservation.older", v.number("reservation.older_records")),)))
    return Section("2", say("section.reservation"), tuple(blocks))


def served_row(v: Values, name: str, it: Any) -> tuple[Cell, ...]:
    """Return who fetched which document how often."""
    say = v.say
    return (
        exact(it.path, 80),
        digest(it.digest),
        words(say.term("standing", it.standing)),
        exact(it.token, 60),
        v.number(f"{name}.times"),
        words(say.moment(it.first)),
        words(say.moment(it.last)),
    )


def schedule(v: Values) -> Section:
    say, told = v.say, v.contents.works
    blocks: list[Block] = [Words(say("schedule.lead"))]
    if v.contents.summary.catalogue is None:
        blocks.append(Words(say("schedule.no_catalogue"), "box"))
    else:
        blocks.append(
            Figures(
                (
                    v.figure("summary.catalogue", v.number("summary.catalogue")),
                    v.figure("summary.works_requested", v.number("summary.works_requested")),
                    v.figure("summary.works_delivered", v.number("summary.works_delivered")),
                    v.figure("summary.share", v.percent("summary.share_of_catalogue")),
                )
            )
        )
    if any(work.attributed.requested for work in told.scheduled):
        blocks.append(
            v.table(
                "schedule.works",
                ("work**", "rights**", "us**", "#requested", "#whole", "#part_delivered"),
                "works.scheduled",
                lambda name, it: (
                    work_cell(it),
                    rights_cell(v, it),
                    missing_cell(v, it),
                    *(v.number(f"{name}.attributed.{key}") for key in ("requested", "whole", "part")),
                ),
                keep=lambda it: it.attributed.requested,
                most=_MOST_ROWS,
                key=lambda it: (-it.attributed.delivered, -it.attributed.requested, it.id),
            )
        )
    else:
        blocks.append(Words(say("schedule.none")))
    blocks.append(Words(say("schedule.us"), "small"))
    if any(path.attributed for path in told.unmapped):
        blocks.append(
            v.table(
                "schedule.unmapped",
                ("host", "path***", "#requested"),
                "works.unmapped",
                lambda name, it: (words(it.host, 60), exact(it.path, 120), v.number(f"{name}.attributed")),
                keep=lambda it: it.attributed,
                most=20,
                key=lambda it: (-it.attributed, it.host, it.path),
            )
        )
    return Section("3", say("section.schedule"), tuple(blocks))


def work_cell(it: ScheduledWork) -> Cell:
    """Return title, contributors and number of a work in few characters."""
    names = cut(", ".join(it.contributors), 60)
    return words(" · ".join(part for part in (cut(it.title, 70), names, cut(it.id, 40)) if part), 190)


def rights_cell(v: Values, it: ScheduledWork) -> Cell:
    """Return right, basis, territory and dates of each right, the first ones."""
    say, found = v.say, []
    for right in it.rights[:4]:
        where = ", ".join(right.territory[:6]) + ("…" if len(right.territory) > 6 else "")
        when = (
            say("word.span", since=right.since or "–", until=right.until or "–")
            if right.since or right.until
            else ""
        )
        share = f"{right.share / 100:g}\u202f%" if right.share is not None else ""
        parts = (
            say.term("right", right.right),
            say.term("basis_of_right", right.basis),
            where or say("word.world"),
            when,
            share,
        )
        found.append(" · ".join(part for part in parts if part))
    return words("; ".join(found) or "–", 200)


def missing_cell(v: Values, it: ScheduledWork) -> Cell:
    """Return the US registrations, and what is still missing there."""
    say = v.say
    known = [
        f"{right.us_registration} ({right.us_registered})" for right in it.rights if right.us_registration
    ]
    missing = [missing_us(say.language, code) for code in it.missing_us]
    return words("; ".join([*known[:2], *missing]) or say("schedule.nothing_missing"), 200)
