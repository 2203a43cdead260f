"""What the site publishes beside its pages that contradicts the reservation: looked at once, then named."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from vorbehalt.edge.asking_site import SiteAnswer, ask_site
from vorbehalt.edge.runtime import Runtime
from vorbehalt.engine import HostPlan
from vorbehalt.reservation.scopes import by_path, uses_under
from vorbehalt.reservation.terms import Terms

log = logging.getLogger("vorbehalt")

_DEADLINE_SECONDS = 2.0
_BUNDLES = ("/llms-full.txt", "/llms.txt")
_NOTHING = "/vorbehalt-looks-for-nothing-here.txt"
_TRUST = ("/trust.txt", "/.well-known/trust.txt")


async def look_once(runtime: Runtime, plan: HostPlan, app: Any, scope: Any) -> None:
    """Ask the app once for each file that may contradict the terms; runs when an answer has left.

    Never raises. What cannot be read in two seconds is left alone: it is a look, not a promise.
    """
    mark = (plan.settings.key, runtime.settings.digest)
    if mark in runtime.surveyed or not plan.settings.terms.reserves_mining:
        return
    runtime.surveyed.add(mark)
    try:
        await asyncio.wait_for(_look(runtime, plan, app, scope), _DEADLINE_SECONDS)
    except Exception as error:  # the site answers as it likes; this was only a look
        log.info("the site's own files could not be looked at: %s", type(error).__name__)


async def _look(runtime: Runtime, plan: HostPlan, app: Any, scope: Any) -> None:
    terms = plan.settings.terms
    anything: SiteAnswer | None = None
    for path in (terms.tdmrep_path, *_BUNDLES, *_TRUST):
        answer = await ask_site(app, plan, scope, path)
        sentence = conflict_in(terms, path, answer)
        if sentence and anything is None:
            anything = await ask_site(app, plan, scope, _NOTHING)
        if anything == answer:
            # A site that answers every path alike has no such file.
            sentence = ""
        code = f"file {plan.settings.key}{path}"
        if sentence:
            runtime.conflicts.note(code, f"{terms.origin}{path}: {sentence}")
        else:
            runtime.conflicts.forget(code)


def conflict_in(terms: Terms, path: str, answer: SiteAnswer) -> str:
    """Say how a file of the site contradicts the terms; empty if it does not, or is no such file. Pure."""
    if answer.status != 200 or answer.media_type == "text/html" or answer.body.lstrip()[:1] == b"<":
        # A site that answers every path with a page of its own has no such file.
        return ""
    if path == terms.tdmrep_path:
        return _tdmrep(terms, answer.body)
    if path in _BUNDLES:
        return (
            "the site offers its content to language models here while uses by them are reserved;"
            " take it away, or reserve less"
        )
    said = [line.partition("=")[2].strip().lower() for line in answer.body.decode("latin-1").splitlines()
            if line.partition("=")[0].strip().lower() == "datatrainingallowed"]  # fmt: skip
    if "yes" in said and any(uses.training == "reserve" for uses in terms.all_uses):
        return "datatrainingallowed=yes contradicts the reservation of training"
    return ""


def _tdmrep(terms: Terms, body: bytes) -> str:
    try:
        rules = json.loads(body)
    except ValueError:
        return ""
    told = by_path(terms)
    opened = [
        str(rule.get("location"))
        for rule in (rules if isinstance(rules, list) else [])
        if isinstance(rule, dict)
        and rule.get("tdm-reservation") == 0
        and uses_under(told, "" if rule.get("location") == "/" else str(rule.get("location"))).reserves_mining
    ]
    if not opened:
        return ""
    shown = ", ".join(place if place.isprintable() else repr(place) for place in opened[:5])
    return f"the site's own file says tdm-reservation 0 for {shown[:200]}; ours is served in its place"
