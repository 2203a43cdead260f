"""One request of one client as its cohorts see it: does it count, and is it a reader's? Pure."""

from __future__ import annotations

from typing import Final

from vorbehalt.facts import Finding
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.client import ClientRecord
from vorbehalt.patterns.cohort_keys import cohorts_of
from vorbehalt.patterns.cohorts import Cohorts
from vorbehalt.patterns.noting import carried, is_page_view
from vorbehalt.patterns.seen import Seen
from vorbehalt.patterns.spots import Spot

_FIRST: Final = 2
"""Pages of a reader that count in its cohorts, each hour."""

_DEAD: Final = frozenset({"claim.dead_browser", "claim.no_such_browser"})


def find_in_cohorts(
    cohorts: Cohorts,
    key: int,
    address: str,
    record: ClientRecord,
    looked: Seen,
    spot: Spot,
    shape: bytes,
    stateless: tuple[Finding, ...],
    beside: Circumstances,
    now: int,
) -> Finding | None:
    """Tell the cohorts of a request, which its client's record holds already; return what is found.

    `address` is the client's, `shape` the `cohort_fingerprint` of the request.

    What says what it is (tools, previews, link checkers), what is fetched in advance and what claims no
    browser is no page view here: it hides nothing.
    """
    if not cohorts.is_on:
        return None
    if not is_page_view(looked):
        if key in cohorts.waiting and (
            looked.kind == "asset" or looked.values.get(b"sec-fetch-site") == b"same-origin"
        ):
            cohorts.note_asset(key, now)
        return None
    if not _counts(looked, beside):
        return None
    is_reader = _is_reader(record, looked, beside)
    if is_reader and record.pages > _FIRST:
        if spot.hash not in cohorts.read_paths:
            cohorts.note_path(spot.hash, now)
        return None
    is_dead = any(finding.id in _DEAD for finding in stateless)
    # A weak contradiction, such as an old browser, is shared by too many people to make a cohort of them.
    strong = stateless if sum(finding.weight for finding in stateless) >= cohorts.strong else ()
    names = cohorts_of(looked, address, shape, cohorts.inputs, strong)
    found = cohorts.finding_for(names, spot, now, is_reader=is_reader)
    cohorts.note_page(key, address, spot, names, now, is_reader=is_reader, is_dead=is_dead)
    return found


def _counts(looked: Seen, beside: Circumstances) -> bool:
    if looked.method != "GET" or looked.is_prefetch:
        return False
    if beside.is_declared or beside.checks_links or beside.robots_version is not None:
        return False
    return looked.browser is not None


def _is_reader(record: ClientRecord, looked: Seen, beside: Circumstances) -> bool:
    """It carries what only a visit before can have given it, or its client loaded what belongs to pages."""
    return bool(
        carried(looked.values)
        or record.assets
        or record.cookies
        or record.revalidations
        or not record.is_cold
        or beside.challenge_passed
        or beside.is_signed_in
    )
