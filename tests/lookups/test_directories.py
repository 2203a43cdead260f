"""Key directories from a real https server on loopback, and from ones that mean no good."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import ssl
import subprocess
import sys
import threading
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
import trustme

from vorbehalt.identify.signature_keys import MISSING, Key
from vorbehalt.lookups.directories import (
    MEDIA_TYPE,
    MOST_BYTES,
    USER_AGENT,
    WELL_KNOWN,
    Directory,
    DirectoryFetcher,
)
from vorbehalt.lookups.fetch import FetchError, MissingExtraError, is_public
from vorbehalt.lookups.keys import KeyDirectory
from vorbehalt.lookups.thread import LookupThread

T = TypeVar("T")
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

CA = trustme.CA()
SECOND = 1_000_000_000


def jwk(seed: str) -> dict[str, Any]:
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": urlsafe_b64encode(hashlib.sha256(seed.encode()).digest()).rstrip(b"=").decode(),
    }


def name_of(seed: str) -> str:
    canonical = json.dumps(jwk(seed), sort_keys=True, separators=(",", ":"))
    return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def body_of(*seeds: str) -> bytes:
    return json.dumps({"keys": [jwk(seed) for seed in seeds]}).encode()


BODY = body_of("one")


class Site:
    """A server with one answer, and what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[list[str]] = []
        self.port = 0
        self.serving: set[asyncio.Task[None]] = set()

    @property
    def origin(self) -> str:
        return f"https://agent.test:{self.port}"

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.get_running_loop().create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n"))
            await self.answer(writer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(answer: Answer, name: str = "agent.test") -> AsyncIterator[Site]:
    site = Site(answer)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(name).configure_cert(tls)
    server = await asyncio.start_server(site.begin, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        await server.wait_closed()
        if site.serving:
            await asyncio.wait(site.serving, timeout=5)


def whole(body: bytes = BODY, status: str = "200 OK", media_type: str = MEDIA_TYPE, **more: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"Content-Type: {media_type}"] if media_type else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return answer


async def endless(writer: asyncio.StreamWriter) -> None:
    """10 MB without a length."""
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {MEDIA_TYPE}\r\nConnection: close\r\n\r\n".encode())
    for _ in range(160):
        writer.write(b" " * 65_536)
        await writer.drain()


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def half(writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: 99\r\n\r\n{{".encode())


def trusting() -> ssl.SSLContext:
    tls = ssl.create_default_context()
    CA.configure_trust(tls)
    return tls


async def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def permit(host: str, address: str) -> bool:
    return host == "agent.test" or is_public(host, address)


def fetcher(**changes: Any) -> DirectoryFetcher:
    defaults: dict[str, Any] = {"tls": trusting(), "resolve": to_loopback, "permit": permit}
    return DirectoryFetcher(**defaults | changes)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def fetched(answer: Answer, **changes: Any) -> tuple[Directory, Site]:
    async def work() -> tuple[Directory, Site]:
        async with serving(answer) as site:
            return await fetcher(**changes)(site.origin), site

    return run(work())


def why(answer: Answer, *, certificate: str = "agent.test", **changes: Any) -> str:
    """The reason why a directory is refused."""

    async def work() -> str:
        async with serving(answer, certificate) as site:
            with pytest.raises(FetchError) as caught:
                await fetcher(**changes)(site.origin)
            for task in site.serving:
                task.cancel()
            return str(caught.value)

    return run(work())


def test_a_directory_is_asked_for_at_its_one_place_and_comes_as_it_was_sent() -> None:
    directory, site = fetched(whole(Cache_Control="max-age=600"))
    assert directory == Directory(BODY, 600)
    (request,) = site.asked
    assert request[0] == f"GET {WELL_KNOWN} HTTP/1.1"
    assert f"Accept: {MEDIA_TYPE}" in request
    assert f"User-Agent: {USER_AGENT}" in request
    assert "Accept-Encoding: identity" in request


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Cache_Control": "public, Max-Age=86400, immutable"}, 86_400),
        ({"Cache_Control": "max-age=600", "Age": "100"}, 500),
        ({"Cache_Control": "max-age=600", "Age": "601"}, 0),
        ({"Cache_Control": "max-age=600", "Age": "x"}, 600),
        ({"Cache_Control": "s-maxage=600"}, None),
        ({"Cache_Control": "no-store"}, 0),
        ({"Cache_Control": "no-cache, max-age=600"}, 0),
        ({"Cache_Control": "max-age=-1"}, None),
        ({"Cache_Control": 'max-age="60"'}, 60),
    ],
)
def test_how_long_it_may_be_used_is_what_its_server_says(
    headers: dict[str, Any], seconds: int | None
) -> None:
    assert fetched(whole(**headers))[0].max_age_seconds == seconds


def test_the_media_type_may_have_parameters() -> None:
    assert fetched(whole(media_type=MEDIA_TYPE.title() + "; charset=utf-8"))[0].body == BODY


REFUSED: dict[str, tuple[Answer, str]] = {
    "redirect to the inside": (
        whole(status="302 Found", Location="https://127.0.0.1/keys"),
        "answered 302: redirects",
    ),
    "redirect to itself": (whole(status="301 Moved", Location=WELL_KNOWN), "answered 301: redirects"),
    "not there": (whole(status="404 Not Found"), "answered 404"),
    "no content": (whole(b"", status="204 No Content"), "answered 204"),
    "partial": (whole(status="206 Partial Content"), "answered 206"),
    "broken": (whole(status="503 Service Unavailable"), "answered 503"),
    "plain JSON": (whole(media_type="application/json"), "media type is 'application/json'"),
    "HTML": (whole(media_type="text/html"), "media type is 'text/html'"),
    "no media type": (whole(media_type=""), "media type is ''"),
    "compressed": (whole(Content_Encoding="gzip"), "compressed"),
    "10 MB": (endless, f"larger than {MOST_BYTES}"),
    "one byte too many": (whole(b" " * (MOST_BYTES + 1)), f"larger than {MOST_BYTES}"),
    "cut off": (half, "not completed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_directory_is_refused(case: str) -> None:
    answer, words = REFUSED[case]
    assert words.lower() in why(answer).lower()


def test_a_redirect_is_never_followed() -> None:
    async def work() -> None:
        async with serving(whole()) as inside:
            there = f"https://agent.test:{inside.port}{WELL_KNOWN}"
            async with serving(whole(status="307 Elsewhere", Location=there)) as site:
                with pytest.raises(FetchError, match="redirects"):
                    await fetcher()(site.origin)
                assert len(site.asked) == 1
            assert inside.asked == []

    run(work())


def test_just_as_large_as_allowed_is_allowed() -> None:
    assert len(fetched(whole(b" " * MOST_BYTES))[0].body) == MOST_BYTES


def test_a_server_that_says_nothing_is_given_up() -> None:
    assert why(silent, deadline_seconds=0.2) == "no whole answer within 0.2 s"


def test_a_name_that_never_resolves_is_given_up() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    assert why(whole(), deadline_seconds=0.05, resolve=never) == "no whole answer within 0.05 s"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert fetched(whole())[0].body == BODY


def test_a_certificate_of_another_name_or_maker_is_refused() -> None:
    assert "certificate" in why(whole(), certificate="other.test")
    assert "certificate" in why(whole(), tls=ssl.create_default_context())


INSIDE = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "192.168.1.1",
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_never_connected_to(address: str) -> None:
    async def inside(host: str, port: int) -> list[str]:
        return [address]

    async def work() -> None:
        async with serving(whole()) as site:
            with pytest.raises(FetchError, match="no public address"):
                await fetcher(resolve=inside, permit=is_public)(site.origin)
            assert site.asked == []

    run(work())


def test_of_several_addresses_only_public_ones_are_used() -> None:
    judged: list[str] = []

    async def both(host: str, port: int) -> list[str]:
        return ["10.0.0.1", "127.0.0.1"]

    def only_one(host: str, address: str) -> bool:
        judged.append(address)
        return address == "127.0.0.1"

    assert fetched(whole(), resolve=both, permit=only_one)[0].body == BODY
    assert judged == ["10.0.0.1", "127.0.0.1"]


ORIGINS = [
    "http://agent.test",
    "https://127.0.0.1",
    "https://127.1",
    "https://2130706433",
    "https://0x7f.1",
    "https://0x7f000001",
    "https://[::1]",
    "https://user@agent.test",
    "https://agent.test/keys",
    "https://agent.test?x",
    "https://agent.test\r\nHost: x",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_what_is_no_https_origin_of_a_name_is_not_asked(origin: str) -> None:
    with pytest.raises(FetchError, match="no https origin"):
        run(fetcher(permit=lambda host, address: True)(origin))


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(MissingExtraError, match=r"vorbehalt\[verify\]"):
        run(fetcher()("https://agent.test"))


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = "import sys, vorbehalt.lookups.keys; assert 'aiohttp' not in sys.modules, 'aiohttp'"
    assert importlib.util.find_spec("aiohttp") is not None
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_the_look_up_thread_fetches_and_the_next_request_finds_the_key(thread: LookupThread) -> None:
    """The whole way, over TLS: first sight unknown, then known, its bytes kept; then changed for another."""
    kept: dict[str, bytes] = {}

    def keep(body: bytes) -> str:
        digest = hashlib.sha256(body).hexdigest()
        kept[digest] = body
        return digest

    ended = threading.Event()

    class Telling:
        """The look-up thread, which tells when it is done."""

        def submit(self, factory: Callable[[], Coroutine[Any, Any, object]]) -> bool:
            async def told() -> None:
                try:
                    await factory()
                finally:
                    ended.set()

            return thread.submit(told)

    async def done() -> None:
        assert await asyncio.to_thread(ended.wait, 10)
        ended.clear()

    async def work() -> None:
        now = [1_795_000_000 * SECOND]
        async with serving(whole(Cache_Control="max-age=600")) as site:
            keys = KeyDirectory(
                Telling(), origins=[site.origin], fetch=fetcher(), clock=lambda: now[0], keep=keep
            )
            assert keys.peek(site.origin, name_of("one")) is None
            assert keys.ask(site.origin)
            await done()
            assert keys.fetched == 1
            key = keys.peek(site.origin, name_of("one"))
            assert isinstance(key, Key)
            assert kept[key.directory_digest] == BODY
            assert keys.peek(site.origin, name_of("two")) is MISSING

            site.answer = whole(body_of("two"))
            now[0] += 600 * SECOND
            assert keys.ask(site.origin)
            await done()
            assert keys.fetched == 2
            assert keys.peek(site.origin, name_of("one")) is MISSING
            assert isinstance(keys.peek(site.origin, name_of("two")), Key)
            assert len(site.asked) == 2

    run(work())
