"""Old logs through the policy: lines a second on one core, over a log that is made here."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from identification import stream
from measure import Budget, Figure, interleaved, table, timed
from vorbehalt.cli.conduct import conduct_for_logs
from vorbehalt.engine import Conduct, Engine, violates_robots
from vorbehalt.replay import replay
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

LINES = 60_000


def write_log(path: Path) -> None:
    """Write a combined log: 2,000 User-Agents, 2,000 addresses, 5,000 paths, one day."""
    rnd = random.Random(3)
    agents = [agent.decode("latin-1").replace('"', "'") for agent in stream()]
    clients = [f"198.51.{rnd.randrange(100)}.{rnd.randrange(1, 255)}" for _ in range(2000)]
    with path.open("w", encoding="latin-1") as file:
        for number in range(LINES):
            second = number * 86_400 // LINES
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            file.write(
                f"{rnd.choice(clients)} - - [22/Nov/2026:{clock} +0000]"
                f' "GET /lyrics/{rnd.randrange(5000)} HTTP/1.1" 200 {rnd.randrange(90_000)}'
                f' "-" "{rnd.choice(agents)}"\n'
            )


def run(rounds: int) -> tuple[dict[str, Figure], list[Budget]]:
    """Print the time of one line and return it with its budget."""
    settings = load(
        {"format": 1, "site": {"origin": "https://label.example"}, "evidence": {"directory": "off"}},
        environ={},
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "access.log"
        write_log(path)

        def once(conduct: Conduct | None) -> float:
            engine = Engine(settings, MemoryLimits(), conduct=conduct)
            return timed(
                lambda: (
                    replay(
                        [str(path)],
                        engine.judge,
                        disallows=lambda visit, verdict: violates_robots(
                            engine.plan(visit.host), visit, verdict
                        ),
                        answered=None if conduct is None else conduct.answered,
                    ).lines
                )
            )

        variants = {
            "replay without findings, one line": lambda: once(None),
            "replay, one line": lambda: once(conduct_for_logs(settings)),
        }
        figures = interleaved(variants, rounds)
    table("Replay of a combined log", figures)
    without, found = (figures[name].median for name in variants)
    print(f"\n{1e6 / found:,.0f} lines a second on one core, {1e6 / without:,.0f} without findings")
    return figures, [
        Budget("replay without findings: one line (50,000 lines a second)", without, 20.0, " µs"),
        Budget("replay: one line (25,000 lines a second)", found, 40.0, " µs"),
    ]
