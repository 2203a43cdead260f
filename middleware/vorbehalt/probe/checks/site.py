"""The site as a whole: did it answer, to us, itself; and did we get through."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from vorbehalt.probe.exchange import DOCUMENTS
from vorbehalt.probe.finding import Ledger
from vorbehalt.probe.gather import Gathered
from vorbehalt.probe.knowledge import Knowledge

REFUSALS = (401, 402, 403, 429, 503)


def check(gathered: Gathered, knowledge: Knowledge, ledger: Ledger) -> None:
    """Look at faults, refusals, redirects elsewhere, llms.txt, and what was left unasked."""
    _answers(gathered, ledger)
    _refusals(gathered, knowledge, ledger)
    _elsewhere(gathered, ledger)
    _llms(gathered, ledger)
    if gathered.unasked:
        ledger.add(
            "not-all-asked", "warning", gathered.unasked, "every question put",
            f"{len(gathered.unasked)} questions not put",
            "the limit of requests or of time was reached before everything was asked",
        )  # fmt: skip


def _answers(gathered: Gathered, ledger: Ledger) -> None:
    for one in gathered.exchanges:
        if one.kind in DOCUMENTS and one.variant == "plain":
            continue
        fault = one.fault
        ledger.check(
            fault is None, "unanswered", "error", [one.path], "a whole answer",
            "" if fault is None else fault.message,
            f"{one.method} {one.path}: {'' if fault is None else fault.message}",
        )  # fmt: skip


def _refusals(gathered: Gathered, knowledge: Knowledge, ledger: Ledger) -> None:
    refused = [
        one
        for one in gathered.on_site()
        if one.kind not in (*DOCUMENTS, "missing", "llms", "sitemap")
        and one.variant == "plain"
        and one.status in REFUSALS
    ]
    if knowledge.claims_crawler or not refused:
        ledger.passes()
        return
    statuses = ", ".join(sorted({str(one.status) for one in refused}))
    ledger.add(
        "sample-refused", "warning", [one.path for one in refused], "200", statuses,
        f"the site refuses the probe ({statuses}): what readers are served there was not checked",
    )  # fmt: skip


def _elsewhere(gathered: Gathered, ledger: Ledger) -> None:
    for one in gathered.on_site():
        if not one.is_redirect or one.kind in DOCUMENTS or one.variant != "plain":
            continue
        target = urlsplit(urljoin(one.url, one.text(b"location").partition(", ")[0]))
        there = f"{target.scheme}://{target.netloc}"
        ledger.check(
            there == gathered.base, "site-elsewhere", "warning", [one.path], f"an answer of {gathered.base}",
            f"{one.status} to {there}",
            f"{one.path} redirects to {there}, which was not asked: probe that address too",
        )  # fmt: skip


def _llms(gathered: Gathered, ledger: Ledger) -> None:
    found = [
        one.path
        for one in gathered.on_site()
        if one.kind == "llms" and one.status == 200 and one.media_type in ("text/plain", "text/markdown", "")
    ]
    ledger.check(
        not found, "llms-txt", "warning", found, "no bundle of content for models next to a reservation",
        ", ".join(found),
        f"{' and '.join(found)} hand{'s' if len(found) == 1 else ''} content to language models, and is no"
        " opt-out: make sure that it says nothing that the reservation takes back",
    )  # fmt: skip
