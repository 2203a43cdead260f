"""A million requests in process, from one address and from many: bounded, and counted exactly (check 22)."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.query import show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.writing.inbox import QUEUE_RECORDS

FLOOD, QUIET = 1_000_000, 20
MEMORY_MIB, DISK_MIB = 48, 24
PER_CLIENT, PER_OPERATOR = 60, 6_000
HOUR = 1_795_413_600_000_000_000
SECONDS = 180
"""Of the clock in the records; the flood itself takes less."""


def resident_mib() -> float:
    fields = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0]) / 1024


def flood_draft(number: int, addresses: int) -> Draft:
    at = HOUR + number * SECONDS * 10**9 // FLOOD
    address = f"20.{number % addresses >> 16}.{number % addresses >> 8 & 255}.{number % addresses & 255}"
    return Draft(
        type="request",
        ref="",
        at=at,
        seen={"path": "/page"},
        private={"address": address.encode()},
        client=address,
        operator="Flooder",
        rollup=("label.example", "FloodBot", "Flooder"),
        amount=7,
    )


def quiet_draft(number: int) -> Draft:
    return Draft(
        type="request",
        ref=f"quiet-{number}",
        at=HOUR + number * SECONDS * 10**9 // QUIET,
        seen={"path": f"/quiet/{number}"},
        private={"address": b"198.18.0.1"},
        client="198.18.0.1",
        operator="Quiet",
        rollup=("label.example", "QuietBot", "Quiet"),
    )


@pytest.mark.drill
@pytest.mark.parametrize("addresses", [1, 100_000])
@pytest.mark.timeout(300)
def test_a_million_requests_are_bounded_and_counted_exactly(tmp_path: Path, addresses: int) -> None:
    directory = tmp_path / "evidence"
    log = EvidenceLog(
        prepare(directory, "label.example/evidence"),
        clients_per_minute=PER_CLIENT,
        operators_per_minute=PER_OPERATOR,
    )
    log.start()
    memory = []
    started = time.monotonic()
    for number in range(FLOOD):
        # A server waits for its sockets now and then, and the writer gets its turn; this loop never would.
        while len(log._inbox._queue) > QUEUE_RECORDS // 2:
            time.sleep(0.001)
        log.append(flood_draft(number, addresses))
        if number % (FLOOD // QUIET) == 0:
            log.append(quiet_draft(number // (FLOOD // QUIET)))
        if number % (FLOOD // 10) == 0:
            memory.append(resident_mib())
    memory.append(resident_mib())
    taken = time.monotonic() - started
    log.close(60)

    full: Counter[str] = Counter()
    folded: Counter[str] = Counter()
    quiet = []
    for record in show(directory):
        seen: Any = record["seen"]
        if record["type"] == "request":
            full[seen["path"].split("/")[1]] += 1
            if str(record["ref"]).startswith("quiet"):
                quiet.append(record["ref"])
        elif record["type"] == "rollup":
            for row in seen["rows"]:
                folded[row["key"][2]] += int(row["count"])
    lost = sum(number for reason, number in log.lost().items() if reason != "late")
    disk = sum(path.stat().st_size for path in directory.rglob("*") if "ballast" not in path.parts)
    print(
        f"\n{FLOOD} requests from {addresses} addresses in {taken:.0f} s: {full['page']} records, "
        f"{folded['Flooder']} counted, {lost} lost; memory {memory[1]:.0f} to {memory[-1]:.0f} MiB, "
        f"disk {disk / 2**20:.1f} MiB"
    )
    assert full["page"] + folded["Flooder"] + lost == FLOOD
    assert lost == 0
    # Three minutes of budget; the least of both counts.
    assert full["page"] == 3 * min(PER_CLIENT * addresses, PER_OPERATOR)
    assert quiet == [f"quiet-{number}" for number in range(QUIET)]
    assert folded["Quiet"] == 0
    assert memory[-1] - memory[1] < MEMORY_MIB
    assert disk < DISK_MIB * 2**20
    assert verify(directory).problems == ()
