"""Real servers with four workers, some of which are killed while crawlers ask."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from process_support import GPTBOT, free_port, importing_from, running, wait_for

SEARCHBOT = "Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)"
PACE = 0.025
"""Between two requests of one client: two clients stay below their operator's budget of full records."""

SITE = """\
from vorbehalt import VorbehaltMiddleware


async def page(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
    await send({"type": "http.response.body", "body": b"a page"})


app = VorbehaltMiddleware(page, config="vorbehalt.toml")
"""

# The deadline is long so that an answer never leaves without its record: what is tried here is the kill.
CONFIG = """\
format = 1
[site]
origin = "https://label.example"
robots = "none"
contact = "mailto:licensing@label.example"
[network]
trusted_proxies = ["loopback"]
[evidence]
reply_deadline = "20s"
"""

_UVICORN = [sys.executable, "-m", "uvicorn", "site_under_load:app", "--no-proxy-headers"]
_GUNICORN = [sys.executable, "-m", "gunicorn", "site_under_load:app", "-k", "uvicorn_worker.UvicornWorker"]
_RESPAWN = ("--respawn-failed-workers", "--respawn-interval", "0.1")
_GRANIAN = [
    str(Path(sys.executable).with_name("granian")),
    "site_under_load:app",
    "--interface",
    "asgi",
    *_RESPAWN,
]
SERVERS = {
    "uvicorn": [*_UVICORN, "--workers", "4", "--port", "{port}"],
    "gunicorn": [*_GUNICORN, "--preload", "-w", "4", "-b", "127.0.0.1:{port}"],
    "granian": [*_GRANIAN, "--interface", "asgi", "--workers", "4", "--port", "{port}"],
}
REST = {"granian": 6.0}
"""Seconds that a worker lives at least: Granian ends if one dies within 5.5 s, for a crash loop."""


@dataclass
class Crowd:
    """Crawlers that ask, each time for another path and from another address."""

    port: int
    over: threading.Event = field(default_factory=threading.Event)
    answered: dict[str, int] = field(default_factory=dict)
    """Path -> status, from the first byte of an answer on."""
    unanswered: int = 0
    kills: list[int] = field(default_factory=list)

    def visit(self, number: int, agent: str) -> None:
        count = 0
        while not self.over.wait(PACE):
            count += 1
            path = f"/page/{number}/{count}"
            address = f"20.{number}.{count >> 8 & 255}.{count & 255}"
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("GET", path, headers={"User-Agent": agent, "X-Forwarded-For": address})
                answer = connection.getresponse()
                self.answered[path] = answer.status
                answer.read()
            except (OSError, http.client.HTTPException):
                self.unanswered += path not in self.answered
            finally:
                connection.close()


def workers(supervisor: int) -> list[int]:
    """The worker processes of a server, without helpers of Python's own."""
    found = []
    for text in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        try:
            line = Path(f"/proc/{text}/cmdline").read_bytes()
        except OSError:
            continue
        if line and b"resource_tracker" not in line:
            found.append(int(text))
    return found


def kill_under_load(server: str, folder: Path, kills: int, every: float, seed: int = 7) -> Crowd:
    """Start a server, kill workers one by one under load, and stop it; the evidence is what it left."""
    (folder / "site_under_load.py").write_text(SITE)
    (folder / "vorbehalt.toml").write_text(CONFIG)
    crowd = Crowd(free_port())
    arguments = [part.format(port=crowd.port) for part in SERVERS[server]]
    environment = {**importing_from(folder), "FORWARDED_ALLOW_IPS": ""}
    chance = random.Random(seed)
    threads = [
        threading.Thread(target=crowd.visit, args=(number, agent))
        for number, agent in enumerate((GPTBOT, SEARCHBOT, GPTBOT, SEARCHBOT), 1)
    ]
    with running(arguments, crowd.port, folder, environment) as process:
        wait_for(lambda: len(workers(process.pid)) == 4, "there are no four workers")
        for thread in threads:
            thread.start()
        try:
            _kill(process, crowd, kills, every, chance, REST.get(server, 0.0))
        finally:
            crowd.over.set()
            for thread in threads:
                thread.join(60)
            left = workers(process.pid)
    for pid in left:
        # A supervisor that does not come to its end leaves workers behind.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            crowd.kills.append(pid)
    for pid in left:
        wait_for(lambda pid=pid: not is_alive(pid), "a killed worker is still there")  # type: ignore[misc]
    return crowd


def is_alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _kill(
    process: subprocess.Popen[bytes],
    crowd: Crowd,
    kills: int,
    every: float,
    chance: random.Random,
    rest: float,
) -> None:
    wait_for(lambda: len(crowd.answered) > 20, "nobody is answered")
    born: dict[int, float] = {}
    killed_at = time.monotonic()
    while len(crowd.kills) < kills:
        crowd.over.wait(every * (0.5 + chance.random()))
        assert process.poll() is None, "the supervisor has ended"
        now = time.monotonic()
        assert now - killed_at < 60, "workers do not come back"
        alive = workers(process.pid)
        ripe = [pid for pid in alive if now - born.setdefault(pid, now) >= rest]
        # One is left to answer: what is tried is the loss of a worker, not that of the site.
        if len(alive) > 2 and ripe:
            victim = chance.choice(ripe)
            os.kill(victim, signal.SIGKILL)
            crowd.kills.append(victim)
            killed_at = now
    before = len(crowd.answered)
    wait_for(lambda: len(crowd.answered) > before + 20, "nobody is answered any more", 30)


def statuses(crowd: Crowd) -> Counter[int]:
    return Counter(crowd.answered.values())
