"""Helpers that several rooms' tests share."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[Any]:
    """Return the named cases of tests/cases/NAME.toml as pytest parameters; a name may appear once only."""
    found = tomllib.loads((CASES / f"{name}.toml").read_text("utf-8"))["case"]
    names = [case["name"] for case in found]
    assert len(names) == len(set(names)), f"a case name stands twice in {name}.toml"
    return [pytest.param(case, id=case["name"]) for case in found]
