"""Rules as values: what a rule matches, what it does, how much it lets through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from vorbehalt.facts import Action, Finding, Purpose, Standing
from vorbehalt.identify.identity import Identity
from vorbehalt.patterns.definition import Level
from vorbehalt.policy.classes import RequestClass

Mode = Literal["observe", "enforce"]
Scope = Literal["operator", "crawler", "prefix"]
"""Whom a quota counts together: all of an operator, one product token, or one address (/64 for IPv6)."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`count` requests in `period_seconds`, counted per `per`. Written `120/min per operator`.

    `by_class`: pages, media, search and feeds are counted apart, `120/min per operator and class`.
    """

    count: int
    period_seconds: int
    per: Scope = "prefix"
    burst: int = 0
    """Requests admitted at once; 0 means `count`."""
    by_class: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule asks of a request. An empty field asks nothing; all that is given must hold.

    `path` patterns are RFC 9309 (`*`, `$`); `address` are networks in text; `score` and `level` are minimums.
    """

    token: tuple[str, ...] = ()
    operator: tuple[str, ...] = ()
    purpose: tuple[Purpose, ...] = ()
    standing: tuple[Standing, ...] = ()
    basis: tuple[str, ...] = ()
    control: bool | None = None
    legal_deposit: bool | None = None
    path: tuple[str, ...] = ()
    section: tuple[str, ...] = ()
    classes: tuple[RequestClass, ...] = ()
    """Written `class`."""
    finding: tuple[str, ...] = ()
    score: int | None = None
    level: str = ""
    address: tuple[str, ...] = ()
    host: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One ordered rule. With a `limit`, `action` holds within the quota and `limit` (429) beyond it."""

    name: str
    match: Match
    action: Action
    limit: Quota | None = None
    mode: Mode | None = None
    """None: the site's mode."""
    until: datetime | None = None
    """UTC; the rule is passed over from then on."""
    reason: str = ""
    """Stable kebab-case reason code; empty: derived from the match."""


@dataclass(slots=True)
class Case:
    """Everything a rule may look at. Values only. Nobody changes them; freezing them would cost too much."""

    received_at: int
    identity: Identity | None
    findings: tuple[Finding, ...]
    score: int
    path: str
    section: str
    host: str
    address: str | None
    address_usable: bool
    reservation: str = ""
    work: str | None = None
    request_class: RequestClass = "pages"
    """Worked out only where the policy asks for it (`Policy.asks_class`)."""
    level: Level = "observe"
    """What the findings come to; "observe" too where they are not to decide on this request."""
