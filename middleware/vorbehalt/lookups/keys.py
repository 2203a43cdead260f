"""The keys of signing agents, fetched before they are needed again; and the nonces that were seen.

Requests read what is known (`peek`) and say what is not (`ask`); the look-up thread fetches.
"""

from __future__ import annotations

import hashlib
import heapq
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from vorbehalt.errors import VorbehaltError
from vorbehalt.identify.registry import Registry
from vorbehalt.identify.signature_keys import MISSING, Key, Missing, read_directory
from vorbehalt.lookups.directories import Directory

log = logging.getLogger("vorbehalt.lookups")

Fetch = Callable[[str], Awaitable[Directory]]

SHORTEST_SECONDS: Final = 300
LONGEST_SECONDS: Final = 86_400
USUAL_SECONDS: Final = 3_600
"""For how long a directory counts as fresh where its server does not say."""
KEPT_SECONDS: Final = 7 * 86_400
"""For how long its keys still count while it cannot be fetched anew."""
FETCHES_PER_HOUR: Final = 240
MOST_NONCES: Final = 65_536

_SECOND: Final = 1_000_000_000
_HOUR: Final = 3_600 * _SECOND
_FIRST_WAIT_SECONDS: Final = 30
_LONGEST_WAIT_SECONDS: Final = 300
_LOST_SECONDS: Final = 60
_DIGEST_BYTES: Final = 16


class Submits(Protocol):
    """What is needed of the look-up thread."""

    def submit(self, factory: Callable[[], Coroutine[Any, Any, object]]) -> object:
        """Have the coroutine run soon, in the thread; False if it was dropped."""
        ...


@dataclass(slots=True)
class _Held:
    """One directory as last fetched; `is_missed`: a key was asked for that it does not hold."""

    keys: Mapping[str, Key]
    fetched_at: int
    fresh_until: int
    is_missed: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the last fetch failed, and until when it is not tried again (nanoseconds UTC)."""

    how: str
    count: int
    until: int


class KeyDirectory:
    """The key directories of the agents that the rules name; no other origin is ever fetched.

    Keys are found by (origin, thumbprint computed here), never by a key's name alone. A failed fetch changes
    nothing but the time of the next; a good one replaces all keys of its origin. `clock` gives nanoseconds
    UTC. `keep` takes the bytes of a directory and returns their SHA-256 once they are kept as an object.
    """

    def __init__(
        self,
        thread: Submits,
        *,
        origins: Iterable[str],
        fetch: Fetch,
        clock: Callable[[], int],
        keep: Callable[[bytes], str] | None = None,
    ) -> None:
        self.origins = frozenset(origins)
        self.fetched = 0
        self.failed = 0
        self.refused = 0
        """Questions about origins that no rule names, and fetches beyond 240 an hour."""
        self.failures: dict[str, Failure] = {}
        self._thread = thread
        self._fetch = fetch
        self._clock = clock
        self._keep = keep
        self._held: dict[str, _Held] = {}
        self._asked: dict[str, int] = {}
        self._starts: deque[int] = deque(maxlen=FETCHES_PER_HOUR)

    def peek(self, agent_origin: str, thumbprint: str) -> Key | Missing | None:
        """Return the key, MISSING if the directory was fetched within 5 minutes and lacks it, else None."""
        held = self._held.get(agent_origin)
        if held is None:
            return None
        age = self._clock() - held.fetched_at
        key = held.keys.get(thumbprint)
        if key is not None:
            return key if age < KEPT_SECONDS * _SECOND else None
        held.is_missed = True
        return MISSING if age < SHORTEST_SECONDS * _SECOND else None

    def ask(self, agent_origin: str) -> bool:
        """Have the directory of an agent fetched if that is due; True if it was handed to the thread.

        To be called with every signature's agent, verified or not: it keeps directories fresh. Cheap, never
        waits, never raises.
        """
        if agent_origin not in self.origins:
            self.refused += 1
            return False
        now = self._clock()
        if not self._is_due(agent_origin, now):
            return False
        asked = self._asked.get(agent_origin)
        if asked is not None and 0 <= now - asked < _LOST_SECONDS * _SECOND:
            return False
        if len(self._starts) == FETCHES_PER_HOUR and 0 <= now - self._starts[0] < _HOUR:
            self.refused += 1
            return False
        self._asked[agent_origin] = now
        self._starts.append(now)
        if self._thread.submit(lambda: self._renew(agent_origin)) is False:
            self._asked.pop(agent_origin, None)
            return False
        return True

    def ages(self) -> dict[str, int]:
        """Return for each directory held how old it is, in nanoseconds."""
        now = self._clock()
        return {origin: now - held.fetched_at for origin, held in self._held.items()}

    def _is_due(self, origin: str, now: int) -> bool:
        failure = self.failures.get(origin)
        if failure is not None and now < failure.until <= now + _LONGEST_WAIT_SECONDS * _SECOND:
            return False
        held = self._held.get(origin)
        if held is None or not held.fetched_at <= now < held.fresh_until:
            return True
        return held.is_missed and now - held.fetched_at >= SHORTEST_SECONDS * _SECOND

    async def _renew(self, origin: str) -> None:
        """Fetch one directory and take its keys (in the thread)."""
        try:
            directory = await self._fetch(origin)
            now = self._clock()
            keys = read_directory(directory.body, fetched_at=now)
        except (VorbehaltError, ValueError) as error:
            self._note_failure(origin, str(error))
        else:
            digest = self._object(directory.body)
            self._held[origin] = _Held(
                keys={name: replace(key, directory_digest=digest) for name, key in keys.items()},
                fetched_at=now,
                fresh_until=now + _lifetime(directory.max_age_seconds) * _SECOND,
            )
            self.failures.pop(origin, None)
            self.fetched += 1
        finally:
            self._asked.pop(origin, None)

    def _note_failure(self, origin: str, how: str) -> None:
        self.failed += 1
        before = self.failures.get(origin)
        count = 1 if before is None else before.count + 1
        wait = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS << min(count - 1, 8))
        self.failures[origin] = Failure(how, count, self._clock() + wait * _SECOND)
        if count == 1:
            log.warning("the key directory of %s could not be fetched: %s", origin, how)

    def _object(self, body: bytes) -> str:
        """The digest under which the directory is kept; empty where it is not: keys count all the same."""
        if self._keep is None:
            return ""
        try:
            return self._keep(body)
        except (VorbehaltError, OSError) as error:
            log.warning("a key directory could not be kept as evidence: %s", error)
            return ""


def named_directories(registry: Registry) -> frozenset[str]:
    """Return the https origins that the rules name as key directories."""
    return frozenset(
        means.directory.rstrip("/").lower()
        for crawler in registry.crawlers
        for means in crawler.verify
        if means.method == "signature" and means.directory
    )


def _lifetime(max_age_seconds: int | None) -> int:
    if max_age_seconds is None:
        return USUAL_SECONDS
    return min(LONGEST_SECONDS, max(SHORTEST_SECONDS, max_age_seconds))


class NonceStore(Protocol):
    """Remembers nonces. Checking and remembering is one step for everybody who shares the store."""

    def seen(self, agent: str, nonce: str, expires: int, now: int) -> bool | None:
        """Return whether the agent's nonce was seen before; None: could not be checked (nanoseconds UTC)."""
        ...


class NonceMemory:
    """The nonces of one process, each until its signature ends; lost when the process ends.

    When full it takes no more and says that replay was not checked: forgetting early would be a lie.
    """

    def __init__(self, capacity: int = MOST_NONCES) -> None:
        self.capacity = capacity
        self.unchecked = 0
        self._known: dict[bytes, tuple[int, bytes]] = {}
        self._ends: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        return len(self._known)

    def seen(self, agent: str, nonce: str, expires: int, now: int) -> bool | None:
        """Return whether the agent's nonce was seen before; None if there was no room to remember it."""
        self._forget(now)
        name = self.name(agent, nonce)
        if name in self._known:
            return True
        if len(self._known) >= self.capacity:
            self.unchecked += 1
            return None
        # Two loops may ask at once: exactly one of them finds that it was first.
        mine = (expires, name)
        if self._known.setdefault(name, mine) is not mine:
            return True
        heapq.heappush(self._ends, mine)
        return False

    def name(self, agent: str, nonce: str) -> bytes:
        """Return the digest by which a nonce is remembered."""
        text = agent.encode("utf-8", "replace") + b"\n" + nonce.encode("utf-8", "replace")
        return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()

    def learn(self, name: bytes, expires: int, now: int) -> None:
        """Remember what somebody else has seen, as far as there is room; any thread."""
        if expires <= now or len(name) != _DIGEST_BYTES or len(self._known) >= self.capacity:
            return
        mine = (expires, name)
        if self._known.setdefault(name, mine) is mine:
            heapq.heappush(self._ends, mine)

    def _forget(self, now: int) -> None:
        while self._ends and self._ends[0][0] <= now:
            ends, name = heapq.heappop(self._ends)
            if ends > now:
                heapq.heappush(self._ends, (ends, name))
                return
            self._known.pop(name, None)
