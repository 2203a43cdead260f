"""The parts of a dossier as values: parties, reservation, works, robots.txt, conduct, disclosures. Pure."""

from __future__ import annotations

from dataclasses import dataclass

Text = str
"""From outside where it says so (paths, titles, User-Agents, notes): escape it for whatever you write."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of requests. Each request stands in exactly one of `refused`, `whole`, `part`,
    `not_modified`, `head`, `broken`, `other`, `unknown`; `delivered` is `whole` and `part` together.

    `bytes` were handed to the server with what was delivered; of `joined` ends only an access log tells.
    `first` and `last` are RFC 3339 in whole seconds, empty where there was none.
    """

    requested: int = 0
    refused: int = 0
    delivered: int = 0
    whole: int = 0
    part: int = 0
    not_modified: int = 0
    head: int = 0
    broken: int = 0
    other: int = 0
    unknown: int = 0
    bytes: int = 0
    joined: int = 0
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One day (ISO 8601, UTC) of one standing."""

    day: str
    standing: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Right:
    """One right in a work, as the catalogue says. `share` is in hundredths of a percent, None: not said.

    `territory` are ISO 3166-1 codes, empty: the world. Dates are ISO 8601, `until` the last day.
    """

    right: str
    basis: str
    territory: tuple[str, ...]
    since: str
    until: str
    share: int | None
    us_registration: str
    us_registered: str


@dataclass(frozen=True, slots=True)
class ScheduledWork:
    """A work that requests of the operator's name asked for.

    `attributed` counts signed and verified requests, `described` consistent, claimed and unknown ones;
    impostors are in neither. `missing_us` are codes of what a claim in the United States still lacks (words:
    `words.missing_us`). `is_known` False: no catalogue of today knows it, only the records name it.
    """

    id: str
    ids: tuple[str, ...]
    title: Text
    contributors: tuple[Text, ...]
    kind: str
    rights: tuple[Right, ...]
    missing_us: tuple[str, ...]
    is_known: bool
    attributed: Counts
    described: Counts


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a version: its path, the SHA-256 of its bytes (in `objects/`), its media type."""

    path: str
    digest: str
    media_type: str


@dataclass(frozen=True, slots=True)
class HeaderSet:
    """The reservation headers of one section ("" is the rest of the site), and who got them.

    `digest` names the object with the lines, `carried_as` is how records of answers name the same headers.
    `lines` are `name: value` as sent. `attributed` and `described` responses to the operator's requests
    carried exactly these headers while the version was in force.
    """

    section: str
    digest: str
    carried_as: str
    lines: tuple[str, ...]
    reserved: tuple[str, ...]
    attributed: int
    described: int


@dataclass(frozen=True, slots=True)
class Served:
    """How often a document was served to requests of one standing; `first` and `last` RFC 3339."""

    path: str
    digest: str
    standing: str
    token: str
    times: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class ReservationVersion:
    """What machines were told in one span. `until` empty: it had not ended at the pin.

    `record` proves it. `is_imported`: brought in later from elsewhere, not contemporaneous; `sources` say
    from where. `requests` of the operator's name were answered under it.
    """

    host: str
    digest: str
    since: str
    until: str
    record: int
    is_imported: bool
    sources: tuple[Text, ...]
    documents: tuple[Document, ...]
    headers: tuple[HeaderSet, ...]
    pending: tuple[str, ...]
    attributed: int
    described: int


@dataclass(frozen=True, slots=True)
class HeadersSeen:
    """Responses by the digest of the reservation headers they carried ("": none), and where this was seen."""

    digest: str
    vantage: str
    attributed: int
    described: int


@dataclass(frozen=True, slots=True)
class Grade:
    """All requests of one standing. `tokens` are the names they bore; `how` says on what it rests.

    `level` is V3 to V0, VX, VU; `name` and `meaning` are words in the dossier's language.
    """

    standing: str
    level: str
    name: str
    meaning: str
    counts: Counts
    tokens: tuple[tuple[str, int], ...]
    how: tuple[tuple[Text, int], ...]
    """The words of the records, most frequent first; at most 50."""
    more_how: int


@dataclass(frozen=True, slots=True)
class RobotsRow:
    """Requests to which the robots.txt in force said one thing by one line.

    `version` was in force. `fetched` is the version that this crawler had last fetched before: the same one,
    an older one, or "none" since observation began; "unknown" where the record does not say.
    `fetched_allowed` is what that older version said, None where it is the same or not known.
    `is_violation`: disallowed, with no permission by contract, under a token that is documented to be read,
    and the version fetched last does not let it in. `is_excused`: it does, or what it said is not known.
    """

    group: str
    """attributed or described"""
    token: str
    version: str
    allowed: bool
    line: Text
    number: int | None
    agent: Text
    fetched: str
    fetched_allowed: bool | None
    permission: str
    is_documented: bool
    is_violation: bool
    is_excused: bool
    counts: Counts


@dataclass(frozen=True, slots=True)
class Return:
    """How one client (a pseudonym within one month) went on after it was refused.

    `came_back` requests followed its first refusal, the first of them after `seconds` (None: none came).
    """

    group: str
    pseudonym: str
    month: str
    requests: int
    refused: int
    came_back: int
    seconds: int | None
    first_refused: str
    last: str


@dataclass(frozen=True, slots=True)
class AfterRefusal:
    """Of one group (attributed or described): what came after refusals.

    `came_back` of `refused_clients` clients asked again, with `requests_after` requests; `delivered_after`
    of these were delivered. `within_minute`, `within_hour` and `within_day` came back that soon.
    `other_addresses` pseudonyms of this group were first seen within an hour after a refusal of another one;
    that alone does not say that they belong together.
    """

    group: str
    clients: int
    refused_clients: int
    came_back: int
    requests_after: int
    delivered_after: int
    within_minute: int
    within_hour: int
    within_day: int
    other_addresses: int


@dataclass(frozen=True, slots=True)
class NoticeStep:
    """One step of a letter: `at` RFC 3339 of its record, `date` the day it happened, as said."""

    name: str
    at: str
    date: str
    note: Text
    digest: str
    index: int


@dataclass(frozen=True, slots=True)
class NoticeLetter:
    id: str
    kind: str
    language: str
    date: str
    due: str
    digest: str
    approved_by: Text
    is_open: bool
    steps: tuple[NoticeStep, ...]


@dataclass(frozen=True, slots=True)
class AfterNotice:
    """`since` RFC 3339, from when requests count as "after notice"; empty: no letter was sent by then."""

    since: str
    letters: tuple[NoticeLetter, ...]
    attributed: Counts
    described: Counts
    works: tuple[str, ...]
    """Works delivered to signed or verified requests after the notice."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One row of what the operator itself disclosed, beside what the log counts of the same month and token.

    `period` is YYYY-MM or YYYY; `requests` None and `domains` empty where the row does not say.
    `names_us`: whether a domain of this site is among the domains, None where none are named.
    """

    line: int
    period: str
    crawler: Text
    requests: int | None
    domains: tuple[Text, ...]
    names_us: bool | None
    is_known: bool
    """A crawler of this operator is known by this name."""
    is_covered: bool
    """The whole period lies within the dossier's."""
    attributed: Counts
    described: Counts
