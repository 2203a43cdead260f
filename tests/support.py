"""Helpers that several rooms' tests share."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.evidence.vault.forgetting import erase_rows
from vorbehalt.evidence.vault.retention import DEFAULTS, Period, parse_period

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[Any]:
    """Return the named cases of tests/cases/NAME.toml as pytest parameters; a name may appear once only."""
    found = tomllib.loads((CASES / f"{name}.toml").read_text("utf-8"))["case"]
    names = [case["name"] for case in found]
    assert len(names) == len(set(names)), f"a case name stands twice in {name}.toml"
    return [pytest.param(case, id=case["name"]) for case in found]


def erase_row(path: Path, sequence: int) -> int:
    """Overwrite what the vault holds of one record; return how many rows there were."""
    return erase_rows(path, lambda row: row.sequence == sequence)


def default_periods() -> dict[str, Period]:
    """The periods of retention where a configuration says nothing."""
    return {name: parse_period(text) for name, text in DEFAULTS.items()}
