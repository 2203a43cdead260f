"""Load on loopback by wrk, and servers that are started for it."""

from __future__ import annotations

import contextlib
import os
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
def running(command: Sequence[str], place: int | Path, folder: Path) -> Iterator[int]:
    """Run a server until it listens on a port or unix socket; gives its process id.

    Its output goes to a file that is shown if it does not start.
    """
    said = folder / f"{place if isinstance(place, int) else place.name}.log"
    with said.open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while not _listens(place):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(said.read_text("utf-8", "replace"))
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _listens(place: int | Path) -> bool:
    is_port = isinstance(place, int)
    with socket.socket(socket.AF_INET if is_port else socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        try:
            probe.connect(("127.0.0.1", place) if is_port else str(place))
        except OSError:
            return False
    return True


def processor_seconds(pid: int) -> float:
    """Processor time that a process and its children have used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return used + sum(processor_seconds(int(child)) for child in children)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
