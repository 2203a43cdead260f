"""Openings can be opened while their key lives, and never after; the leaf says nothing without them."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from pathlib import Path

import pytest

from support import erase_row
from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.frames import frame, scan_frames
from vorbehalt.evidence.vault.forgetting import destroy_day
from vorbehalt.evidence.vault.vault import (
    Keys,
    Row,
    Sealer,
    commitment,
    day_of,
    open_row,
    parse_row,
    read_rows,
)

AT = 1_795_413_803_799_141_015
PRIVATE = {
    "address": b"203.0.113.77",
    "chain": b"203.0.113.77, 10.0.0.1",
    "from": b"bot@example.net",
    "query": b"q=1",
}


@pytest.fixture
def home(directory: EvidenceDirectory) -> Path:
    return directory.path


def test_an_opening_matches_its_commitment_and_only_its_own(home: Path) -> None:
    keys = Keys(home)
    closed = Sealer(keys).close(PRIVATE, retention="claimed", at=AT, writer="w-1", sequence=12)
    row = parse_row(closed.row)
    assert row is not None
    openings = open_row(row, keys.get_or_make("day-2026-11-23.claimed"), "w-1")

    assert (closed.day, closed.key, row.key, row.sequence) == ("2026-11-23", *["2026-11-23.claimed"] * 2, 12)
    assert {kind: opening[32:] for kind, opening in openings.items()} == PRIVATE
    for kind, opening in openings.items():
        assert closed.private[kind]["c"] == commitment(kind, opening)
        assert closed.private[kind]["c"] != commitment(kind, opening[:32] + b"203.0.113.78")
    assert openings["address"][:32] != openings["chain"][:32]


def test_commitments_have_a_tag_per_kind() -> None:
    opening = bytes(32) + b"203.0.113.77"

    assert commitment("address", opening) == hashlib.sha256(b"vb-ipc-v1\0" + opening).hexdigest()
    assert commitment("chain", opening) == hashlib.sha256(b"vb-chain-v1\0" + opening).hexdigest()


def test_a_pseudonym_is_the_same_within_a_month_and_differs_in_the_next(home: Path) -> None:
    keys = Keys(home)
    sealer = Sealer(keys)

    def name(at: int, address: bytes) -> str:
        return sealer.close({"address": address}, retention="person", at=at, writer="w", sequence=0).private[
            "address"
        ]["p"]

    later = AT + 40 * 86_400 * 10**9
    key = keys.get_or_make("month-2026-11")
    assert name(AT, b"203.0.113.77") == hmac.digest(key, b"203.0.113.77", "sha256").hex()[:32]
    assert name(AT, b"203.0.113.77") == name(AT + 10**9, b"203.0.113.77") != name(AT, b"203.0.113.78")
    assert name(later, b"203.0.113.77") != name(AT, b"203.0.113.77")


def test_equal_values_are_never_sealed_or_committed_alike(home: Path) -> None:
    sealer = Sealer(Keys(home))
    first, second = (
        sealer.close(PRIVATE, retention="claimed", at=AT, writer="w", sequence=1) for _ in range(2)
    )

    assert first.private["address"]["c"] != second.private["address"]["c"]
    assert first.row != second.row


@pytest.mark.parametrize(("writer", "sequence"), [("w-2", 12), ("w-1", 13)])
def test_a_row_opens_for_its_own_record_only(home: Path, writer: str, sequence: int) -> None:
    keys = Keys(home)
    row = parse_row(Sealer(keys).close(PRIVATE, retention="claimed", at=AT, writer="w-1", sequence=12).row)
    assert row is not None
    moved = Row(sequence, row.key, row.nonce, row.sealed)

    with pytest.raises(TamperError, match="does not open"):
        open_row(moved, keys.get_or_make(f"day-{row.key}"), writer)


def test_the_sealed_row_holds_no_value_in_the_clear(home: Path) -> None:
    row = Sealer(Keys(home)).close(PRIVATE, retention="claimed", at=AT, writer="w", sequence=1).row

    assert not any(value in row for value in PRIVATE.values() if len(value) > 3)


def test_keys_are_private_and_of_several_processes_one_wins(home: Path) -> None:
    found: list[bytes] = []
    start = threading.Barrier(8)

    def make() -> None:
        keys = Keys(home)
        start.wait()
        found.append(keys.get_or_make("day-2026-11-23.claimed"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    path = home / "keys" / "day-2026-11-23.claimed.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(item.name for item in path.parent.iterdir()) == ["day-2026-11-23.claimed.key", "log.key"]


def test_a_damaged_key_file_is_named(home: Path) -> None:
    (home / "keys" / "day-x.key").write_text("nonsense")

    with pytest.raises(EvidenceError, match=r"day-x\.key is not a key file"):
        Keys(home).get("day-x")


def test_days_are_utc_and_an_absurd_time_is_refused() -> None:
    assert day_of(AT - AT % (86_400 * 10**9)) == "2026-11-23"
    assert day_of(AT - AT % (86_400 * 10**9) - 1) == "2026-11-22"
    with pytest.raises(ValueError, match="out of range"):
        day_of(10**30)


def rows_file(home: Path, count: int) -> Path:
    sealer = Sealer(Keys(home))
    path = home / "vault" / "2026-11-23" / "w.0.rows"
    path.parent.mkdir()
    path.write_bytes(
        b"".join(
            frame(sealer.close(PRIVATE, retention="claimed", at=AT, writer="w", sequence=number).row)
            for number in range(count)
        )
    )
    return path


def test_one_row_is_erased_in_place_and_its_neighbours_stay(home: Path) -> None:
    path = rows_file(home, 3)
    before = path.read_bytes()
    with path.open("ab") as living:
        assert erase_row(path, 1) == 1
        living.write(frame(Row(9, "k", bytes(12), bytes(16)).encode()))

    assert [row.sequence for row in read_rows(path)] == [0, 2, 9]
    scan = scan_frames(path.read_bytes())
    assert scan.is_whole
    assert set(scan.payloads[1]) == {0}
    assert path.read_bytes()[: len(before) // 3] == before[: len(before) // 3]
    assert erase_row(path, 1) == 0


def test_destroying_a_day_key_forgets_its_class_and_no_other(home: Path) -> None:
    keys = Keys(home)
    sealer = Sealer(keys)
    claimed = sealer.close(PRIVATE, retention="claimed", at=AT, writer="w", sequence=0)
    person = sealer.close(PRIVATE, retention="person", at=AT, writer="w", sequence=1)
    path = home / "vault" / "2026-11-23" / "w.0.rows"
    path.parent.mkdir()
    path.write_bytes(frame(claimed.row) + frame(person.row))

    assert destroy_day(home, "2026-11-23", "person") is True
    assert destroy_day(home, "2026-11-23", "person") is False
    assert Keys(home).get("day-2026-11-23.person") is None
    rows = read_rows(path)
    key = Keys(home).get("day-2026-11-23.claimed")
    assert key is not None
    assert open_row(rows[0], key, "w")["address"][32:] == b"203.0.113.77"

    assert destroy_day(home, "2026-11-23", "claimed") is True
    assert not path.parent.exists()


def test_a_destroyed_key_is_overwritten_before_it_is_removed(home: Path) -> None:
    Keys(home).get_or_make("day-2026-11-23.claimed")
    path = home / "keys" / "day-2026-11-23.claimed.key"
    os.link(path, home / "run" / "still-there")

    Keys(home).destroy("day-2026-11-23.claimed")
    assert set((home / "run" / "still-there").read_bytes()) == {0}


@pytest.mark.parametrize("payload", [b"", b"\x02" + bytes(60), b"\x01" + bytes(12), b"\x00\x01"])
def test_a_row_of_another_form_is_refused(payload: bytes) -> None:
    with pytest.raises(TamperError):
        parse_row(payload)


def test_an_odd_kind_of_private_value_is_refused(home: Path) -> None:
    with pytest.raises(ValueError, match="not a kind"):
        Sealer(Keys(home)).close({"Ad\0dress": b"x"}, retention="person", at=AT, writer="w", sequence=0)
