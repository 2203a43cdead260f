"""Fetches one public document over https, with every limit that a stranger's server calls for.

Nothing here runs in a request's way. aiohttp is part of the extra `verify` and imported on first use.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import socket
import ssl
import threading
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from vorbehalt import __version__
from vorbehalt.errors import VorbehaltError
from vorbehalt.identify.networks import canonical_address

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult
    from yarl import URL

Resolve = Callable[[str, int], Awaitable[list[str]]]
Permit = Callable[[str, str], bool]

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 30.0
MOST_BYTES: Final = 5_000_000
MOST_REDIRECTS: Final = 3
USER_AGENT: Final = f"Vorbehalt/{__version__} (address lists)"

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK: Final = 65_536
_LONGEST_ETAG: Final = 512
_ACCEPT: Final = "application/json, text/plain, text/csv;q=0.9, */*;q=0.1"


class FetchError(VorbehaltError):
    """A document could not be fetched; the message is the reason in words."""


class MissingExtraError(FetchError):
    """aiohttp is not installed."""

    def __init__(self) -> None:
        super().__init__("fetching needs an extra: pip install 'vorbehalt[verify]'")


def require_extra() -> None:
    """Raise MissingExtraError where aiohttp is not installed."""
    if importlib.util.find_spec("aiohttp") is None:
        raise MissingExtraError


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. `body` is empty if it is unchanged (304); `url` is where the last redirect led."""

    url: str
    body: bytes
    etag: str
    unchanged: bool = False


def is_public(host: str, address: str) -> bool:
    """True if an address may be connected to: globally routable, so nobody's inside (and not our own)."""
    known = canonical_address(address)
    return known is not None and known[1]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises OSError.

    Asked in a daemon thread: the system's resolver cannot be interrupted and must not hold up an exit.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def tell(found: list[str] | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        found: list[str] | OSError
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except OSError as error:
            found = error
        except UnicodeError as error:
            found = OSError(f"{host!r} is no host name: {error}")
        # Nobody waits any more once the loop has ended.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, found)

    threading.Thread(target=ask, name="vorbehalt-resolve", daemon=True).start()
    return await answer


class Fetcher:
    """Fetches over https only, from public addresses only, at most so long and so much; keeps no cookie.

    `permit` decides which address of which host may be connected to; a test allows its own server by it.
    The address that was judged is the one connected to: a name cannot answer differently a moment later.
    """

    def __init__(
        self,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        most_bytes: int = MOST_BYTES,
        user_agent: str = USER_AGENT,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        permit: Permit = is_public,
    ) -> None:
        self.connect_seconds = connect_seconds
        self.total_seconds = total_seconds
        self.most_bytes = most_bytes
        self.user_agent = user_agent
        self._tls = tls
        self._resolve = resolve
        self._permit = permit

    async def get(self, url: str, *, etag: str = "", accept: str = _ACCEPT) -> Fetched:
        """Fetch a document, unless it still has this ETag. Raises FetchError with the reason in words."""
        require_extra()
        import aiohttp

        if self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            async with asyncio.timeout(self.total_seconds):
                return await self._get(aiohttp, url, etag, accept)
        except TimeoutError:
            raise FetchError(f"no whole answer within {self.total_seconds:g} s") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise FetchError(f"the certificate does not hold for {error.host}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(str(error) or type(error).__name__) from error

    async def _get(self, aiohttp: Any, url: str, etag: str, accept: str) -> Fetched:
        from yarl import URL

        headers = {"User-Agent": self.user_agent, "Accept": accept, "Accept-Encoding": "identity"}
        if etag:
            headers["If-None-Match"] = etag
        connector = aiohttp.TCPConnector(
            resolver=cast("AbstractResolver", _Resolver(self._resolve, self._permit)),
            ssl=self._tls,
            use_dns_cache=False,
            force_close=True,
        )
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.connect_seconds),
            auto_decompress=False,
            trust_env=False,
        ) as session:
            place = URL(url)
            for _ in range(MOST_REDIRECTS + 1):
                self._check(place)
                async with session.get(place, headers=headers, allow_redirects=False) as answer:
                    if answer.status not in _REDIRECTS:
                        return await self._read(answer, str(place), etag)
                    place = _target(answer, place)
            raise FetchError(f"more than {MOST_REDIRECTS} redirects")

    def _check(self, place: URL) -> None:
        """Refuse an address that must not be asked. Names are judged once they are resolved."""
        if place.scheme != "https":
            raise FetchError(f"{place.human_repr()[:200]} is not https")
        if not place.host or place.user is not None or place.password is not None:
            raise FetchError(f"{place.host!r} is no host to ask")
        # aiohttp connects to whatever looks like an address without asking the resolver; libc reads more
        # spellings as addresses (127.1, 2130706433) than we do, and those are refused.
        if ":" in place.host or place.host.replace(".", "").isdigit():
            known = canonical_address(place.host)
            if known is None or not self._permit(place.host, known[0]):
                raise FetchError(f"{place.host} is no public address")

    async def _read(self, answer: aiohttp.ClientResponse, url: str, etag: str) -> Fetched:
        found = answer.headers.get("ETag", "")
        if len(found) > _LONGEST_ETAG or not found.isascii() or not found.isprintable():
            found = ""
        if answer.status == 304 and etag:
            return Fetched(url, b"", found or etag, unchanged=True)
        if answer.status != 200:
            raise FetchError(f"{answer.url.host} answered {answer.status}")
        if (answer.content_length or 0) > self.most_bytes:
            raise FetchError(self._too_large())
        parts: list[bytes] = []
        size = 0
        async for part in answer.content.iter_chunked(_CHUNK):
            size += len(part)
            if size > self.most_bytes:
                raise FetchError(self._too_large())
            parts.append(part)
        body = b"".join(parts)
        coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if coding in ("gzip", "x-gzip"):
            body = self._unpack(body)
        elif coding not in ("", "identity"):
            raise FetchError(f"the answer is encoded as {coding[:40]!r}, which was not asked for")
        return Fetched(url, body, found)

    def _unpack(self, body: bytes) -> bytes:
        """Unpack what some servers send packed whatever is asked, within the same limit of size."""
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            whole = unpacker.decompress(body, self.most_bytes + 1)
        except zlib.error as error:
            raise FetchError(f"the answer is no gzip: {error}") from None
        if len(whole) > self.most_bytes:
            raise FetchError(self._too_large())
        if not unpacker.eof:
            raise FetchError("the answer is cut off")
        return whole

    def _too_large(self) -> str:
        return f"the answer is larger than {self.most_bytes} bytes"


def _target(answer: aiohttp.ClientResponse, place: URL) -> URL:
    from yarl import URL

    location = answer.headers.get("Location", "")
    if not location:
        raise FetchError(f"{place.host} redirects to nowhere")
    return place.join(URL(location))


class _Resolver:
    """The resolver that aiohttp asks: answers only with addresses that may be connected to."""

    def __init__(self, resolve: Resolve, permit: Permit) -> None:
        self._resolve = resolve
        self._permit = permit

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the permitted addresses of a name. Raises OSError if there is none."""
        found = await self._resolve(host, port)
        good = [address for address in found if self._permit(host, address)]
        if not good:
            raise FetchError(f"{host} has no public address" if found else f"{host} has no address")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in good
        ]

    async def close(self) -> None:
        """Nothing is held."""
