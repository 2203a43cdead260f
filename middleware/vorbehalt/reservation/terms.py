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
