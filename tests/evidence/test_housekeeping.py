"""Who seals keeps house: forgets in time, once a day, says what its clock is worth, and how full it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support import default_periods
from vorbehalt.evidence.auditor import audit
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.clock import ClockWatch, Discipline, discipline
from vorbehalt.evidence.sealing.housekeeping import OVER_CAP, HouseKeeping, full_sentence, size_of
from vorbehalt.evidence.vault.retention import Keeping
from vorbehalt.evidence.vault.vault import Keys
from vorbehalt.evidence.writing.cap import Cap

SECOND, HOUR, DAY = 10**9, 3600 * 10**9, 86_400 * 10**9
AT = 1_795_413_803_799_141_015  # 2026-11-23


class Times:
    """A wall clock and a steady clock that only a test moves."""

    def __init__(self) -> None:
        self.wall, self.steady, self.known = AT, 5 * DAY, Discipline(True, 900, 90)

    def go(self, nanoseconds: int) -> None:
        self.wall += nanoseconds
        self.steady += nanoseconds

    def watch(self) -> ClockWatch:
        return ClockWatch(lambda: self.wall, lambda: self.steady, lambda: self.known)


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def filled(directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog]) -> Path:
    log = make_log()
    for number, retention in enumerate(("person", "claimed")):
        private = {"address": b"203.0.113.7"}
        log.append(Draft("request", f"r{number}", AT, {}, private, retention=retention))  # type: ignore[arg-type]
    log.close()
    return directory.path


def keeper(path: Path, times: Times, drafts: list[Draft], max_bytes: int = 0) -> HouseKeeping:
    return HouseKeeping(
        path,
        Keeping(default_periods(), max_bytes),
        drafts.append,
        lambda: times.wall,
        steady=lambda: times.steady,
        watch=times.watch(),
    )


def of(drafts: list[Draft], kind: str) -> list[dict[str, object]]:
    return [draft.seen for draft in drafts if draft.type == kind]


def days(path: Path) -> list[str]:
    return [name for name in Keys(path).names() if name.startswith("day")]


def test_what_has_had_its_time_goes_once_and_is_recorded(filled: Path, times: Times) -> None:
    drafts: list[Draft] = []
    house = keeper(filled, times, drafts)
    house.step()
    assert of(drafts, "shred") == []
    for _ in range(31):
        times.go(DAY)
        house.step()
        house.step()

    assert of(drafts, "shred") == [
        {
            "scope": "expired", "keys": [name], "keys_count": 1, "openings": 0, "held": 0,
            "who": "house-keeping", "why": "their time was over",
        }
        for name in ("month-2026-11", "day-2026-11-23.person")
    ]  # fmt: skip
    assert days(filled) == ["day-2026-11-23.claimed"]
    assert house.sentences() == []


def test_a_clock_set_far_forward_destroys_nothing_for_a_day(filled: Path, times: Times) -> None:
    drafts: list[Draft] = []
    house = keeper(filled, times, drafts)
    house.step()
    times.wall += 400 * DAY
    house.step()
    times.go(DAY - SECOND)
    house.step()
    kept = days(filled)
    times.go(SECOND)
    house.step()

    assert kept == ["day-2026-11-23.claimed", "day-2026-11-23.person"]
    assert days(filled) == []
    assert [seen["event"] for seen in of(drafts, "clock")] == ["state", "step-forward", "state"]


def test_what_cannot_be_destroyed_makes_health_yellow_and_is_tried_again(
    filled: Path, times: Times, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts: list[Draft] = []
    house = keeper(filled, times, drafts)
    times.go(40 * DAY)
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        patch.setattr("vorbehalt.evidence.vault.shred.destroy_day", refuse)
        house.step()
    (sentence,) = house.sentences()
    house.step()
    assert days(filled) == ["day-2026-11-23.claimed", "day-2026-11-23.person"]
    times.go(HOUR)
    house.step()

    assert "could not be destroyed" in sentence
    assert (days(filled), house.sentences()) == (["day-2026-11-23.claimed"], [])


def test_the_clock_is_said_at_the_start_at_changes_and_once_a_day(times: Times) -> None:
    watch = times.watch()
    events = [watch.look(), watch.look()]
    times.known = Discipline(False, 16_000_000, 0)
    events.append(watch.look())
    times.wall += 3_600 * SECOND
    events.append(watch.look())
    times.wall -= 3_600 * SECOND + 600_000_000
    events.append(watch.look())
    times.wall += 400_000_000
    events.append(watch.look())
    times.go(DAY)
    events.append(watch.look())

    assert [[seen["event"] for seen in found] for found in events] == [
        ["state"], [], ["state"], ["step-forward"], ["step-back"], [], ["state"],
    ]  # fmt: skip
    assert events[2][0]["synchronised"] is False
    assert events[3][0] == {
        "event": "step-forward", "by": str(HOUR), "from": str(AT), "to": str(AT + HOUR),
    }  # fmt: skip
    assert events[4][0]["by"] == str(HOUR + 600_000_000)


def test_the_kernel_says_whether_its_clock_is_right() -> None:
    known = discipline()
    assert known.synchronised in (True, False)
    assert known.max_error_us > 0


def test_a_directory_near_its_limit_is_said(filled: Path, times: Times) -> None:
    size = size_of(filled)
    tight, wide = (keeper(filled, times, [], limit) for limit in (int(size / 0.9), int(size / 0.89)))
    tight.step()
    wide.step()

    assert size == sum(
        path.stat().st_size for path in filled.rglob("*") if path.is_file() and "ballast" not in path.parts
    )
    assert (len(tight.sentences()), wide.sentences()) == (1, [])
    assert "evidence.max_bytes" in tight.sentences()[0]
    assert full_sentence(10**12, 0) == ""


def test_beyond_its_limit_all_writers_are_told_to_count_and_the_log_says_from_when_to_when(
    filled: Path, times: Times
) -> None:
    drafts: list[Draft] = []
    house = keeper(filled, times, drafts, size_of(filled) + 1_000)
    flag = filled / "run" / OVER_CAP
    house.step()
    assert (flag.exists(), of(drafts, "gap")) == (False, [])
    padding = filled / "objects" / "padding"
    padding.write_bytes(bytes(2_000))
    house.step()
    assert not flag.exists(), "a directory is not measured all the time"
    times.go(60 * 10**9)
    house.step()
    assert flag.exists()
    assert "visits are only counted until there is room" in house.sentences()[0]
    padding.unlink()
    for _ in range(2):
        times.go(60 * 10**9)
        house.step()

    assert not flag.exists()
    begin, end = of(drafts, "gap")
    assert [(seen["reason"], seen["event"], seen["lost"]) for seen in (begin, end)] == [
        ("disk_cap", "begin", "0"), ("disk_cap", "end", "0"),
    ]  # fmt: skip
    assert int(str(begin["bytes"])) >= int(str(begin["limit"])) > int(str(end["bytes"]))


def test_a_writer_that_is_told_so_counts(
    directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog]
) -> None:
    (directory.run / OVER_CAP).touch()
    log = make_log()
    log.start()
    log._inbox.cap(True)  # what the thread finds when it next looks
    for number in range(3):
        log.append(Draft("request", f"VB-{number}", AT, {"path": "/"}, rollup=("crawler",)))
    log.close()

    assert [leaf["type"] for leaf in show(directory.path) if leaf["type"] in ("request", "rollup")] == [
        "rollup"
    ]
    assert audit.verify(directory.path).problems == ()


def test_the_file_is_looked_for_every_five_seconds(tmp_path: Path) -> None:
    moments = iter((0.0, 4.9, 5.0, 9.9, 10.0))
    cap = Cap(tmp_path / "over", lambda: next(moments))
    found = [cap.is_over()]
    (tmp_path / "over").touch()
    found += [cap.is_over(), cap.is_over()]
    (tmp_path / "over").unlink()
    found += [cap.is_over(), cap.is_over()]

    assert found == [False, False, True, True, False]


def test_a_running_log_keeps_house(
    directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog]
) -> None:
    moment = int(datetime(2026, 11, 26, tzinfo=UTC).timestamp()) * 10**9
    name = "day-2026-10-01.person"
    Keys(directory.path).get_or_make(name)
    log = make_log(keeping=Keeping(default_periods()), clock=lambda: moment)
    log.start()
    log._house.step()  # what the sealer's thread calls after each sealing
    log.close()

    found = [leaf["seen"] for leaf in show(directory.path, Filters(type="shred"))]
    assert [seen["keys"] for seen in found] == [[name]]  # type: ignore[index]
    assert [leaf["type"] for leaf in show(directory.path, Filters(type="clock"))] != []
    assert log.health()["state"] == "green"
