"""A stop under load, with workers: whoever was answered is in the evidence, and nobody got a wrong answer."""

from __future__ import annotations

import http.client
import re
import sys
import threading
from pathlib import Path

from process_support import GPTBOT, VORBEHALT, ask, end, free_port, running, wait_for
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.reading.query import Filters, show

CONFIG = """\
format = 1
[site]
origin = "https://label.example"
robots = "none"
contact = "mailto:licensing@label.example"
[reservation]
capacity = "owner"
rightsholder = "Label Example GmbH"
[network]
trusted_proxies = ["loopback"]
"""
CLIENTS = 6


def test_every_refusal_that_left_before_the_stop_is_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    port, behind = free_port(), free_port()
    (tmp_path / "www").mkdir()
    upstream = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(behind)]
    serve = [*VORBEHALT, "serve", "--upstream", f"http://127.0.0.1:{behind}", "--workers", "2"]
    references: list[str] = []
    wrong: list[int] = []

    def visit(client: int) -> None:
        """Ask until nobody answers any more; each time from another address, whose budget is its own."""
        for number in range(60_000):
            address = f"20.{client}.{number >> 8}.{number & 255}"
            try:
                answer = ask(port, "/page", GPTBOT, {"X-Forwarded-For": address})
            except (OSError, http.client.HTTPException):
                return  # not answered: nothing is owed
            found = re.search(rb"VB-[0-9A-Z-]{19}", answer.body)
            if answer.status == 403 and found:
                references.append(found[0].decode())
            else:
                wrong.append(answer.status)

    with (
        running(upstream, behind, tmp_path / "www"),
        running([*serve, "--listen", f"127.0.0.1:{port}"], port, tmp_path) as process,
    ):
        threads = [threading.Thread(target=visit, args=(client,)) for client in range(CLIENTS)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(references) >= 300, "nobody is refused")
        end(process)
        for thread in threads:
            thread.join(20)

    assert process.returncode == 0
    assert wrong == []
    directory = tmp_path / "vorbehalt-evidence"
    recorded = {record["ref"] for record in show(directory, Filters(type="request"))}
    assert set(references) - recorded == set()
    found = verify(directory)
    assert (found.problems, found.gaps, found.unsealed) == ((), 0, 0)
    assert len(list(show(directory, Filters(type="writer-close")))) == 2
