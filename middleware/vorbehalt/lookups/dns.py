"""Forward-confirmed reverse DNS (RFC 1912 section 2.1): asked in the look-up thread, never awaited."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from vorbehalt.errors import VorbehaltError
from vorbehalt.identify.answers import DnsAnswer
from vorbehalt.identify.networks import canonical_address
from vorbehalt.lookups.cache import TtlCache
from vorbehalt.lookups.thread import LookupThread

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

_SECOND: Final = 1_000_000_000
_MINUTE: Final = 60 * _SECOND
_SHORTEST, _DAY, _HOUR = 60, 86_400, 3_600
_FAILED_SECONDS: Final = 60
_RECORDS, _NAMES = 64, 8
_UDP_PAYLOAD: Final = 1232
"""Bytes; larger answers come over TCP instead of in fragments, which can be forged (DNS flag day 2020)."""

_HOST_NAME = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
"""RFC 1123 section 2.1, lower case, at least two labels; an A-label of IDNA is an ordinary label here."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """What the resolver said to one question; no records where there is no such name, or no such data."""

    records: tuple[str, ...]
    ttl: int
    authenticated: bool


class ReverseDns:
    """Asks whose an address is, and remembers the answer for as long as the name's owner says.

    `nameservers` are addresses (none: those of the system, as they are now), `clock` gives nanoseconds UTC.
    Raises VorbehaltError if dnspython is missing, a name server is no address, or the system names none.

    `peek` and `ask` are for event loops: no I/O, no waiting. `on_answer` is called in the look-up thread with
    each answer that is remembered. At most `per_minute` addresses are asked a minute, an eighth of that for
    one network (IPv4 /24, IPv6 /48); what comes beyond stays unasked and is counted in `refused`.
    """

    def __init__(
        self,
        thread: LookupThread,
        *,
        nameservers: tuple[str, ...] = (),
        port: int = 53,
        deadline_seconds: float = 3.0,
        clock: Callable[[], int] = time.time_ns,
        capacity: int = 20_000,
        per_minute: int = 600,
    ) -> None:
        self._resolver = _make_resolver(nameservers, port, deadline_seconds)
        self._thread = thread
        self._deadline = deadline_seconds
        self._clock = clock
        # Apart, so that no flood of strangers drives out the crawlers that were confirmed.
        self._closed: TtlCache[str, DnsAnswer] = TtlCache(capacity)
        self._others: TtlCache[str, DnsAnswer] = TtlCache(capacity)
        self._pending: TtlCache[str, bool] = TtlCache(capacity)
        self._budget = _Budget(per_minute)
        self.on_answer: Callable[[str, DnsAnswer], None] | None = None
        self.asked = 0
        """Addresses handed to the look-up thread."""
        self.refused = 0
        """Addresses not asked: the budget of the minute was used up, or the thread took no more."""
        self.answered: dict[str, int] = dict.fromkeys(("closed", "open", "absent", "failed"), 0)
        """Answers by outcome."""

    def peek(self, address: str) -> DnsAnswer | None:
        """Return the answer that holds now for a canonical address, or None; never blocks."""
        return self._held(address, self._clock())

    def ask(self, address: str) -> None:
        """Have an address looked up unless a fresh answer is held or on its way; returns at once.

        An answer in the last quarter of its time is asked for again, so that a crawler which keeps coming
        does not fall back to claimed in between. Nothing happens for an address that is not global.
        """
        now = self._clock()
        held = self._held(address, now)
        if held is not None and not _is_ageing(held, now):
            return
        if self._pending.get(address, now) is not None:
            return
        if self._budget.is_spent(now):
            self.refused += 1
            return
        known = canonical_address(address)
        if known is None or known != (address, True):
            return
        if not self._budget.take(address, now):
            self.refused += 1
            return
        # Its end serves where the thread is stopped, or left behind by a fork, before it could answer.
        self._pending.put(address, True, now, _FAILED_SECONDS)
        if self._thread.submit(partial(self._look_up, address)):
            self.asked += 1
        else:
            self._pending.forget(address)
            self.refused += 1

    def _held(self, address: str, now: int) -> DnsAnswer | None:
        return self._closed.get(address, now) or self._others.get(address, now)

    async def _look_up(self, address: str) -> None:
        answer = await self._confirm(address)
        self.answered[answer.outcome] += 1
        if answer.outcome == "failed" and self._held(address, self._clock()) is not None:
            # A resolver in trouble takes nothing back; the entry among the pending delays the next try.
            return
        kept, dropped = (
            (self._closed, self._others) if answer.outcome == "closed" else (self._others, self._closed)
        )
        kept.put(address, answer, answer.asked_at, answer.ttl_seconds)
        dropped.forget(address)
        self._pending.forget(address)
        if self.on_answer is not None:
            self.on_answer(address, answer)

    async def _confirm(self, address: str) -> DnsAnswer:
        asked_at = self._clock()
        until = asyncio.get_running_loop().time() + self._deadline

        def answer(
            outcome: Literal["closed", "open", "absent", "failed"],
            replies: tuple[_Reply, ...] = (),
            names: tuple[str, ...] = (),
        ) -> DnsAnswer:
            if outcome == "failed":
                return DnsAnswer("failed", (), asked_at, _FAILED_SECONDS)
            longest = _DAY if outcome == "closed" else _HOUR
            ttl = min(longest, max(_SHORTEST, min(reply.ttl for reply in replies)))
            return DnsAnswer(outcome, names, asked_at, ttl, all(reply.authenticated for reply in replies))

        from dns.reversename import from_address

        pointers = await self._query(from_address(address), "PTR", until)
        if pointers is None:
            return answer("failed")
        if not pointers.records:
            return answer("absent", (pointers,))
        # Sorted, because resolvers rotate: the same records must give the same answer.
        names = sorted(filter(None, (_host_name(record) for record in set(pointers.records[:_RECORDS]))))
        record_type = "AAAA" if ":" in address else "A"
        replies = await asyncio.gather(
            *(self._query(name + ".", record_type, until) for name in names[:_NAMES])
        )
        there = ipaddress.ip_address(address)
        closing = [
            (name, reply)
            for name, reply in zip(names, replies, strict=False)
            if reply is not None and any(ipaddress.ip_address(record) == there for record in reply.records)
        ]
        if closing:
            used = (pointers, *(reply for _, reply in closing))
            return answer("closed", used, tuple(name for name, _ in closing))
        heard = tuple(reply for reply in replies if reply is not None)
        # A negative is a statement about all names: it needs every one of them, and an answer to each.
        if len(heard) < len(names) or len(pointers.records) > _RECORDS:
            return answer("failed")
        return answer("open", (pointers, *heard))

    async def _query(self, name: Any, record_type: str, until: float) -> _Reply | None:
        """Return what the resolver says, or None where it says nothing of use (time-out, SERVFAIL, loop)."""
        from dns.asyncbackend import get_backend
        from dns.exception import DNSException
        from dns.flags import AD
        from dns.resolver import NXDOMAIN

        try:
            async with asyncio.timeout_at(until):
                answer = await self._resolver.resolve(
                    name,
                    record_type,
                    search=False,
                    raise_on_no_answer=False,
                    lifetime=self._deadline,
                    # Named, because the default is one for the process and may have been set to another.
                    backend=get_backend("asyncio"),
                )
        except NXDOMAIN as absence:
            response = next(iter(absence.kwargs["responses"].values()))
            return _Reply((), response.resolve_chaining().minimum_ttl, bool(response.flags & AD))
        except (TimeoutError, DNSException):
            return None
        records = tuple(
            record.target.to_text() if record_type == "PTR" else record.address
            for record in answer.rrset or ()
        )
        ttl = answer.chaining_result.minimum_ttl
        return _Reply(records, ttl, bool(answer.response.flags & AD))


class _Budget:
    """How many new addresses a minute of the clock may ask, in all and for one network."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._per_network = max(1, per_minute // 8)
        self._minute = 0
        self._taken: dict[str, int] = {}
        self._used = 0
        self._lock = threading.Lock()
        _alive.add(self)

    def is_spent(self, at_ns: int) -> bool:
        """True if this minute has nothing left for anybody."""
        return self._minute == at_ns // _MINUTE and self._used >= self._per_minute

    def take(self, address: str, at_ns: int) -> bool:
        """Take one; False if there is none left for this network."""
        minute = at_ns // _MINUTE
        network = _network(address)
        with self._lock:
            if minute != self._minute:
                self._minute, self._used, self._taken = minute, 0, {}
            taken = self._taken.get(network, 0)
            if self._used >= self._per_minute or taken >= self._per_network:
                return False
            self._used += 1
            self._taken[network] = taken + 1
        return True


def _network(address: str) -> str:
    if ":" in address:
        return ipaddress.IPv6Address(address).exploded[:14]
    return address.rpartition(".")[0]


def _is_ageing(answer: DnsAnswer, now: int) -> bool:
    if answer.outcome == "failed":
        return False
    return (now - answer.asked_at) * 4 > answer.ttl_seconds * _SECOND * 3


def _host_name(record: str) -> str:
    """Return a record's name in lower case without final dot; "" if it cannot be the name of a host."""
    name = record.lower().removesuffix(".")
    return name if _HOST_NAME.fullmatch(name) else ""


def _make_resolver(nameservers: tuple[str, ...], port: int, deadline_seconds: float) -> Resolver:
    try:
        from dns.asyncresolver import Resolver
        from dns.exception import DNSException
        from dns.flags import AD, RD
    except ImportError as error:
        raise VorbehaltError(
            "network.dns needs dnspython, which is not installed: pip install 'vorbehalt[verify]'"
        ) from error
    for server in nameservers:
        if canonical_address(server) is None:
            raise VorbehaltError(f"{server!r} cannot be asked: a name server is given by its address")
    try:
        resolver = Resolver(configure=not nameservers)
    except (DNSException, OSError, ValueError) as error:
        raise VorbehaltError(f"network.dns has no name server to ask: {error}") from error
    if nameservers:
        resolver.nameservers = list(nameservers)
    resolver.port = port
    resolver.search = []
    resolver.lifetime = deadline_seconds
    # Three tries: a lost packet or one dead name server of several must not use up the whole time.
    resolver.timeout = deadline_seconds / 3
    resolver.use_edns(0, 0, _UDP_PAYLOAD)
    # AD in the question asks for AD in the answer (RFC 6840 section 5.7).
    resolver.flags = int(RD | AD)
    return resolver


_alive: weakref.WeakSet[_Budget] = weakref.WeakSet()


def _after_fork() -> None:
    for budget in _alive:
        budget._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
