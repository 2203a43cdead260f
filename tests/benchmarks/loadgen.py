"""Load on loopback by wrk, and servers that are started for it."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

SECONDS = 3
CONNECTIONS = 64


def wrk(
    url: str, *, headers: Sequence[str] = (), script: Path | None = None, refused: bool = False
) -> tuple[float, float]:
    """Return microseconds per request over all connections together, and the 99th percentile in ms.

    Without `refused`, an answer that is no 2xx ends the benchmark: it would not measure what it says.
    """
    command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency"]
    for header in headers:
        command += ["-H", header]
    if script is not None:
        command += ["-s", str(script)]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Socket errors" in said or ("Non-2xx" in said and not refused):
        raise SystemExit(f"wrk met errors at {url}:\n{said}")
    number, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", said)[0]
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    return 1e6 / rate, float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


@contextlib.contextmanager
def running(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """Run a server until it listens; its output goes to a file that is shown if it does not."""
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


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
