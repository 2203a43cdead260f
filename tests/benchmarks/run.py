"""`make bench`: prints every table and every budget. A miss is printed and changes the exit status."""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import durability
import evidencing
import identification
import in_process
import proxy_hop
import replaying
import reserving
import servers
import sharing
import sizing
import stateless
from measure import Budget, machine, print_budgets


def main() -> int:
    """Run the chosen benchmarks."""
    parser = argparse.ArgumentParser(
        description="Benchmarks: medians of interleaved rounds, ratios, budgets."
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--only",
        choices=[
            "in-process",
            "identification",
            "findings",
            "durability",
            "evidence",
            "replay",
            "headers",
            "sizing",
            "proxy",
            "servers",
            "stores",
        ],
    )
    arguments = parser.parse_args()
    names = (
        "starlette",
        "uvloop",
        "user-agents",
        "ai-crawler-index",
        "crawler-user-agents",
        "bot-guard-py",
        "fastapi-guard",
    )
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    print(f"{machine()}; {', '.join(versions)}; {arguments.rounds} interleaved rounds")
    budgets: list[Budget] = []
    if arguments.only in (None, "in-process"):
        budgets += in_process.run(arguments.rounds)[1]
    if arguments.only in (None, "headers"):
        budgets += reserving.run(arguments.rounds)[1]
    if arguments.only in (None, "identification"):
        budgets += identification.run(arguments.rounds)[1]
    if arguments.only in (None, "findings"):
        budgets += stateless.run(arguments.rounds)[1]
    if arguments.only in (None, "durability"):
        budgets += durability.run(arguments.rounds)
    if arguments.only in (None, "evidence"):
        budgets += evidencing.run(min(arguments.rounds, 5))
    if arguments.only in (None, "replay"):
        budgets += replaying.run(min(arguments.rounds, 3))[1]
    if arguments.only in (None, "stores"):
        budgets += sharing.run(arguments.rounds)
    if arguments.only in (None, "sizing"):
        budgets += sizing.run()
    if arguments.only == "proxy":  # minutes, and servers of its own: only on request
        budgets += proxy_hop.run(min(arguments.rounds, 5))
    if arguments.only == "servers":
        budgets += servers.run(min(arguments.rounds, 5))
    return 1 if print_budgets(budgets) else 0


if __name__ == "__main__":
    sys.exit(main())
