"""Ten minutes of everything at once: reloads, the site restarted, workers killed, Redis stopped and started.

Nobody gets a wrong answer.

`VORBEHALT_DRILL_SECONDS` makes it shorter. What happened is printed (`-s`).
"""

from __future__ import annotations

import http.client
import itertools
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from process_support import (
    CHROME,
    GOOGLEBOT,
    GPTBOT,
    VORBEHALT,
    Answer,
    ask,
    end,
    free_port,
    running,
    wait_for,
)
from redis_support import server
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.reading.query import Filters, show

SECONDS = float(os.environ.get("VORBEHALT_DRILL_SECONDS", "600"))
BEAT = 10.0
PACE = 0.04
"""Between two requests of one client: two crawlers stay below the operator's budget of full records."""
GROWTH_MIB = 15.0
CONFIG = """\
format = 1
[site]
origin = "https://label.example"
robots = "none"
contact = "mailto:licensing@label.example"
[policy]
open_paths = ["/open-{number}/"]
[network]
trusted_proxies = ["loopback"]
[state]
redis = "{redis}"
strict = true
"""
AHREFSBOT = "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"
"""A crawler with a quota, which Redis decides while it is there."""


@dataclass
class Load:
    """What the clients saw. `is_down` is set while the site behind is being restarted."""

    over: threading.Event = field(default_factory=threading.Event)
    is_down: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)

    def visit(
        self, name: str, port: int, judge: Callable[[Answer], str], agent: str, path: str, net: int
    ) -> None:
        """Ask until it is over, each time from another address. `judge` says what is wrong, or nothing."""
        for number in itertools.count():
            if self.over.wait(PACE):
                return
            was_down = self.is_down.is_set()
            address = f"20.{net}.{number >> 8 & 255}.{number & 255}"
            try:
                answer = ask(port, path, agent, {"X-Forwarded-For": address})
            except (OSError, http.client.HTTPException):
                # A worker that is killed takes its connections with it; whoever asks again is served.
                self.counts[f"{name}: connection broken"] += 1
                continue
            self.counts[f"{name}: {answer.status}"] += 1
            if answer.status == 502 and (was_down or self.is_down.is_set()):
                continue
            if said := judge(answer):
                self.wrong.append(f"{name}: {said}")


def serves(answer: Answer) -> str:
    if answer.status != 200 or answer.body != b"a page":
        return f"{answer.status} {answer.body[:80]!r}"
    return "" if answer.headers.get("tdm-reservation") == "1" else "no reservation"


def closes(answer: Answer) -> str:
    return "" if answer.status == 200 and b"User-agent: GPTBot" in answer.body else f"{answer.status}"


@pytest.mark.drill
@pytest.mark.real("redis-server")
@pytest.mark.timeout(SECONDS + 120)
def test_mixed_load_with_reloads_restarts_and_killed_workers(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "page").write_bytes(b"a page")
    port, behind = free_port(), free_port()
    site = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(behind)]
    serve = [*VORBEHALT, "serve", "--upstream", f"http://127.0.0.1:{behind}", "--workers", "2"]
    load = Load()

    def refuses(answer: Answer) -> str:
        found = re.search(rb"VB-[0-9A-Z-]{19}", answer.body)
        if answer.status != 403 or found is None:
            return f"{answer.status}"
        load.references.append(found[0].decode())
        return ""

    clients = [
        *(("person", serves, CHROME, "/page", net) for net in (1, 2, 3)),
        *(("GPTBot", refuses, GPTBOT, "/page", net) for net in (11, 12)),
        ("Googlebot", serves, GOOGLEBOT, "/page", 21),
        ("AhrefsBot", serves, AHREFSBOT, "/page", 41),
        ("robots.txt", closes, CHROME, "/robots.txt", 31),
    ]
    done: Counter[str] = Counter()
    memory: list[float] = []
    with ExitStack() as stack:
        redis = stack.enter_context(server())
        (tmp_path / "vorbehalt.toml").write_text(CONFIG.format(number=0, redis=redis.unix_url))
        upstream = ExitStack()
        stack.push(upstream)
        upstream.enter_context(running(site, behind, tmp_path / "www"))
        process = stack.enter_context(running([*serve, "--listen", f"127.0.0.1:{port}"], port, tmp_path))
        threads = [
            threading.Thread(target=load.visit, args=(name, port, judge, agent, path, net))
            for name, judge, agent, path, net in clients
        ]
        for thread in threads:
            thread.start()
        until = time.monotonic() + SECONDS
        for number in itertools.count(1):
            if load.over.wait(min(BEAT, max(until - time.monotonic(), 0.01))) or time.monotonic() >= until:
                break
            memory.append(resident(process))
            if number % 4 == 1:
                (tmp_path / "vorbehalt.toml").write_text(CONFIG.format(number=number, redis=redis.unix_url))
                done["reloads"] += 1
            elif number % 4 == 2:
                load.is_down.set()
                upstream.close()
                upstream.enter_context(running(site, behind, tmp_path / "www"))
                wait_for(lambda: ask(port, "/page").status == 200, "the site does not come back")
                load.is_down.clear()
                done["restarts of the site"] += 1
            elif number % 4 == 3:
                redis.stop()
                load.over.wait(BEAT / 2)
                redis.start()
                done["restarts of Redis"] += 1
            else:
                os.kill(workers(process)[0], signal.SIGKILL)
                wait_for(lambda: len(workers(process)) == 2, "the killed worker is not replaced")
                done["killed workers"] += 1
        wait_for(lambda: int(redis.ask("DBSIZE")) > 0, "nobody shares limits any more")
        load.over.set()
        for thread in threads:
            thread.join(30)
        end(process)

    report(load, done, memory)
    assert load.wrong == []
    directory = tmp_path / "vorbehalt-evidence"
    recorded = {record["ref"] for record in show(directory, Filters(type="request"))}
    assert len(load.references) > SECONDS
    assert set(load.references) - recorded == set()
    found = verify(directory)
    assert found.problems == ()
    assert found.unsealed == 0
    # One worker is always younger than the other, so the largest of each third is compared.
    third = len(memory) // 3
    if third >= 3:
        middle, last = max(memory[third : 2 * third]), max(memory[2 * third :])
        assert last - middle <= GROWTH_MIB, memory


def report(load: Load, done: Counter[str], memory: list[float]) -> None:
    """Print what happened, as it stands in docs/drills.md."""
    print(f"\n{SECONDS:.0f} s: " + ", ".join(f"{number} {what}" for what, number in sorted(done.items())))
    for name, number in sorted(load.counts.items()):
        print(f"  {name}: {number}")
    print(f"  references handed out: {len(load.references)}, wrong answers: {len(load.wrong)}")
    if memory:
        print(
            f"  memory of all processes: median {statistics.median(memory):.0f} MiB,"
            f" most {max(memory):.0f} MiB"
        )


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in text.split()]


def resident(process: subprocess.Popen[bytes]) -> float:
    """MiB that the supervisor and its workers hold, shared pages counted once (proportional set size)."""
    total = 0
    for pid in (process.pid, *workers(process)):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024
