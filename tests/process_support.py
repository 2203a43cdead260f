"""Real programs in tests: started, waited for, asked, and ended whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
)
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
VORBEHALT = (sys.executable, "-m", "vorbehalt.cli.main")
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; header names are lower case, repeated fields joined."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# Below the ports that the system hands out to clients: one of those may be taken by any connection before the
# server that it was meant for listens. Each process of the test run has numbers of its own.
_FIRST, _EACH = 10_000, 4_000
_numbers = itertools.count(os.getpid() % 1_000)


def free_port() -> int:
    """A port on which nobody listens; no other test is given it for long."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0) % 5
    for number in itertools.islice(_numbers, _EACH):
        port = _FIRST + worker * _EACH + number % _EACH
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def ask(
    port: int,
    path: str = "/",
    agent: str = CHROME,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> Answer:
    """Send one request to a port of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(method, path, body=body, headers={"User-Agent": agent, **(headers or {})})
        answer = connection.getresponse()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            key = name.lower()
            found[key] = f"{found[key]}, {value}" if key in found else value
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()


def importing_from(folder: Path) -> dict[str, str]:
    """The environment in which modules of a folder can be imported, before all others."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


@contextlib.contextmanager
def running(
    arguments: Sequence[str],
    port: int,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server from when it listens until the block ends."""
    log = folder / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_listening(process, port, log)
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
    """End a process; kill it if it does not go."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    def listens() -> bool:
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text(errors='replace')[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
        return False

    wait_for(listens, f"the server does not listen: {log.read_text(errors='replace')[-2000:]}")


def wait_for(condition: Callable[[], bool], message: str, seconds: float = SECONDS) -> None:
    """Wait until something that another process does has happened."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(message)
        # Gives the processor to the one we wait for.
        select.select([], [], [], 0.02)


def vorbehalt(
    *arguments: str | Path, folder: Path | None = None, stdin: str | bytes = b"", seconds: float = 60
) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [*VORBEHALT, *map(str, arguments)],
        cwd=folder,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        env={key: value for key, value in os.environ.items() if not key.startswith("VORBEHALT_")},
        capture_output=True,
        timeout=seconds,
        check=False,
    )
