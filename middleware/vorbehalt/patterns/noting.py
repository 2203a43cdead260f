"""One request into the counters of its client: what kind of request it is, how it came about. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from vorbehalt.patterns import media, traps
from vorbehalt.patterns.circumstances import Circumstances
from vorbehalt.patterns.client import BY_ITSELF, FOLLOWED, HAS_COOKIE, REVALIDATES, ClientRecord
from vorbehalt.patterns.seen import Seen
from vorbehalt.patterns.spots import Spot, facet


def way_of(values: Mapping[bytes, bytes], host: bytes) -> int:
    """How a navigation came about: by Sec-Fetch-Site; where that is not sent, by a Referer of this site.

    Without both nothing is known: whoever strips headers must not be found for it a second time.
    """
    site = values.get(b"sec-fetch-site")
    if site is not None:
        return FOLLOWED if site == b"same-origin" else BY_ITSELF if site == b"none" else 0
    referer = values.get(b"referer")
    return FOLLOWED if referer is not None and host and host in referer[: len(host) + 8] else 0


def carried(values: Mapping[bytes, bytes]) -> int:
    """What a request carries from an earlier visit."""
    carries = HAS_COOKIE if b"cookie" in values else 0
    if b"if-none-match" in values or b"if-modified-since" in values:
        carries |= REVALIDATES
    return carries


def is_page_view(seen: Seen) -> bool:
    """True if this shows a page to somebody, as far as the request says. In doubt, on plain http, it does."""
    if seen.method not in ("GET", "HEAD") or seen.kind != "page" or b"x-requested-with" in seen.values:
        return False
    return seen.is_navigation or b"sec-fetch-mode" not in seen.values


def note(
    record: ClientRecord, seen: Seen, spot: Spot, query: bytes, beside: Circumstances, now: int, slot: float
) -> None:
    """Count a request. What is fetched in advance, and may never be shown, is no page view."""
    values = seen.values
    carries = carried(values)
    if beside.robots_version is not None:
        record.note_other(now, carries)
        record.marked().fetched_robots(now * 1e-9, beside.robots_version)
    elif seen.is_prefetch:
        record.note_other(now, carries)
    elif seen.kind == "media":
        record.note_media(spot, now, media.is_bare(record, seen, beside))
        part = media.closed_range(seen)
        if part is not None and b"sec-fetch-dest" not in values and b"referer" not in values:
            record.marked().fetched_part(now * 1e-9, spot.hash, *part)
    elif is_page_view(seen):
        record.note_page(spot, now, way_of(values, seen.host.encode("latin-1", "replace")), carries, slot)
        if query:
            record.note_query(spot, facet(query))
        if beside.is_closed_area:
            record.note_disallowed()
    elif seen.kind == "asset" or values.get(b"sec-fetch-site") == b"same-origin":
        record.note_asset(now, carries)
    else:
        record.note_other(now, carries)
    if seen.method == "HEAD":
        record.note_head()
    if traps.counts(seen, beside):
        record.marked().stepped_into(now * 1e-9, spot.hash)
