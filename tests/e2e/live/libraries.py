"""Python clients of the live matrix: `libraries.py WHICH ORIGIN USER_AGENT PATH...`; an empty User-Agent is
the library's own. The authority is named by SSL_CERT_FILE."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence

CA = os.environ.get("SSL_CERT_FILE", "")
Call = Callable[[str, str, Sequence[str]], None]


def with_requests(origin: str, agent: str, paths: Sequence[str]) -> None:
    import requests

    with requests.Session() as session:
        session.verify = CA
        if agent:
            session.headers["User-Agent"] = agent
        for path in paths:
            session.get(origin + path, timeout=20)


def with_httpx(origin: str, agent: str, paths: Sequence[str]) -> None:
    import ssl

    import httpx

    headers = {"User-Agent": agent} if agent else {}
    context = ssl.create_default_context(cafile=CA)
    with httpx.Client(http2=True, verify=context, headers=headers, timeout=20) as client:
        for path in paths:
            client.get(origin + path)


def with_aiohttp(origin: str, agent: str, paths: Sequence[str]) -> None:
    import ssl

    import aiohttp

    async def run() -> None:
        headers = {"User-Agent": agent} if agent else {}
        context = ssl.create_default_context(cafile=CA)
        async with aiohttp.ClientSession(headers=headers) as session:
            for path in paths:
                async with session.get(origin + path, ssl=context) as answer:
                    await answer.read()

    asyncio.run(run())


def with_curl_cffi(origin: str, agent: str, paths: Sequence[str]) -> None:
    """Here the User-Agent is the name of what is impersonated."""
    from curl_cffi import requests

    with requests.Session(impersonate=agent) as session:
        for path in paths:
            session.get(origin + path, timeout=20, verify=CA)


def with_feedparser(origin: str, agent: str, paths: Sequence[str]) -> None:
    import feedparser

    etag = None
    for _ in range(3):
        found = feedparser.parse(f"{origin}/feed.xml", etag=etag)
        etag = found.get("etag")


def with_scrapy(origin: str, agent: str, paths: Sequence[str]) -> None:
    """A spider that follows links; with a User-Agent of a browser it does not ask robots.txt."""
    import scrapy
    from scrapy.crawler import CrawlerProcess
    from scrapy.http import Response, TextResponse

    class Spider(scrapy.Spider):
        def __init__(self) -> None:
            super().__init__("songs", start_urls=[f"{origin}/"])

        def parse(self, response: Response, **kwargs: object) -> object:
            assert isinstance(response, TextResponse)
            yield from response.follow_all(css="a")

    settings: dict[str, object] = {
        "CLOSESPIDER_PAGECOUNT": 8,
        "CONCURRENT_REQUESTS": 1,
        "DOWNLOAD_DELAY": 0,
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "ROBOTSTXT_OBEY": not agent,
    }
    if agent:
        settings["USER_AGENT"] = agent
    process = CrawlerProcess(settings)
    process.crawl(Spider)
    process.start()


def with_faker(origin: str, agent: str, paths: Sequence[str]) -> None:
    """Another invented browser with every request; the generator starts where it always does."""
    import requests
    from faker import Faker

    faker = Faker()
    faker.seed_instance(7)
    for path in paths:
        requests.get(origin + path, headers={"User-Agent": faker.user_agent()}, verify=CA, timeout=20)


CALLS: dict[str, Call] = {
    "requests": with_requests,
    "httpx": with_httpx,
    "aiohttp": with_aiohttp,
    "curl_cffi": with_curl_cffi,
    "feedparser": with_feedparser,
    "scrapy": with_scrapy,
    "faker": with_faker,
}

if __name__ == "__main__":
    which, origin, agent, *paths = sys.argv[1:]
    CALLS[which](origin, agent, paths)
