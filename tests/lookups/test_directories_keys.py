"""What is known of agents' keys: when it is fetched, how long it counts, and what no flood can change."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.errors import EvidenceError
from vorbehalt.identify.registry import Registry
from vorbehalt.identify.signature_keys import MISSING, Key, Missing, read_directory
from vorbehalt.lookups.directories import Directory
from vorbehalt.lookups.fetch import FetchError
from vorbehalt.lookups.keys import FETCHES_PER_HOUR, KeyDirectory, NonceMemory, named_directories

SECOND = 1_000_000_000
START = 1_795_000_000 * SECOND
AGENT = "https://crawler.example"
OTHER = "https://other.example"


def jwk(seed: str, **more: Any) -> dict[str, Any]:
    x = urlsafe_b64encode(hashlib.sha256(seed.encode()).digest()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x, **more}


def name_of(seed: str) -> str:
    canonical = json.dumps(jwk(seed), sort_keys=True, separators=(",", ":"))
    return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def body_of(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


class World:
    """A thread that runs when the test says so, a server that answers what the test says, and a clock."""

    def __init__(self, **changes: Any) -> None:
        self.now = START
        self.waiting: list[Callable[[], Coroutine[Any, Any, object]]] = []
        self.takes = True
        self.answers: dict[str, Directory | Exception] = {AGENT: Directory(body_of(jwk("one")), 600)}
        self.fetched: list[str] = []
        given: dict[str, Any] = {"origins": [AGENT, OTHER], "fetch": self.fetch, "clock": lambda: self.now}
        self.keys = KeyDirectory(self, **given | changes)

    def submit(self, factory: Callable[[], Coroutine[Any, Any, object]]) -> object:
        if self.takes:
            self.waiting.append(factory)
        return self.takes

    async def fetch(self, origin: str) -> Directory:
        self.fetched.append(origin)
        answer = self.answers[origin]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run(self) -> None:
        waiting, self.waiting = self.waiting, []
        for factory in waiting:
            asyncio.run(factory())

    def renew(self, agent: str = AGENT) -> bool:
        asked = self.keys.ask(agent)
        self.run()
        return asked

    def peek(self, seed: str = "one", agent: str = AGENT) -> Key | Missing | None:
        return self.keys.peek(agent, name_of(seed))

    def later(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def test_first_sight_is_unknown_and_the_answer_serves_the_next_request() -> None:
    world = World()
    assert world.peek() is None
    assert world.keys.ask(AGENT)
    assert world.peek() is None
    world.run()
    key = world.peek()
    assert isinstance(key, Key)
    assert (key.thumbprint, key.fetched_at, json.loads(key.jwk)) == (name_of("one"), START, jwk("one"))
    assert world.keys.ages() == {AGENT: 0}


def test_only_origins_that_the_rules_name_are_ever_fetched() -> None:
    world = World()
    for number in range(10_000):
        assert not world.keys.ask(f"https://{number}.example")
    assert world.waiting == []
    assert world.keys.refused == 10_000


def test_ten_thousand_questions_are_one_fetch() -> None:
    world = World()
    assert sum(world.keys.ask(AGENT) for _ in range(10_000)) == 1
    world.run()
    assert not any(world.keys.ask(AGENT) for _ in range(10_000))
    assert world.fetched == [AGENT]


def test_a_key_belongs_to_the_agent_that_publishes_it() -> None:
    world = World()
    world.renew()
    world.answers[OTHER] = Directory(body_of(jwk("two")))
    world.renew(OTHER)
    assert world.peek("one", OTHER) is MISSING
    assert isinstance(world.peek("two", OTHER), Key)
    assert world.peek("two", AGENT) is MISSING


def test_the_name_that_a_directory_gives_a_key_is_not_believed() -> None:
    """The sample directory of the draft bears a `kid` that is not the thumbprint of its own key."""
    world = World()
    world.answers[AGENT] = Directory(body_of(jwk("one", kid=name_of("two"))))
    world.renew()
    assert world.peek("two") is MISSING
    assert isinstance(world.peek("one"), Key)


@pytest.mark.parametrize(
    ("allowed", "seconds"), [(None, 3600), (0, 300), (299, 300), (301, 301), (10**8, 86_400)]
)
def test_a_directory_is_fetched_anew_when_its_time_is_over(allowed: int | None, seconds: int) -> None:
    world = World()
    world.answers[AGENT] = Directory(body_of(jwk("one")), allowed)
    assert world.renew()
    world.later(seconds - 0.001)
    assert not world.renew()
    world.later(0.001)
    assert world.renew()


def test_a_failed_fetch_takes_no_key_away_and_a_good_one_does() -> None:
    world = World()
    world.renew()
    for answer in (FetchError("answered 503"), Directory(b"<html>"), Directory(body_of(*[jwk("one")] * 33))):
        world.later(600)
        world.answers[AGENT] = answer
        assert world.renew()
        assert isinstance(world.peek(), Key)
    assert (world.keys.failed, world.keys.fetched) == (3, 1)
    world.later(600)
    world.answers[AGENT] = Directory(body_of(jwk("two")))
    assert world.renew()
    assert world.peek("one") is MISSING
    assert world.keys.failures == {}


def test_keys_that_could_not_be_confirmed_for_a_week_no_longer_count() -> None:
    world = World()
    world.renew()
    world.answers[AGENT] = FetchError("gone")
    world.later(7 * 86_400 - 1)
    assert isinstance(world.peek(), Key)
    world.later(1)
    assert world.peek() is None


def test_after_a_failure_the_wait_doubles_up_to_five_minutes() -> None:
    world = World()
    world.answers[AGENT] = FetchError("answered 503")
    for wait in (30, 60, 120, 240, 300, 300):
        assert world.renew()
        assert world.keys.failures[AGENT].how == "answered 503"
        world.later(wait - 0.001)
        assert not world.renew()
        world.later(0.001)
    world.answers[AGENT] = Directory(body_of(jwk("one")))
    assert world.renew()
    assert isinstance(world.peek(), Key)


def test_a_key_that_is_lacking_has_the_directory_fetched_again_but_not_at_once() -> None:
    world = World()
    world.answers[AGENT] = Directory(body_of(jwk("one")), 86_400)
    world.renew()
    assert world.peek("two") is MISSING
    assert not world.renew()
    world.later(300)
    # Five minutes on, the agent may have a new key: nobody can say that it is lacking.
    assert world.peek("two") is None
    world.answers[AGENT] = Directory(body_of(jwk("one"), jwk("two")), 86_400)
    assert world.renew()
    assert isinstance(world.peek("two"), Key)
    world.later(300)
    assert not world.renew()


def test_what_the_thread_dropped_may_be_asked_again() -> None:
    world = World()
    world.takes = False
    assert not world.keys.ask(AGENT)
    world.takes = True
    assert world.keys.ask(AGENT)
    # The thread ended with it: after a minute it counts as lost.
    world.waiting.clear()
    assert not world.keys.ask(AGENT)
    world.later(60)
    assert world.renew()
    assert isinstance(world.peek(), Key)


def test_fetches_are_limited_over_all_agents() -> None:
    agents = [f"https://{number}.example" for number in range(FETCHES_PER_HOUR + 10)]
    world = World(origins=agents)
    world.answers = {agent: Directory(body_of(jwk("one"))) for agent in agents}
    assert sum(world.renew(agent) for agent in agents) == FETCHES_PER_HOUR
    assert world.keys.refused == 10
    world.later(3600)
    assert world.renew(agents[-1])


def test_a_clock_that_goes_back_leads_to_a_fetch_not_to_keys_for_ever() -> None:
    world = World()
    world.renew()
    world.later(-3600)
    assert world.renew()
    assert world.keys.ages() == {AGENT: 0}


def test_a_clock_that_goes_back_does_not_prolong_the_wait_after_a_failure() -> None:
    world = World()
    world.answers[AGENT] = FetchError("answered 503")
    world.renew()
    world.later(-3600)
    assert world.renew()


def test_the_directory_is_kept_and_named_and_keys_count_without() -> None:
    kept: list[bytes] = []

    def keep(body: bytes) -> str:
        kept.append(body)
        if len(kept) > 1:
            raise EvidenceError("disk full")
        return hashlib.sha256(body).hexdigest()

    world = World(keep=keep)
    world.answers[AGENT] = Directory(b"no directory")
    world.renew()
    assert kept == []
    world.later(600)
    world.answers[AGENT] = Directory(body_of(jwk("one")))
    world.renew()
    key = world.peek()
    assert isinstance(key, Key)
    assert key.directory_digest == hashlib.sha256(kept[0]).hexdigest()
    world.later(3600)
    world.renew()
    key = world.peek()
    assert isinstance(key, Key)
    assert (key.directory_digest, key.fetched_at) == ("", world.now)


ROWS: dict[str, Any] = {
    "other type": {"kty": "RSA", "n": "x", "e": "AQAB"},
    "other curve": jwk("bad", crv="X25519"),
    "for encryption": jwk("bad", use="enc"),
    "other algorithm": jwk("bad", alg="RS256"),
    "algorithm is a number": jwk("bad", alg=1),
    "no time": jwk("bad", exp="tomorrow"),
    "time is true": jwk("bad", nbf=True),
    "time is nan": jwk("bad", exp=float("nan")),
    "no object": 7,
    "short": jwk("bad") | {"x": "AAAA"},
}


@pytest.mark.parametrize("case", ROWS)
def test_a_key_that_is_of_no_use_does_not_harm_the_others(case: str) -> None:
    assert read_directory(body_of(ROWS[case], jwk("one"))).keys() == {name_of("one")}


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519", "ed25519"])
def test_a_key_may_say_what_it_is_for(algorithm: str) -> None:
    found = read_directory(body_of(jwk("one", use="sig", alg=algorithm, nbf=1712793600, exp=1715385600000)))
    key = found[name_of("one")]
    assert (key.not_before, key.not_after) == (1712793600, 1715385600)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"keys":{}}', b"\xff", b"[" * 60_000, body_of(*[jwk(str(n)) for n in range(1000)])],
)
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|key set|1000 keys"):
        read_directory(body)


def test_thirty_two_keys_are_a_directory() -> None:
    assert len(read_directory(body_of(*[jwk(str(number)) for number in range(32)]))) == 32


@given(st.binary(max_size=100))
def test_any_bytes_are_a_directory_or_none(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert read_directory(body) == {}


def test_the_shipped_rules_name_https_origins() -> None:
    rules = Path(__file__).parents[2] / "rules" / "vorbehalt_rules"
    documents = {
        path.relative_to(rules).as_posix(): path.read_bytes()
        for path in rules.rglob("*")
        if path.suffix in (".toml", ".json")
    }
    named = named_directories(Registry.from_documents(documents, "test"))
    assert {"https://chatgpt.com", "https://agent.bot.goog"} <= named
    assert all(origin.startswith("https://") and origin.count("/") == 2 for origin in named)


# --- nonces


def test_a_nonce_is_new_once_for_each_agent() -> None:
    memory = NonceMemory()
    assert memory.seen(AGENT, "n", START + SECOND, START) is False
    assert memory.seen(AGENT, "n", START + SECOND, START) is True
    assert memory.seen(OTHER, "n", START + SECOND, START) is False
    assert memory.seen(AGENT, "m", START + SECOND, START) is False


def test_a_nonce_is_remembered_until_its_signature_ends() -> None:
    memory = NonceMemory()
    memory.seen(AGENT, "n", START + 10 * SECOND, START)
    assert memory.seen(AGENT, "n", START + 10 * SECOND, START + 10 * SECOND - 1) is True
    assert memory.seen(AGENT, "n", START + 20 * SECOND, START + 10 * SECOND) is False
    assert len(memory) == 1


def test_a_full_memory_says_so_instead_of_forgetting() -> None:
    memory = NonceMemory(capacity=3)
    for number in range(3):
        assert memory.seen(AGENT, str(number), START + (number + 1) * SECOND, START) is False
    assert memory.seen(AGENT, "more", START + SECOND, START) is None
    assert memory.unchecked == 1
    assert memory.seen(AGENT, "0", START + SECOND, START) is True
    assert memory.seen(AGENT, "more", START + 9 * SECOND, START + SECOND) is False
    assert len(memory) == 3


def test_a_million_nonces_need_no_more_room_than_allowed() -> None:
    memory = NonceMemory(capacity=100)
    for number in range(5_000):
        memory.seen(AGENT, str(number), START + number + 50, START + number)
    assert len(memory) <= 100
    assert memory.unchecked == 0
