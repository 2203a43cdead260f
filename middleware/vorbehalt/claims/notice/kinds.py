"""Which letters there are, and on which traffic each may rest."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from vorbehalt.claims.ledger import ATTRIBUTED, DESCRIBED, Ledger
from vorbehalt.facts import Standing

LANGUAGES = ("de", "en", "fr")


class Kind(StrEnum):
    """A kind of letter, as commands and records name it."""

    DECLARATION = "declaration"
    INQUIRY = "inquiry"
    FACTUAL = "factual"
    GPAI_COMPLAINT = "gpai-complaint"
    PRESERVATION = "preservation"
    REMINDER = "reminder"
    IMPOSTOR_REPORT = "impostor-report"


RESTS_ON: Mapping[Kind, tuple[Standing, ...]] = {
    Kind.INQUIRY: DESCRIBED,
    Kind.FACTUAL: ATTRIBUTED,
    Kind.GPAI_COMPLAINT: ATTRIBUTED,
    Kind.IMPOSTOR_REPORT: (Standing.CONTRADICTED,),
}
"""The standings whose requests a letter counts; a kind that is not here states no facts of traffic."""

WITHOUT_FACTS = (Kind.DECLARATION, Kind.PRESERVATION)
"""What may be written to anybody."""

SPEAKS_OF_ARTICLE_4 = (Kind.GPAI_COMPLAINT,)
"""Kinds that make no sense without Article 4 of the directive: never for research and heritage."""


def refusal(kind: Kind, ledger: Ledger | None) -> str | None:
    """Return why a kind of letter cannot rest on this traffic, with the kinds that can; None if it can.

    `ledger` is None where the operator is unknown to the rules: nothing in the log can be told to be its own.
    """
    standings = RESTS_ON.get(kind)
    if standings is None or (ledger is not None and _asked(ledger, standings)):
        return None
    possible = [other for other, basis in RESTS_ON.items() if ledger is not None and _asked(ledger, basis)]
    if not possible:
        reason = "the log holds no request of this operator in the period"
    elif kind in (Kind.FACTUAL, Kind.GPAI_COMPLAINT):
        reason = "no request of this operator in the period is signed or verified: all that is known of " + (
            "them is what they said of themselves" if Kind.INQUIRY in possible else "them speaks against it"
        )
    elif kind is Kind.INQUIRY:
        reason = "no request in the period merely described itself as this operator's"
    else:
        reason = "no request in the period was contradicted"
    allowed = ", ".join(dict.fromkeys([*possible, *WITHOUT_FACTS]))
    return f"{kind}: {reason}; allowed: {allowed}"


def _asked(ledger: Ledger, standings: tuple[Standing, ...]) -> int:
    return ledger.total(*standings)["requested"]
