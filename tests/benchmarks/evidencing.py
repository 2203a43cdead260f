"""The write path of the evidence, and both verifiers: records a second."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from measure import Budget
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory, prepare
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.frames import frame
from vorbehalt.evidence.leaf.record import build_leaf
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.spool.spool import WriterFiles
from vorbehalt.evidence.vault.vault import Keys, Sealer
from vorbehalt.evidence.writing.losses import Losses
from vorbehalt.evidence.writing.writer import Writer

BATCH = 512
BUILT, MADE, SINGLE, APPENDED, VERIFIED = 100_000, 10_000, 1_000, 4_000, 50_000
WRITER = "00000000000000aa-00000000-1"
AGENT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
)


def draft(number: int, *, is_private: bool = False) -> Draft:
    """A refusal as the site records it."""
    seen: dict[str, object] = {
        "host": "label.example",
        "method": "GET",
        "scheme": "https",
        "path": f"/lyrics/{number}",
        "headers": [["user-agent", AGENT], ["accept", "*/*"], ["accept-encoding", "gzip, br"]],
        "header_order": "ab" * 32,
        "claim": {"token": "GPTBot", "operator": "OpenAI", "purpose": "training", "standing": "claimed"},
        "decision": {
            "action": "block",
            "would": "block",
            "rule": "training",
            "reasons": ["training-reserved"],
        },
        "status": 403,
        "vantage": "app",
        "reservation": "cd" * 32,
        "policy": "ef" * 32,
    }
    private = {"address": b"203.0.113.9", "chain": b"203.0.113.9, 198.51.100.7"} if is_private else {}
    return Draft(type="request", ref=f"VB-{number:019d}", at=time.time_ns(), seen=seen, private=private)


def leaves(count: int) -> list[bytes]:
    """Chained leaves, built beforehand."""
    found, previous = [], ""
    for number in range(count):
        leaf = build_leaf(
            draft(number), writer=WRITER, sequence=number, previous=previous, private={}, vault_key=""
        )
        previous = sha256(leaf).hexdigest()
        found.append(leaf)
    return found


def a_second(run: Callable[[], int]) -> float:
    started = time.perf_counter()
    return run() / (time.perf_counter() - started)


def append_built(home: EvidenceDirectory, built: list[bytes]) -> int:
    files = WriterFiles(home.path, WRITER, Disk())
    for first in range(0, len(built), BATCH):
        files.store(b"".join([frame(leaf) for leaf in built[first : first + BATCH]]), {})
    files.close()
    return len(built)


def append_singly(home: EvidenceDirectory, built: list[bytes]) -> int:
    fd = os.open(home.path / "spool" / "single", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for leaf in built[:SINGLE]:
        os.write(fd, frame(leaf))
        os.fdatasync(fd)
    os.close(fd)
    return SINGLE


def commit(home: EvidenceDirectory, drafts: list[Draft]) -> int:
    files = WriterFiles(home.path, WRITER, Disk())
    writer = Writer(files, Sealer(Keys(home.path)), Losses(), time.time_ns, {})
    for first in range(0, len(drafts), BATCH):
        writer.commit([(one, None) for one in drafts[first : first + BATCH]])
    files.close()
    return len(drafts)


def append_on_the_loop(home: EvidenceDirectory) -> list[float]:
    """Microseconds that `append` holds its caller, while the writer works beside it."""
    log = EvidenceLog(home, clients_per_minute=10**9, operators_per_minute=10**9)
    log.start()
    taken = []
    for number in range(APPENDED):
        one = draft(number, is_private=True)
        started = time.perf_counter()
        log.append(one)
        taken.append((time.perf_counter() - started) * 1e6)
    log.close(30)
    return taken


def processor_seconds(of: int) -> float:
    used = resource.getrusage(of)
    return used.ru_utime + used.ru_stime


def run(rounds: int) -> list[Budget]:
    """Print rates and return their budgets; verifiers by processor time, all others by the clock."""
    built = leaves(BUILT)
    rates: dict[str, list[float]] = {}
    held: list[float] = []

    def note(name: str, rate: float) -> None:
        rates.setdefault(name, []).append(rate)

    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        log = prepare(Path(name) / "log", "label.example/bench")
        append_built(log, built[:VERIFIED])
        seal_once(log.path)
        size = len(built[:VERIFIED])
        for number in range(rounds):
            homes = [prepare(Path(name) / f"{number}-{part}", "label.example/bench") for part in range(5)]
            note("append, records built before", a_second(lambda: append_built(homes[0], built)))  # noqa: B023
            note("one write and fdatasync a record", a_second(lambda: append_singly(homes[1], built)))  # noqa: B023
            made = [draft(at) for at in range(MADE)]
            note("built and appended", a_second(lambda: commit(homes[2], made)))  # noqa: B023
            made = [draft(at, is_private=True) for at in range(MADE)]
            note("built, sealed for the vault, appended", a_second(lambda: commit(homes[3], made)))  # noqa: B023
            held += append_on_the_loop(homes[4])
            before = processor_seconds(resource.RUSAGE_SELF)
            assert verify(log.path).ok
            note("`evidence verify`", size / (processor_seconds(resource.RUSAGE_SELF) - before))
            before = processor_seconds(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, log.path / "verify.py", log.path], check=True, stdout=subprocess.DEVNULL
            )
            note("`verify.py`", size / (processor_seconds(resource.RUSAGE_CHILDREN) - before))
    print(f"\n### Evidence: records of {len(built[-1])} bytes a second\n")
    print("| | median | min | max |")
    print("| --- | --- | --- | --- |")
    for label, values in rates.items():
        print(f"| {label} | {statistics.median(values):,.0f} | {min(values):,.0f} | {max(values):,.0f} |")
    held.sort()
    print(f"\n`append` holds its caller {statistics.median(held):.1f} µs p50, ", end="")
    print(f"{held[len(held) * 99 // 100]:.1f} µs p99.")
    append, single = (statistics.median(rates[key]) for key in list(rates)[:2])
    offline = {key: statistics.median(rates[key]) for key in ("`evidence verify`", "`verify.py`")}
    return [
        Budget("append, records built before, a second", append, 150_000, is_floor=True),
        Budget("x one write and fdatasync a record", append / single, 25, is_floor=True),
        Budget("`append` holds its caller, p50", statistics.median(held), 50, " µs"),
        Budget(
            "`evidence verify`, records a second of processor",
            offline["`evidence verify`"],
            1e5,
            is_floor=True,
        ),
        Budget("`verify.py`, records a second of processor", offline["`verify.py`"], 5e4, is_floor=True),
    ]
