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
