"""What templates put into pages and feeds, in agreement with the headers of the same answer.

Everything here gives text that Jinja and Django take as ready markup, and empty text where the middleware is
not in force: a page is never lost for a mark.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from time import time_ns
from typing import Any
from urllib.parse import unquote, urlsplit

from vorbehalt.edge.in_force import plan_of, plans_of
from vorbehalt.edge.trap_links import traps_of
from vorbehalt.edge.visits import path_of, without_authority
from vorbehalt.engine import HostPlan
from vorbehalt.facts import normal_path
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation import markup
from vorbehalt.reservation.headers import SectionHeaders
from vorbehalt.reservation.terms import Section, Terms

log = logging.getLogger("vorbehalt")

_HTML = "text/html"


class Markup(str):
    """Text that is ready markup: template engines ask for `__html__` before they escape."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def reservation_meta(request: Any) -> Markup:
    """Return the meta and link elements for the `head` of the page that answers a request.

    `request` is an ASGI scope, or an object that has it as `scope`: a request of Starlette, FastAPI, Litestar
    or Quart, or of Django under ASGI. They say what the headers of an HTML answer to it say.
    """
    return _never_in_the_way(_meta, request)


def reservation_feed(request: Any, url: str = "", media_type: str = _HTML) -> Markup:
    """Return the element for a feed: without `url` the link to the licence document, for an RSS `channel` or
    an Atom `feed`; with the address of a page or file of this site, what holds there, for its `item` or
    `entry`. `media_type` is that of what lies at the address. Nothing is said of addresses of other sites.
    """
    return _never_in_the_way(partial(_feed, url=url, media_type=media_type), request)


def trap_link(request: Any) -> Markup:
    """Return a link that no person sees and robots.txt forbids, for the end of the `body` of a page.

    Empty where no traps are placed, or where the address of the visitor is not known. The page must not lie
    in a cache that several visitors share: the link is the visitor's own.
    """
    return _never_in_the_way(_trap, request)


def reservation_context(request: Any) -> dict[str, Callable[..., Markup]]:
    """Give every Django template `{{ reservation_meta }}`, `{{ reservation_feed }}` and `{{ trap_link }}`:
    name `vorbehalt.reservation_context` among the `context_processors`. Nothing is made unless it is used.
    """
    return {
        "reservation_meta": partial(reservation_meta, request),
        "reservation_feed": partial(reservation_feed, request),
        "trap_link": partial(trap_link, request),
    }


def _never_in_the_way(make: Callable[[HostPlan, Verdict, Mapping[str, Any]], str], request: Any) -> Markup:
    try:
        scope = request if isinstance(request, Mapping) else getattr(request, "scope", None)
        if isinstance(scope, Mapping) and isinstance(verdict := scope.get("vorbehalt"), Verdict):
            plan = plan_of(verdict.reservation)
            return Markup() if plan is None else Markup(make(plan, verdict, scope))
    except Exception:  # the page is worth more than the mark
        log.exception("a page or feed goes without the mark of its reservation")
    return Markup()


def _meta(plan: HostPlan, verdict: Verdict, scope: Mapping[str, Any]) -> str:
    # A mount puts its own path into root_path; what the middleware saw is kept beside.
    root_path = str(scope.get("app_root_path", scope.get("root_path")) or "")
    path = normal_path(without_authority(path_of(scope)), root_path)
    return markup.meta(_for_media(plan.headers(path, verdict.section), _HTML).headers)


def _feed(plan: HostPlan, verdict: Verdict, scope: Mapping[str, Any], *, url: str, media_type: str) -> str:
    terms = plan.settings.terms
    if not url:
        return markup.feed_link(terms)
    parts = urlsplit(url)
    if not parts.netloc and url.startswith("/"):
        url = terms.origin + url
    elif parts.scheme not in ("https", "http") or parts.netloc.lower() not in _own(terms, scope):
        return ""
    path = normal_path(unquote(parts.path))
    found = _for_media(plan.headers(path, plan.sections.find(path)), media_type)
    named = next((section for section in terms.sections if section.name == found.name), None)
    section = replace(named or Section("", ("/",), found.uses), uses=found.uses)
    return markup.feed_content(terms, url, section)


def _trap(plan: HostPlan, verdict: Verdict, scope: Mapping[str, Any]) -> str:
    # Of several sites with the same signals any may place them: all of these forbid the same paths.
    placed = map(traps_of, plans_of(verdict.reservation))
    links = next((links for links in placed if links is not None), None)
    return "" if links is None else links.element(scope, time_ns())


def _own(terms: Terms, scope: Mapping[str, Any]) -> set[str]:
    """The authorities that mean this site: that of the terms, and the one that was asked."""
    asked = {value.decode("latin-1").lower() for name, value in scope.get("headers") or () if name == b"host"}
    return {urlsplit(terms.origin).netloc.lower(), *asked}


def _for_media(section: SectionHeaders, media_type: str) -> SectionHeaders:
    return section.for_answer(((b"content-type", media_type.encode("latin-1", "replace")),))
