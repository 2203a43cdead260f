"""The reverse proxy: requests a second through one hop, against a bare hop and against the site itself.

The site is nginx (one worker, files in memory). The bare hop is what one writes in an afternoon: aiohttp's
client and Starlette's StreamingResponse on uvicorn. Ours is `vorbehalt serve --upstream`, everything on. wrk
sends with 64 connections; all share this machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loadgen import free_port, running, wrk
from measure import Budget, interleaved, table

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
        ports = {"nginx direct": free_port(), "bare hop": free_port(), "vorbehalt serve": free_port()}
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
            stack.enter_context(running(command, ports[variant], folder))
        budgets: list[Budget] = []
        for size, (path, length) in SIZES.items():
            budgets += _measure(size, path, length, ports, rounds)
    return budgets


def _measure(size: str, path: str, length: int, ports: dict[str, int], rounds: int) -> list[Budget]:
    latencies: dict[str, list[float]] = {name: [] for name in ports}

    def variant(name: str, port: int) -> Callable[[], float]:
        def once() -> float:
            micros, latency = wrk(f"http://127.0.0.1:{port}{path}", headers=(f"User-Agent: {BROWSER}",))
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


def _prepare(folder: Path, port: int) -> None:
    site = folder / "site"
    site.mkdir()
    folder.chmod(0o755)
    for path, length in SIZES.values():
        (site / path.lstrip("/")).write_bytes(os.urandom(length))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port), "utf-8")
    (folder / "vorbehalt.toml").write_text(CONFIG, "utf-8")


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
