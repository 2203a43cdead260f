"""A configuration file in a folder of its own, and nothing from the environment of the machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vorbehalt.settings import Settings, load

NOW = datetime(2026, 11, 23, tzinfo=UTC)
Load = Callable[..., Settings]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Loads a text as vorbehalt.toml."""

    def run(text: str, environ: dict[str, str] | None = None) -> Settings:
        path = tmp_path / "vorbehalt.toml"
        path.write_bytes(text.encode())
        return load(path, environ=environ or {}, now=NOW)

    return run
