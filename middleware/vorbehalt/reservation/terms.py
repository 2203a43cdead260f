"""The terms: what is reserved, for whom, where, and whom to ask. Every channel is rendered from these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from vorbehalt.reservation.uses import Use, Uses
from vorbehalt.reservation.vocabulary import Vocabulary

Capacity = Literal["owner", "licensee", "mandated"]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the site with uses of its own.

    `paths` are RFC 9309 patterns (`*`, `$`). `media` narrows the part to answers of these media types
    (`audio/*`, `image/png`; none: any). `works` names the works that it holds (`isrc:DEUM72600001`), and
    `rightsholder` whose they are, if not the site's.
    """

    name: str
    paths: tuple[str, ...]
    uses: Uses
    media: tuple[str, ...] = ()
    works: tuple[str, ...] = ()
    rightsholder: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """What a contract permits to one operator. It overrides the signals for that operator alone.

    `licensee` is an operator's id or name. `sections` are those it holds for (none: the whole site). Times
    are nanoseconds UTC, `until` exclusive, None: open.
    """

    reference: str
    licensee: str
    uses: tuple[Use, ...]
    sections: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None

    def holds(self, use: Use, section: str, at: int) -> bool:
        """True if this use of a section is permitted at this time (nanoseconds UTC).

        Permission for mining as a whole (`tdm`) is one for training and for input to answers, too.
        """
        return (
            (use in self.uses or (use != "search" and "tdm" in self.uses))
            and (not self.sections or section in self.sections)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )


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
    trap_path: str = ""
    """Where trap links lead, a prefix (`/related/`) that robots.txt forbids to everybody; empty: no traps."""
    permissions: tuple[Permission, ...] = ()
    page_templates: tuple[tuple[str, str], ...] = ()
    """The site's own frames of the page for people: language and HTML with placeholders; none: ours."""
    vocabulary: Vocabulary = field(kw_only=True)

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
