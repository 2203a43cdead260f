"""Redis, where limits are shared: does it answer, and does it do what is asked of it?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from vorbehalt.cli.doctor.found import Check, error, ok, warning
from vorbehalt.errors import StoreError
from vorbehalt.policy.limit import Meter
from vorbehalt.policy.rules import Quota
from vorbehalt.settings.model import StateSettings
from vorbehalt.stores.redis.link import Link
from vorbehalt.stores.redis.script import Call, Names, packed_owed

_SLOW_SECONDS = 0.01
_PROBES = 5


def check_redis(state: StateSettings) -> Iterator[Check]:
    """Ask the Redis of a configuration to count, on a key of its own that is gone within two minutes."""
    if state.redis is None:
        return
    link = Link(state.place)
    call = Call(*Names(state.place).of("doctor"), packed_owed(Meter(Quota(1, 1)), 1))
    try:
        link.open()
        took = min(_timed(link, call) for _ in range(_PROBES))
    except StoreError as failure:
        yield error(
            "redis",
            f"limits cannot be shared: Redis: {failure}",
            "until it can be used each worker counts for itself; see docs/redis.md",
        )
        return
    finally:
        link.close()
    if state.strict and took > _SLOW_SECONDS:
        yield warning(
            "redis",
            f"Redis takes {took * 1000:.0f} ms to answer, and state.strict lets crawlers wait for it",
            "put Redis nearer, or leave state.strict out",
        )
        return
    yield ok("redis", f"Redis counts, and answers in {took * 1000:.1f} ms")


def _timed(link: Link, call: Call) -> float:
    started = time.perf_counter()
    link.run([call])
    return time.perf_counter() - started
