"""What is right and wrong with what a site said. Pure: exchanges -> findings."""

from __future__ import annotations

from vorbehalt.probe.checks import agreement, caches, configured, documents, forms, headers, places, site
from vorbehalt.probe.finding import Ledger
from vorbehalt.probe.gather import Gathered
from vorbehalt.probe.knowledge import Knowledge


def check_all(gathered: Gathered, knowledge: Knowledge) -> Ledger:
    """Run every check in one order, so that the same answers give the same findings."""
    ledger = Ledger()
    site.check(gathered, knowledge, ledger)
    documents.check(gathered, ledger)
    forms.check(gathered, ledger)
    headers.check(gathered, ledger)
    stale = caches.check(gathered, knowledge, ledger)
    configured.check(gathered, knowledge, ledger, stale)
    places.check(gathered, ledger, stale)
    agreement.check(gathered, knowledge, ledger)
    return ledger
