"""Who writes, for whom and where: read from the configuration and checked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vorbehalt.claims.notice.addressees import UNFILLED
from vorbehalt.claims.notice.wording import one_line
from vorbehalt.errors import Problem
from vorbehalt.reservation.terms import Capacity
from vorbehalt.settings import Settings

MAX_LETTERHEAD = 12


@dataclass(frozen=True, slots=True)
class Sender:
    """The party that a letter comes from. `holders` are those on whose behalf it writes, if not its own.

    `licence` is whom to ask for one, empty where none is offered.
    """

    name: str
    holders: str
    capacity: Capacity
    contact: str
    letterhead: tuple[str, ...]
    licence: str = ""


def sender_of(settings: Settings, letterhead: str = "", *, offers_licence: bool = False) -> Sender:
    """Read it from the terms of the default host; `letterhead` are lines of its own."""
    terms = settings.default_host.terms
    operator, holder = one_line(terms.operator), one_line(terms.rightsholder)
    behalf = one_line(", ".join(terms.on_behalf_of))
    name = (holder or operator) if terms.capacity == "owner" else operator
    contact = _address(terms.contact)
    lines = tuple(filter(None, map(one_line, letterhead.splitlines()))) or (name, contact)
    licence = _address(terms.licence_contact) or contact
    return Sender(
        name=name,
        holders="" if terms.capacity == "owner" else behalf or holder,
        capacity=terms.capacity,
        contact=contact,
        letterhead=lines,
        licence=licence if offers_licence else "",
    )


def sender_problems(settings: Settings, sender: Sender, *, offers_licence: bool) -> Iterator[Problem]:
    """Yield what the configuration lacks for a letter."""
    terms = settings.default_host.terms

    def missing(key: str, message: str) -> Problem:
        return Problem(settings.source, 0, key, "V136", message)

    if not sender.name:
        yield missing(
            "site.operator", "nobody is named as the sender: set site.operator or reservation.rightsholder"
        )
    if not sender.contact:
        yield missing("site.contact", "there is nobody to answer to: set site.contact")
    if sender.capacity == "mandated" and not sender.holders:
        yield missing(
            "reservation.on_behalf_of", "the capacity is mandated, but it is not said on whose behalf"
        )
    if offers_licence and not terms.may_license:
        yield missing(
            "reservation.may_license", "a licence is offered, but reservation.may_license is not set"
        )
    if len(sender.letterhead) > MAX_LETTERHEAD:
        yield missing("", f"the letterhead has more than {MAX_LETTERHEAD} lines")
    for text in (sender.name, sender.holders, sender.contact, sender.licence, *sender.letterhead):
        if found := UNFILLED.search(text):
            yield missing("", f"what is said of the sender still holds a placeholder: {one_line(found[0])}")


def _address(uri: str) -> str:
    return one_line(uri.removeprefix("mailto:"))
