"""Asking others who a client is, off the request path: reverse DNS, signatures, published lists.

A request gets what is known by then. What an answer changes is written into the evidence as an `attribution`,
apart from the requests it is about.
"""

from __future__ import annotations

import logging
import os
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace

from vorbehalt.edge.live import make_room
from vorbehalt.evidence.receipt import Draft, Evidence
from vorbehalt.facts import Visit
from vorbehalt.identify.answers import NO_ANSWERS, Answers, DnsAnswer, SignatureAnswer
from vorbehalt.identify.identity import Claim
from vorbehalt.identify.means import DAY, Known, opinion_of
from vorbehalt.identify.networks import RangeList, read_range_lists
from vorbehalt.identify.registry import Registry
from vorbehalt.identify.signatures import is_signed, judge_signature
from vorbehalt.lookups.directories import DirectoryFetcher
from vorbehalt.lookups.dns import ReverseDns
from vorbehalt.lookups.fetch import Fetcher
from vorbehalt.lookups.keys import KeyDirectory, NonceMemory, NonceStore, named_directories
from vorbehalt.lookups.range_files import current_lists
from vorbehalt.lookups.range_keeper import RangeKeeper
from vorbehalt.lookups.thread import LookupThread
from vorbehalt.settings.model import Settings

log = logging.getLogger("vorbehalt")

_AWAITED = frozenset({"rdns"})
_MOST_CLAIMS = 4096
_UNREFERRED = 2 * 1_000_000_000
_FOR_EVER = 1 << 63
_MOST_JITTER = 4 * 3600 * 1_000_000_000

Lists = Mapping[str, RangeList]


def fetched_lists(settings: Settings) -> Lists | None:
    """Return the address lists in force where some may have been fetched, None where none can have been."""
    directory = settings.ranges_directory
    if directory is None or not directory.is_dir():
        return None
    return current_lists(read_range_lists(settings.rules_documents), directory)


class Outside:
    """The look-ups of one process, as `[network]` asks for them. Starts nothing in the constructor.

    `on_answer` is called when what is known of some client has changed, `on_lists` with all address lists in
    force whenever one was fetched; both in the look-up thread.
    """

    def __init__(
        self,
        settings: Settings,
        evidence: Callable[[], Evidence],
        *,
        on_answer: Callable[[], None],
        on_lists: Callable[[Lists], None],
        dns: ReverseDns | None = None,
        keys: KeyDirectory | None = None,
        thread: LookupThread | None = None,
        nonces: NonceStore | None = None,
    ) -> None:
        network = settings.network
        self._evidence = evidence
        self._on_answer = on_answer
        self._thread = thread or LookupThread()
        self._dns = dns or (ReverseDns(self._thread) if network.dns else None)
        if self._dns is not None:
            self._dns.on_answer = self._note_dns
        self._asks_dns = _parties_with_dns(settings.registry)
        self._asked_for: dict[str, tuple[Claim, str]] = {}
        """Address -> the claim it was asked for, and the reference of the record that the answer is about."""
        self._signed: dict[tuple[int, str | None], Draft] = {}
        """What was concluded of signatures, until it is known which record that is about."""
        self._versions = {"software": _software(), "rules": settings.registry.version}
        self._nonces = NonceMemory() if nonces is None else nonces
        self._own_hosts = settings.host_names
        self._keys = keys
        if keys is None and network.signatures:
            self._keys = KeyDirectory(
                self._thread,
                origins=named_directories(settings.registry),
                fetch=DirectoryFetcher(),
                clock=time.time_ns,
                keep=self._keep,
            )
        self._keeper: RangeKeeper | None = None
        directory = settings.ranges_directory
        if network.refresh and directory is not None:
            self._keeper = RangeKeeper(
                self._thread,
                settings.rules_documents,
                directory,
                fetch=Fetcher().get,
                keep=self._keep,
                on_change=on_lists,
                jitter=int.from_bytes(os.urandom(8), "big") % _MOST_JITTER,
            )

    @property
    def asks_nobody(self) -> bool:
        """True if `[network]` switches every look-up off."""
        return self._dns is None and self._keys is None and self._keeper is None

    def start(self) -> None:
        """Start the look-up thread; idempotent."""
        if self.asks_nobody:
            return
        self._thread.start()
        if self._keeper is not None:
            self._keeper.start()

    def stop(self) -> None:
        """End what is under way; a later `start` begins again."""
        if self._keeper is not None:
            self._keeper.stop()
        self._thread.stop()
        self._let_go(_FOR_EVER)

    def answers(self, claim: Claim | None, visit: Visit) -> Answers:
        """Return what is known by now, and have the rest looked up. Never waits."""
        signature = self._signature(visit) if self._keys is not None and is_signed(visit.headers) else None
        dns: DnsAnswer | None = None
        awaited: frozenset[str] = frozenset()
        if self._dns is not None and claim is not None and self._may_ask(claim, visit):
            address = visit.client.text or ""
            dns = self._dns.peek(address)
            if dns is None:
                make_room(self._asked_for, _MOST_CLAIMS)
                before = self._asked_for.get(address)
                if before is None or before[0].crawler.token != claim.crawler.token:
                    self._asked_for[address] = (claim, "")
            self._dns.ask(address)
            awaited = _AWAITED if dns is None else awaited
        if dns is None and signature is None and not awaited:
            return NO_ANSWERS
        return Answers(dns, signature, awaited)

    def refer(self, visit: Visit, reference: str) -> None:
        """Say which record tells of a visit, "" if none does, before it is appended: conclusions name it."""
        if self._signed and (draft := self._signed.pop((visit.received_at, visit.client.text), None)):
            self._append(_about(draft, reference))
        address = visit.client.text or ""
        if reference and (asked := self._asked_for.get(address)) is not None and not asked[1]:
            self._asked_for[address] = (asked[0], reference)

    def _let_go(self, before: int) -> None:
        """Append what nobody has referred to: a visit whose answer failed in between."""
        for key in [key for key in tuple(self._signed) if key[0] < before]:
            if (draft := self._signed.pop(key, None)) is not None:
                self._append(draft)

    def _may_ask(self, claim: Claim, visit: Visit) -> bool:
        return visit.client.is_usable and any(
            crawler.party.id in self._asks_dns for crawler in (claim.crawler, *claim.others)
        )

    def _signature(self, visit: Visit) -> SignatureAnswer | None:
        assert self._keys is not None
        answer = judge_signature(
            visit, self._keys, visit.received_at, self._nonces.seen, own_hosts=self._own_hosts
        )
        if answer is not None and answer.agent:
            self._keys.ask(answer.agent)
        if answer is not None and answer.outcome == "verified":
            self._note_signature(visit, answer)
        return answer

    def _note_dns(self, address: str, answer: DnsAnswer) -> None:
        claim, reference = self._asked_for.pop(address, (None, ""))
        seen: dict[str, object] = {
            **({"of": reference} if reference else {}),
            "method": "rdns",
            "versions": self._versions,
            "claims": _opinions(claim, address, answer),
            "outcome": answer.outcome,
            "names": len(answer.names),
            "ttl": answer.ttl_seconds,
            "authenticated": answer.authenticated,
        }
        # A crawler's host name usually spells its address: it is as forgettable as that.
        private = {"address": address.encode(), "names": "\n".join(answer.names).encode()}
        self._append(Draft("attribution", "", answer.asked_at, seen, private))
        self._on_answer()

    def _note_signature(self, visit: Visit, answer: SignatureAnswer) -> None:
        seen: dict[str, object] = {
            "method": "web-bot-auth",
            "versions": self._versions,
            "outcome": answer.outcome,
            "agent": answer.agent,
            "thumbprint": answer.thumbprint,
            "how": answer.how,
            "jwk": answer.jwk,
            "signature": b64encode(answer.signature).decode("ascii"),
            "host": visit.host,
        }
        if answer.directory_digest:
            seen["objects"] = [answer.directory_digest]
        # The base may hold the query; the address ties this to the request of the same moment.
        private = {"base": answer.base}
        if visit.client.text:
            private["address"] = visit.client.text.encode()
        draft = Draft("attribution", "", visit.received_at, seen, private, retention="operator")
        self._let_go(visit.received_at - _UNREFERRED)
        self._signed[visit.received_at, visit.client.text] = draft

    def _append(self, draft: Draft) -> None:
        self._evidence().append(draft)

    def _keep(self, body: bytes) -> str:
        return self._evidence().put_object(body)


def _opinions(claim: Claim | None, address: str, answer: DnsAnswer) -> list[dict[str, object]]:
    """Say what an answer concludes about the claim that it was asked for."""
    known = Known(address, answer.asked_at, {}, answer, None, DAY, DAY, frozenset())
    return [
        {"token": one.token, "operator": one.party.name, "says": opinion_of(means, known).says}
        for one in ((claim.crawler, *claim.others) if claim is not None else ())
        for means in one.verify
        if means.method == "rdns"
    ]


def _about(draft: Draft, reference: str) -> Draft:
    """Return a conclusion that names the record it is about, if there is one."""
    return replace(draft, seen={"of": reference, **draft.seen}) if reference else draft


def _software() -> str:
    from vorbehalt import __version__

    return f"vorbehalt {__version__}"


def _parties_with_dns(registry: Registry) -> frozenset[str]:
    return frozenset(
        crawler.party.id
        for crawler in registry.crawlers
        if any(means.method == "rdns" for means in crawler.verify)
    )
