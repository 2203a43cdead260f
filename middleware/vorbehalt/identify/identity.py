"""From a claim to a standing: what the client says, and what could be established about it.

What verifies is heard first, in this order:

1. the crawler's own means: a signature (signed), a published list or reverse DNS (verified);
2. the own means of another crawler that the User-Agent also names: then it is that crawler;
3. any means of the same operator: it is the operator, and the purpose is that of the claim. What fetches at
   anybody's wish (agents, fetchers for users, feeds, previews) makes a search engine no more than consistent.

Nothing else lifts a claim. A negative counts only while fresh, and only from the crawler's own means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from vorbehalt.facts import ClientAddress, Purpose, Standing
from vorbehalt.identify.answers import DnsAnswer, SignatureAnswer
from vorbehalt.identify.means import (
    DAY,
    HOUR,
    Known,
    OperatorMeans,
    Opinion,
    opinion_of,
    remark_on,
    signer_of,
)
from vorbehalt.identify.networks import RangeList
from vorbehalt.identify.registry import Crawler

_NO_MEANS: Final[OperatorMeans] = {}


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
    data: tuple[str, ...] = ()
    """SHA-256 hex of the lists and key directories that `how` speaks of."""

    @property
    def token(self) -> str:
        return self.crawler.token

    @property
    def operator(self) -> str | None:
        return self.crawler.operator

    @property
    def purpose(self) -> Purpose:
        return self.crawler.purpose

    @property
    def is_impostor(self) -> bool:
        """True if what could be checked contradicts the claim."""
        return self.standing is Standing.CONTRADICTED

    @property
    def counted_operator(self) -> str:
        """The operator to whom this is counted: "" for a tool, and for an impostor, whoever it poses as."""
        return "" if self.is_impostor else self.operator or ""


def kind_of(claim: Claim | None) -> Literal["crawler", "tool", "headless", "other"]:
    """Return what kind of client a User-Agent speaks of; `other` bears no token: most of them are people."""
    return "other" if claim is None else claim.crawler.kind


def signed_claim(signature: SignatureAnswer | None, documented: OperatorMeans) -> Claim | None:
    """Return the claim of a request that signs but bears no product token, such as an agent in a browser.

    The directory that it names is what it says it is; whether that holds is for `establish`.
    """
    crawler = None if signature is None else signer_of(signature.agent, documented)
    return None if crawler is None else Claim(crawler)


def establish(
    claim: Claim,
    client: ClientAddress,
    ranges: Mapping[str, RangeList],
    at_ns: int,
    *,
    dns: DnsAnswer | None = None,
    signature: SignatureAnswer | None = None,
    documented: OperatorMeans = _NO_MEANS,
    awaited: frozenset[str] = frozenset(),
    hit_max_age_days: int = 30,
    miss_max_age_hours: int = 24,
) -> Identity:
    """Return what can be established about a claim from lists, reverse DNS and signature.

    `at_ns` is the time of the request, nanoseconds UTC; `ranges` are lists by name. `dns` and `signature` are
    the answers known by then; `awaited` holds `rdns` while its answer is on the way.
    `documented` are the means of all operators (`means.operator_means`). The words of `how` never hold the
    address. An address that is not usable neither verifies nor contradicts, whatever else was found out.
    """
    crawler = claim.crawler
    if crawler.is_control:
        how = (
            f"{crawler.token} is a control token of robots.txt: no genuine request bears it as its User-Agent"
        )
        return Identity(crawler, Standing.CONTRADICTED, how)
    if not client.is_usable:
        return Identity(crawler, Standing.CLAIMED, f"not checked: {_why_unusable(client)}")
    known = Known(
        address=client.text or "",
        at=at_ns,
        ranges=ranges,
        dns=dns,
        signature=signature,
        hit_age=hit_max_age_days * DAY,
        miss_age=miss_max_age_hours * HOUR,
        awaited=awaited,
    )
    remark = remark_on(signature, crawler.party, documented)
    own = _opinions(crawler, known)
    if (proven := _proven(crawler, own, remark)) is not None:
        return proven
    for other in claim.others:
        if not other.is_control and (proven := _proven(other, _opinions(other, known), "")) is not None:
            return replace(proven, how=f"{proven.how}; the User-Agent also names {crawler.token}")
    kin = _by_operator(crawler, known, documented)
    return _proven(crawler, kin, remark) or _weigh(crawler, [*own, *kin], known, remark)


def _why_unusable(client: ClientAddress) -> str:
    if client.text is None or client.source == "none":
        return "the client's address is not known"
    if client.source == "untrusted":
        return "the client's address comes from a source that is not trusted"
    return "the client's address is not globally routable"


def _opinions(crawler: Crawler, known: Known) -> list[Opinion]:
    # Two old lists could make an impostor of a genuine search engine whatever a site allows itself elsewhere.
    if crawler.purpose is Purpose.SEARCH_ENGINE and known.miss_age > DAY:
        known = replace(known, miss_age=DAY)
    return [opinion_of(means, known) for means in crawler.verify]


def _proven(crawler: Crawler, opinions: list[Opinion], remark: str) -> Identity | None:
    proofs = [opinion for opinion in opinions if opinion.says == "proof"]
    if not proofs:
        return None
    if any(proof.method == "signature" for proof in proofs):
        return _identity(crawler, Standing.SIGNED, proofs)
    return _identity(crawler, Standing.VERIFIED, proofs, remark)


def _by_operator(crawler: Crawler, known: Known, documented: OperatorMeans) -> list[Opinion]:
    """What the operator's means for other crawlers say: they may prove the operator, and never deny it."""
    helpful: list[Opinion] = []
    for row in documented.get(crawler.party.id, ()):
        if row.means in crawler.verify:
            continue
        found = opinion_of(row.means, known)
        if found.says not in ("proof", "hint", "faded"):
            continue
        whose = f"{found.how}, documented for {row.crawlers[0].token}"
        if found.says == "proof" and crawler.purpose is Purpose.SEARCH_ENGINE and row.serves_people:
            found = replace(found, says="hint", how=f"{whose}, which fetches at anybody's wish")
        else:
            found = replace(found, how=whose)
        helpful.append(found)
    return helpful


def _weigh(crawler: Crawler, opinions: list[Opinion], known: Known, remark: str) -> Identity:
    """One standing where nothing verifies: what speaks for the client is heard first."""

    def identity(standing: Standing, says: tuple[str, ...], *more: str) -> Identity:
        heard = [opinion for opinion in opinions if opinion.says in says]
        return _identity(crawler, standing, heard, *more, remark)

    said = {opinion.says for opinion in opinions}
    denials = {opinion.method for opinion in opinions if opinion.says == "denial"}
    if "hint" in said:
        return identity(Standing.CONSISTENT, ("hint",))
    if "faded" in said or "stale" in said:
        return identity(Standing.UNKNOWN, ("faded", "stale", "denial"))
    if denials:
        if _is_open(opinions, known):
            return identity(Standing.UNKNOWN, ("denial", "open"))
        if crawler.purpose is Purpose.SEARCH_ENGINE and len(denials) < 2:
            more = "one negative does not contradict a search engine"
            return identity(Standing.UNKNOWN, ("denial", "open", "silent"), more)
        return identity(Standing.CONTRADICTED, ("denial",))
    if not crawler.verify:
        return identity(
            Standing.CLAIMED, (), f"{crawler.party.name} names no means of verification for {crawler.token}"
        )
    return identity(Standing.CLAIMED, ("open", "silent"))


def _is_open(opinions: list[Opinion], known: Known) -> bool:
    """True if a means that does not depend on the negatives could still verify the client.

    Reverse DNS counts only while its answer is on the way: an operator that publishes its addresses answers
    for them with the list. A signature does, it is made to hold from any address; so does a list that the
    rules name but do not hold.
    """
    return any(
        opinion.says == "open" and (opinion.method != "rdns" or "rdns" in known.awaited)
        for opinion in opinions
    )


def _identity(crawler: Crawler, standing: Standing, heard: list[Opinion], *more: str) -> Identity:
    words = "; ".join([*(opinion.how for opinion in heard), *filter(None, more)])
    return Identity(crawler, standing, words, tuple(opinion.data for opinion in heard if opinion.data))
