"""Letters on a log whose beginning was pruned: written on what is left, and that is said."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from notice_support import DAY, make_site, only_folder, request, row, write, write_rows
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.log import EvidenceLog


def _fill(home: Path, days: int, visits: int) -> None:
    at = time.time_ns() - days * DAY
    log = EvidenceLog(
        prepare(home, "label.example/evidence"),
        clock=lambda: at,
        clients_per_minute=1 << 30,
        operators_per_minute=1 << 30,
    )
    for number in range(visits):
        for draft in request(days * 1_000 + number, "OpenAI", "verified", at):
            log.append(draft)
    log.close(30.0)


def test_a_factual_letter_counts_what_was_not_pruned_and_says_what_was(tmp_path: Path, cli: Any) -> None:
    _fill(tmp_path / "evidence", 1_500, 140)
    _fill(tmp_path / "evidence", 1, 3)
    make_site(tmp_path)
    write_rows(tmp_path, row())
    pruned = cli("evidence", "prune", "evidence", "--minimum", "256", "--who", "custodian", "--yes")
    assert (pruned.code, "Removed records 0 to 255" in pruned.out) == (0, True), pruned.err
    ledger = cli("works", "ledger", "--operator", "OpenAI", "--json").json
    written = write(cli, kind="factual")
    assert written.code == 0, written.err
    text = " ".join((only_folder(tmp_path / "out") / "letter.txt").read_text("utf-8").split())
    assert f"- requests: {ledger['attributed']['requested']} " in text
    assert "Records at the beginning of the log that were pruned: 256." in text
    dossier = cli("dossier", "--operator", "OpenAI", "--out", "d")
    assert dossier.code == 0, dossier.err
    assert "pruned and are not counted: 256" in dossier.out
