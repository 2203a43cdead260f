"""Readers of robots.txt that were not written here, behind one signature."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gpyrobotstxt.robots_cc import RobotsMatcher  # type: ignore[import-untyped]
from protego import Protego

Reader = Callable[[bytes, str, str], bool]
"""(body, product token, percent-encoded path) -> may fetch."""


def google_reads(body: bytes, token: str, path: str) -> bool:
    # This port raises TypeError on a line without any separator, which the original passes over.
    lines = [line for line in body.replace(b"\r", b"\n").split(b"\n") if b":" in line]
    matcher = RobotsMatcher()
    return bool(matcher.one_agent_allowed_by_robots(b"\n".join(lines), token, "https://label.example" + path))


def protego_reads(body: bytes, token: str, path: str) -> bool:
    robots = Protego.parse(body.decode("utf-8-sig", "replace"))
    return robots.can_fetch("https://label.example" + path, token)


@pytest.fixture(scope="session", params=[google_reads, protego_reads], ids=["google", "protego"])
def reader(request: pytest.FixtureRequest) -> Reader:
    chosen: Reader = request.param
    return chosen


@pytest.fixture(scope="session")
def google() -> Reader:
    return google_reads


@pytest.fixture(scope="session")
def protego() -> Reader:
    return protego_reads
