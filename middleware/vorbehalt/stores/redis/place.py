"""Where the shared counters are, and how a client of redis-py is opened there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from redis import Redis, RedisCluster
    from redis.asyncio import Redis as AsyncRedis
    from redis.asyncio import RedisCluster as AsyncRedisCluster

SCHEMES = ("redis", "rediss", "unix")
CONNECT_SECONDS = 1.0

_FILES = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """One server or cluster. Neither the URL nor the secret is ever shown, since both may hold passwords.

    `prefix` begins every key. `secret` makes keys that nobody can trace back to an address without it.
    """

    url: str = field(repr=False)
    cluster: bool = False
    prefix: str = "vorbehalt:"
    secret: str = field(default="", repr=False)

    @property
    def salt(self) -> bytes:
        """What the digests in keys are made with: the secret, else the password of the URL."""
        return (self.secret or unquote(urlsplit(self.url).password or "")).encode()


def flaw_of_url(url: str, *, cluster: bool = False) -> str:
    """Say what is wrong with a URL without repeating it; empty if nothing is."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "the URL cannot be taken apart; a password in it must be percent-encoded"
    if parts.scheme not in SCHEMES:
        return "the URL must begin with redis://, rediss:// or unix://"
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = {"db"} if parts.scheme == "unix" else {"db", *_FILES} if parts.scheme == "rediss" else {"db"}
    if unknown := query.keys() - known:
        named = (
            "" if any(not name.replace("_", "").isalnum() for name in unknown) else f" {sorted(unknown)[0]}"
        )
        return f"the URL has a parameter{named} that is not used here; {', '.join(sorted(known))} are"
    if parts.fragment:
        return "the URL has a fragment; a password in it must be percent-encoded"
    if parts.scheme == "unix":
        database = query.get("db", "0")
        if not parts.path.startswith("/") or parts.hostname or len(parts.path) < 2:
            return "the URL must name a socket by its whole path, unix:///run/redis/redis.sock"
    else:
        path = parts.path.strip("/")
        if path and "db" in query:
            return "the URL names the database twice"
        database = path or query.get("db", "0")
        if not parts.hostname:
            return "the URL names no host"
        if port == 0:
            return "the URL names port 0"
    if not database.isascii() or not database.isdigit() or len(database) > 4:
        return "the URL must name the database by its number"
    if cluster and parts.scheme == "unix":
        return "a cluster is reached over TCP, not by a unix socket"
    return "a cluster has the database 0 only" if cluster and int(database) else ""


def open_client(place: RedisPlace, seconds: float) -> Redis | RedisCluster:
    """Connect; an answer may take so many seconds. Raises errors of redis-py. Blocks."""
    from redis import Redis, RedisCluster
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = _options(seconds)
    retry: Any = Retry(NoBackoff(), 0)  # ours are made with a growing pause, one at a time
    if place.cluster:
        return RedisCluster.from_url(_cluster_url(place.url), retry=retry, **options)
    client = Redis.from_url(place.url, retry=retry, **options)
    try:
        client.ping()
    except BaseException:
        client.close()
        raise
    return client


async def open_async_client(place: RedisPlace, seconds: float) -> AsyncRedis | AsyncRedisCluster:
    """Connect within so many seconds, in the running event loop, whose end the client must not outlive.

    Whoever asks a single server says how long to wait: redis-py would make a task of every call to do so.
    """
    from redis.asyncio import Redis, RedisCluster
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    options: dict[str, Any] = _options(seconds)
    retry: Any = Retry(NoBackoff(), 0)
    client: Any
    if place.cluster:
        client = RedisCluster.from_url(_cluster_url(place.url), retry=retry, **options)
    else:
        options["socket_timeout"] = None
        client = Redis.from_url(place.url, retry=retry, single_connection_client=True, **options)
    try:
        async with asyncio.timeout(seconds):
            await client.initialize()
            if not place.cluster:
                await client.ping()
    except BaseException:
        await client.aclose()
        raise
    found: AsyncRedis | AsyncRedisCluster = client
    return found


def _options(seconds: float) -> dict[str, Any]:
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": CONNECT_SECONDS,
        "protocol": 2,
        "decode_responses": False,
    }


def _cluster_url(url: str) -> str:
    # redis-py does not take the path that says "database 0" where there is no other.
    parts = urlsplit(url)
    query = "&".join(pair for pair in parts.query.split("&") if pair and not pair.startswith("db="))
    return parts._replace(path="", query=query).geturl()
