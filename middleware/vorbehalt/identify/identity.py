"""From a claim to a standing: what the client says, and what could be established about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from vorbehalt.facts import ClientAddress, Purpose, Standing
from vorbehalt.identify.networks import RangeList
from vorbehalt.identify.registry import Crawler, Means

_HOUR: Final = 3_600_000_000_000
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Claim:
    """What a client says it is: the most specific product token found in its User-Agent.

    `others` are further tokens that matched, less specific ones last.
    """

    crawler: Crawler
    others: tuple[Crawler, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What could be established about a claim. No claim: no identity.

    `how` says in words on what the standing rests, with the age and version of the data used.
    """

    crawler: Crawler
    standing: Standing
    how: str

    @property
    def token(self) -> str:
        return self.crawler.token

    @property
    def operator(self) -> str | None:
        return self.crawler.operator

    @property
    def purpose(self) -> Purpose:
        return self.crawler.purpose


def kind_of(claim: Claim | None) -> Literal["crawler", "tool", "headless", "other"]:
    """Return what kind of client a User-Agent speaks of; `other` bears no token: most of them are people."""
    return "other" if claim is None else claim.crawler.kind


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What one means of verification says of one address.

    proof: verifies. hint: consistent. denial: a fresh negative. stale: too old to say. open: not consulted,
    and could still verify. silent: says nothing either way.
    """

    says: Literal["proof", "hint", "denial", "stale", "open", "silent"]
    how: str


def establish(
    claim: Claim,
    client: ClientAddress,
    ranges: Mapping[str, RangeList],
    at_ns: int,
    *,
    hit_max_age_days: int = 30,
    miss_max_age_hours: int = 24,
) -> Identity:
    """Return what can be established about a claim from published address lists alone.

    `at_ns` is the time of the request, nanoseconds UTC; `ranges` are lists by name. A search engine is only
    contradicted by two fresh negatives of different means, so never by its lists alone. The words of `how`
    never hold the address.
    """
    crawler = claim.crawler
    if crawler.is_control:
        how = (
            f"{crawler.token} is a control token of robots.txt: no genuine request bears it as its User-Agent"
        )
        return Identity(crawler, Standing.CONTRADICTED, how)
    if not client.is_usable:
        return Identity(crawler, Standing.CLAIMED, f"not checked: {_why_unusable(client)}")
    if not crawler.verify:
        return Identity(
            crawler, Standing.CLAIMED, f"{crawler.party.name} names no means of verification for it"
        )
    address = client.text or ""
    hit_age, miss_age = hit_max_age_days * _DAY, miss_max_age_hours * _HOUR
    opinions = [
        _from_means(means, address, ranges, at_ns, hit_age, miss_age)
        if means.method in ("ranges", "as")
        else _Opinion("open", f"{_MEANS_WORDS[means.method]} was not consulted")
        for means in crawler.verify
    ]
    return _weigh(crawler, opinions)


_MEANS_WORDS: Final = {"rdns": "reverse DNS", "signature": "the signature"}


def _why_unusable(client: ClientAddress) -> str:
    if client.text is None or client.source == "none":
        return "the client's address is not known"
    if client.source == "untrusted":
        return "the client's address comes from a source that is not trusted"
    return "the client's address is not globally routable"


def _from_means(
    means: Means, address: str, ranges: Mapping[str, RangeList], at_ns: int, hit_age: int, miss_age: int
) -> _Opinion:
    found = ranges.get(means.list)
    if found is None:
        return _Opinion("open", f"list {means.list} is not among the rules")
    # A list fetched after the request (old logs) is as far from it as one fetched as long before.
    age = abs(at_ns - found.fetched_at)
    is_weak = means.method == "as" or found.basis != "operator"
    origin = "AS list" if means.method == "as" else "third-party list" if is_weak else "published list"
    label = f"{origin} {found.name} ({_age(at_ns - found.fetched_at)}, sha256 {found.digest[:12]})"
    is_hit = found.networks.contains(address)
    is_in = "is in" if is_hit else "is not in"
    if is_hit and age <= hit_age:
        return _Opinion("hint" if is_weak else "proof", f"the address is in {label}")
    if is_weak:
        why = "too old to count" if is_hit else "which proves nothing"
        return _Opinion("silent", f"the address {is_in} {label}, {why}")
    if is_hit:
        return _Opinion("stale", f"the address is in {label}, too old to verify")
    if age <= miss_age:
        return _Opinion("denial", f"the address is not in {label}")
    return _Opinion("stale", f"the address is not in {label}, too old to contradict")


def _age(nanoseconds: int) -> str:
    hours = abs(nanoseconds) // _HOUR
    words = f"{hours} h" if hours < 48 else f"{hours // 24} days"
    return f"{words} old" if nanoseconds >= 0 else f"fetched {words} after the request"


def _weigh(crawler: Crawler, opinions: list[_Opinion]) -> Identity:
    """One standing from all opinions: what speaks for the client is heard first."""

    def identity(standing: Standing, says: tuple[str, ...], more: str = "") -> Identity:
        words = [opinion.how for opinion in opinions if opinion.says in says]
        return Identity(crawler, standing, "; ".join([*words, more] if more else words))

    said = {opinion.says for opinion in opinions}
    if "proof" in said:
        return identity(Standing.VERIFIED, ("proof",))
    if "hint" in said:
        return identity(Standing.CONSISTENT, ("hint",))
    if "stale" in said:
        return identity(Standing.UNKNOWN, ("stale", "denial"))
    if "denial" in said:
        if crawler.purpose is Purpose.SEARCH_ENGINE:
            return identity(
                Standing.UNKNOWN, ("denial", "open"), "one negative does not contradict a search engine"
            )
        if _is_open(crawler, opinions):
            return identity(Standing.UNKNOWN, ("denial", "open"))
        return identity(Standing.CONTRADICTED, ("denial",))
    return identity(Standing.CLAIMED, ("open", "silent"))


def _is_open(crawler: Crawler, opinions: list[_Opinion]) -> bool:
    """True if a means that does not depend on the missed lists could still verify the client.

    Reverse DNS does not count: an operator that publishes its addresses answers for them with the list. A
    signature does, it is made to hold from any address; so does a list that the rules name but do not hold.
    """
    return any(
        opinion.says == "open" and means.method != "rdns"
        for means, opinion in zip(crawler.verify, opinions, strict=True)
    )
