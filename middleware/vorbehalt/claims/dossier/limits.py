"""What a dossier cannot show: said in it, with figures, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator

from vorbehalt.claims.dossier.contents import Limitations
from vorbehalt.claims.dossier.contents_told import (
    Statement,
)
from vorbehalt.claims.dossier.figures import Figures
from vorbehalt.claims.dossier.given import Given
from vorbehalt.claims.dossier.system import faults, is_clock_fault
from vorbehalt.claims.dossier.words import Words
from vorbehalt.claims.ledger import ATTRIBUTED, DESCRIBED, Ledger
from vorbehalt.claims.ledger_rows import told
from vorbehalt.facts import Standing

_MOST_LISTED = 1_000


def limitations_of(
    figures: Figures, ledger: Ledger, given: Given, words: Words, unbounded: int
) -> Limitations:
    """Return section 11."""
    gaps = tuple(faults(figures, "gap"))
    clocks = tuple(fault for fault in faults(figures, "clock") if is_clock_fault(fault))
    destroyed = tuple(faults(figures, "shred"))
    corrections = tuple(faults(figures, "correction"))
    counts = told(ledger.total(*ATTRIBUTED, *DESCRIBED))
    vantage = sum(
        line.counts["requested"]
        for line in figures.tally.book("vantage").lines()
        if line.work == "forward-auth" and line.standing is not Standing.CONTRADICTED
    )
    stale = told(ledger.total(Standing.UNKNOWN))["requested"]

    def statements() -> Iterator[Statement]:
        yield words.statement("lim.true")
        yield words.statement("lim.gaps", gaps=len(gaps)) if gaps else words.statement("lim.no_gaps")
        for code, name, number in (
            ("unbounded", "records", unbounded),
            ("clocks", "faults", len(clocks)),
            ("vantage", "requests", vantage),
            ("joined", "requests", counts["joined"]),
            ("unknown", "requests", counts["unknown"]),
            ("stale", "requests", stale),
            ("rollups", "requests", sum(row.requested for row in given.rollups)),
            ("unnamed", "visits", given.unnamed),
            ("imported", "lines", figures.imported),
            ("cut", "records", given.cut),
            ("pruned", "records", given.pruned),
            ("unmatched", "records", ledger.unmatched),
            ("shred", "times", len(destroyed)),
            ("corrections", "records", len(corrections)),
        ):
            if number:
                yield words.statement(f"lim.{code}", **{name: number})
        if not given.rollups_enclosed:
            yield words.statement("lim.rollups_left_out")
        yield words.statement("lim.others")
        yield words.statement("lim.given")
        if given.disclosures:
            yield words.statement("lim.disclosures")
        yield words.statement("lim.addresses")

    return Limitations(
        statements=tuple(statements()),
        gaps=gaps[:_MOST_LISTED],
        clocks=clocks[:_MOST_LISTED],
        destroyed=destroyed[:_MOST_LISTED],
        corrections=corrections[:_MOST_LISTED],
    )
