"""What came of real clients: their findings and levels, in the form of the case file."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from live_clients import CLIENTS, Client
from live_site import PAGES
from live_support import MODES, Live, Met, Mode, arrangement

CASES: Final = Path(__file__).parent / "cases" / "live_clients.toml"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one client showed under one mode: of its first page, of all requests, and page by page."""

    first: tuple[str, ...]
    whole: tuple[str, ...]
    levels: tuple[str, ...]
    actions: tuple[str, ...]


def outcome(met: Sequence[Met]) -> Outcome:
    pages = [one for one in met if one.is_page and one.method == "GET"]
    pages = pages or list(met)
    return Outcome(
        first=tuple(sorted(pages[0].findings)) if pages else (),
        whole=tuple(sorted({id for one in met for id in one.findings})),
        levels=tuple(one.level for one in pages[: len(PAGES)]),
        actions=tuple(one.action for one in pages[: len(PAGES)]),
    )


def run_all(live: Live, clients: Iterable[Client], at_once: int = 2) -> dict[tuple[str, Mode], Outcome]:
    """Run every client under both modes."""
    runs = [(client, mode) for client in clients for mode in MODES]
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda run: run[0].run(live, run[1]), runs))
    return {(client.name, mode): outcome(live.of(client.name, mode)) for client, mode in runs}


def print_all(clients: Sequence[Client]) -> None:
    """Run what is installed, and print it as the case file has it."""
    for client in clients:
        for need in client.missing():
            print(f"# NOT RUN: {client.name}: {need} is not installed")
    there = [client for client in clients if not client.missing()]
    with arrangement([client.name for client in there]) as live:
        found = run_all(live, there)
    for client in there:
        seen, done = found[client.name, "observe"], found[client.name, "enforce"]
        print(f'\n[{client.name}]\nlabel = "{client.label}"')
        for key, ids in (("first", seen.first), ("later", tuple(sorted({*seen.whole} - {*seen.first})))):
            if ids:
                print(f"{key} = {json.dumps(ids)}")
        print(f'levels = "{" ".join(seen.levels)}"')
        if (done.first, done.whole, done.levels) != (seen.first, seen.whole, seen.levels):
            print(f"# VARIES: enforced it was {done}")


def table(cases: Mapping[str, Any]) -> list[str]:
    """The table of docs/detection.md."""
    rows = [
        "| client | label | findings on the first page | later | level after pages 1 to 6 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, case in cases.items():
        levels = " ".join("-" if level == "observe" else level for level in case["levels"].split())
        first, later = (", ".join(case.get(key, [])) or "none" for key in ("first", "later"))
        varies = ", varies" if case.get("varies") else ""
        rows.append(f"| {name} | {case['label']} | {first}{varies} | {later} | {levels} |")
    return rows


def main() -> None:
    """Run those that are named, or all, and print what they show; --table prints the table of the docs."""
    if sys.argv[1:] == ["--table"]:
        print("\n".join(table(tomllib.loads(CASES.read_text("utf-8")))))
        return
    chosen = [client for client in CLIENTS if client.name in sys.argv[1:] or len(sys.argv) == 1]
    print_all(chosen)


if __name__ == "__main__":
    main()
