"""What it takes: bytes of evidence for each kind of request, memory of `serve`. No times are taken."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from in_process import BOT_HEADERS, CHROME_HEADERS, GPTBOT
from measure import Budget
from vorbehalt import VorbehaltMiddleware

FEW, MANY = 1000, 4000
PER_CLIENT = 20  # below the budget of full records of one client
SERVED = 100_000
BODY = b"x" * 1024


@dataclass(frozen=True)
class Growth:
    """What one more request adds: bytes of files, bytes of the disk, and files; averages."""

    length: float
    disk: float
    files: float


def agent(name: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of a crawler, under another name."""
    return [(key, name if key == b"user-agent" else value) for key, value in BOT_HEADERS]


def kinds() -> dict[str, tuple[list[tuple[bytes, bytes]], str, int]]:
    """Who asks: headers, path, and how many requests come from one address."""
    page = "/lyrics/artist-{0:05d}/song-title-{0:05d}"
    bing = b"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
    return {
        "a reader": (CHROME_HEADERS, page, PER_CLIENT),
        "a refused training crawler": (BOT_HEADERS, page, PER_CLIENT),
        "a served AI crawler (with completion)": (agent(b"ChatGPT-User/1.0"), page, PER_CLIENT),
        "robots.txt, fetched by a crawler": (BOT_HEADERS, "/robots.txt", PER_CLIENT),
        "a search engine (counts per minute)": (agent(bing), page, PER_CLIENT),
        "a flood of one refused crawler from one address": (BOT_HEADERS, page, MANY + 1),
    }


async def page(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


async def drive(app: Any, who: tuple[list[tuple[bytes, bytes]], str, int], count: int) -> None:
    """Make requests of distinct paths, 50 at a time, from public addresses."""
    headers, path, per_client = who

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        """Nobody listens."""

    async def one(number: int) -> None:
        client = number // per_client
        target = path.format(number)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": target,
            "raw_path": target.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": list(headers),
            "client": (f"8.{client % 200}.{client // 200 + 1}.8", 50000),
            "server": ("label.example", 443),
        }
        await app(scope, receive, send)

    for start in range(0, count, 50):
        await asyncio.gather(*(one(number) for number in range(start, min(start + 50, count))))


async def fill(directory: Path, who: tuple[list[tuple[bytes, bytes]], str, int], count: int) -> None:
    """Let the requests come, then stop in order, so that everything is sealed."""
    config = {
        "format": 1,
        "site": {"origin": "https://label.example", "operator": "Label", "contact": "mailto:a@label.example"},
        "evidence": {"directory": str(directory), "reply_deadline": "5s"},
    }
    app = VorbehaltMiddleware(page, config=config)
    await drive(app, who, count)
    runtime = app.runtime
    assert runtime is not None
    await asyncio.to_thread(runtime.stop)


def size(directory: Path) -> tuple[int, int, int]:
    found = [path.stat() for path in directory.rglob("*") if path.is_file()]
    return sum(item.st_size for item in found), sum(item.st_blocks * 512 for item in found), len(found)


def growth(who: tuple[list[tuple[bytes, bytes]], str, int]) -> Growth:
    """The difference between many requests and few, so that what is there once does not count."""
    sizes = []
    for count in (FEW, MANY):
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
            directory = Path(name) / "evidence"
            asyncio.run(fill(directory, who, count))
            sizes.append(size(directory))
    return Growth(*((more - less) / (MANY - FEW) for less, more in zip(*sizes, strict=True)))


def resident(pid: int) -> float:
    """Memory of a process now, MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} says nothing of its memory")


async def visits(port: int, first: int, count: int) -> None:
    """Requests over four connections: nine of ten of readers with 2,000 User-Agents, one of a crawler."""

    async def client(numbers: range) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            name = GPTBOT if number % 10 == 0 else b"Mozilla/5.0 (X11) Firefox/%d.0" % (number % 2000)
            uri = b"/page/%d" % (number % 5000)
            address = b"8.%d.%d.8" % (number // 200 % 200, number % 200)
            writer.write(
                b"GET /.vorbehalt/auth HTTP/1.1\r\nHost: label.example\r\nX-Forwarded-Uri: %b\r\n"
                b"X-Forwarded-For: %b\r\nUser-Agent: %b\r\nAccept: text/html\r\n\r\n" % (uri, address, name)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length or b"0"))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client(range(first + part, first + count, 4)) for part in range(4)))


def memory(served: int) -> list[tuple[int, float]]:
    """Requests so far, and MiB of one `serve` process after them."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        config = Path(name) / "vorbehalt.toml"
        config.write_text(
            'format = 1\n[site]\norigin = "https://label.example"\nrobots = "none"\n'
            '[network]\ntrusted_proxies = ["loopback"]\n'
        )
        command = [sys.executable, "-m", "vorbehalt.cli.main", "serve", "-c", str(config)]
        process = subprocess.Popen(
            [*command, "--listen", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL, env=dict(os.environ)
        )
        try:
            wait(port)
            asyncio.run(visits(port, 0, 1))
            found, done = [(1, resident(process.pid))], 1
            while done < served:
                step = min(served // 5, served - done)
                asyncio.run(visits(port, done, step))
                done += step
                found.append((done, resident(process.pid)))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    return found


def wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the sidecar does not listen")


def run() -> list[Budget]:
    """Print both tables and return their budgets."""
    print("\n### Evidence of one request\n")
    print("| request | bytes | on disk | files per million | GB per million |")
    print("| --- | --- | --- | --- | --- |")
    growths = {name: growth(who) for name, who in kinds().items()}
    for name, found in growths.items():
        print(
            f"| {name} | {found.length:.0f} | {found.disk:.0f} | {found.files * 1e6:.0f} "
            f"| {found.disk / 1e3:.2f} |"
        )
    print("\n### Memory of one `serve` process\n")
    print("| requests | MiB |")
    print("| --- | --- |")
    taken = memory(SERVED)
    for count, amount in taken:
        print(f"| {count:,} | {amount:.0f} |")
    return [
        Budget("evidence of a reader", growths["a reader"].length, 0.0, " B"),
        Budget("evidence of a refusal", growths["a refused training crawler"].disk, 4096, " B"),
        Budget("memory after 100,000 requests", taken[-1][1], 256, " MiB"),
    ]
