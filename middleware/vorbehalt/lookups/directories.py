"""Fetches an agent's key directory: one GET, in the look-up thread, with every limit the draft asks for.

draft-ietf-webbotauth-httpsig-protocol-00, "Key Distribution and Discovery" and "Server-Side Request Forgery".
aiohttp is part of the extra `verify` and imported on first use.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from vorbehalt import __version__
from vorbehalt.identify.networks import canonical_address
from vorbehalt.lookups.fetch import FetchError, MissingExtraError, Permit, Resolve, is_public, resolve

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

WELL_KNOWN: Final = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE: Final = "application/http-message-signatures-directory+json"
MOST_BYTES: Final = 65_536
DEADLINE_SECONDS: Final = 5.0
USER_AGENT: Final = f"Vorbehalt/{__version__} (key directories)"

_ORIGIN: Final = re.compile(r"https://([a-z0-9.-]{1,253})(?::[0-9]{1,5})?")
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=\"?([0-9]{1,9})\"?(?=$|[,\s])", re.I)
_FORBIDS_REUSE: Final = re.compile(r"(?:^|[,\s])(?:no-store|no-cache)(?=$|[,\s=])", re.I)
_CHUNK: Final = 16_384


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory as fetched. `max_age_seconds` is what its server allows; None: it does not say."""

    body: bytes
    max_age_seconds: int | None = None


class DirectoryFetcher:
    """Fetches `https://ORIGIN/.well-known/http-message-signatures-directory`; follows no redirect.

    Answers that are not 200, not of the one media type (plain `application/json` too), compressed, or larger
    than 64 KiB are refused. `permit` decides which address may be connected to; a test allows its own by it.
    The address that was judged is the one connected to.
    """

    def __init__(
        self,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        permit: Permit = is_public,
    ) -> None:
        self.deadline_seconds = deadline_seconds
        self._tls = tls
        self._resolve = resolve
        self._permit = permit

    async def __call__(self, origin: str) -> Directory:
        """Fetch the directory of an https origin. Raises FetchError with the reason in words."""
        match = _ORIGIN.fullmatch(origin)
        if match is None or _is_address(match[1]):
            raise FetchError(f"{origin[:200]!r} is no https origin with a host name")
        try:
            import aiohttp
        except ImportError:
            raise MissingExtraError from None
        if self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            async with asyncio.timeout(self.deadline_seconds):
                return await self._get(aiohttp, origin + WELL_KNOWN)
        except TimeoutError:
            raise FetchError(f"no whole answer within {self.deadline_seconds:g} s") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise FetchError(f"the certificate does not hold for {error.host}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(str(error) or type(error).__name__) from error

    async def _get(self, aiohttp: Any, url: str) -> Directory:
        connector = aiohttp.TCPConnector(
            resolver=cast("AbstractResolver", _Pinned(self._resolve, self._permit)),
            ssl=self._tls,
            use_dns_cache=False,
            force_close=True,
        )
        headers = {"User-Agent": USER_AGENT, "Accept": MEDIA_TYPE, "Accept-Encoding": "identity"}
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                trust_env=False,
            ) as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            return await _read(answer)


async def _read(answer: aiohttp.ClientResponse) -> Directory:
    if 300 <= answer.status < 400:
        raise FetchError(f"answered {answer.status}: redirects of a directory are not followed")
    if answer.status != 200:
        raise FetchError(f"answered {answer.status}, not 200")
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise FetchError(f"media type is {media_type[:80]!r}, not {MEDIA_TYPE!r}")
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise FetchError("the answer is compressed, which was not asked for")
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_chunked(_CHUNK):
        size += len(part)
        if size > MOST_BYTES:
            raise FetchError(f"the answer is larger than {MOST_BYTES} bytes")
        parts.append(part)
    return Directory(b"".join(parts), _max_age(answer))


def _max_age(answer: aiohttp.ClientResponse) -> int | None:
    """How long the answer may be used (RFC 9111 section 4.2), less what it spent in caches before."""
    control = ", ".join(answer.headers.getall("Cache-Control", []))
    if _FORBIDS_REUSE.search(control):
        return 0
    found = _MAX_AGE.search(control)
    if found is None:
        return None
    spent = answer.headers.get("Age", "")
    age = int(spent) if spent.isascii() and spent.isdigit() and len(spent) < 10 else 0
    return max(0, int(found[1]) - age)


def _is_address(host: str) -> bool:
    """True for an address in any spelling that some resolver reads as one (127.1, 2130706433, 0x7f.1)."""
    last = host.rstrip(".").rpartition(".")[2]
    return canonical_address(host) is not None or last.isdigit() or last.startswith("0x")


class _Pinned:
    """The resolver that aiohttp asks: answers only with addresses that may be connected to."""

    def __init__(self, resolve: Resolve, permit: Permit) -> None:
        self._resolve = resolve
        self._permit = permit

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the permitted addresses of a name. Raises FetchError if there is none."""
        found = await self._resolve(host, port)
        good = [address for address in found if self._permit(host, address)]
        if not good:
            raise FetchError(f"{host} has no public address")
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
