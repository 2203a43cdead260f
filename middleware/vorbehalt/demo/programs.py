"""Real HTTP clients of this machine, each run as a program of its own with a time-out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

TIMEOUT_SECONDS = 8
_BROWSER_SECONDS = 25
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_URLLIB = """
import sys, urllib.error, urllib.request as u
opener = u.build_opener(u.ProxyHandler({}))
if sys.argv[2]: opener.addheaders = [("User-Agent", sys.argv[2])]
try: answer = opener.open(sys.argv[1], timeout=8)
except urllib.error.HTTPError as error: answer = error
answer.read(); print(answer.getcode())
"""
_HTTP_CLIENT = """
import http.client, sys, urllib.parse as p
url = p.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=8)
connection.request("GET", url.path or "/", headers={"User-Agent": sys.argv[2]} if sys.argv[2] else {})
answer = connection.getresponse(); answer.read(); print(answer.status)
"""
_HTTPX = """
import httpx, sys
headers = {"User-Agent": sys.argv[2]} if sys.argv[2] else {}
print(httpx.Client(trust_env=False, timeout=8).get(sys.argv[1], headers=headers).status_code)
"""
_AIOHTTP = """
import aiohttp, asyncio, sys
async def main():
    headers = {"User-Agent": sys.argv[2]} if sys.argv[2] else {}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(8)) as session:
        async with session.get(sys.argv[1]) as answer:
            await answer.read(); print(answer.status)
asyncio.run(main())
"""
_NODE = """
const [url, agent] = process.argv.slice(1);
fetch(url, {headers: agent ? {"User-Agent": agent} : {}, signal: AbortSignal.timeout(8000)})
  .then(async (answer) => { await answer.arrayBuffer(); console.log(answer.status); });
"""

Command = Callable[[str, str, Sequence[tuple[str, str]]], list[str]]
"""From URL, User-Agent (empty: the program's own) and further headers to a command line."""


@dataclass(frozen=True, slots=True)
class Program:
    """One HTTP client. `sends_headers`: further headers can be set; `shows_status`: it prints what it got."""

    name: str
    command: Command
    sends_headers: bool = False
    timeout_seconds: int = TIMEOUT_SECONDS + 4
    pattern: str = r"(?:.*\D)?(\d{3})\s*"
    """Finds the status it saw in what it prints; empty: it does not say."""

    def fetch(self, url: str, user_agent: str, headers: Sequence[tuple[str, str]] = ()) -> int | None:
        """Fetch one URL and return the status that the program itself saw, None if it does not say.

        Raises TimeoutError if it does not end in time, OSError if it cannot be run.
        """
        with tempfile.TemporaryDirectory(prefix="vorbehalt-demo-") as folder:
            command = [part.replace("{folder}", folder) for part in self.command(url, user_agent, headers)]
            try:
                done = subprocess.run(  # noqa: S603 a fixed command line, no shell
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=self.timeout_seconds,
                    env=_environment(),
                    cwd=folder,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise TimeoutError(f"{self.name} did not end within {self.timeout_seconds} s") from None
        if not self.pattern:
            return None
        match = re.fullmatch(self.pattern, done.stdout.decode("utf-8", "replace"), re.DOTALL)
        return int(match[1]) if match is not None else None


def installed() -> dict[str, Program]:
    """Return the clients that this machine has, by name. Python's own two are always there."""
    found = [_python("Python urllib", _URLLIB), _python("Python http.client", _HTTP_CLIENT)]
    if path := shutil.which("curl"):
        found.append(Program("curl", _curl(path), sends_headers=True))
    if path := shutil.which("wget"):
        found.append(Program("wget", _wget(path), pattern=r".*HTTP/[\d.]+ (\d{3}).*"))
    if find_spec("httpx"):
        found.append(_python("Python httpx", _HTTPX))
    if find_spec("aiohttp"):
        found.append(_python("Python aiohttp", _AIOHTTP))
    if find_spec("scrapy"):
        found.append(Program("Scrapy", _scrapy, timeout_seconds=20, pattern=""))
    if path := shutil.which("node"):
        found.append(Program("Node fetch", _node(path)))
    for name in _BROWSERS:
        if path := shutil.which(name):
            found.append(Program("Chromium", _browser(path), timeout_seconds=_BROWSER_SECONDS, pattern=""))
            break
    return {program.name: program for program in found}


def browser_version() -> str:
    """Return the major version of the installed Chromium, `141` where there is none or it does not say."""
    path = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if path is not None:
        try:
            done = subprocess.run(  # noqa: S603 a fixed command line, no shell
                [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return "141"
        if match := re.search(rb"(\d+)\.\d+\.\d+", done.stdout):
            return match[1].decode("ascii")
    return "141"


def _environment() -> dict[str, str]:
    """The clients talk to loopback only: no proxy of this machine may stand between."""
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return {**kept, "NO_PROXY": "*", "no_proxy": "*"}


def _python(name: str, script: str) -> Program:
    return Program(name, lambda url, agent, _: [sys.executable, "-I", "-c", script, url, agent])


def _curl(path: str) -> Command:
    def command(url: str, agent: str, headers: Sequence[tuple[str, str]]) -> list[str]:
        line = [
            path,
            "-q",
            "-sS",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--max-time",
            str(TIMEOUT_SECONDS),
        ]
        if agent:
            line += ["-A", agent]
        for key, value in headers:
            line += ["-H", f"{key}: {value}"]
        return [*line, url]

    return command


def _wget(path: str) -> Command:
    def command(url: str, agent: str, headers: Sequence[tuple[str, str]]) -> list[str]:
        line = [path, "-S", "-O", "/dev/null", "-T", str(TIMEOUT_SECONDS), "-t", "1"]
        return [*line, *(["-U", agent] if agent else []), url]

    return command


def _scrapy(url: str, agent: str, headers: Sequence[tuple[str, str]]) -> list[str]:
    line = [
        sys.executable,
        "-I",
        "-m",
        "scrapy",
        "fetch",
        "--nolog",
        "-s",
        f"DOWNLOAD_TIMEOUT={TIMEOUT_SECONDS}",
    ]
    return [*line, *(["-s", f"USER_AGENT={agent}"] if agent else []), url]


def _node(path: str) -> Command:
    return lambda url, agent, _: [path, "-e", _NODE, url, agent]


def _browser(path: str) -> Command:
    def command(url: str, agent: str, headers: Sequence[tuple[str, str]]) -> list[str]:
        line = [
            path,
            "--headless=new",
            "--disable-gpu",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-default-apps",
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--disable-sync",
            "--no-default-browser-check",
            "--no-first-run",
            "--no-proxy-server",
            # The demo is between this machine and itself: no name outside is ever asked for.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--user-data-dir={folder}",
            "--dump-dom",
        ]
        if os.geteuid() == 0:
            line.append("--no-sandbox")
        if agent:
            line.append(f"--user-agent={agent}")
        return [*line, url]

    return command
