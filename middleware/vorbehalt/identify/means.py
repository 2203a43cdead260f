"""What each means of verification says of one client: published lists, reverse DNS, signatures.

Opinions only; `identity.establish` weighs them. The words never hold the address: they go into records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from vorbehalt.facts import Purpose
from vorbehalt.identify.answers import DnsAnswer, SignatureAnswer
from vorbehalt.identify.networks import RangeList
from vorbehalt.identify.registry import Crawler, Means, Party, Registry

HOUR: Final = 3_600_000_000_000
DAY: Final = 24 * HOUR

_FOR_PEOPLE: Final = frozenset({Purpose.USER_FETCH, Purpose.AGENT, Purpose.FEED, Purpose.PREVIEW})
_SHOWN: Final = 100
_UNSAFE = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Documented:
    """One means of verification with all crawlers for which its operator documents it."""

    means: Means
    crawlers: tuple[Crawler, ...]

    @property
    def serves_people(self) -> bool:
        """True if anybody can make the operator fetch from there: it cannot vouch for a search engine."""
        return any(crawler.purpose in _FOR_PEOPLE for crawler in self.crawlers)


OperatorMeans = Mapping[str, tuple[Documented, ...]]
"""Id of a party -> everything by which its crawlers can be verified."""


def operator_means(registry: Registry) -> OperatorMeans:
    """Return the means of verification of every operator, each with the crawlers it is documented for."""
    found: dict[str, dict[Means, list[Crawler]]] = {}
    for crawler in registry.crawlers:
        for means in crawler.verify:
            found.setdefault(crawler.party.id, {}).setdefault(means, []).append(crawler)
    return {
        party: tuple(Documented(means, tuple(crawlers)) for means, crawlers in rows.items())
        for party, rows in found.items()
    }


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one means of verification says of one client.

    proof: verifies. hint: consistent. faded: would verify, but is too old. denial: a fresh negative. stale:
    would be one, but is too old. open: not consulted, could still verify. silent: says nothing either way.
    `data` is the SHA-256 (hex) of what it rests on.
    """

    says: Literal["proof", "hint", "faded", "denial", "stale", "open", "silent"]
    how: str
    method: str
    data: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one client at one time; ages and times in nanoseconds.

    `awaited` are methods whose answer is on its way: they could still verify.
    """

    address: str
    at: int
    ranges: Mapping[str, RangeList]
    dns: DnsAnswer | None
    signature: SignatureAnswer | None
    hit_age: int
    miss_age: int
    awaited: frozenset[str]


def opinion_of(means: Means, known: Known) -> Opinion:
    """Return what one means says."""
    if means.method == "rdns":
        return _from_dns(means, known)
    if means.method == "signature":
        return _from_signature(means, known)
    return _from_list(means, known)


def _from_list(means: Means, known: Known) -> Opinion:
    found = known.ranges.get(means.list)
    method = means.method
    if found is None:
        return Opinion("open", f"list {means.list} is not among the rules", method)
    # A list fetched after the request (old logs) is as far from it as one fetched as long before.
    age = abs(known.at - found.fetched_at)
    is_weak = method == "as" or found.basis != "operator"
    origin = "AS list" if method == "as" else "third-party list" if is_weak else "published list"
    label = f"{origin} {found.name} ({_age(known.at - found.fetched_at)}, sha256 {found.digest[:12]})"
    is_hit = found.networks.contains(known.address)
    is_in = "is in" if is_hit else "is not in"
    if is_hit and age <= known.hit_age:
        return Opinion("hint" if is_weak else "proof", f"the address is in {label}", method, found.digest)
    if is_weak:
        why = "too old to count" if is_hit else "which proves nothing"
        return Opinion("silent", f"the address {is_in} {label}, {why}", method, found.digest)
    if is_hit:
        return Opinion("faded", f"the address is in {label}, too old to verify", method, found.digest)
    if age <= known.miss_age:
        return Opinion("denial", f"the address is not in {label}", method, found.digest)
    return Opinion("stale", f"the address is not in {label}, too old to contradict", method, found.digest)


def _from_dns(means: Means, known: Known) -> Opinion:
    dns, method = known.dns, means.method
    if dns is None:
        still = "has not answered yet" if method in known.awaited else "was not consulted"
        return Opinion("open", f"reverse DNS {still}", method)
    words = _age(known.at - dns.asked_at, "asked")
    age = f"({words})"
    is_fresh = abs(known.at - dns.asked_at) <= DAY
    if dns.outcome == "failed":
        return Opinion("silent", f"reverse DNS of the address gave no answer {age}", method)
    name = dns.closes_under(means.suffixes)
    if name:
        sealed = ", DNSSEC" if dns.authenticated else ""
        how = f"reverse DNS of the address leads to {_without_address(name, means.suffixes)} and back"
        how += f" ({words}{sealed})"
        return Opinion("proof", how, method) if is_fresh else Opinion("faded", f"{how}, too old", method)
    wanted = " or ".join(means.suffixes)
    how = {
        "closed": f"reverse DNS of the address leads elsewhere than to {wanted} {age}",
        "open": f"reverse DNS of the address names hosts that do not lead back to it {age}",
        "absent": f"the address has no reverse DNS, where {wanted} is documented {age}",
    }[dns.outcome]
    return Opinion("denial", how, method) if is_fresh else Opinion("silent", f"{how}, too old", method)


def _from_signature(means: Means, known: Known) -> Opinion:
    signature, method = known.signature, means.method
    if signature is None:
        return Opinion("open", "the signature was not consulted", method)
    if signature.outcome == "verified" and same_origin(signature.agent, means.directory):
        how = f"signed with key {_shown(signature.thumbprint)[:12]} of {means.directory}"
        if signature.directory_digest:
            how += f" (directory sha256 {_shown(signature.directory_digest)[:12]})"
        return Opinion("proof", how, method, signature.directory_digest)
    return Opinion("open", f"no signature of {means.directory} was verified", method)


def remark_on(signature: SignatureAnswer | None, party: Party, documented: OperatorMeans) -> str:
    """Return words on a signature that is not of this party; empty where there is none."""
    if signature is None:
        return ""
    agent, how = _shown(signature.agent), _shown(signature.how)
    if signature.outcome == "invalid":
        return f"a signature in the name of {agent} does not hold: {how}"
    if signature.outcome == "unverified":
        return f"a signature in the name of {agent} could not be checked: {how}"
    owner = signer_of(signature.agent, documented)
    if owner is not None and owner.party.id == party.id:
        return ""
    whose = "whose operator is not known" if owner is None else f"which is {owner.party.name}'s"
    key = _shown(signature.thumbprint)[:12]
    return f"signed with key {key} of {agent}, {whose}, and not {party.name}'s"


def signer_of(agent: str, documented: OperatorMeans) -> Crawler | None:
    """Return the crawler that signs with the keys of this directory, None if no operator documents it."""
    for rows in documented.values():
        for row in rows:
            if row.means.method == "signature" and same_origin(agent, row.means.directory):
                return row.crawlers[0]
    return None


def same_origin(one: str, other: str) -> bool:
    """True if two https origins in text are the same."""
    return bool(one) and _origin(one) == _origin(other)


def _origin(text: str) -> str:
    return text.strip().lower().rstrip("/").removesuffix(":443")


def _without_address(name: str, suffixes: tuple[str, ...]) -> str:
    """A confirmed name with `*` for the labels that may spell the address, as those of most crawlers do."""
    suffix = next((end for end in suffixes if ("." + name).endswith(end)), "")
    own = name[: len(name) - len(suffix)] if len(name) > len(suffix) else ""
    if not own:
        return name
    labels = ["*" if any(char.isdigit() for char in label) else label for label in own.split(".")]
    return _shown(".".join(labels) + suffix)


def _shown(text: str) -> str:
    """Text of others in a sentence of ours: printable ASCII, and no more than 100 characters."""
    return _UNSAFE.sub("?", text[:_SHOWN])


def _age(nanoseconds: int, verb: str = "fetched") -> str:
    hours = abs(nanoseconds) // HOUR
    words = f"{hours} h" if hours < 48 else f"{hours // 24} days"
    return f"{words} old" if nanoseconds >= 0 else f"{verb} {words} after the request"
