"""What is asked of the script and what it answers: keys without addresses, numbers as pairs of doubles."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from vorbehalt.policy.limit import Meter
from vorbehalt.stores.redis.place import RedisPlace

SECOND = 1_000_000_000
TAGS = 16
"""Groups of keys that lie in one slot of a cluster each; a batch is split by them."""

_CALL = Struct("<8d")
_ANSWER = Struct("<iqi")
_SALT_BYTES = 64
_make = tuple.__new__
"""A named tuple's own way to make one takes twice as long."""


@dataclass(frozen=True, slots=True)
class Call:
    """One key and what to do to it, packed; `tag` tells which keys may go into one script."""

    name: bytes
    tag: int
    packed: bytes
    wire: bytes = field(init=False, repr=False)
    """The name as it goes over the wire."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "wire", _bulk(self.name))


class Answer(NamedTuple):
    """How far ahead a state is (nanoseconds). `status`: 1 admitted, 0 refused, -1 the key cannot be used."""

    status: int
    ahead: int


class Names:
    """Turns a quota's key into one of Redis: prefix, hash tag, keyed digest. No address can be read in it."""

    def __init__(self, place: RedisPlace) -> None:
        self._prefix = place.prefix.encode()
        salt = place.salt
        self._salt = hashlib.blake2b(salt).digest() if len(salt) > _SALT_BYTES else salt

    def of(self, key: str) -> tuple[bytes, int]:
        """Return the name and its tag."""
        text = key.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(text, digest_size=16, key=self._salt).digest()
        tag = digest[0] % TAGS
        return b"%s{%x}:%s" % (self._prefix, tag, digest.hex().encode()), tag


@cache
def source() -> bytes:
    """Return the script."""
    return (Path(__file__).parent / "gcra.lua").read_bytes()


@cache
def sha() -> str:
    """Return the name by which Redis knows the script."""
    return hashlib.sha1(source(), usedforsecurity=False).hexdigest()


def packed_take(meter: Meter) -> bytes:
    """Ask for one request, admitted only if there is room: `Meter.step`."""
    return _packed(meter.cost, meter.room, meter)


def packed_owed(meter: Meter, amount: int) -> bytes:
    """Add what was admitted elsewhere (nanoseconds), whether there is room or not."""
    return _packed(amount, meter.most, meter)


def _packed(add: int, room: int, meter: Meter) -> bytes:
    return _CALL.pack(
        *divmod(add, SECOND), *divmod(room, SECOND), *divmod(meter.span, SECOND), *divmod(meter.most, SECOND)
    )


def arguments(calls: Sequence[Call], now: int | None) -> tuple[object, ...]:
    """Return keys and arguments of one script call; `now` (nanoseconds UTC), None: the server's clock."""
    moment: tuple[object, object] = ("", "") if now is None else divmod(now, SECOND)
    return (*[call.name for call in calls], *moment, b"".join([call.packed for call in calls]))


def command(calls: Sequence[Call], now: int | None) -> bytes:
    """Return the whole EVALSHA as it goes over the wire; redis-py takes longer for so many keys."""
    seconds, rest = (b"", b"") if now is None else (b"%d" % part for part in divmod(now, SECOND))
    return b"*%d\r\n%b%b%b%b%b%b" % (
        6 + len(calls),
        _bulk(b"EVALSHA"),
        _bulk(sha().encode()),
        _bulk(b"%d" % len(calls)),
        b"".join([call.wire for call in calls]),
        _bulk(seconds) + _bulk(rest),
        _bulk(b"".join([call.packed for call in calls])),
    )


def _bulk(part: bytes) -> bytes:
    """A string in the protocol of Redis (RESP)."""
    return b"$%d\r\n%b\r\n" % (len(part), part)


def read_answers(body: bytes) -> list[Answer]:
    """Read what the script answered."""
    return [
        _make(Answer, (status, seconds * SECOND + rest))
        for status, seconds, rest in _ANSWER.iter_unpack(body)
    ]


def by_tag(calls: Sequence[Call]) -> list[list[int]]:
    """Return the places of the calls in groups whose keys lie in one slot."""
    groups: dict[int, list[int]] = {}
    for index, call in enumerate(calls):
        groups.setdefault(call.tag, []).append(index)
    return list(groups.values())
