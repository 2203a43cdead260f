"""Whole servers under load: forward auth behind nginx and Caddy, the middleware on uvicorn and granian.

wrk sends with 64 connections from this machine: browsers and crawlers mixed, the same in every variant.
Evidence is kept on disk, as shipped. The address that asks is always the same, because it is the proxy's.

Beside requests per second stands the processor time that a request costs the server itself: where other work
shares the machine, that is the steadier figure.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import servers_setup as setup
from loadgen import SECONDS, free_port, processor_seconds, running, wrk
from measure import Budget, interleaved

PAGE = "/page.html"


@dataclass
class Variant:
    """One arrangement: where it listens, and the process whose time is counted.

    `rounds` are microseconds per request, 99th percentile in ms, microseconds of processor per request.
    """

    port: int
    pid: int
    rounds: list[tuple[float, float, float]]

    @property
    def rate(self) -> float:
        return 1e6 / self._middle(0)

    @property
    def latency(self) -> float:
        return self._middle(1)

    @property
    def processor(self) -> float:
        return self._middle(2)

    def _middle(self, column: int) -> float:
        # The first is the warm-up.
        return statistics.median(taken[column] for taken in self.rounds[1:])


Promise = tuple[str, str, float]
"""A variant, the one it is compared with, the least share of its requests per second."""


def run(rounds: int) -> list[Budget]:
    """Print the tables and return the budgets; what is not installed is named and left out."""
    if missing := [name for name in ("nginx", "wrk", "caddy") if shutil.which(name) is None]:
        print(f"\nNOT MEASURED: whole servers need {', '.join(missing)}")
        return []
    print(f"\nServers: {', '.join(_versions())}; wrk, 64 connections, {SECONDS} s a round")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "site").mkdir()
        (folder / "site" / "page.html").write_bytes(os.urandom(512).hex().encode())
        return [*_gateways(folder, rounds), *_applications(folder, rounds)]


def _gateways(folder: Path, rounds: int) -> list[Budget]:
    names = ("constant", "plain", "listed", "asking", "told", "ours", "caddy_asking", "caddy_ours")
    ports = {name: free_port() for name in names}
    (folder / "vorbehalt.toml").write_text(setup.CONFIG, "utf-8")
    (folder / "nginx.conf").write_text(setup.nginx(folder, ports), "utf-8")
    (folder / "Caddyfile").write_text(setup.caddy(folder, ports), "utf-8")
    socket = folder / setup.SOCKET
    commands: dict[str, tuple[Sequence[str], int | Path]] = {
        "serve": (
            [
                *(sys.executable, "-m", "vorbehalt.cli.main", "serve"),
                *("-c", str(folder / "vorbehalt.toml"), "--listen", f"unix:{socket}"),
            ],
            socket,
        ),
        "nginx": (
            ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
            ports["ours"],
        ),
        "caddy": (
            ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"],
            ports["caddy_ours"],
        ),
    }
    with contextlib.ExitStack() as stack:
        pids = {
            name: stack.enter_context(running(command, place, folder))
            for name, (command, place) in commands.items()
        }
        variants = {
            "nginx, static page": Variant(ports["plain"], pids["nginx"], []),
            "nginx, auth_request to a constant 204": Variant(ports["asking"], pids["nginx"], []),
            "nginx, our configuration, a constant 204": Variant(ports["told"], pids["nginx"], []),
            f"nginx, map of {setup.EXPRESSIONS} regular expressions": Variant(
                ports["listed"], pids["nginx"], []
            ),
            "nginx, auth_request to vorbehalt serve": Variant(ports["ours"], pids["serve"], []),
            "caddy, forward_auth to a constant 204": Variant(ports["caddy_asking"], pids["caddy"], []),
            "caddy, forward_auth to vorbehalt serve": Variant(ports["caddy_ours"], pids["serve"], []),
        }
        promises = [
            ("nginx, auth_request to vorbehalt serve", "nginx, auth_request to a constant 204", 0.85),
            (
                "nginx, auth_request to vorbehalt serve",
                f"nginx, map of {setup.EXPRESSIONS} regular expressions",
                1.2,
            ),
            ("caddy, forward_auth to vorbehalt serve", "caddy, forward_auth to a constant 204", 0.85),
        ]
        return _measure("Forward auth", folder, variants, promises, rounds)


def _applications(folder: Path, rounds: int) -> list[Budget]:
    (folder / "site_app.py").write_text(setup.APP, "utf-8")
    with contextlib.ExitStack() as stack:
        variants: dict[str, Variant] = {}
        for server, app, label in (
            ("uvicorn", "bare", "bare Starlette"),
            ("uvicorn", "headed", "the five headers alone"),
            ("uvicorn", "slowed", "the five headers and 4 µs of nothing"),
            ("uvicorn", "protected", "Vorbehalt around it"),
            ("granian", "bare", "bare Starlette"),
            ("granian", "headed", "the five headers alone"),
            ("granian", "slowed", "the five headers and 4 µs of nothing"),
            ("granian", "protected", "Vorbehalt around it"),
        ):
            port = free_port()
            command = [
                sys.executable,
                "-m",
                server,
                f"site_app:{app}",
                "--port",
                str(port),
                "--loop",
                "uvloop",
            ]
            command += ["--no-access-log", "--log-level", "warning"]
            command += ["--http", "httptools"] if server == "uvicorn" else ["--interface", "asgi"]
            pid = stack.enter_context(running(command, port, folder))
            variants[f"{server}, {label}"] = Variant(port, pid, [])
        promises = [
            (f"{server}, Vorbehalt around it", f"{server}, bare Starlette", least)
            for server, least in (("uvicorn", 0.92), ("granian", 0.88))
        ]
        return _measure("Middleware on whole servers", folder, variants, promises, rounds)


def _measure(
    title: str, folder: Path, variants: dict[str, Variant], promises: list[Promise], rounds: int
) -> list[Budget]:
    script = setup.script(folder, PAGE)

    def once(variant: Variant) -> Callable[[], float]:
        def run_once() -> float:
            before = processor_seconds(variant.pid)
            micros, latency = wrk(f"http://127.0.0.1:{variant.port}{PAGE}", script=script, refused=True)
            spent = processor_seconds(variant.pid) - before
            variant.rounds.append((micros, latency, spent * micros / SECONDS))
            return micros

        return run_once

    interleaved({name: once(variant) for name, variant in variants.items()}, rounds)
    print(f"\n### {title}\n")
    print("| | requests/s | least | 99th percentile | processor of the server | promised | measured | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    budgets = []
    for name, variant in variants.items():
        least = 1e6 / max(taken[0] for taken in variant.rounds[1:])
        figures = f"| {name} | {variant.rate:,.0f} | {least:,.0f} | {variant.latency:.1f} ms "
        figures += f"| {variant.processor:.1f} µs "
        mine = [promise for promise in promises if promise[0] == name]
        if not mine:
            print(f"{figures}| | | |")
        for _, other, share in mine:
            ratio = variant.rate / variants[other].rate
            budget = Budget(f"{name}: of {other} (at least {share})", ratio, share, is_floor=True)
            budgets.append(budget)
            said = "holds" if budget.holds else "**MISSED**"
            print(f"{figures}| {share} of {other} | {ratio:.2f} | {said} |")
    return budgets


def _versions() -> list[str]:
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True)
        for command in (["nginx", "-v"], ["caddy", "version"])
    ]
    found = [re.findall(r"\d+(?:\.\d+)+", answer.stdout + answer.stderr)[0] for answer in said]
    packages = [f"{name} {importlib.metadata.version(name)}" for name in ("uvicorn", "granian", "httptools")]
    return [f"nginx {found[0]} (one worker)", f"caddy {found[1]}", *packages]
