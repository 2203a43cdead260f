"""The anchor thread of a process, and what it says of itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from anchor_support import SECOND, Authority, Site, answering, stamper, time_stamp
from vorbehalt.evidence.anchor import state
from vorbehalt.evidence.anchor.targets import TimeStamper
from vorbehalt.evidence.anchor.thread import AnchorThread
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.files import locked
from vorbehalt.evidence.log import EvidenceLog

pytestmark = pytest.mark.real("openssl")

MINUTE = 60 * SECOND


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "ec", chain=True)


@pytest.fixture
def site(directory: EvidenceDirectory) -> Iterator[Site]:
    made = Site(directory)
    yield made
    made.log.close()


def _nowhere(authority: Authority) -> TimeStamper:
    """A port on which nobody listens."""
    return stamper("http://127.0.0.1:1/", authority)


def test_it_asks_by_itself_and_tells_how_old_the_last_anchor_is(
    directory: EvidenceDirectory, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(directory)
    site.record()
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        thread = AnchorThread(
            site.directory,
            [stamper(url, authority)],
            lambda: site.log,
            clock=lambda: site.now,
        )
        monkeypatch.setattr(thread, "every_seconds", 0.01)
        assert thread.age_seconds() is None
        thread.start()
        deadline = time.monotonic() + 30
        while thread.age_seconds() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        thread.stop()
    site.now += 90 * SECOND

    assert thread.age_seconds() == 90
    assert thread.health() == ([], [])
    site.log.close()


def test_a_failure_of_half_an_hour_makes_health_yellow_and_names_the_reason(
    site: Site, authority: Authority
) -> None:
    site.record()
    thread = AnchorThread(site.directory, [_nowhere(authority)], lambda: site.log, clock=lambda: site.now)
    assert thread.step()
    site.now += 29 * MINUTE
    assert thread.health() == ([], [])
    site.now += 2 * MINUTE

    ((), (sentence,)) = (tuple(part) for part in thread.health())
    assert sentence.startswith("no anchor from tsa.test since ")


def test_only_one_process_asks_at_a_time(site: Site, authority: Authority) -> None:
    site.record()
    thread = AnchorThread(site.directory, [_nowhere(authority)], lambda: site.log, clock=lambda: site.now)
    with locked(site.directory / "run/anchor.lock"):
        assert not thread.step()
    assert state.load(site.directory) == {}
    assert thread.step()


def test_the_log_says_what_its_anchors_are(directory: EvidenceDirectory, authority: Authority) -> None:
    log = EvidenceLog(directory, anchors=[_nowhere(authority)])
    text = {"tsa.test": {"at": time.time_ns() - 7200 * SECOND, "failures": 3, "why": "it is down"}}
    (directory.path / "run/anchors.json").write_text(json.dumps(text))

    health = log.health()

    assert 7200 <= float(str(health["anchor_age_seconds"])) < 7300
    assert health["state"] == "yellow"
    assert "it is down" in str(health["reasons"])
