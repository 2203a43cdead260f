"""The uses that a site can reserve, and what is declared of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vorbehalt.facts import Purpose

Stance = Literal["allow", "reserve"]
Use = Literal["search", "training", "ai_input", "tdm"]

USES: tuple[Use, ...] = ("search", "training", "ai_input", "tdm")

USE_OF_PURPOSE: Mapping[Purpose, Use] = {
    Purpose.TRAINING: "training",
    Purpose.DATASET: "training",
    Purpose.SEARCH: "search",
    Purpose.USER_FETCH: "ai_input",
    Purpose.AGENT: "ai_input",
}
"""Which use a crawler of a purpose fetches for; purposes that are no reserved use are left out."""


@dataclass(frozen=True, slots=True)
class Uses:
    """The four uses a site can reserve. `tdm` is text and data mining as a whole (Art. 4 DSM)."""

    search: Stance = "allow"
    training: Stance = "reserve"
    ai_input: Stance = "reserve"
    tdm: Stance = "reserve"

    def of(self, use: Use) -> Stance:
        """The stance on one use."""
        stance: Stance = getattr(self, use)
        return stance

    def restricted_by(self, other: Uses) -> Uses:
        """The most restrictive of both: a use is allowed only where both allow it."""
        return Uses(*("reserve" if "reserve" in (self.of(use), other.of(use)) else "allow" for use in USES))

    @property
    def reserved(self) -> tuple[Use, ...]:
        """The uses that are reserved."""
        return tuple(use for use in USES if self.of(use) == "reserve")

    @property
    def reserves_mining(self) -> bool:
        """True if any mining use is reserved.

        TDMRep has one value for mining as a whole, so the most restrictive of the three decides.
        """
        return "reserve" in (self.training, self.ai_input, self.tdm)

    @property
    def is_open(self) -> bool:
        """True if nothing at all is reserved; only then may robots.txt let a refused crawler in."""
        return self.search == "allow" and not self.reserves_mining

    @property
    def reserved_count(self) -> int:
        """How many of the four uses are reserved; orders equally specific sections."""
        return len(self.reserved)
