"""The wait for the disk: from append until the record is durable, against a bare fdatasync of that size."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from measure import Budget
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Draft


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def bare(folder: Path, count: int, size: int) -> list[float]:
    """Milliseconds of one write and one fdatasync of `size` bytes, `count` times."""
    taken = []
    descriptor = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(count):
            started = time.perf_counter()
            os.write(descriptor, b"x" * size)
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - started) * 1e3)
    finally:
        os.close(descriptor)
    return taken


async def waits(folder: Path, count: int) -> list[float]:
    """Milliseconds from append until durable, one record after another."""
    evidence = open_evidence(
        str(folder / "evidence"),
        "label.example/bench",
        opening={"software": "benchmark"},
        clients_per_minute=10**9,
    )
    evidence.start()
    taken = []
    try:
        for number in range(count):
            seen: dict[str, object] = {
                "host": "label.example",
                "path": f"/page/{number}",
                "headers": [["accept", "*/*"]] * 6,
            }
            draft = Draft(
                type="request",
                ref=f"VB-{number}",
                at=time.time_ns(),
                seen=seen,
                private={"address": b"203.0.113.9"},
            )
            started = time.perf_counter()
            await evidence.append(draft).durable(5.0)
            taken.append((time.perf_counter() - started) * 1e3)
    finally:
        await asyncio.to_thread(evidence.close)
    return taken


def run(rounds: int) -> list[Budget]:
    """Print the wait for durability and return its budget."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        bares: list[float] = []
        waited: list[float] = []
        for number in range(rounds):
            bares += bare(folder, 200, 900)
            sub = folder / str(number)
            sub.mkdir()
            waited += asyncio.run(waits(sub, 200))
    print("\n### Wait until a record is durable, against a bare write and fdatasync of 900 bytes\n")
    print("| | ms p50 | p99 | max |")
    print("| --- | --- | --- | --- |")
    for label, values in (("bare fdatasync", bares), ("append until durable", waited)):
        middle, late = statistics.median(values), percentile(values, 0.99)
        print(f"| {label} | {middle:.2f} | {late:.2f} | {max(values):.2f} |")
    limit = 2.0 + 3 * percentile(bares, 0.99)
    return [Budget("wait until durable, p99 (2 ms + 3 x bare)", percentile(waited, 0.99), limit, " ms")]
