"""Old access logs through the findings: which browsers would be limited, and after how many requests.

    .venv/bin/python tests/evaluation/logs.py LOG...

Not part of the suite: the logs may not be shipped. A LOG is what `vorbehalt replay` reads, or JSON lines
with `scenario` and `line`, where each scenario is a log of its own. Judged by the engine with the shipped
rules, as of the recorded times, with what a log shows. Addresses that are not globally routable (scans in a
laboratory, pseudonyms) are replaced by such that are: otherwise nothing would be found of them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from asgi_support import config  # noqa: E402
from evaluation_support import bound  # noqa: E402
from vorbehalt.cli.conduct import conduct_for_logs  # noqa: E402
from vorbehalt.engine import Engine  # noqa: E402
from vorbehalt.facts import ClientAddress  # noqa: E402
from vorbehalt.patterns.browser import claimed_browser  # noqa: E402
from vorbehalt.patterns.definition import LEVELS, Level  # noqa: E402
from vorbehalt.replay.entry import Malformed  # noqa: E402
from vorbehalt.replay.formats import Parser  # noqa: E402
from vorbehalt.replay.visits import VisitMaker  # noqa: E402
from vorbehalt.settings import load  # noqa: E402
from vorbehalt.stores.memory import MemoryLimits  # noqa: E402


@dataclass
class Client:
    """One address with one User-Agent. `reached` says at which of its requests it first came to a level."""

    is_browser: bool
    requests: int = 0
    points: int = 0
    reached: dict[Level, int] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)


def lines_of(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        yield from file


def logs_of(path: Path) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The logs in a file, by name."""
    if ".jsonl" not in path.name:
        yield path.name, lines_of(path)
        return
    scenarios: dict[str, list[bytes]] = {}
    for line in lines_of(path):
        row = json.loads(line)
        scenarios.setdefault(row["scenario"], []).append(row["line"].encode())
    yield from scenarios.items()


def judged(lines: Iterable[bytes]) -> tuple[dict[tuple[str, str], Client], int, int]:
    """Clients by address and User-Agent, the number of requests read and of lines that could not be."""
    settings = load(config())
    conduct = conduct_for_logs(settings)
    engine = Engine(settings, MemoryLimits(), conduct=conduct)
    parse, maker = Parser().parse, VisitMaker()
    clients: dict[tuple[str, str], Client] = {}
    addresses: dict[str, ClientAddress] = {}
    read = skipped = 0
    for line in lines:
        try:
            entry = parse(line)
        except Malformed:
            skipped += 1
            continue
        read += 1
        address = maker.client(entry).address
        if not address.is_usable:
            text = address.text or "?"
            made = f"9.{len(addresses) >> 8}.{len(addresses) & 255}.9"
            address = addresses.setdefault(text, ClientAddress(made, "direct", True))
        visit = maker.visit(entry, address)
        verdict = engine.judge(replace(visit, client=address))
        if entry.status is not None and entry.status >= 400:
            conduct.answered(visit, entry.status, False)
        agent = visit.header(b"user-agent")
        key = address.text or "", agent.decode("latin-1")
        client = clients.get(key)
        if client is None:
            is_browser = verdict.identity is None and claimed_browser(agent) is not None
            client = clients[key] = Client(is_browser)
        client.requests += 1
        client.points = max(client.points, verdict.score)
        for level in LEVELS[1 : LEVELS.index(verdict.level) + 1]:
            client.reached.setdefault(level, client.requests)
        for finding in verdict.findings:
            client.findings[finding.id] = finding.observed
    return clients, read, skipped


def show(address: str, agent: str, client: Client) -> None:
    after = ", ".join(f"{level} at request {at}" for level, at in client.reached.items()) or "observe"
    print(f"  {address} ({client.requests} requests): {client.points} points; {after}\n    {agent}")
    for id, observed in client.findings.items():
        print(f"    {id}: {observed}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", type=Path, nargs="+")
    given = parser.parse_args()
    missing = [path for path in given.logs if not path.is_file()]
    for path in missing:
        print(f"NOT EVALUATED: {path} is not there", file=sys.stderr)
    for path in given.logs:
        for name, lines in logs_of(path) if path not in missing else ():
            clients, read, skipped = judged(lines)
            browsers = [client for client in clients.values() if client.is_browser]
            print(f"\n{name}: {read} requests, {skipped} lines not read, {len(clients)} clients")
            for level in LEVELS[1:] if len(browsers) > 1 else ():
                hits = sum(level in client.reached for client in browsers)
                print(f"  clients with a browser's name at {level} or above: {bound(hits, len(browsers))}")
            for (address, agent), client in clients.items():
                if client.reached or (len(clients) < 10 and client.findings):
                    show(address, agent, client)
    return 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
