"""Who was told what, kept in a file: shared by workers, over restarts, never surer than what is known."""

from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.history.told import Fetch, HostTold, Last
from vorbehalt.evidence.history.told_file import MAX_BYTES, MAX_KEYS, NAME, Told
from vorbehalt.evidence.history.told_lines import FetchLine, read_line
from vorbehalt.facts import Standing

ROBOTS = "/robots.txt"
ONE, TWO = "1" * 64, "2" * 64
SECOND = 10**9
START = 1_764_000_000 * SECOND


def line(
    at: int, token: str = "GPTBot", *, standing: str = "verified", version: str = ONE, host: str = ""
) -> FetchLine:
    return FetchLine(host, token, ROBOTS, Fetch(version, START + at, 200, Standing(standing), "OpenAI"))


def opened(
    folder: Path | None,
    at: int = 0,
    hosts: tuple[str, ...] = ("",),
    *,
    max_bytes: int = MAX_BYTES,
    max_keys: int = MAX_KEYS,
) -> Told:
    told = Told(folder, max_bytes=max_bytes, max_keys=max_keys)
    told.open(hosts, START + at)
    return told


def lines(folder: Path) -> list[bytes]:
    return (folder / NAME).read_bytes().splitlines()


def last(told: Told, token: str = "GPTBot", host: str = "") -> Last | None:
    return told.hosts[host].last(token, ROBOTS)


def test_the_first_line_says_since_when_and_no_other_reader_can_look(tmp_path: Path) -> None:
    opened(tmp_path / "run")

    (first,) = lines(tmp_path / "run")
    assert first == b'["since",1,{"":"1764000000000000000"}]'
    assert stat.S_IMODE((tmp_path / "run" / NAME).stat().st_mode) == 0o600


def test_another_worker_knows_it_within_one_poll(tmp_path: Path) -> None:
    one, two = opened(tmp_path), opened(tmp_path, 5)
    assert one.note(line(10))
    one.flush()
    assert last(two) is None

    assert two.poll(START + 12)

    assert last(two) == last(one) == Last(line(10).fetch, None)
    assert two.hosts[""].since == one.hosts[""].since == START
    assert not two.poll(START + 14)


def test_a_restart_knows_what_was_before_it(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.note(line(10))
    first.note(line(20, "PerplexityBot", standing="claimed"))
    first.flush()

    again = opened(tmp_path, 1000)

    assert again.hosts == first.hosts
    assert again.hosts[""].since == START
    assert len(lines(tmp_path)) == 3


def test_at_most_one_line_a_second_of_the_same_kind(tmp_path: Path) -> None:
    told = opened(tmp_path)
    told.note(line(1))
    assert not told.note(line(SECOND))
    assert last(told) == Last(line(SECOND).fetch, None)
    assert told.note(line(SECOND + 1))
    assert told.note(line(SECOND + 2, version=TWO))
    assert told.note(line(SECOND + 3, standing="claimed", version=TWO))
    assert told.note(line(SECOND + 3, "OtherBot"))
    told.flush()

    assert len(lines(tmp_path)) == 1 + 3
    assert [read_line(raw, START + 2 * SECOND) for raw in lines(tmp_path)[1:]] == [
        line(SECOND + 2, version=TWO),
        line(SECOND + 3, standing="claimed", version=TWO),
        line(SECOND + 3, "OtherBot"),
    ]


@pytest.mark.parametrize(
    "damage",
    [
        b'["fetch","","GPTBot","Ope',
        b"\0\0\0\0\n",
        b'["fetch","","GPTBot"]\n',
        b"\xff\xfe\n",
        b'["fetch","","GPTBot","OpenAI","/robots.txt","x","1764000000000000000",200,"verified"]\n',
    ],
)
def test_after_a_line_that_cannot_be_read_observation_begins_anew(
    damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = opened(tmp_path)
    told.note(line(10))
    told.flush()
    with open(tmp_path / NAME, "ab") as file:
        file.write(damage)
    told.note(line(20, "PerplexityBot"))
    told.flush()

    again = opened(tmp_path, 1000)

    assert again.skipped == 1
    assert again.hosts[""].since == START + 1000
    assert last(again) == Last(line(10).fetch, None)
    assert last(again, "PerplexityBot") == Last(line(20, "PerplexityBot").fetch, None)
    assert "observation of what crawlers fetch begins anew" in caplog.text
    assert opened(tmp_path, 2000).hosts[""].since == START + 1000


def test_damage_while_running_is_seen_by_all_workers(tmp_path: Path) -> None:
    one, two = opened(tmp_path), opened(tmp_path)
    one.note(line(10))
    one.flush()
    with open(tmp_path / NAME, "ab") as file:
        file.write(b"hostile\n")

    one.poll(START + 100)
    two.poll(START + 200)

    assert [told.hosts[""].since for told in (one, two)] == [START + 100] * 2
    assert last(one) == last(two) == Last(line(10).fetch, None)
    assert (one.skipped, two.skipped) == (1, 0)


def test_half_a_line_is_no_damage_while_its_writer_may_still_be_at_it(tmp_path: Path) -> None:
    told = opened(tmp_path)
    whole = line(10).encode()
    with open(tmp_path / NAME, "ab", buffering=0) as file:
        file.write(whole[:40])
        told.poll(START + 20)
        assert (told.skipped, last(told)) == (0, None)
        file.write(whole[40:])
    told.poll(START + 30)

    assert last(told) == Last(line(10).fetch, None)
    assert told.hosts[""].since == START


@pytest.mark.parametrize("content", [b"", b"\n", b"no format of ours\n", None])
def test_a_file_without_a_beginning_claims_nothing_of_the_past(content: bytes | None, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(line(10).encode() if content is None else content)

    told = opened(tmp_path, 1000)

    assert told.hosts[""].since == START + 1000
    assert last(told) == (Last(line(10).fetch, None) if content is None else None)


def test_a_file_that_is_gone_begins_anew_with_what_is_remembered(tmp_path: Path) -> None:
    told = opened(tmp_path / "run")
    told.note(line(10))
    told.flush()
    for path in (tmp_path / "run").iterdir():
        path.unlink()
    (tmp_path / "run").rmdir()

    told.poll(START + 100)

    assert told.problem == ""
    assert told.hosts[""].since == START + 100
    assert last(opened(tmp_path / "run", 200)) == Last(line(10).fetch, None)
    assert opened(tmp_path / "run", 200).hosts[""].since == START + 100


def test_a_line_from_the_far_future_is_not_believed(tmp_path: Path) -> None:
    told = opened(tmp_path)
    told.note(line(10))
    told.note(line(20, "PerplexityBot"))
    told.flush()
    future = line(10 * 86_400 * SECOND, version=TWO)
    with open(tmp_path / NAME, "ab") as file:
        file.write(future.encode())

    assert last(opened(tmp_path, 100)) == Last(line(10).fetch, None)


def test_a_large_file_is_written_anew_with_the_last_fetches_only(tmp_path: Path) -> None:
    one, two = opened(tmp_path, max_bytes=2_000), opened(tmp_path, max_bytes=2_000)
    for number in range(30):
        one.note(line(number * SECOND))
        one.note(line(number * SECOND + 5, standing="claimed", version=TWO))
        one.flush()
    before = os.stat(tmp_path / NAME)
    assert before.st_size > 2_000
    two.note(line(31 * SECOND, "PerplexityBot"))

    two.poll(START + 40 * SECOND)
    one.poll(START + 41 * SECOND)
    one.note(line(50 * SECOND, "OtherBot"))
    one.flush()
    two.poll(START + 60 * SECOND)

    assert os.stat(tmp_path / NAME).st_ino != before.st_ino
    assert len(lines(tmp_path)) == 1 + 2 + 1 + 1
    assert one.hosts[""].since == two.hosts[""].since == START
    assert last(two, "OtherBot") is not None
    one.poll(START + 61 * SECOND)
    assert one.hosts == two.hosts == opened(tmp_path, 99 * SECOND).hosts


def test_memory_is_bounded_and_says_what_it_forgot(tmp_path: Path) -> None:
    told = opened(tmp_path, max_keys=4)
    for number in range(10):
        told.note(line(number, f"bot{number}"))
    told.poll(START + 100)

    assert sorted(told.hosts[""].crawlers) == ["bot6", "bot7", "bot8", "bot9"]
    assert told.hosts[""].since == START + 6


def test_hosts_are_observed_since_they_are_served(tmp_path: Path) -> None:
    one, two = opened(tmp_path), opened(tmp_path)
    one.observe(["", "a.example"], START + 10)
    one.note(line(20, host="a.example"))
    one.flush()
    two.poll(START + 30)
    assert two.hosts["a.example"].since == START + 10
    assert last(two, host="a.example") == Last(line(20).fetch, None)

    one.observe([""], START + 40)
    one.flush()
    assert not one.note(line(45, host="a.example"))
    one.observe(["", "a.example"], START + 50)
    one.flush()
    two.poll(START + 60)

    assert two.hosts == one.hosts == {"": HostTold(START), "a.example": HostTold(START + 50)}
    assert opened(tmp_path, 70, ("a.example",)).hosts == {"a.example": HostTold(START + 50)}


class FullDisk(Disk):
    """Refuses to write until there is room."""

    def __init__(self) -> None:
        self.has_room = True

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if not self.has_room:
            raise OSError(28, "No space left on device")
        return super().write(fd, data)


def test_what_the_disk_refused_is_said_and_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FullDisk()
    told = Told(tmp_path, disk=disk)
    told.open([""], START)
    disk.has_room = False
    told.note(line(10))
    told.flush()
    told.poll(START + 20)

    assert "No space left on device" in told.problem
    assert last(told) == Last(line(10).fetch, None)
    assert last(opened(tmp_path, 30)) is None
    assert len(caplog.records) == 1

    disk.has_room = True
    told.poll(START + 40)

    assert told.problem == ""
    assert last(opened(tmp_path, 50)) == Last(line(10).fetch, None)


def test_an_unusable_directory_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")

    told = opened(tmp_path / "run")
    told.note(line(10))
    told.flush()
    told.poll(START + 20)

    assert "cannot be kept" in told.problem
    assert told.hosts[""].since == START
    assert last(told) == Last(line(10).fetch, None)


def test_without_a_directory_all_stays_in_memory(tmp_path: Path) -> None:
    told = opened(None)
    assert not told.note(line(10))
    told.flush()
    assert not told.poll(START + 20)
    assert last(told) == Last(line(10).fetch, None)
    assert list(tmp_path.iterdir()) == []


def test_the_child_of_a_fork_waits_for_no_lock_of_its_parent(tmp_path: Path) -> None:
    told = opened(tmp_path)
    with told._lock, told._disk_lock:
        told.forked()
        told.note(line(10))
        told.flush()
    assert last(opened(tmp_path, 20)) == Last(line(10).fetch, None)


def _write(folder: Path, number: int) -> None:
    told = opened(folder, max_bytes=4_000)
    for turn in range(40):
        told.note(line(turn * SECOND, f"bot{number}-{turn % 5}"))
        told.flush()
        told.poll(START + turn * SECOND)


def test_processes_that_write_and_renew_at_once_lose_nothing(tmp_path: Path) -> None:
    workers = [
        multiprocessing.get_context("fork").Process(target=_write, args=(tmp_path, number))
        for number in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4

    found = opened(tmp_path, 100 * SECOND)

    assert found.skipped == 0
    assert {token: own[ROBOTS].at - START for token, own in found.hosts[""].crawlers.items()} == {
        f"bot{number}-{turn}": (35 + turn) * SECOND for number in range(4) for turn in range(5)
    }
