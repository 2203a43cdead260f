"""Since when a host tells what it tells: kept over restarts, shared by workers, never an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from vorbehalt.edge.in_force_since import NAME, InForceSince

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_time_stays_while_the_signals_stay(tmp_path: Path, is_kept: bool) -> None:
    known = InForceSince(tmp_path if is_kept else None)
    assert dict(known.since) == {}
    known.note({"a": "1", "b": "1"}, NONE, 100.0)
    known.note({"a": "1", "b": "1"}, NONE, 150.0)
    known.note({"a": "1", "b": "2"}, NONE, 200.0)
    assert dict(known.since) == {"a": 100.0, "b": 200.0}


def test_a_restart_changes_nothing_and_a_change_while_it_was_off_is_seen(tmp_path: Path) -> None:
    InForceSince(tmp_path).note({"a": "1", "b": "1"}, NONE, 100.0)
    again = InForceSince(tmp_path)
    again.note({"a": "1", "b": "2"}, NONE, 200.0)
    assert dict(again.since) == {"a": 100.0, "b": 200.0}


def test_a_host_that_has_not_read_its_own_robots_txt_keeps_its_time(tmp_path: Path) -> None:
    InForceSince(tmp_path).note({"a": "with robots.txt"}, NONE, 100.0)
    again = InForceSince(tmp_path)
    again.note({"a": "without"}, frozenset({"a"}), 200.0)
    assert dict(again.since) == {"a": 100.0}
    again.note({"a": "with robots.txt"}, NONE, 300.0)
    assert dict(again.since) == {"a": 100.0}


def test_what_it_tells_without_a_robots_txt_of_its_own_counts_once_that_is_known(tmp_path: Path) -> None:
    InForceSince(tmp_path).note({"a": "before"}, NONE, 100.0)
    again = InForceSince(tmp_path)
    again.note({"a": "now"}, frozenset({"a"}), 200.0)
    again.note({"a": "now"}, NONE, 300.0)
    assert dict(again.since) == {"a": 300.0}


def test_a_first_start_has_a_time_at_once() -> None:
    known = InForceSince(None)
    known.note({"a": "without"}, frozenset({"a"}), 100.0)
    assert dict(known.since) == {"a": 100.0}


def test_a_late_worker_does_not_undo_what_another_one_noted(tmp_path: Path) -> None:
    early, late = InForceSince(tmp_path), InForceSince(tmp_path)
    early.note({"a": "1"}, NONE, 100.0)
    late.note({"a": "1"}, NONE, 101.0)
    early.note({"a": "2"}, NONE, 200.0)
    late.note({"a": "1"}, NONE, 201.0)
    late.note({"a": "2"}, NONE, 202.0)
    assert (dict(early.since), dict(late.since)) == ({"a": 200.0}, {"a": 200.0})
    assert dict(InForceSince(tmp_path).since) == {}
    third = InForceSince(tmp_path)
    third.note({"a": "2"}, NONE, 300.0)
    assert dict(third.since) == {"a": 200.0}


def test_a_host_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    known = InForceSince(tmp_path)
    known.note({"a": "1", "b": "1"}, NONE, 100.0)
    known.note({"a": "1"}, NONE, 200.0)
    assert dict(known.since) == {"a": 100.0}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": ["1", "soon"]}', '{"a": []}', "\xff"])
def test_a_spoilt_file_counts_from_now(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_bytes(text.encode("latin-1"))
    known = InForceSince(tmp_path)
    known.note({"a": "1"}, NONE, 100.0)
    assert dict(known.since) == {"a": 100.0}


def test_a_directory_that_cannot_be_written_keeps_the_time_of_this_process(tmp_path: Path) -> None:
    known = InForceSince(tmp_path / "missing")
    known.note({"a": "1"}, NONE, 100.0)
    known.note({"a": "1"}, NONE, 200.0)
    assert dict(known.since) == {"a": 100.0}
