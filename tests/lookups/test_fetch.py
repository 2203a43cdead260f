"""Fetching from a real https server on loopback, and from one that means no good."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import importlib.util
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme

from vorbehalt.lookups.fetch import (
    USER_AGENT,
    Fetched,
    Fetcher,
    FetchError,
    MissingExtraError,
    is_public,
    resolve,
)
from vorbehalt.lookups.ranges import Refreshed, refresh

T = TypeVar("T")
Headers = dict[str, str]
Answer = Callable[[Headers, asyncio.StreamWriter], Awaitable[None]]

CA = trustme.CA()
LIST = b'{"creationTime":"2026-11-22","prefixes":[{"ipv4Prefix":"52.230.152.0/24"}]}'


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Site:
    """A server: one answer a path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, Headers]] = []
        self.port = 0
        self.serving: set[asyncio.Task[None]] = set()

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.get_running_loop().create_task(self.serve(reader, writer)))

    def url(self, path: str, host: str = "lists.test") -> str:
        return f"https://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            self.asked.append((path, headers))
            await self.answers[path](headers, writer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def site(**answers: Answer) -> AsyncIterator[Site]:
    """Serve /NAME for each answer, with a certificate for lists.test."""
    made = Site()
    made.answers = {f"/{name}": answer for name, answer in answers.items()}
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("lists.test", "127.0.0.1").configure_cert(tls)
    server = await asyncio.start_server(made.begin, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
        if made.serving:
            await asyncio.wait(made.serving, timeout=5)


def whole(body: bytes = LIST, status: str = "200 OK", **headers: str) -> Answer:
    async def answer(_: Headers, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return answer


def tagged(etag: str) -> Answer:
    async def answer(headers: Headers, writer: asyncio.StreamWriter) -> None:
        if headers.get("if-none-match") == etag:
            writer.write(f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\nConnection: close\r\n\r\n".encode())
        else:
            await whole(ETag=etag)(headers, writer)

    return answer


def trusting() -> ssl.SSLContext:
    tls = ssl.create_default_context()
    CA.configure_trust(tls)
    return tls


async def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def permit(host: str, address: str) -> bool:
    return host in ("lists.test", "other.test") or is_public(host, address)


def fetcher(**changes: Any) -> Fetcher:
    defaults: dict[str, Any] = {"tls": trusting(), "resolve": to_loopback, "permit": permit}
    return Fetcher(**defaults | changes)


async def why(url: str, **changes: Any) -> str:
    """The reason why a document could not be fetched."""
    with pytest.raises(FetchError) as caught:
        await fetcher(**changes).get(url)
    return str(caught.value)


# --- what is asked, and what comes back


def test_a_document_comes_byte_by_byte_as_it_was_sent() -> None:
    async def work() -> Fetched:
        async with site(list=whole(ETag='"v1"')) as made:
            return await fetcher().get(made.url("/list"))

    found = run(work())
    assert (found.body, found.etag, found.unchanged) == (LIST, '"v1"', False)


def test_it_says_who_asks_and_sends_no_cookie_back() -> None:
    async def work() -> list[tuple[str, Headers]]:
        async with site(
            a=whole(b"", "302 Found", Location="/b", Set_Cookie="id=1; Path=/"), b=whole()
        ) as made:
            await fetcher().get(made.url("/a"))
            return made.asked

    asked = run(work())
    assert [path for path, _ in asked] == ["/a", "/b"]
    for _, headers in asked:
        assert headers["user-agent"] == USER_AGENT
        assert "cookie" not in headers
        assert "if-none-match" not in headers


def test_an_unchanged_document_is_not_sent_again() -> None:
    async def work() -> tuple[Fetched, Fetched]:
        async with site(list=tagged('W/"x"')) as made:
            first = await fetcher().get(made.url("/list"))
            return first, await fetcher().get(made.url("/list"), etag=first.etag)

    first, second = run(work())
    assert not first.unchanged
    assert second.unchanged
    assert second.body == b""


def test_a_304_that_was_not_asked_for_is_a_failure() -> None:
    async def work() -> str:
        async with site(list=whole(b"", "304 Not Modified")) as made:
            return await why(made.url("/list"))

    assert run(work()) == "lists.test answered 304"


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "500 Oops", "204 Empty", "206 Partial"])
def test_another_status_is_a_failure(status: str) -> None:
    async def work() -> str:
        async with site(list=whole(b"", status)) as made:
            return await why(made.url("/list"))

    assert run(work()) == f"lists.test answered {status[:3]}"


def test_an_etag_that_is_no_etag_is_forgotten() -> None:
    async def work() -> Fetched:
        async with site(list=whole(ETag="x" * 600)) as made:
            return await fetcher().get(made.url("/list"))

    assert run(work()).etag == ""


# --- packed answers


def test_what_was_packed_unasked_is_unpacked() -> None:
    async def work() -> Fetched:
        async with site(list=whole(gzip.compress(LIST), Content_Encoding="gzip")) as made:
            return await fetcher().get(made.url("/list"))

    assert run(work()).body == LIST


@pytest.mark.parametrize(
    ("body", "coding", "expected"),
    [
        (gzip.compress(b"0" * 10_000_000), "gzip", "larger than 1000"),
        (gzip.compress(LIST)[:-9], "gzip", "cut off"),
        (b"plain", "gzip", "no gzip"),
        (b"?", "br", "encoded as 'br'"),
    ],
    ids=["bomb", "cut", "plain", "another"],  # the bytes hold the time, and differ from process to process
)
def test_a_packed_answer_has_the_same_limits(body: bytes, coding: str, expected: str) -> None:
    async def work() -> str:
        async with site(list=whole(body, Content_Encoding=coding)) as made:
            return await why(made.url("/list"), most_bytes=1000 if "larger" in expected else 100_000)

    assert expected in run(work())


# --- limits of size and time


def test_fifty_megabytes_are_cut_at_the_cap() -> None:
    sent = 0

    async def stream(_: Headers, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        part = b"10000\r\n" + b"1" * 65_536 + b"\r\n"
        while sent < 50_000_000:
            writer.write(part)
            await writer.drain()
            sent += 65_536

    async def work() -> str:
        async with site(list=stream) as made:
            return await why(made.url("/list"), most_bytes=500_000)

    assert run(work()) == "the answer is larger than 500000 bytes"
    # What lies in the buffers of both sides comes on top of the cap.
    assert sent < 20_000_000


def test_an_answer_that_announces_too_much_is_not_read() -> None:
    async def huge(_: Headers, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\nConnection: close\r\n\r\n")

    async def work() -> str:
        async with site(list=huge) as made:
            return await why(made.url("/list"))

    assert run(work()) == "the answer is larger than 5000000 bytes"


def test_an_answer_of_exactly_the_cap_is_taken() -> None:
    async def work() -> Fetched:
        async with site(list=whole(b"x" * 1000)) as made:
            return await fetcher(most_bytes=1000).get(made.url("/list"))

    assert len(run(work()).body) == 1000


def test_a_truncated_answer_is_a_failure() -> None:
    async def short(_: Headers, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\nConnection: close\r\n\r\n" + LIST)

    async def work() -> str:
        async with site(list=short) as made:
            return await why(made.url("/list"))

    assert "not enough data" in run(work()).lower()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"])
def test_a_server_that_hangs_is_left(head: bytes) -> None:
    async def hang(_: Headers, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()
        await gone.wait()

    gone = asyncio.Event()

    async def work() -> str:
        async with site(list=hang) as made:
            try:
                return await why(made.url("/list"), total_seconds=0.3)
            finally:
                gone.set()

    assert run(work()) == "no whole answer within 0.3 s"


def test_a_resolver_that_hangs_is_left() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    assert "within 0.1 s" in run(why("https://lists.test/", resolve=never, total_seconds=0.1))


# --- where it may go


@pytest.mark.parametrize(
    "url", ["http://lists.test/list", "ftp://lists.test/", "file:///etc/passwd", "list", ""]
)
def test_only_https_is_fetched(url: str) -> None:
    assert "is not https" in run(why(url))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_an_address_that_is_not_public_is_never_asked(host: str) -> None:
    async def work() -> tuple[str, int]:
        async with site(list=whole()) as made:
            return await why(f"https://{host}:{made.port}/list", resolve=resolve), len(made.asked)

    reason, asked = run(work())
    assert "no public address" in reason
    assert asked == 0


@pytest.mark.parametrize("host", ["localhost", "0x7f.0.0.1", "inside.test"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "fe80::1%lo"])
def test_a_name_that_leads_inside_is_never_asked(host: str, address: str) -> None:
    async def inside(name: str, port: int) -> list[str]:
        return [address]

    assert run(why(f"https://{host}/", resolve=inside)) == f"{host} has no public address"


def test_localhost_resolved_by_the_system_is_never_asked() -> None:
    assert run(why("https://localhost/", resolve=resolve)) == "localhost has no public address"


def test_a_name_without_address_is_a_failure() -> None:
    async def nothing(name: str, port: int) -> list[str]:
        return []

    assert run(why("https://lists.test/", resolve=nothing)) == "lists.test has no address"
    assert run(why("https://" + "a" * 70 + ".invalid/", resolve=resolve))


def test_the_address_that_was_judged_is_the_one_that_is_asked() -> None:
    """A name that answers differently the second time is not asked a second time."""
    answers = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    judged: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        return [answers.pop(0)]

    def watch(host: str, address: str) -> bool:
        judged.append(address)
        return True

    async def work() -> Fetched:
        async with site(list=whole()) as made:
            return await fetcher(resolve=rebinding, permit=watch).get(made.url("/list"))

    assert run(work()).body == LIST
    assert judged == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://127.0.0.1:{port}/end", "127.0.0.1 is no public address"),
        ("https://[::1]:{port}/end", "::1 is no public address"),
        ("https://inside.test:{port}/end", "inside.test has no public address"),
        ("//inside.test:{port}/end", "inside.test has no public address"),
        ("http://lists.test:{port}/end", "is not https"),
        ("file:///etc/passwd", "is not https"),
        ("https://user:secret@lists.test:{port}/end", "is no host to ask"),
        ("https://user@lists.test:{port}/end", "is no host to ask"),
        ("", "redirects to nowhere"),
        ("https://[", ""),
    ],
)
def test_a_redirect_cannot_lead_where_one_may_not_ask(location: str, reason: str) -> None:
    async def work() -> tuple[str, list[str]]:
        async with site(end=whole()) as made:
            made.answers["/a"] = whole(b"", "302 Found", Location=location.format(port=made.port))
            return await why(made.url("/a")), [path for path, _ in made.asked]

    said, asked = run(work())
    assert reason in said
    assert asked == ["/a"]


def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    async def work() -> tuple[Fetched, str]:
        async with site(
            a=whole(b"", "301 Moved", Location="b"),
            b=whole(b"", "302 Found", Location="/c"),
            c=whole(b"", "307 Again", Location="/d"),
            d=whole(),
            z=whole(b"", "308 Moved", Location="/a"),
        ) as made:
            return await fetcher().get(made.url("/a")), await why(made.url("/z"))

    found, reason = run(work())
    assert found.body == LIST
    assert found.url.endswith("/d")
    assert reason == "more than 3 redirects"


# --- certificates


def test_the_certificate_of_another_host_is_refused() -> None:
    async def work() -> tuple[str, int]:
        async with site(list=whole()) as made:
            return await why(made.url("/list", "other.test")), len(made.asked)

    assert run(work()) == ("the certificate does not hold for other.test", 0)


def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    async def work() -> tuple[str, int]:
        async with site(list=whole()) as made:
            return await why(made.url("/list"), tls=None), len(made.asked)

    assert run(work()) == ("the certificate does not hold for lists.test", 0)


def test_nobody_there_is_a_failure() -> None:
    async def work() -> str:
        async with site(list=whole()) as made:
            port = made.port
        return await why(f"https://lists.test:{port}/")

    assert "lists.test" in run(work())


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vorbehalt\[verify\]'"):
        run(fetcher().get("https://lists.test/"))


# --- lists over the wire


def rules(url: str) -> dict[str, bytes]:
    return {
        "ranges/bot.json": (
            f'{{"list":"bot","source_url":"{url}","fetched_at":"2026-09-01T00:00:00Z","basis":"operator",'
            '"prefixes":[{"ipv4Prefix":"52.230.152.0/24"},{"ipv4Prefix":"20.171.206.0/24"},'
            '{"ipv4Prefix":"20.171.207.0/24"}]}'
        ).encode()
    }


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (whole(b"8.8.8.0/24\n20.171.206.0/23\n"), "updated", ""),
        (whole(b"20.171.206.0/23\n52.230.152.0/24"), "updated", ""),
        (
            whole(),
            "held",
            "it shrank from 2 networks to 1; if that is right, take it with --list bot --accept",
        ),
        (whole(b"<!doctype html><p>Hello"), "failed", "the document is HTML or XML, not a list"),
        (whole(b""), "failed", "the document is empty"),
        (whole(LIST[:-9]), "failed", "not readable as JSON"),
        (whole(b'{"error": "slow down"}'), "failed", "no known form of an address list"),
        (whole(b"8.0.0.0/7\n"), "held", "covers more than an IPv4 /8"),
        (whole(b"8.8.8.0/24\n10.0.0.0/24\n52.0.0.0/16"), "held", "10.0.0.0/24 is not globally routable"),
        (whole(b"", "302 Found", Location="https://127.0.0.1/"), "failed", "127.0.0.1 is no public address"),
        (whole(b"x" * 5_000_001), "failed", "larger than 5000000 bytes"),
    ],
)
def test_a_list_over_https(answer: Answer, outcome: str, reason: str, tmp_path: Path) -> None:
    async def work() -> Refreshed:
        async with site(list=answer) as made:
            (found,) = await refresh(rules(made.url("/list")), tmp_path, fetch=fetcher().get)
            return found

    found = run(work())
    assert found.outcome == outcome
    assert reason in found.reason
    assert (tmp_path / "bot.json").exists() == (outcome == "updated")


def test_an_unchanged_list_is_fresh_again(tmp_path: Path) -> None:
    async def work() -> tuple[list[Refreshed], list[Headers]]:
        async with site(list=tagged('"1"')) as made:
            documents = rules(made.url("/list"))
            found = []
            for day in (1, 2):
                now = (1_790_000_000 + 86_400 * day) * 1_000_000_000
                clock = iter([now]).__next__
                found += await refresh(documents, tmp_path, fetch=fetcher().get, accept=True, clock=clock)
            return found, [headers for _, headers in made.asked]

    (first, second), asked = run(work())
    assert (first.outcome, second.outcome) == ("updated", "unchanged")
    assert [headers.get("if-none-match") for headers in asked] == [None, '"1"']
    assert second.digest == first.digest
    assert second.fetched_at - first.fetched_at == 86_400 * 1_000_000_000
