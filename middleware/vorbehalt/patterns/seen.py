"""One request as findings look at it, and what of it can be believed where we stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal

from vorbehalt.facts import ClientAddress, Visit
from vorbehalt.patterns.browser import Browser, claimed_browser, names_itself

NEEDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "secure": "the scheme is known, and it is https",
        "order": "the headers arrive in the order in which the client sent them",
        "http-version": "the HTTP version is that between the client and the first server",
        "connection": "Connection, Upgrade and Content-Length are the client's, not a proxy's",
        "encoding": "Accept-Encoding is the client's, not a proxy's",
        "assets": "requests for style sheets, scripts and images pass us as well",
        "cookies": "the site sets a cookie on pages",
        "robots": "robots.txt is answered by us",
        "traps": "trap links are placed",
        "tls": "a proxy tells the JA4 fingerprint in a header that no client can set",
    }
)
"""What a finding may need, with what it means. Where it is not given the finding is off."""

Kind = Literal["page", "asset", "media", "feed"]

_ENDINGS: Final[Mapping[Kind, str]] = {
    "asset": "css js mjs map json xml webmanifest ico png jpg jpeg gif webp avif jxl svg bmp woff woff2 ttf"
    " otf eot wasm txt",
    "media": "mp3 m4a aac ogg oga opus flac wav aiff mp4 m4v webm mov mkv ts m3u8 mpd pdf zip",
}
_KINDS: Final[Mapping[str, Kind]] = {
    ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()
}
_FEEDS: Final = frozenset({"feed", "rss", "atom"})
_FEED_FILES: Final = frozenset(
    {f"{name}.xml" for name in ("feed", "rss", "atom", "index", "podcast")} | {"feed.json"}
)
_ASSET_DESTS: Final = frozenset(
    b"style script image font manifest worker sharedworker serviceworker track".split()
)
DOCUMENT_DESTS: Final = frozenset((b"document", b"iframe", b"frame", b""))


@dataclass(frozen=True, slots=True)
class Inputs:
    """What this arrangement lets us see: names of NEEDS.

    `loopback_is_secure`: browsers treat localhost as a secure context, so where the site is asked at it, by a
    developer or a test, plain http counts like https. `tls_header`: the name, in lower case, of the header in
    which a trusted proxy tells the JA4 fingerprint; clients must not be able to set it.
    """

    given: frozenset[str] = frozenset()
    loopback_is_secure: bool = False
    tls_header: bytes = b""


@dataclass(slots=True)
class Seen:
    """One request, before findings. Names in lower case, in the order received; the first value of each."""

    names: tuple[bytes, ...]
    values: Mapping[bytes, bytes]
    method: str
    path: str
    http_version: str
    received_at: int
    secure: bool
    """The scheme is believed and is https (or loopback where that counts)."""
    browser: Browser | None
    inputs: Inputs
    kind: Kind
    is_navigation: bool
    """A person's browser shows the answer as a page, as far as the request says; False in doubt."""
    is_prefetch: bool
    """Sec-Purpose or one of its forerunners: fetched in advance, perhaps never shown."""
    host: str = ""
    names_itself: bool = False
    """The User-Agent says who sends it: policy's business, not a disguise."""
    needs: frozenset[str] = field(default_factory=frozenset)
    """What is given for this request: those of the arrangement, without "secure" on plain http."""

    def value(self, name: bytes) -> bytes:
        """The first value of a header; empty if absent."""
        return self.values.get(name, b"")


_known_browser: Final = lru_cache(maxsize=4096)(claimed_browser)
_LONGEST_AGENT: Final = 512


def seen(visit: Visit, inputs: Inputs) -> Seen:
    """Look at a request the way findings do."""
    names = tuple([name for name, _ in visit.headers])
    values = dict(reversed(visit.headers))
    given = inputs.given
    secure = is_secure(inputs, visit.scheme, visit.client, visit.header(b"x-forwarded-proto"), visit.host)
    agent = values.get(b"user-agent", b"")
    browser = _known_browser(agent) if len(agent) <= _LONGEST_AGENT else claimed_browser(agent)
    would_tell = secure and browser is not None and browser.tells_fetch_metadata
    kind = kind_of(visit.path, values.get(b"sec-fetch-dest", b""))
    return Seen(
        names=names,
        values=values,
        method=visit.method,
        path=visit.path,
        http_version=visit.http_version,
        received_at=visit.received_at,
        secure=secure,
        browser=browser,
        inputs=inputs,
        kind=kind,
        is_navigation=not visit.is_websocket and _is_navigation(visit.method, values, kind, would_tell),
        is_prefetch=is_prefetch(values),
        host=visit.host,
        names_itself=browser is None and names_itself(agent.decode("latin-1")),
        needs=given if secure else given - {"secure"},
    )


def is_secure(inputs: Inputs, scheme: str, client: ClientAddress, told: bytes, host: str) -> bool:
    """True if the scheme is believed and is https, or loopback where that counts.

    `told` is X-Forwarded-Proto, which is believed of a trusted proxy, if none in the chain says otherwise. A
    browser on plain http leaves out what it sends over https, so that in doubt it was plain http.
    """
    if "secure" not in inputs.given:
        return False
    if scheme in ("https", "wss") or (inputs.loopback_is_secure and is_loopback(host)):
        return True
    if client.source != "proxy-asserted" or not told:
        return False
    return all(part.strip() in (b"https", b"wss") for part in told.lower().split(b","))


def is_loopback(host: str) -> bool:
    """True for the names that browsers treat as this very machine (Secure Contexts, section 3.1)."""
    return host in ("localhost", "[::1]", "::1") or host.startswith("127.") or host.endswith(".localhost")


def is_prefetch(values: Mapping[bytes, bytes]) -> bool:
    """True if the request says that it is made in advance: Sec-Purpose, or what stood for it before."""
    return (
        b"sec-purpose" in values
        or values.get(b"purpose", b"").lower() in (b"prefetch", b"preview")
        or values.get(b"x-purpose", b"").lower() == b"preview"
        or values.get(b"x-moz", b"").lower() == b"prefetch"
    )


def kind_of(path: str, dest: bytes = b"") -> Kind:
    """What kind of thing is asked for, by Sec-Fetch-Dest where it is told, else by the path."""
    if dest in _ASSET_DESTS:
        return "asset"
    if dest in (b"audio", b"video"):
        return "media"
    name = path.rstrip("/").rpartition("/")[2].lower()
    if name in _FEEDS or name in _FEED_FILES or name.endswith((".rss", ".atom")):
        return "feed"
    return _KINDS.get(name.rpartition(".")[2], "page") if "." in name else "page"


def _is_navigation(method: str, values: Mapping[bytes, bytes], kind: Kind, would_tell: bool) -> bool:
    if method not in ("GET", "POST"):
        return False
    mode = values.get(b"sec-fetch-mode")
    if mode is not None:
        return mode == b"navigate" and values.get(b"sec-fetch-dest", b"") in DOCUMENT_DESTS
    if b"upgrade-insecure-requests" in values:
        return True
    if method != "GET" or kind != "page" or b"x-requested-with" in values or b"range" in values:
        return False
    # A script's request looks like this too, unless the claimed browser would say so over https.
    return would_tell or b"text/html" in values.get(b"accept", b"")
