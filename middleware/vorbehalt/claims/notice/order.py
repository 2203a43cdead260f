"""What is to be written, and what all letters of one run share. Values; times are arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from vorbehalt.claims.notice.annexes import FindWork
from vorbehalt.claims.notice.counsel import Counsel
from vorbehalt.claims.notice.in_force import InForce
from vorbehalt.claims.notice.kinds import Kind
from vorbehalt.claims.notice.sender import Sender
from vorbehalt.claims.notice.traffic import Traffic
from vorbehalt.claims.register import Register

ENCLOSED_BYTES = 64 * 1024
"""A list of the whole catalogue up to this size goes with each letter; a larger one is offered."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `language` overrides the addressee's; `since` and `until` are ns UTC, open if None.

    `earlier` is the id of the letter to remind of, empty for the last one that went out.
    """

    kind: Kind
    today: date
    due: date
    approved_by: str = ""
    language: str = ""
    since: int | None = None
    until: int | None = None
    size: int | None = None
    offers_licence: bool = False
    is_draft: bool = False
    counsel: Counsel | None = None
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The list of all works as it was written: how many, its digest, and its bytes if it is small."""

    count: int
    digest: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """What the letters say of the evidence: its size and root (base64), and what its times rest on."""

    size: int
    root: str
    assurance: str


@dataclass(frozen=True, slots=True)
class Material:
    """What is the same for all letters of one run. `names` maps names and ids in small letters to operators.

    `traffic` is by the operator's name, for kinds that count requests; a reminder's is that since its letter.
    """

    sender: Sender
    reservations: tuple[InForce, ...]
    names: Mapping[str, str]
    log: Log
    find_work: FindWork
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    register: Register = field(default_factory=lambda: Register(()))
    catalogue: Catalogue | None = None

    def operator(self, named: str) -> str:
        """Return an operator as records bear it; a party that the rules do not know keeps its name."""
        return self.names.get(named.strip().lower(), named)
