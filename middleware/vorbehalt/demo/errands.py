"""Who visits the demo label, under which name, and what is expected to happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vorbehalt.demo.programs import Program

_LIKE_GECKO = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; {})"
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
_FIREFOX_HEADERS = (
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "de,en-US;q=0.7,en;q=0.3"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "none"),
    ("Sec-Fetch-User", "?1"),
    ("Upgrade-Insecure-Requests", "1"),
    ("Priority", "u=0, i"),
)
_CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
_BYTESPIDER = (
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
    "(compatible; Bytespider; spider-feedback@bytedance.com)"
)


@dataclass(frozen=True, slots=True)
class Errand:
    """One visitor: what it is in words, its User-Agent (empty: the program's own), and the pages it asks for.

    `programs` in order of preference; `or_skip` names no substitute. `expected` is the status of each page,
    None where the policy leaves it open.
    """

    who: str
    user_agent: str
    programs: tuple[str, ...]
    paths: tuple[str, ...]
    expected: tuple[int | None, ...]
    headers: tuple[tuple[str, str], ...] = ()
    or_skip: bool = False

    def program(self, installed: Mapping[str, Program]) -> Program | None:
        """Return the program that runs this errand here; None if it is skipped."""
        for name in self.programs:
            if name in installed:
                return installed[name]
        return None if self.or_skip else installed["Python urllib"]


def errands(chrome_version: str) -> tuple[Errand, ...]:
    """Return all visitors in the order in which they come."""
    chrome = _CHROME.format(chrome_version)
    return (
        Errand("a reader", chrome, ("Chromium", "curl", "Python http.client"), ("/lyrics/1",), (200,)),
        Errand("a reader", _FIREFOX, ("curl", "Python http.client"), ("/songs/2",), (200,), _FIREFOX_HEADERS),
        Errand(
            "a subscriber", "NetNewsWire (RSS Reader; https://netnewswire.com/)", (), ("/feed.xml",), (200,)
        ),
        Errand(
            "a search engine",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            ("curl",),
            ("/robots.txt", "/lyrics/3"),
            (200, 200),
        ),
        *_own_names(),
        Errand(
            "an AI search index",
            _LIKE_GECKO.format("PerplexityBot/1.0; +https://perplexity.ai/perplexitybot"),
            ("Python http.client",),
            ("/lyrics/4",),
            (200,),
        ),
        Errand(
            "an AI asked by a person",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
            ("Python aiohttp", "Python httpx"),
            ("/songs/5",),
            (200,),
        ),
        Errand(
            "an AI training crawler",
            _LIKE_GECKO.format("GPTBot/1.2; +https://openai.com/gptbot"),
            ("curl",),
            ("/robots.txt", "/lyrics/1", "/audio/1.wav", "/press/"),
            (200, 403, 403, 200),
        ),
        Errand(
            "an AI training crawler",
            _LIKE_GECKO.format("ClaudeBot/1.0; +claudebot@anthropic.com"),
            ("Python httpx", "Python aiohttp"),
            ("/robots.txt", "/lyrics/2"),
            (200, 403),
        ),
        Errand(
            "a collector of data sets",
            "CCBot/2.0 (https://commoncrawl.org/faq/)",
            ("wget", "Python http.client"),
            ("/lyrics/5",),
            (403,),
        ),
        Errand(
            "a crawler that does not say why",
            _BYTESPIDER,
            ("Python http.client",),
            ("/covers/1.png",),
            (None,),
        ),
    )


def _own_names() -> tuple[Errand, ...]:
    """Programs under their own names: somebody's script, a test run, perhaps the owner's own."""
    return (
        Errand("a script", "", ("curl",), ("/",), (200,), or_skip=True),
        Errand("a script", "", ("wget",), ("/songs/",), (200,), or_skip=True),
        Errand("a script", "", ("Python urllib",), ("/sitemap.xml",), (200,)),
        Errand("a script", "", ("Python httpx",), ("/press/",), (200,), or_skip=True),
        Errand("a script", "", ("Python aiohttp",), ("/artists/",), (200,), or_skip=True),
        Errand("a script", "", ("Node fetch",), ("/songs/6",), (200,), or_skip=True),
        Errand("a script", "", ("Scrapy",), ("/artists/tern-and-tallow",), (200,), or_skip=True),
        Errand("an automated browser", "", ("Chromium",), ("/songs/3",), (200,), or_skip=True),
    )
