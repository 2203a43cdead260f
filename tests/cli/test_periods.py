"""`--from` and `--to`: a slip makes no figure, and no year breaks a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dossier_support import OPERATOR, site
from tlog_support import Log

Cli = Callable[..., Any]
COMMANDS = {
    "dossier": ("dossier", "--operator", OPERATOR, "--out", "out", "--no-record"),
    "ledger": ("works", "ledger", "--operator", OPERATOR),
    "export": ("evidence", "export", "evidence", "--operator", OPERATOR, "--out", "out", "--no-record"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("period", "message"),
    [
        (("--from", "2026-11-27", "--to", "2026-11-01"), "--to: the period ends before it begins"),
        (("--from", "2026-11-01", "--to", "2026-11-01"), "--to: the period ends before it begins"),
        (("--from", "0001-01-01"), '--from: "0001-01-01" lies before 1970'),
        (("--to", "9999-12-31T23:00:00-05:00"), 'lies before 1970 or after 9999'),
    ],
)  # fmt: skip
def test_a_period_in_which_nothing_can_lie_is_refused_and_nothing_is_written(
    command: tuple[str, ...], period: tuple[str, ...], message: str, tmp_path: Path, cli: Cli
) -> None:
    Log(tmp_path / "evidence").seal([])
    site(tmp_path)
    found = cli(*command, *period)
    assert (found.code, message in found.err) == (2, True)
    assert not (tmp_path / "out").exists()
