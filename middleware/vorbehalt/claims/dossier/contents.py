"""All that a dossier says, as one value: pages, certificates and `contents.json` are made from it alone.

Nothing in it depends on when, where or by whom it was made. Times are RFC 3339 UTC in whole seconds; the
enclosed records have them exactly. Texts of strangers stand as the records have them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from vorbehalt.claims.dossier.contents_parts import (
    AfterNotice,
    AfterRefusal,
    Counts,
    Day,
    Disclosure,
    Grade,
    HeadersSeen,
    ReservationVersion,
    Return,
    RobotsRow,
    ScheduledWork,
    Served,
)
from vorbehalt.claims.dossier.contents_told import (
    Anchor,
    Custody,
    Fault,
    Rollup,
    Software,
    Statement,
    UnmappedPath,
)

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: the same question on the same log gives the same dossier. `size` is the pin."""

    operator: str
    since: str
    until: str
    """RFC 3339, not included; empty: to the pin. `since` empty: from the beginning."""
    size: int
    language: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The signed checkpoint that everything rests on. `root` is base64 as it stands there."""

    origin: str
    vkey: str
    size: int
    root: str
    checkpoint_digest: str
    """SHA-256 of `log/checkpoint`."""
    first_record: str
    last_record: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What the audit of the whole evidence directory said when the dossier was made."""

    ok: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Section 0. `assurance` of the pinned log: self-attested, timestamped, witnessed, qualified.

    `sentences` say it in the dossier's language, most important first; failures and gaps are among them.
    `works_*` count distinct works. `catalogue` is how many works the catalogue holds, None without one.
    """

    assurance: str
    assurance_words: str
    verifies: bool
    has_traffic: bool
    sentences: tuple[Statement, ...]
    attributed: Counts
    described: Counts
    impostors: Counts
    works_requested: int
    works_delivered: int
    share_of_catalogue: str
    catalogue: int | None
    violations: int
    after_notice: int
    gaps: int
    records_enclosed: int


@dataclass(frozen=True, slots=True)
class Site:
    """One host of the site and what it declares (section 1)."""

    names: tuple[str, ...]
    origin: str
    operator: str
    rightsholder: str
    capacity: str
    on_behalf_of: tuple[str, ...]
    contact: str
    licence_contact: str
    may_license: bool
    uses: tuple[tuple[str, str], ...]
    """Use and what is declared: reserve or allow."""
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    """Name and path patterns of parts of the site with terms of their own."""


@dataclass(frozen=True, slots=True)
class Crawler:
    """A product token of the operator, as it documents it; `basis` says who says what it is for."""

    token: str
    purpose: str
    basis: str
    robots_tokens: tuple[str, ...]
    documentation: str
    means: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parties:
    """Section 1."""

    sites: tuple[Site, ...]
    operator: str
    operator_id: str
    homepage: str
    crawlers: tuple[Crawler, ...]
    configuration: str
    """SHA-256 of the configuration that parties and catalogue were read from."""
    rules: str
    catalogue_files: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each file."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Section 2. `runs` are writers that served, with their first and last record (RFC 3339, exact)."""

    versions: tuple[ReservationVersion, ...]
    headers_seen: tuple[HeadersSeen, ...]
    served: tuple[Served, ...]
    older_records: int
    runs: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Section 4 and the exact counts behind it. `vantage` is where answers were seen, with requests."""

    days: tuple[Day, ...]
    rollups: tuple[Rollup, ...]
    rollups_enclosed: bool
    hosts: tuple[tuple[str, int, int], ...]
    """Host, attributed and described requests."""
    sections: tuple[tuple[str, Counts, Counts], ...]
    vantage: tuple[tuple[str, int, int], ...]
    cut: int
    """Records too long to say who asked; `unnamed` visits were counted under no name. Anybody's, both."""
    unnamed: int
    pruned: int
    imported: int
    """Lines of old access logs that bear the operator's name: not contemporaneous, in no other figure."""


@dataclass(frozen=True, slots=True)
class Works:
    """Section 3."""

    scheduled: tuple[ScheduledWork, ...]
    unmapped: tuple[UnmappedPath, ...]
    unmapped_requests: int
    """Requests at paths without a work, all of them; `unmapped` lists at most 200 paths."""


@dataclass(frozen=True, slots=True)
class Robots:
    """Section 6. `unasked`: requests whose record does not say what robots.txt said (no crawler, cut)."""

    rows: tuple[RobotsRow, ...]
    violations_attributed: int
    violations_described: int
    unasked: int


@dataclass(frozen=True, slots=True)
class Conduct:
    """Section 7. `decisions` are action, rule and what was enforced, by group."""

    after_refusal: tuple[AfterRefusal, ...]
    returns: tuple[Return, ...]
    """The clients that came back, most requests first; at most 200."""
    decisions: tuple[tuple[str, str, str, int, int], ...]
    """Action, rule, reasons; attributed and described requests."""


@dataclass(frozen=True, slots=True)
class Exculpatory:
    """Section 10: what speaks for the operator."""

    statements: tuple[Statement, ...]
    impostors: Counts
    impostor_how: tuple[tuple[str, int], ...]
    permissions: tuple[tuple[str, Counts], ...]
    """Reference of the contract, and what was asked for under it."""
    robots_allowed: int
    robots_fetched: int


@dataclass(frozen=True, slots=True)
class Limitations:
    """Section 11."""

    statements: tuple[Statement, ...]
    gaps: tuple[Fault, ...]
    clocks: tuple[Fault, ...]
    destroyed: tuple[Fault, ...]
    corrections: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class System:
    """Section 12. `description` are plain sentences in the dossier's language."""

    description: tuple[Statement, ...]
    software: tuple[Software, ...]
    custodian: str
    custody: tuple[Custody, ...]
    anchors: tuple[Anchor, ...]
    missed: tuple[Fault, ...]
    window_seconds: int | None
    """The widest window between two outside times around a record of the operator; None: some have none."""
    unbounded: int
    """Records of the operator that no outside time covers at the pin."""


@dataclass(frozen=True, slots=True)
class Verify:
    """Section 14: steps in the dossier's language, each with the command (empty: none)."""

    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """A whole dossier. Section 13 (drafts of certificates) is made from sections 1, 11, 12 and the pin."""

    question: Question
    pin: Pin
    verification: Verification
    summary: Summary
    parties: Parties
    reservation: Reservation
    works: Works
    traffic: Traffic
    attribution: tuple[Grade, ...]
    robots: Robots
    conduct: Conduct
    notice: AfterNotice
    disclosures: tuple[Disclosure, ...]
    disclosures_file: tuple[str, str]
    """Name and SHA-256 of the file that was given; empty without one."""
    exculpatory: Exculpatory
    limitations: Limitations
    system: System
    verify: Verify
    format: int = FORMAT

    def as_json(self) -> dict[str, object]:
        """Return it as plain values for `json`; tuples become lists there."""
        return asdict(self)

    def encode(self) -> bytes:
        """Return `contents.json`: the same contents give the same bytes."""
        lines = (f'"{name.name}": {_ENCODER.encode(getattr(self, name.name))}' for name in fields(self))
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _plain(value: object) -> dict[str, object]:
    """One level of a part; the encoder asks for the next, so that the whole never lies in memory twice."""
    return {name.name: getattr(value, name.name) for name in fields(value)}  # type: ignore[arg-type]


_ENCODER = json.JSONEncoder(ensure_ascii=True, default=_plain)
