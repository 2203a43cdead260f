"""What a running middleware tells of itself at a scrape."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import vorbehalt
from vorbehalt.edge.runtime import Runtime
from vorbehalt.policy.overrides import Overrides, Pause


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(
        {
            "format": 1,
            "site": {"origin": "https://label.example", "hosts": ["label.example"]},
            "policy": {"mode": "observe"},
            "evidence": {"directory": str(tmp_path / "evidence")},
            "host": [{"names": ["lyrics.example"], "policy": {"mode": "enforce"}}],
        }
    )
    yield made
    made.stop()


def test_a_running_middleware_tells_how_it_is(runtime: Runtime) -> None:
    runtime.start()
    runtime.sync_metrics()
    told = runtime.gauges()
    digest = dict(told.reservations)
    assert set(digest) == {"default", "lyrics.example"}
    assert digest["default"] == runtime.live.engine.default.bundle.digest
    assert dict(told.modes) == {"default": "observe", "lyrics.example": "enforce"}
    assert set(told.in_force_since) == set(digest)
    assert all(abs(at - time.time()) < 100 for at in told.in_force_since.values())
    assert told.crawlers["GPTBot"] == ("OpenAI", "training")
    assert told.crawlers["curl"][0] == ""
    assert told.software == vorbehalt.__version__
    assert told.config == runtime.settings.digest
    assert told.rules == (runtime.settings.registry.version, runtime.settings.registry.digest)
    assert told.rules_ages["openai-gptbot"] > 0
    assert (told.evidence_health, told.is_paused, told.is_disarmed) == ("green", False, False)
    assert told.anchor_age is None


def test_the_age_of_the_log_is_that_of_its_checkpoint(runtime: Runtime, tmp_path: Path) -> None:
    runtime.start()
    runtime.stop()
    checkpoint = tmp_path / "evidence" / "log" / "checkpoint"
    os.utime(checkpoint, (time.time() - 500, time.time() - 500))
    told = runtime.gauges()
    assert told.checkpoint_age is not None
    assert 500 <= told.checkpoint_age < 600
    assert told.log_size == int(checkpoint.read_bytes().split(b"\n")[1])
    checkpoint.unlink()
    assert runtime.gauges().checkpoint_age is None


def test_without_a_log_nothing_is_said_of_one() -> None:
    made = Runtime(
        {"format": 1, "site": {"origin": "https://label.example"}, "evidence": {"directory": "memory:"}}
    )
    told = made.gauges()
    assert (told.log_size, told.checkpoint_age) == (None, None)
    assert told.evidence_health == "yellow"
    assert dict(told.modes) == {"default": "enforce"}


def test_a_pause_of_all_is_told_while_it_lasts(runtime: Runtime) -> None:
    now = time.time_ns()
    for pause, is_paused in (
        (Pause(1, now + 10**12), True),
        (Pause(1, now), False),
        (Pause(1, now + 10**12, rule="training"), False),
    ):
        runtime.overrides.overriding.now = Overrides((pause,))
        assert runtime.gauges().is_paused is is_paused
