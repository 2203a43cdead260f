"""[site] and [reservation] to Terms: what is declared for one host."""

from __future__ import annotations

import re
from datetime import datetime
from typing import cast, get_args

from vorbehalt.policy.compile import read_moment, read_patterns
from vorbehalt.policy.tables import Table, shown
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.scopes import is_everywhere
from vorbehalt.reservation.terms import Capacity, Permission, Section, Terms
from vorbehalt.reservation.uses import USES, Stance, Uses
from vorbehalt.reservation.vocabulary import Vocabulary
from vorbehalt.settings.values import read_contact, read_origin, read_path, read_web_url

_STANCES: tuple[str, ...] = get_args(Stance)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_SECTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/(\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126})")
_WORK = re.compile(r"[a-z][a-z0-9.-]{0,31}:[!-~]{1,200}")
_REFERENCE = re.compile(r"[!-~]{1,64}")
_EVERYWHERE = ("/",)


def read_terms(site: Table, reservation: Table, origin: str, vocabulary: Vocabulary) -> Terms:
    """Read the terms of one host; `origin` stands in for that of [site] where a host has none of its own."""
    own_origin = read_origin(site, "origin", required=True)
    origin = origin or own_origin
    uses = _read_uses(reservation, Uses())
    sections = _read_sections(reservation, uses)
    paths = reservation.table("paths")
    usual = Terms("", vocabulary=vocabulary)
    terms = Terms(
        origin=origin,
        operator=site.text("operator"),
        contact=read_contact(site, "contact"),
        languages=_read_languages(site),
        uses=uses,
        sections=sections,
        capacity=cast(Capacity, reservation.choice("capacity", "owner", get_args(Capacity))),
        on_behalf_of=reservation.texts("on_behalf_of"),
        rightsholder=reservation.text("rightsholder"),
        policy_url=read_web_url(reservation, "policy_url", origin),
        licence_contact=read_contact(reservation, "licence_contact"),
        may_license=reservation.flag("may_license"),
        tdm_policy_path=read_path(paths, "tdm_policy", usual.tdm_policy_path),
        rsl_path=read_path(paths, "rsl", usual.rsl_path),
        page_path=read_path(paths, "page", usual.page_path),
        permissions=_read_permissions(reservation, {section.name for section in sections}),
        vocabulary=vocabulary,
    )
    paths.finish()
    served = (
        terms.robots_path, terms.tdmrep_path, terms.tdm_policy_path, terms.rsl_path, terms.page_path
    )  # fmt: skip
    if len(set(served)) < len(served):
        reservation.flaw("paths", "V007", "two signal documents have the same path")
    return terms


def _read_uses(table: Table, above: Uses) -> Uses:
    return Uses(
        search=cast(Stance, table.choice("search", above.search, _STANCES)),
        training=cast(Stance, table.choice("training", above.training, _STANCES)),
        ai_input=cast(Stance, table.choice("ai_input", above.ai_input, _STANCES)),
        tdm=cast(Stance, table.choice("tdm", above.tdm, _STANCES)),
    )


def _read_languages(site: Table) -> tuple[str, ...]:
    languages = site.texts("languages")
    for language in languages:
        if not _LANGUAGE.fullmatch(language):
            site.flaw("languages", "V007", f'{shown(language)} is no language tag such as "de" or "en-GB"')
    return languages or ("en",)


def _read_sections(reservation: Table, uses: Uses) -> tuple[Section, ...]:
    sections: list[Section] = []
    owners: list[tuple[PathPattern, Section]] = []
    for table in reservation.tables("section"):
        section = _read_section(table, uses)
        name, paths = section.name, section.paths
        if any(name == other.name for other in sections):
            table.flaw("name", "V021", f"there are two sections with the name {shown(name)}")
        if section.uses == uses and not (section.works or section.rightsholder):
            table.flaw("", "V116", f"the section {shown(name)} reserves the same as the rest of the site")
        for text in paths:
            pattern = PathPattern.of_decoded(text)
            for other, owner in owners:
                if owner is not section and _is_ambiguous(pattern, section, other, owner):
                    table.flaw(
                        "paths",
                        "V022",
                        f"{shown(text)} is as specific as {shown(other.text)} of the section "
                        f"{shown(owner.name)} and meets the same paths; make one of them longer",
                    )
            owners.append((pattern, section))
        sections.append(section)
        table.finish()
    return tuple(sections)


def _read_section(table: Table, uses: Uses) -> Section:
    name = table.text("name", required=True)
    if name and not _SECTION_NAME.fullmatch(name):
        table.flaw("name", "V007", f"{shown(name)} is no section name; use letters, digits, '.', '_', '-'")
    media = tuple(media.lower() for media in table.texts("media", lone=True))
    for text in media:
        if not _MEDIA_TYPE.fullmatch(text):
            table.flaw("media", "V033", f'{shown(text)} is no media type such as "audio/*" or "image/png"')
    works = table.texts("works", lone=True)
    for text in works:
        if not _WORK.fullmatch(text):
            table.flaw("works", "V034", f'{shown(text)} is no identifier such as "isrc:DEUM72600001"')
    paths = read_patterns(table, "paths")
    if not paths:
        # Media types alone mean the whole site; an emptied list is a mistake.
        if not media or table.has("paths"):
            table.flaw("paths", "V005", f"{table.where('paths')} is missing or empty")
        paths = _EVERYWHERE
    elif not media and any(is_everywhere(path) for path in paths):
        table.flaw("paths", "V022", f"the section {shown(name)} is the whole site: set [reservation] itself")
    return Section(name, paths, _read_uses(table, uses), media, works, table.text("rightsholder"))


def _is_ambiguous(one: PathPattern, section: Section, two: PathPattern, other: Section) -> bool:
    if one.priority != two.priority or not one.overlaps(two):
        return False
    if bool(section.media) != bool(other.media):
        # The one for some media types is the more specific, if all that read files agree where it is.
        return one.text != two.text and section.uses != other.uses
    if section.media and not _share_media(section.media, other.media):
        return False
    return one.text == two.text or section.uses != other.uses


def _share_media(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    return any(_covers(a, b) or _covers(b, a) for a in one for b in two)


def _covers(one: str, two: str) -> bool:
    return one == two or (one.endswith("/*") and two.startswith(one[:-1]))


def _read_permissions(reservation: Table, sections: set[str]) -> tuple[Permission, ...]:
    permissions: list[Permission] = []
    for table in reservation.tables("permission"):
        reference = table.text("reference", required=True)
        if reference and not _REFERENCE.fullmatch(reference):
            table.flaw(
                "reference", "V035", f"{shown(reference)} is no reference: at most 64 signs, no blanks"
            )
        if any(reference == other.reference for other in permissions):
            table.flaw(
                "reference", "V035", f"there are two permissions with the reference {shown(reference)}"
            )
        uses = table.choices("uses", USES)
        if not uses and not table.raw("uses"):
            table.flaw("uses", "V005", f"{table.where('uses')} is missing or empty")
        limited_to = table.texts("sections", lone=True)
        for name in limited_to:
            if name not in sections:
                table.flaw("sections", "V030", f"there is no section {shown(name)}")
        since, until = read_moment(table, "from"), read_moment(table, "until")
        if since is not None and until is not None and since >= until:
            table.flaw("until", "V035", "the permission ends before it begins")
        permissions.append(
            Permission(
                reference=reference,
                licensee=table.text("operator", required=True),
                uses=tuple(use for use in USES if use in uses),
                sections=limited_to,
                since=_nanoseconds(since),
                until=_nanoseconds(until),
            )
        )
        table.finish()
    return tuple(permissions)


def _nanoseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp()) * 1_000_000_000
