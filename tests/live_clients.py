"""The clients of the live matrix: what they are, how each is run, and what it needs to be installed."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from live_site import PAGES
from live_support import Live, Mode, run_program

HERE: Final = Path(__file__).parent / "e2e" / "live"
MODULES: Final = Path(__file__).parents[1] / ".cache" / "node_modules"

Label = Literal[
    "person-like",
    "legitimate-automation",
    "declared-tool",
    "declared-crawler",
    "headless-undisguised",
    "driven-browser",
    "disguised",
]
Command = Callable[[str, str, Path], list[str]]
"""origin, key of the server, a folder of its own -> what to run."""


@dataclass(frozen=True, slots=True)
class Client:
    """One real client. `needs` are programs, `python:NAME` and `node:NAME` packages."""

    name: str
    label: Label
    command: Command
    needs: tuple[str, ...]
    small: bool = False
    """One of the few that run in the ordinary suite."""

    def missing(self) -> list[str]:
        """What of its needs is not installed here."""
        return [need for need in self.needs if not is_there(need)]

    def run(self, live: Live, mode: Mode) -> None:
        """Run it once against one of the sidecars; it must end by itself."""
        mine = live.ca.parent / f"{self.name}-{mode}"
        mine.mkdir()
        run_program(
            self.command(live.origin(self.name, mode), live.pin, mine),
            mine,
            live.ca,
            {"MODULES": str(MODULES)},
        )


def is_there(need: str) -> bool:
    """True if a program, a Python or a Node package is installed."""
    kind, _, name = need.rpartition(":")
    if kind == "python":
        return find_spec(name) is not None
    if kind == "node":
        return (MODULES / name).is_dir()
    return shutil.which(name) is not None


@functools.cache
def chromium_major() -> int:
    """The version of the Chromium that is installed: what copies a browser copies a current one."""
    try:
        told = subprocess.run(
            ["chromium", "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except OSError:
        told = ""
    found = re.search(r"Chromium (\d+)\.", told)
    return int(found[1]) if found else 150


def chrome(platform: str = "Windows NT 10.0; Win64; x64", older_by: int = 0) -> str:
    """A User-Agent of Chrome, so many versions older than what is installed."""
    return (
        f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{chromium_major() - older_by}.0.0.0 Safari/537.36"
    )


def python(which: str, agent: Callable[[], str] = str) -> Command:
    return lambda origin, _, __: [sys.executable, str(HERE / "libraries.py"), which, origin, agent(), *PAGES]


def browser(which: str, how: str, agent: Callable[[], str] = str, *before: str) -> Command:
    return lambda origin, pin, folder: [
        *before,
        sys.executable,
        str(HERE / "browsers.py"),
        which,
        how,
        origin,
        agent(),
        pin,
        str(folder / "profile"),
        *PAGES,
    ]


def node(which: str, agent: Callable[[], str] = str) -> Command:
    return lambda origin, pin, folder: [
        "node",
        str(HERE / "node.mjs"),
        which,
        origin,
        agent(),
        pin,
        str(folder / "profile"),
        *PAGES,
    ]


def urls(origin: str) -> list[str]:
    return [origin + path for path in PAGES]


def curl(*options: str, agent: Callable[[], str] | None = None) -> Command:
    return lambda origin, _, folder: [
        "curl",
        "-sS",
        *options,
        *(["-A", agent()] if agent else []),
        *[word for url in urls(origin) for word in ("-o", os.devnull, url)],
    ]


def wget(*options: str, agent: Callable[[], str] | None = None, recursive: bool = False) -> Command:
    def command(origin: str, _: str, folder: Path) -> list[str]:
        words = [
            "wget",
            "-nv",
            "-P",
            str(folder / "got"),
            f"--ca-certificate={os.devnull}",
            "--no-check-certificate",
        ]
        words += [*options, *([f"--user-agent={agent()}"] if agent else [])]
        return [*words, *(["-r", "-l1", "--quota=30k", f"{origin}/"] if recursive else urls(origin))]

    return command


def lynx(origin: str, _: str, __: Path) -> list[str]:
    return [
        "sh",
        "-c",
        'for url in "$@"; do lynx -dump -accept_all_cookies "$url"; done',
        "lynx",
        *urls(origin),
    ]


def newsboat(origin: str, _: str, folder: Path) -> list[str]:
    (folder / "urls").write_text(f"{origin}/feed.xml\n")
    (folder / "config").write_text("ssl-verifypeer no\nssl-verifyhost no\n")
    words = [
        "newsboat",
        "-u",
        str(folder / "urls"),
        "-C",
        str(folder / "config"),
        "-c",
        str(folder / "cache.db"),
        "-x",
        "reload",
    ]
    return ["sh", "-c", '"$@"; "$@"', "newsboat", *words]


def linkchecker(origin: str, _: str, folder: Path) -> list[str]:
    (folder / "linkcheckerrc").write_text("[checking]\nsslverify=0\nthreads=1\n")
    return ["linkchecker", "-f", str(folder / "linkcheckerrc"), "-r1", "--no-warnings", f"{origin}/"]


def yt_dlp(origin: str, _: str, folder: Path) -> list[str]:
    words = [
        sys.executable,
        "-m",
        "yt_dlp",
        "--no-check-certificates",
        "--ignore-config",
        "--no-cache-dir",
        "-s",
        "-i",
    ]
    return [*words, *urls(origin)]


XVFB: Final = ("xvfb-run", "-a")

CLIENTS: Final[tuple[Client, ...]] = (
    Client(
        "chromium-reader",
        "person-like",
        browser("chromium", "click", lambda: chrome("X11; Linux x86_64")),
        ("chromium",),
        True,
    ),
    Client(
        "chromium-window",
        "person-like",
        browser("chromium-window", "click", str, *XVFB),
        ("chromium", "xvfb-run"),
    ),
    Client("firefox-reader", "person-like", browser("firefox", "click"), ("firefox-esr",)),
    Client(
        "firefox-window",
        "person-like",
        browser("firefox-window", "click", str, *XVFB),
        ("firefox-esr", "xvfb-run"),
    ),
    Client("lynx", "person-like", lynx, ("lynx",)),
    Client("newsboat", "legitimate-automation", newsboat, ("newsboat",)),
    Client("feedparser", "legitimate-automation", python("feedparser"), ("python:feedparser",)),
    Client("curl", "declared-tool", curl(), ("curl",), True),
    Client("wget", "declared-tool", wget(), ("wget",), True),
    Client("httpx", "declared-tool", python("httpx"), ("python:httpx", "python:h2"), True),
    Client("requests", "declared-tool", python("requests"), ("python:requests",), True),
    Client("aiohttp", "declared-tool", python("aiohttp"), ("python:aiohttp",)),
    Client("wget-recursive", "declared-crawler", wget(recursive=True), ("wget",)),
    Client("scrapy", "declared-crawler", python("scrapy"), ("python:scrapy",), True),
    Client("linkchecker", "declared-crawler", linkchecker, ("linkchecker",)),
    Client("chromium-headless", "headless-undisguised", browser("chromium", "goto"), ("chromium",), True),
    Client(
        "puppeteer", "headless-undisguised", node("puppeteer"), ("chromium", "node", "node:puppeteer-core")
    ),
    Client(
        "playwright", "headless-undisguised", node("playwright"), ("chromium", "node", "node:playwright-core")
    ),
    Client("curl-as-chrome", "disguised", curl(agent=chrome), ("curl",), True),
    Client("wget-as-chrome", "disguised", wget(agent=chrome), ("wget",), True),
    Client("httpx-as-chrome", "disguised", python("httpx", chrome), ("python:httpx", "python:h2"), True),
    Client("requests-as-chrome", "disguised", python("requests", chrome), ("python:requests",), True),
    Client("aiohttp-as-chrome", "disguised", python("aiohttp", chrome), ("python:aiohttp",)),
    Client("scrapy-as-chrome", "disguised", python("scrapy", chrome), ("python:scrapy",), True),
    Client("requests-faker", "disguised", python("faker"), ("python:requests", "python:faker")),
    Client("yt-dlp", "disguised", yt_dlp, ("python:yt_dlp",)),
    Client("crawlee", "disguised", node("crawlee"), ("node", "node:crawlee")),
    Client(
        "chromium-as-older",
        "disguised",
        browser("chromium", "goto", lambda: chrome(older_by=20)),
        ("chromium",),
        True,
    ),
    Client(
        "chromium-goto",
        "driven-browser",
        browser("chromium", "goto", lambda: chrome("X11; Linux x86_64")),
        ("chromium",),
    ),
    Client(
        "puppeteer-as-chrome",
        "disguised",
        node("puppeteer", chrome),
        ("chromium", "node", "node:puppeteer-core"),
    ),
    Client(
        "playwright-as-chrome",
        "disguised",
        node("playwright", lambda: chrome(older_by=20)),
        ("chromium", "node", "node:playwright-core"),
    ),
    Client("firefox-goto", "driven-browser", browser("firefox", "goto"), ("firefox-esr",)),
    Client(
        "curl_cffi-chrome", "disguised", python("curl_cffi", lambda: "chrome"), ("python:curl_cffi",), True
    ),
    Client(
        "curl_cffi-firefox", "disguised", python("curl_cffi", lambda: "firefox"), ("python:curl_cffi",), True
    ),
    Client("curl_cffi-safari", "disguised", python("curl_cffi", lambda: "safari"), ("python:curl_cffi",)),
)
"""All of them. `-as-chrome` and the like send a User-Agent of Chrome; curl_cffi speaks HTTP/2 and shakes
hands like the browser that it names; `-goto` is a genuine browser whose program opens every address."""
