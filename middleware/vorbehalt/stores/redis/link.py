"""One connection to Redis for a thread that may wait. What fails is a StoreError with a sentence of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from vorbehalt.errors import StoreError
from vorbehalt.stores.redis.faults import sentence_of, sentence_of_code
from vorbehalt.stores.redis.place import RedisPlace, open_client
from vorbehalt.stores.redis.script import Answer, Call, arguments, by_tag, read_answers, sha, source

if TYPE_CHECKING:
    from redis import Redis, RedisCluster

ANSWER_SECONDS = 1.0


class Link:
    """Runs the script, and other commands. Opened lazily; not shared between threads."""

    def __init__(self, place: RedisPlace, seconds: float = ANSWER_SECONDS) -> None:
        self.place = place
        self._seconds = seconds
        self._client: Redis | RedisCluster | None = None

    @property
    def is_open(self) -> bool:
        return self._client is not None

    def open(self) -> None:
        """Connect, if that was not done; StoreError says why not."""
        if self._client is None:
            try:
                self._client = open_client(self.place, self._seconds)
            except Exception as error:
                raise StoreError(sentence_of(error)) from None

    def close(self) -> None:
        """Let go of the connection. Never raises."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # it is thrown away, whatever state it is in
                client.close()

    def forget(self) -> None:
        """Leave the connection to the process that this one was forked from."""
        self._client = None

    def ping(self) -> None:
        """Ask for a sign of life; StoreError if there is none."""
        self.do(lambda client: client.ping())

    def do(self, work: Callable[[Any], Any]) -> Any:
        """Call `work(client)`; StoreError says what went wrong.

        The connection stays open only where the server itself refused something, so that it is known whether
        others may still work.
        """
        self.open()
        from redis.exceptions import ReadOnlyError, ResponseError

        try:
            return work(self._client)
        except Exception as error:
            if not isinstance(error, ResponseError) or isinstance(error, ReadOnlyError):
                self.close()
            raise StoreError(sentence_of(error)) from None

    def run(self, calls: Sequence[Call], now: int | None = None) -> tuple[list[Answer], str]:
        """Run the script over all calls; return their answers and what was wrong with a key, if anything.

        `now` is nanoseconds UTC; None: the clock of the server. StoreError if nothing could be done.
        """
        if not self.place.cluster:
            return self._run(calls, now)
        answers: list[Answer | None] = [None] * len(calls)
        trouble = ""
        for group in by_tag(calls):
            found, said = self._run([calls[index] for index in group], now)
            trouble = trouble or said
            for index, answer in zip(group, found, strict=True):
                answers[index] = answer
        return cast(list[Answer], answers), trouble

    def _run(self, calls: Sequence[Call], now: int | None) -> tuple[list[Answer], str]:
        given = arguments(calls, now)

        def work(client: Any) -> Any:
            from redis.exceptions import NoScriptError

            try:
                return client.evalsha(sha(), len(calls), *given)
            except NoScriptError:  # a restart, or SCRIPT FLUSH: the whole script is known afterwards
                return client.eval(source(), len(calls), *given)

        body, error = self.do(work)
        answers = read_answers(body)
        trouble = sentence_of_code(error.decode("utf-8", "replace")) if error else ""
        if trouble and all(answer.status < 0 for answer in answers):
            raise StoreError(trouble)
        return answers, trouble
