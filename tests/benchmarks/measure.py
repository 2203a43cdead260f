"""Interleaved rounds, medians, ratios, budgets: how figures are taken, and how a miss is shown."""

from __future__ import annotations

import gc
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class Taken(float):
    """Microseconds of wall time, with those of this process's processor time: others do not disturb them."""

    processor: float

    def __new__(cls, wall: float, processor: float) -> Taken:
        taken = super().__new__(cls, wall)
        taken.processor = processor
        return taken


class Stopwatch:
    """Both clocks from now on."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def per(self, count: int) -> Taken:
        """Microseconds of one of `count` operations."""
        processor = time.process_time() - self._processor
        return Taken((time.perf_counter() - self._wall) / count * 1e6, processor / count * 1e6)


@dataclass(frozen=True)
class Figure:
    """The rounds of one variant, in microseconds per call."""

    name: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def least(self) -> float:
        return min(self.rounds)

    @property
    def processor(self) -> float | None:
        """Processor time of the least round, where it was taken."""
        taken = [one.processor for one in self.rounds if isinstance(one, Taken)]
        return min(taken) if taken else None


@dataclass(frozen=True)
class Budget:
    """A promise about a figure: `value` must not exceed `limit`, or reach it where it is a floor."""

    claim: str
    value: float
    limit: float
    unit: str = ""
    is_floor: bool = False

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.is_floor else self.value <= self.limit


def interleaved(variants: dict[str, Callable[[], float]], rounds: int) -> dict[str, Figure]:
    """Run every variant once per round, in turn, so that drift of the machine hits all alike.

    A variant is called and returns microseconds per operation.
    """
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for run in variants.values():
        run()  # warm-up, not counted
        gc.collect()
    for _ in range(rounds):
        for name, run in variants.items():
            gc.collect()
            taken[name].append(run())
    return {name: Figure(name, tuple(values)) for name, values in taken.items()}


def timed(calls: Callable[[], int]) -> Taken:
    """Time one batch; `calls` returns how many operations it did. Microseconds of one."""
    watch = Stopwatch()
    return watch.per(calls())


def machine() -> str:
    """Describe the machine in one line."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{model}, {platform.system()} {platform.release()}, CPython {sys.version.split()[0]}"


def table(title: str, figures: dict[str, Figure], base: str | None = None) -> None:
    """Print figures as a Markdown table; with a base, ratios to it."""
    print(f"\n### {title}\n")
    has_processor = any(figure.processor is not None for figure in figures.values())
    more = (" processor, min |" if has_processor else "") + (" x base |" if base else "")
    print("| variant | µs median | min | max |" + more)
    print("| --- | --- | --- | --- |" + " --- |" * more.count("|"))
    for figure in figures.values():
        row = f"| {figure.name} | {figure.median:.2f} | {figure.least:.2f} | {max(figure.rounds):.2f} |"
        if has_processor:
            row += "  |" if figure.processor is None else f" {figure.processor:.2f} |"
        if base:
            row += f" {figure.median / figures[base].median:.2f} |"
        print(row)


def print_budgets(budgets: list[Budget]) -> int:
    """Print each promise and whether it holds; return the number of misses."""
    print("\n### Budgets\n")
    print("| promise | measured | budget | |")
    print("| --- | --- | --- | --- |")
    for budget in budgets:
        verdict = "holds" if budget.holds else "**MISSED**"
        value, limit = f"{budget.value:.2f}{budget.unit}", f"{budget.limit:.2f}{budget.unit}"
        print(f"| {budget.claim} | {value} | {limit} | {verdict} |")
    return sum(not budget.holds for budget in budgets)
