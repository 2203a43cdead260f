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


def timed(calls: Callable[[], int]) -> float:
    """Time one batch; `calls` returns how many operations it did."""
    started = time.perf_counter()
    count = calls()
    return (time.perf_counter() - started) / count * 1e6


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
    print("| variant | µs median | min | max |" + (" x base |" if base else ""))
    print("| --- | --- | --- | --- |" + (" --- |" if base else ""))
    for figure in figures.values():
        row = f"| {figure.name} | {figure.median:.2f} | {figure.least:.2f} | {max(figure.rounds):.2f} |"
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
