"""The reverse proxy: requests a second through one hop, against a bare hop and against the site itself.

The site is nginx (one worker, files in memory). The bare hop is what one writes in an afternoon: aiohttp's
client and Starlette's StreamingResponse on uvicorn. Ours is `vorbehalt serve --upstream`, everything on. wrk
sends with 64 connections; all share this machine.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from measure import Budget, interleaved, table

SECONDS = 3
CONNECTIONS = 64
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
SIZES = {"1 KB": ("/1k", 1024), "1 MB": ("/1m", 1024 * 1024)}
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/site; }}
}}
"""
CONFIG = """format = 1
[site]
origin = "https://label.example"
[network]
trusted_proxies = ["loopback"]
"""


def run(rounds: int) -> list[Budget]:
    """Print both tables and return the budgets; without nginx or wrk, say so and return none."""
    missing = [name for name in ("nginx", "wrk") if shutil.which(name) is None]
    if missing:
        print(f"\nNOT MEASURED: the proxy hop needs {' and '.join(missing)}")
        return []
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        ports = {"nginx direct": _free_port(), "bare hop": _free_port(), "vorbehalt serve": _free_port()}
        site = f"http://127.0.0.1:{ports['nginx direct']}"
        _prepare(folder, ports["nginx direct"])
        own = [sys.executable, "-m", "vorbehalt.cli.main", "serve", "-c", str(folder / "vorbehalt.toml")]
        commands: dict[str, Sequence[str]] = {
            "nginx direct": ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
            "bare hop": [sys.executable, __file__, str(ports["bare hop"]), site],
            "vorbehalt serve": [
                *own,
                "--listen",
                f"127.0.0.1:{ports['vorbehalt serve']}",
                "--upstream",
                site,
            ],
        }
        for variant, command in commands.items():
            stack.enter_context(_running(command, ports[variant], folder))
        budgets: list[Budget] = []
        for size, (path, length) in SIZES.items():
            budgets += _measure(size, path, length, ports, rounds)
    return budgets


def _measure(size: str, path: str, length: int, ports: dict[str, int], rounds: int) -> list[Budget]:
    latencies: dict[str, list[float]] = {name: [] for name in ports}

    def variant(name: str, port: int) -> Callable[[], float]:
        def once() -> float:
            micros, latency = _wrk(f"http://127.0.0.1:{port}{path}", length)
            latencies[name].append(latency)
            return micros

        return once

    figures = interleaved({name: variant(name, port) for name, port in ports.items()}, rounds)
    table(f"Proxy hop, {size}", figures, base="nginx direct")
    print("\n| variant | requests/s | 99th percentile, ms |\n| --- | --- | --- |")
    for name, figure in figures.items():
        # The first is the warm-up.
        print(f"| {name} | {1e6 / figure.median:,.0f} | {statistics.median(latencies[name][1:]):.1f} |")
    ours = figures["vorbehalt serve"].median
    if size == "1 KB":
        against = figures["bare hop"].median
        return [
            Budget(f"proxy hop, {size}: time of the bare aiohttp + Starlette hop", ours / against, 1.0, " x")
        ]
    against = figures["nginx direct"].median
    return [
        Budget(f"proxy hop, {size}: time of nginx direct (0.40 of its throughput)", ours / against, 2.5, " x")
    ]


def _wrk(url: str, length: int) -> tuple[float, float]:
    """Return microseconds per request over all connections together, and the 99th percentile in ms."""
    command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-H", f"User-Agent: {BROWSER}"]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"wrk met errors at {url}:\n{said}")
    number, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", said)[0]
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    return 1e6 / rate, float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _prepare(folder: Path, port: int) -> None:
    site = folder / "site"
    site.mkdir()
    folder.chmod(0o755)
    for path, length in SIZES.values():
        (site / path.lstrip("/")).write_bytes(os.urandom(length))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port), "utf-8")
    (folder / "vorbehalt.toml").write_text(CONFIG, "utf-8")


@contextlib.contextmanager
def _running(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit((folder / f"{port}.log").read_text("utf-8", "replace"))
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def bare_hop(upstream: str) -> Any:
    """Return the bare hop as a Starlette application."""
    import aiohttp
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    session: list[aiohttp.ClientSession] = []

    async def pass_on(request: Request) -> StreamingResponse:
        if not session:
            connector = aiohttp.TCPConnector(limit=128)
            session.append(aiohttp.ClientSession(connector=connector, auto_decompress=False))
        answer = await session[0].get(upstream + request.url.path)

        async def body() -> Any:
            try:
                async for chunk in answer.content.iter_any():
                    yield chunk
            finally:
                answer.release()

        return StreamingResponse(body(), answer.status, {"content-length": answer.headers["content-length"]})

    return Starlette(routes=[Route("/{path:path}", pass_on)])


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(
        bare_hop(sys.argv[2]), port=int(sys.argv[1]), access_log=False, log_level="warning", loop="uvloop"
    )
