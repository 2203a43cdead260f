"""Knowledge about crawlers as values: operators, makers, product tokens, means of verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from vorbehalt.facts import Purpose

Kind = Literal["crawler", "tool", "headless"]
Basis = Literal["operator", "third-party", "inferred"]
Form = Literal["word", "product", "lead", "exact"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement comes from, and when it was read there."""

    id: str
    url: str
    date: date


@dataclass(frozen=True, slots=True)
class Party:
    """An operator (who runs a crawler) or a maker (who wrote a tool; never an operator)."""

    id: str
    name: str
    is_operator: bool
    homepage: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """One way in which the operator says its requests can be verified.

    `method` ranges: `list` names a document in rules/ranges. rdns: `suffixes` each with a leading dot.
    signature: `directory` is an https origin. as: `list` is an AS; never more than `consistent`.
    """

    method: Literal["ranges", "rdns", "signature", "as"]
    list: str = ""
    suffixes: tuple[str, ...] = ()
    directory: str = ""


@dataclass(frozen=True, slots=True)
class Crawler:
    """One product token with all that is known of it."""

    token: str
    party: Party
    kind: Kind
    purpose: Purpose
    purpose_basis: Basis
    form: Form = "word"
    case_sensitive: bool = False
    aliases: tuple[str, ...] = ()
    robots_tokens: tuple[str, ...] = ()
    is_control: bool = False
    """A control token lives in robots.txt only; a request that bears it is forged or a test."""
    verify: tuple[Means, ...] = ()
    purpose_note: str = ""
    documentation: str = ""
    respects_robots: Literal["yes", "claimed", "no", "unknown"] = "unknown"
    legal_deposit: bool = False
    sources: tuple[Source, ...] = ()
    must_match: tuple[str, ...] = ()
    must_not_match: tuple[str, ...] = ()

    @property
    def operator(self) -> str | None:
        """The operator's name, or None for a tool: its maker does not run it."""
        return self.party.name if self.party.is_operator else None


@dataclass(frozen=True, slots=True)
class Registry:
    """All crawlers of one version of the rules. `digest` is the SHA-256 (hex) over all documents."""

    version: str
    digest: str
    crawlers: tuple[Crawler, ...]
    parties: Mapping[str, Party]
    rejected: Mapping[str, str] = field(default_factory=dict)
    """Token -> reason why it is not matched."""

    @classmethod
    def from_documents(cls, documents: Mapping[str, bytes], version: str) -> Registry:
        """Read `operators/*.toml` and `rejected.toml`; every other document only enters the digest.

        Keys are names relative to the rules folder. Raises RulesError with all mistakes, one a line, each
        with file and token.
        """
        # The reader builds the values of this module, so it can only be imported once they exist.
        from vorbehalt.identify.documents import read_registry

        return read_registry(documents, version)

    def find(self, token: str) -> Crawler | None:
        """Return the crawler of this token or alias: as spelled, else ignoring case, else None."""
        folded = token.lower()
        found: Crawler | None = None
        for crawler in self.crawlers:
            for name in (crawler.token, *crawler.aliases):
                if name == token:
                    return crawler
                if found is None and name.lower() == folded:
                    found = crawler
        return found

    def robots_tokens(self, purposes: frozenset[Purpose]) -> tuple[str, ...]:
        """Return the robots.txt tokens of all crawlers of these purposes, control tokens included.

        Sorted and unique ignoring case. A token that a search engine reads too is left out unless search
        engines are asked for: nobody loses one because a row names its token for a second crawler.
        """
        kept = (
            frozenset()
            if Purpose.SEARCH_ENGINE in purposes
            else frozenset(
                token.lower()
                for crawler in self.crawlers
                if crawler.purpose is Purpose.SEARCH_ENGINE and not crawler.is_control
                for token in crawler.robots_tokens
            )
        )
        spelled: dict[str, str] = {}
        for crawler in self.crawlers:
            if crawler.purpose in purposes:
                for token in crawler.robots_tokens:
                    folded = token.lower()
                    if folded not in kept:
                        spelled[folded] = min(token, spelled.get(folded, token))
        return tuple(spelled[folded] for folded in sorted(spelled))
