"""The schedule of works: what the catalogue says of each work that was asked for, and what still lacks.

What a claim in the United States needs, as codes: registration before suing over a work of the United
States (17 U.S.C. § 411(a)), before it began or within three months of publication for statutory damages and
fees (§ 412), and to be owner of an exclusive right (§ 501(b)). Which of it a case needs is for counsel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from vorbehalt.claims.dossier.contents_parts import (
    Right,
    ScheduledWork,
)
from vorbehalt.claims.dossier.contents_told import (
    UnmappedPath,
)
from vorbehalt.claims.dossier.most import Most
from vorbehalt.claims.dossier.tallying import ATTRIBUTED_NAME, DESCRIBED_NAME, by_text, counts_of
from vorbehalt.claims.ledger_rows import Rows
from vorbehalt.works.entry import Contributor, Work
from vorbehalt.works.entry import Right as CatalogueRight

MOST_PATHS = 200
NOT_IN_CATALOGUE = "not_in_catalogue"
NO_RIGHT = "no_right"
NO_BASIS = "no_basis"
MANDATE_ONLY = "mandate_only"
NOT_FOR_US = "not_for_us"
NO_REGISTRATION = "no_us_registration"
NO_REGISTRATION_DATE = "no_us_registration_date"
REGISTERED_LATER = "us_registered_after_first_request"
CODES = (
    NOT_IN_CATALOGUE, NO_RIGHT, NO_BASIS, MANDATE_ONLY, NOT_FOR_US, NO_REGISTRATION, NO_REGISTRATION_DATE,
    REGISTERED_LATER,
)  # fmt: skip


def scheduled(rows: Rows, find: Callable[[str], Work | None]) -> Iterator[ScheduledWork]:
    """Yield the works that requests in the operator's name asked for, by id."""
    for id, groups in sorted(by_text(rows).items()):
        if not id:
            continue
        attributed = counts_of(groups.get(ATTRIBUTED_NAME, ()))
        described = counts_of(groups.get(DESCRIBED_NAME, ()))
        work = find(id)
        first = min(filter(None, (attributed.first, described.first)), default="")
        yield ScheduledWork(
            id=id,
            ids=work.ids if work else (id,),
            title=work.title if work else "",
            contributors=tuple(
                f"{person.name} [{person.isni}]" if person.isni else person.name
                for person in (work.contributors if work else ())
            ),
            kind=work.kind if work else "",
            rights=tuple(map(_right, work.rights if work else ())),
            missing_us=tuple(missing_us(work, first)),
            is_known=work is not None,
            attributed=attributed,
            described=described,
        )


def missing_us(work: Work | None, first: str) -> Iterator[str]:
    """Yield codes of what lacks; `first` is the RFC 3339 time of the first request, empty: none."""
    if work is None:
        yield NOT_IN_CATALOGUE
        return
    rights = [right for right in work.rights if not right.territory or "US" in right.territory]
    if not work.rights:
        yield NO_RIGHT
        return
    if not rights:
        yield NOT_FOR_US
        return
    if not any(right.basis for right in rights):
        yield NO_BASIS
    elif not any(right.basis in ("owner", "exclusive") for right in rights):
        yield MANDATE_ONLY
    registered = [right for right in rights if right.us_registration]
    if not registered:
        yield NO_REGISTRATION
    elif not any(right.us_registered for right in registered):
        yield NO_REGISTRATION_DATE
    elif first and min(right.us_registered for right in registered if right.us_registered) > first[:10]:
        yield REGISTERED_LATER


def unmapped(most: Mapping[str, Most[tuple[str, str]]]) -> tuple[tuple[UnmappedPath, ...], int]:
    """Return the paths without a work, most requests first, and how many requests there were in all."""
    sums: dict[tuple[str, str], list[int]] = {}
    for at, group in enumerate((ATTRIBUTED_NAME, DESCRIBED_NAME)):
        for key, count in most[group].listed(MOST_PATHS) if group in most else ():
            sums.setdefault(key, [0, 0])[at] += count
    ordered = sorted(sums.items(), key=lambda item: (-sum(item[1]), item[0]))[:MOST_PATHS]
    paths = tuple(UnmappedPath(host, path, *counts) for (host, path), counts in ordered)
    return paths, sum(one.total for one in most.values())


def _right(right: CatalogueRight) -> Right:
    return Right(
        right.right, right.basis, right.territory, right.since, right.until, right.share,
        right.us_registration, right.us_registered,
    )  # fmt: skip


def work_of(found: ScheduledWork) -> Work:
    """Return what the catalogue said of a work that a dossier schedules."""
    return Work(
        found.ids,
        found.title,
        tuple(Contributor(name) for name in found.contributors),
        found.kind,
        tuple(
            CatalogueRight(
                right.right, right.basis, right.territory, right.since, right.until, right.share,
                right.us_registration, right.us_registered,
            )
            for right in found.rights
        ),
    )  # fmt: skip
