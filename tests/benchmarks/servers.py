"""Whole servers under load: forward auth behind nginx and Caddy, the middleware on uvicorn and granian.

wrk sends with 64 connections from this machine: browsers and crawlers mixed, the same in every variant.
Evidence is kept on disk, as shipped. The address that asks is always the same, because it is the proxy's.
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

from loadgen import free_port, running, wrk
from measure import Budget, Figure, interleaved, table

ROOT = Path(__file__).parents[2]
BROWSERS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    f" Chrome/{major}.0.0.0 Safari/537.36"
    for major in range(118, 142)
]
CRAWLERS = ["GPTBot/1.2", "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"]
LUA = """
local agents = {{ {agents} }}
local requests, at = {{}}, 0
init = function(args)
  for i, agent in ipairs(agents) do
    wrk.headers["User-Agent"] = agent
    requests[i] = wrk.format("GET", "{path}")
  end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
"""
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map_hash_max_size 8192; variables_hash_max_size 4096;
  map $http_user_agent $listed {{ default 0; {patterns} }}
  upstream constant {{ server 127.0.0.1:{constant}; keepalive 128; }}
  {http}
  server {{ listen 127.0.0.1:{constant}; location / {{ return 204; }} }}
  server {{ listen 127.0.0.1:{plain}; root {folder}/site; }}
  server {{
    listen 127.0.0.1:{listed}; root {folder}/site;
    if ($listed) {{ return 403; }}
  }}
  server {{
    listen 127.0.0.1:{asking}; root {folder}/site;
    location = /ask {{ internal; proxy_pass http://constant; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_pass_request_body off; proxy_set_header Content-Length ""; }}
    location / {{ auth_request /ask; }}
  }}
  server {{ listen 127.0.0.1:{ours}; root {folder}/site; {server} }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{asking} {{
  forward_auth 127.0.0.1:{constant} {{
    uri /ask
  }}
  root * {folder}/site
  file_server
}}
{snippet}
http://127.0.0.1:{ours} {{
  import vorbehalt
  root * {folder}/site
  file_server
}}
"""
CONFIG = """format = 1
[site]
origin = "https://label.example"
robots = "none"
[network]
trusted_proxies = ["loopback"]
"""
Latencies = dict[str, list[float]]


def run(rounds: int) -> list[Budget]:
    """Print the tables and return the budgets; what is not installed is named and left out."""
    if missing := [name for name in ("nginx", "wrk", "caddy") if shutil.which(name) is None]:
        print(f"\nNOT MEASURED: whole servers need {', '.join(missing)}")
        return []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "site").mkdir()
        (folder / "site" / "page.html").write_bytes(os.urandom(512).hex().encode())
        return [*_gateways(folder, rounds), *_applications(folder, rounds)]


def _gateways(folder: Path, rounds: int) -> list[Budget]:
    names = ("constant", "plain", "listed", "asking", "ours", "caddy_asking", "caddy_ours")
    ports = {name: free_port() for name in names}
    (folder / "vorbehalt.toml").write_text(CONFIG, "utf-8")
    (folder / "nginx.conf").write_text(_nginx(folder, ports), "utf-8")
    (folder / "Caddyfile").write_text(_caddy(folder, ports), "utf-8")
    serve = [sys.executable, "-m", "vorbehalt.cli.main", "serve", "-c", str(folder / "vorbehalt.toml")]
    commands: list[tuple[Sequence[str], int]] = [
        ([*serve, "--listen", "127.0.0.1:8100"], 8100),
        (
            ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
            ports["ours"],
        ),
        (
            ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"],
            ports["caddy_ours"],
        ),
    ]
    variants = {
        "nginx, static page": ports["plain"],
        "nginx, auth_request to a constant 204": ports["asking"],
        "nginx, map of 300 regular expressions": ports["listed"],
        "nginx, auth_request to vorbehalt serve": ports["ours"],
        "caddy, forward_auth to a constant 204": ports["caddy_asking"],
        "caddy, forward_auth to vorbehalt serve": ports["caddy_ours"],
    }
    with contextlib.ExitStack() as stack:
        for command, port in commands:
            stack.enter_context(running(command, port, folder))
        figures = _measure("Forward auth", folder, variants, "/page.html", rounds)
    rate = {name: 1 / figure.median for name, figure in figures.items()}
    nginx, caddy = (
        rate["nginx, auth_request to vorbehalt serve"],
        rate["caddy, forward_auth to vorbehalt serve"],
    )
    constant = rate["nginx, auth_request to a constant 204"]
    return [
        _at_least("forward auth, nginx: of auth_request to a constant 204", nginx / constant, 0.85),
        _at_least(
            "forward auth, nginx: of a map of 300 expressions",
            nginx / rate["nginx, map of 300 regular expressions"],
            1.2,
        ),
        _at_least(
            "forward auth, Caddy: of forward_auth to a constant 204",
            caddy / rate["caddy, forward_auth to a constant 204"],
            0.85,
        ),
    ]


def _applications(folder: Path, rounds: int) -> list[Budget]:
    (folder / "site_app.py").write_text(
        "from starlette.applications import Starlette\n"
        "from starlette.responses import Response\n"
        "from starlette.routing import Route\n"
        "from vorbehalt import VorbehaltMiddleware\n"
        "async def page(request):\n    return Response(b'x' * 1024, media_type='text/html')\n"
        "bare = Starlette(routes=[Route('/page.html', page)])\n"
        "inner = Starlette(routes=[Route('/page.html', page)])\n"
        "protected = VorbehaltMiddleware(inner, config='vorbehalt.toml')\n",
        "utf-8",
    )
    commands: dict[str, Sequence[str]] = {}
    ports: dict[str, int] = {}
    for app in ("bare", "protected"):
        label = "bare Starlette" if app == "bare" else "Vorbehalt around it"
        ports[f"uvicorn, {label}"] = port = free_port()
        commands[f"uvicorn, {label}"] = [
            sys.executable, "-m", "uvicorn", f"site_app:{app}", "--port", str(port),
            "--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools",
        ]  # fmt: skip
        ports[f"granian, {label}"] = port = free_port()
        commands[f"granian, {label}"] = [
            sys.executable, "-m", "granian", f"site_app:{app}", "--port", str(port), "--interface", "asgi",
            "--loop", "uvloop", "--log-level", "warning", "--no-access-log",
        ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        for name, command in commands.items():
            stack.enter_context(running(command, ports[name], folder))
        figures = _measure("Middleware on whole servers", folder, ports, "/page.html", rounds)
    return [
        _at_least(
            f"{server}: of bare Starlette",
            figures[f"{server}, bare Starlette"].median / figures[f"{server}, Vorbehalt around it"].median,
            least,
        )
        for server, least in (("uvicorn", 0.92), ("granian", 0.88))
    ]


def _measure(title: str, folder: Path, ports: dict[str, int], path: str, rounds: int) -> dict[str, Figure]:
    script = folder / "agents.lua"
    agents = (BROWSERS * 2)[:46] + CRAWLERS * 2
    script.write_text(LUA.format(agents=", ".join(f'"{agent}"' for agent in agents), path=path), "utf-8")
    latencies: Latencies = {name: [] for name in ports}

    def variant(name: str, port: int) -> Callable[[], float]:
        def once() -> float:
            micros, latency = wrk(f"http://127.0.0.1:{port}{path}", script=script, refused=True)
            latencies[name].append(latency)
            return micros

        return once

    figures = interleaved({name: variant(name, port) for name, port in ports.items()}, rounds)
    table(title, figures, base=next(iter(ports)))
    print("\n| variant | requests/s | 99th percentile, ms |\n| --- | --- | --- |")
    for name, figure in figures.items():
        # The first is the warm-up.
        print(f"| {name} | {1e6 / figure.median:,.0f} | {statistics.median(latencies[name][1:]):.1f} |")
    return figures


def _at_least(promise: str, ratio: float, least: float) -> Budget:
    """A floor as a budget: how many times less than promised."""
    return Budget(f"{promise} (at least {least})", ratio, least, is_floor=True)


def _nginx(folder: Path, ports: dict[str, int]) -> str:
    words = [f"robot{number}" for number in range(298)] + ["gptbot", "claudebot"]
    patterns = " ".join(f'"~*{word}" 1;' for word in words)
    http = (ROOT / "deploy/nginx/conf.d/vorbehalt.conf").read_text("utf-8")
    shutil.copytree(ROOT / "deploy/nginx/snippets", folder / "snippets")
    server = "include snippets/vorbehalt.conf;"
    return NGINX.format(folder=folder, patterns=patterns, http=http, server=server, **ports)


def _caddy(folder: Path, ports: dict[str, int]) -> str:
    snippet = (ROOT / "deploy/caddy/vorbehalt.Caddyfile").read_text("utf-8")
    return CADDY.format(
        folder=folder, snippet=snippet, asking=ports["caddy_asking"], ours=ports["caddy_ours"],
        constant=ports["constant"],
    )  # fmt: skip
