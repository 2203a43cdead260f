"""The terms: what is reserved, for whom, where, and whom to ask. Every channel is rendered from these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Stance = Literal["allow", "reserve"]
Capacity = Literal["owner", "licensee", "mandated"]


@dataclass(frozen=True, slots=True)
class Uses:
    """The four uses a site can reserve. `tdm` is text and data mining as a whole (Art. 4 DSM)."""

    search: Stance = "allow"
    training: Stance = "reserve"
    ai_input: Stance = "reserve"
    tdm: Stance = "reserve"

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
        return (self.search, self.training, self.ai_input, self.tdm).count("reserve")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the site with uses of its own. `paths` are RFC 9309 patterns (`*`, `$`)."""

    name: str
    paths: tuple[str, ...]
    uses: Uses


@dataclass(frozen=True, slots=True)
class Terms:
    """All that is declared for one host.

    `origin` is scheme and authority without a trailing slash. `contact` is a mailto: or https: URI.
    `licence_contact` is only announced with `may_license`. Paths are where the documents are served.
    """

    origin: str
    operator: str = ""
    contact: str = ""
    languages: tuple[str, ...] = ("en",)
    uses: Uses = field(default_factory=Uses)
    sections: tuple[Section, ...] = ()
    capacity: Capacity = "owner"
    on_behalf_of: tuple[str, ...] = ()
    rightsholder: str = ""
    policy_url: str = ""
    """A page of the site's own with its terms; empty: ours."""
    licence_contact: str = ""
    may_license: bool = False
    robots_path: str = "/robots.txt"
    tdmrep_path: str = "/.well-known/tdmrep.json"
    tdm_policy_path: str = "/.well-known/tdm-policy.json"
    rsl_path: str = "/license.xml"
    page_path: str = "/ai-policy"

    @property
    def tdm_policy_uri(self) -> str:
        """Absolute URI of the machine-readable policy."""
        return self.origin + self.tdm_policy_path

    @property
    def rsl_uri(self) -> str:
        """Absolute URI of the RSL document."""
        return self.origin + self.rsl_path

    @property
    def page_uri(self) -> str:
        """Absolute URI of the terms for people: the site's own page if it has one, else ours."""
        return self.policy_url or self.origin + self.page_path

    @property
    def all_uses(self) -> tuple[Uses, ...]:
        """The uses of the rest of the site first, then of each section."""
        return (self.uses, *(section.uses for section in self.sections))

    @property
    def reserves_mining(self) -> bool:
        """True if any mining use is reserved anywhere on the site."""
        return any(uses.reserves_mining for uses in self.all_uses)
