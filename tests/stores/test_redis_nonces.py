"""A nonce that one worker saw is known to the others as soon as they have met in Redis."""

from __future__ import annotations

import pytest

from redis_support import Server
from vorbehalt.errors import StoreError
from vorbehalt.lookups.keys import NonceMemory
from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.nonces import FRESH_NANOSECONDS, MOST_WAITING, STREAM_SECONDS, SharedNonces
from vorbehalt.stores.redis.place import RedisPlace

from .conftest import Places

pytestmark = pytest.mark.real("redis-server")

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND
LATER = NOW + 300 * SECOND


def workers(place: RedisPlace, number: int = 2) -> list[SharedNonces]:
    return [SharedNonces(place, NonceMemory()) for _ in range(number)]


@pytest.mark.parametrize("kind", ["unix", "cluster"])
def test_a_copy_is_noticed_by_another_worker(kind: str, places: Places) -> None:
    place = places.place(kind)
    link = Link(place)
    one, other = workers(place)
    for each in (one, other):
        each.exchange(link, NOW)
    assert one.seen("agent", "n1", LATER, NOW) is False
    assert one.seen("agent", "n1", LATER, NOW) is True
    for each in (one, other):
        each.exchange(link, NOW)
    assert other.seen("agent", "n1", LATER, NOW) is True
    assert other.seen("agent", "n2", LATER, NOW) is False
    assert other.seen("another agent", "n1", LATER, NOW) is False
    link.close()


def test_a_worker_that_starts_later_knows_all_that_still_count(places: Places) -> None:
    place = places.place("unix")
    link = Link(place)
    (one,) = workers(place, 1)
    one.exchange(link, NOW)
    for number in range(1200):
        one.seen("agent", f"n{number}", LATER if number % 2 else NOW + SECOND, NOW)
    one.exchange(link, NOW)
    memory = NonceMemory()
    late = SharedNonces(place, memory)
    late.exchange(link, NOW + 2 * SECOND)
    assert len(memory) == 600
    assert late.seen("agent", "n1199", LATER, NOW + 2 * SECOND) is True
    link.close()


def test_while_redis_is_away_a_new_nonce_could_not_be_checked_and_follows_later(
    redis_server: Server,
) -> None:
    place = RedisPlace(redis_server.unix_url)
    link = Link(place, seconds=0.2)
    one, other = workers(place)
    assert one.seen("agent", "early", LATER, NOW) is None
    assert one.seen("agent", "early", LATER, NOW) is True
    redis_server.stop()
    with pytest.raises(StoreError):
        one.exchange(link, NOW)
    redis_server.start()
    for each in (one, other):
        each.exchange(link, NOW)
    assert other.seen("agent", "early", LATER, NOW) is True
    assert one.seen("agent", "then", LATER, NOW + FRESH_NANOSECONDS) is False
    assert one.seen("agent", "too late", LATER, NOW + FRESH_NANOSECONDS + 1) is None
    link.close()


def test_the_stream_ends_by_itself_and_names_no_agent(redis_server: Server) -> None:
    place = RedisPlace(redis_server.unix_url, prefix="site-a:")
    link = Link(place)
    (one,) = workers(place, 1)
    one.seen("https://agent.example", "n1", LATER, NOW)
    one.exchange(link, NOW)
    link.close()
    assert redis_server.ask("KEYS", "*") == [b"site-a:{n}:nonces"]
    assert 0 < redis_server.ask("TTL", "site-a:{n}:nonces") <= STREAM_SECONDS
    assert b"agent.example" not in repr(redis_server.ask("XRANGE", "site-a:{n}:nonces", "-", "+")).encode()


def test_what_waits_is_bounded(places: Places) -> None:
    place = places.place("unix")
    (one,) = workers(place, 1)
    for number in range(MOST_WAITING + 500):
        one.seen("agent", f"n{number}", LATER, NOW)
    assert len(one._new) == MOST_WAITING


def test_entries_of_somebody_else_in_the_stream_do_no_harm(redis_server: Server) -> None:
    place = RedisPlace(redis_server.unix_url)
    link = Link(place)
    memory = NonceMemory()
    one = SharedNonces(place, memory)
    for fields in (["x", "y"], ["n", "short", "e", str(LATER)], ["n", b"\0" * 16, "e", "soon"]):
        redis_server.ask("XADD", "vorbehalt:{n}:nonces", "*", *fields)
    one.exchange(link, NOW)
    link.close()
    assert len(memory) == 0
