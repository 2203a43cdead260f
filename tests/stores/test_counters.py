"""Counters of several processes: nothing falls, nothing is counted twice, memory is bounded."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.errors import StoreError
from vorbehalt.stores import counter_files
from vorbehalt.stores.counters import FAMILIES, Counters

REQUESTS = "vorbehalt_requests_total"
ALLOWED = ("allow", "none")
BLOCKED = ("block", "training")


def worker(directory: Path, script: str) -> subprocess.Popen[bytes]:
    """Run a script in a process of its own; it says a line when it is ready and ends with its stdin."""
    code = "import os, sys\nfrom pathlib import Path\nfrom vorbehalt.stores.counters import Counters\n"
    code += "counters = Counters(Path(sys.argv[1]))\ncounters.open()\n" + textwrap.dedent(script)
    code += "\nprint('ready', flush=True)\nsys.stdin.read()\n"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def end(process: subprocess.Popen[bytes], *, kill: bool = False) -> None:
    if kill:
        process.kill()
    process.communicate()


def opened(directory: Path) -> Counters:
    counters = Counters(directory)
    counters.open()
    assert counters.is_shared
    return counters


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "metrics").iterdir())


def test_a_slot_is_a_plain_integer_cell() -> None:
    counters = Counters()
    slot = counters.slot(REQUESTS, ALLOWED)
    counters.cells[slot] += 1
    counters.cells[slot] += 1
    counters.inc(REQUESTS, BLOCKED, 5)
    assert counters.slot(REQUESTS, ALLOWED) == slot
    assert counters.snapshot() == {(REQUESTS, ALLOWED): 2, (REQUESTS, BLOCKED): 5}


def test_unknown_names_and_wrong_labels_are_refused() -> None:
    counters = Counters()
    with pytest.raises(KeyError):
        counters.slot("vorbehalt_surprises_total", ())
    with pytest.raises(ValueError, match="labels"):
        counters.slot(REQUESTS, ("allow",))
    assert counters.snapshot() == {}


def test_without_a_directory_open_and_close_change_nothing() -> None:
    counters = Counters(None)
    counters.inc(REQUESTS, ALLOWED)
    counters.open()
    counters.close()
    assert not counters.is_shared
    assert counters.snapshot() == {(REQUESTS, ALLOWED): 1}


def test_what_was_counted_before_open_is_kept_and_slots_stay_valid(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    slot = counters.slot(REQUESTS, ALLOWED)
    counters.cells[slot] += 3
    counters.open()
    counters.cells[slot] += 1
    assert counters.is_shared
    assert opened(tmp_path).snapshot() == {(REQUESTS, ALLOWED): 4}


def test_nothing_is_created_before_open(tmp_path: Path) -> None:
    Counters(tmp_path).inc(REQUESTS, ALLOWED)
    assert list(tmp_path.iterdir()) == []


def test_any_process_sums_all_living_and_dead_ones(tmp_path: Path) -> None:
    mine = opened(tmp_path)
    mine.inc(REQUESTS, ALLOWED, 1)
    living = worker(tmp_path, f"counters.inc({REQUESTS!r}, {ALLOWED!r}, 10)")
    killed = worker(tmp_path, f"counters.inc({REQUESTS!r}, {ALLOWED!r}, 100)")
    try:
        assert mine.snapshot() == {(REQUESTS, ALLOWED): 111}
        end(killed, kill=True)
        for _ in range(3):
            assert mine.snapshot() == {(REQUESTS, ALLOWED): 111}
        assert len([name for name in files(tmp_path) if name.endswith(".cells")]) == 2
        assert "folded" in files(tmp_path)
    finally:
        end(living)
    assert mine.snapshot() == {(REQUESTS, ALLOWED): 111}


def test_a_closed_worker_goes_on_counting_in_a_new_file(tmp_path: Path) -> None:
    counters = opened(tmp_path)
    slot = counters.slot(REQUESTS, ALLOWED)
    counters.cells[slot] += 2
    counters.close()
    assert counters.cells[slot] == 0
    counters.open()
    counters.cells[slot] += 1
    assert counters.snapshot() == {(REQUESTS, ALLOWED): 3}


def test_a_living_worker_is_not_folded(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    first.inc(REQUESTS, ALLOWED)
    assert second.snapshot() == {(REQUESTS, ALLOWED): 1}
    first.inc(REQUESTS, ALLOWED)
    assert second.snapshot() == {(REQUESTS, ALLOWED): 2}
    assert "folded" not in files(tmp_path)


@pytest.mark.parametrize("step", ["replace", "unlink"])
def test_a_crash_while_folding_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for amount in (1, 20, 300):
        gone = opened(tmp_path)
        gone.inc(REQUESTS, ALLOWED, amount)
        gone.close()
    scraper = opened(tmp_path)

    def crash(*_: object, **__: object) -> None:
        raise OSError(5, "the power went")

    with monkeypatch.context() as patch:
        if step == "replace":
            patch.setattr(os, "replace", crash)
        else:
            patch.setattr(Path, "unlink", crash)
        with pytest.raises(StoreError, match="the power went"):
            scraper.snapshot()
    assert scraper.snapshot() == {(REQUESTS, ALLOWED): 321}
    assert scraper.snapshot() == {(REQUESTS, ALLOWED): 321}
    assert opened(tmp_path).snapshot() == {(REQUESTS, ALLOWED): 321}


def test_after_fork_the_child_counts_in_a_file_of_its_own(tmp_path: Path) -> None:
    script = f"""
        slot = counters.slot({REQUESTS!r}, {ALLOWED!r})
        counters.cells[slot] += 1
        child = os.fork()
        if child == 0:
            counters.cells[slot] += 10
            counters.open()
            counters.cells[slot] += 100
            os._exit(0 if counters.snapshot() == {{({REQUESTS!r}, {ALLOWED!r}): 111}} else 1)
        assert os.waitpid(child, 0)[1] == 0
        counters.cells[slot] += 1000
    """
    process = worker(tmp_path, script)
    try:
        assert opened(tmp_path).snapshot() == {(REQUESTS, ALLOWED): 1111}
    finally:
        end(process)


def test_slots_are_bounded_and_the_rest_is_other() -> None:
    counters = Counters(max_slots=3)
    for number in range(50):
        counters.inc("vorbehalt_findings_total", (f"finding-{number}",))
    counters.inc(REQUESTS, ALLOWED)
    totals = counters.snapshot()
    assert totals["vorbehalt_findings_total", ("other",)] == 47
    assert totals[REQUESTS, ("other", "other")] == 1
    assert len(totals) == 5


def test_bytes_are_bounded_and_every_family_keeps_its_other() -> None:
    counters = Counters(file_bytes=8192)
    for number in range(2000):
        counters.inc("vorbehalt_findings_total", (f"finding-{number}-" + "x" * 50,))
    for name, labels in FAMILIES.items():
        counters.inc(name, ("other",) * len(labels))
    totals = counters.snapshot()
    assert sum(value for (name, _), value in totals.items() if name == "vorbehalt_findings_total") == 2001
    assert {name for name, _ in totals} == set(FAMILIES)


def test_an_unusable_directory_leaves_private_counters_and_a_reason(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file, not a directory")
    counters = Counters(tmp_path)
    counters.inc(REQUESTS, ALLOWED)
    counters.open()
    assert not counters.is_shared
    assert "metrics cannot be kept in" in counters.problem
    assert counters.snapshot() == {(REQUESTS, ALLOWED): 1}


def test_a_hung_holder_of_the_lock_fails_the_scrape_and_not_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = opened(tmp_path)
    monkeypatch.setattr(counter_files, "LOCK_SECONDS", 0.01)
    with counter_files.exclusive(tmp_path / "metrics"), pytest.raises(StoreError, match="stayed locked"):
        counters.snapshot()
    assert counters.snapshot() == {}


def test_foreign_and_torn_files_are_read_up_to_where_they_hold(tmp_path: Path) -> None:
    counters = opened(tmp_path)
    gone = opened(tmp_path)
    gone.inc(REQUESTS, ALLOWED, 7)
    gone.inc(REQUESTS, BLOCKED, 9)
    name = str(gone._name)
    raw = bytearray((tmp_path / "metrics" / name).read_bytes())
    gone.close()
    raw[raw.index(b"training")] ^= 1
    (tmp_path / "metrics" / name).write_bytes(raw)
    (tmp_path / "metrics" / "foreign.cells").write_bytes(b"something else entirely")
    (tmp_path / "metrics" / "empty.cells").write_bytes(b"")
    assert counters.snapshot() == {(REQUESTS, ALLOWED): 7}


def test_a_file_has_all_its_blocks_so_that_a_full_disk_cannot_kill_the_process(tmp_path: Path) -> None:
    counters = opened(tmp_path)
    status = os.stat(tmp_path / "metrics" / str(counters._name))
    assert status.st_blocks * 512 >= status.st_size


@given(
    st.lists(
        st.tuples(st.text(max_size=30), st.text(max_size=30), st.integers(min_value=1, max_value=2**40)),
        max_size=30,
    )
)
def test_whatever_the_labels_a_snapshot_gives_them_back(rows: list[tuple[str, str, int]]) -> None:
    counters = Counters(file_bytes=65536)
    expected: dict[tuple[str, tuple[str, ...]], int] = {}
    for first, second, amount in rows:
        key = (REQUESTS, (first, second))
        counters.inc(*key, amount)
        expected[key] = expected.get(key, 0) + amount
    assert counters.snapshot() == expected


def test_one_cell_counts_for_all_keys_that_are_always_counted_together(tmp_path: Path) -> None:
    section = ("vorbehalt_section_requests_total", ("songs", "none", "allow"))
    counters = opened(tmp_path)
    both = counters.joint((REQUESTS, ALLOWED), section)
    assert len(both) == 1
    assert counters.joint((REQUESTS, ALLOWED), section) == both
    counters.cells[both[0]] += 3
    counters.inc(REQUESTS, ALLOWED)
    expected = {(REQUESTS, ALLOWED): 4, section: 3}

    assert counters.snapshot() == expected
    # The same to another worker, while this one lives and after it.
    assert opened(tmp_path).snapshot() == expected
    counters.close()
    assert opened(tmp_path).snapshot() == expected
    assert opened(tmp_path).snapshot() == expected


def test_where_no_room_is_left_for_a_common_cell_each_key_is_counted_in_its_own() -> None:
    counters = Counters(max_slots=2)
    finding = ("vorbehalt_findings_total", ("a",))
    for cell in counters.joint((REQUESTS, ALLOWED), finding):
        counters.cells[cell] += 1
    for cell in counters.joint((REQUESTS, ALLOWED), ("vorbehalt_findings_total", ("b",))):
        counters.cells[cell] += 1

    assert counters.snapshot() == {
        (REQUESTS, ALLOWED): 2,
        finding: 1,
        ("vorbehalt_findings_total", ("other",)): 1,
    }
