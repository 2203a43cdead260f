"""Every middleware that a test made is closed after it: no thread and no metrics source outlives its test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vorbehalt.edge import forking
from vorbehalt.edge.runtime import Runtime


@pytest.fixture(autouse=True)
def _close_what_was_started() -> Iterator[None]:
    yield
    for alive in list(forking._alive):
        assert isinstance(alive, Runtime)
        alive.stop()
