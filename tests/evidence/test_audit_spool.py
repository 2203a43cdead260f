"""The auditor on what is not in the log yet (spool) and on what must be forgettable (vault)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from support import erase_row
from tlog_support import SIGNER, Log, Writer, as_json, audit, frame, leaves, put
from vorbehalt.evidence.auditor.frames import read_frames
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.tlog.leaf import encode_leaf
from vorbehalt.evidence.tlog.note import Checkpoint

NAME = Writer().name
ENTRIES = leaves(6)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Six records: three sealed, the last four in the spool (one in both)."""
    found = Log(tmp_path / "evidence")
    found.seal(ENTRIES[:3])
    return found


def spool(log: Log, data: bytes, generation: int = 0) -> None:
    put(log.directory / f"spool/{NAME}.{generation}.spool", data)


def frames(first: int, last: int) -> bytes:
    return b"".join(map(frame, ENTRIES[first:last]))


def test_records_in_the_spool_are_counted_once(log: Log) -> None:
    spool(log, frames(2, 5))
    spool(log, frames(4, 6), generation=1)
    report = audit(log.directory)
    assert (report.ok, report.size, report.unsealed, report.records) == (True, 3, 3, 3)


def test_a_torn_tail_is_a_note(log: Log) -> None:
    for cut in (1, 7, 8, 9, 100):
        spool(log, frames(3, 5) + frames(5, 6)[:cut])
        report = audit(log.directory)
        assert (report.ok, report.unsealed) == (True, 2), cut
        assert any("unfinished" in note for note in report.notes)
    spool(log, frames(3, 5) + bytes(64))
    assert audit(log.directory).ok


@given(at=st.integers(0, len(frames(3, 6)) - 1), bit=st.integers(0, 7))
def test_no_bit_of_a_spool_can_be_flipped(at: int, bit: int) -> None:
    data = bytearray(frames(3, 6))
    data[at] ^= 1 << bit
    found = read_frames(bytes(data))
    assert found.corrupt >= 0


def test_no_bit_of_a_frame_header_can_be_flipped() -> None:
    whole = frames(3, 6)
    for start in (0, len(frames(3, 4)), len(frames(3, 5))):
        for at in range(start, start + 8):
            for bit in range(8):
                data = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
                assert read_frames(data).corrupt == start, (at, bit)


def test_a_spool_holds_records_of_its_writer_only(log: Log) -> None:
    put(log.directory / "spool/one.0.spool", frame(Writer("two").leaf()))
    assert any("another writer" in problem for problem in audit(log.directory).problems)


def test_a_changed_spool_is_a_problem(log: Log) -> None:
    data = bytearray(frames(3, 6))
    data[40] ^= 1
    spool(log, bytes(data))
    assert any("spool" in problem and "changed" in problem for problem in audit(log.directory).problems)


@given(data=st.binary(max_size=200))
def test_any_bytes_can_be_read_as_a_spool(data: bytes) -> None:
    found = read_frames(data)
    assert not (found.torn and found.corrupt >= 0)


@pytest.mark.parametrize(
    "payloads",
    [
        [ENTRIES[4]],
        [ENTRIES[3], ENTRIES[5]],
        [encode_leaf(as_json(ENTRIES[3]) | {"p": "a" * 64})],
        [encode_leaf(as_json(ENTRIES[2]) | {"ref": "other"})],
        [ENTRIES[3], encode_leaf(as_json(ENTRIES[3]) | {"ref": "other"})],
        [b"no record"],
        [Writer("somebody-else").leaf()],
    ],
    ids=["hole", "hole inside", "chain", "differs from the log", "twice", "garbage", "other writer"],
)
def test_frames_must_continue_the_log(payloads: list[bytes], log: Log) -> None:
    spool(log, b"".join(map(frame, payloads)))
    assert not audit(log.directory).ok


def test_other_files_of_the_spool_are_not_read(log: Log) -> None:
    put(log.directory / f"spool/{NAME}.0.torn", b"\0\xff")
    put(log.directory / "spool/sealer.lock", b"x")
    assert audit(log.directory).ok
    put(log.directory / f"spool/{NAME}.0.corrupt", b"x")
    assert any("set aside" in note for note in audit(log.directory).notes)


@pytest.mark.parametrize("first", [0, 2, 250])
def test_a_seal_that_stopped_before_it_signed_is_a_note(first: int, tmp_path: Path) -> None:
    """Its files may be there for a moment, or after a crash; the spool still holds the records."""
    entries = leaves(520)
    log = Log(tmp_path / "evidence")
    signed = log.seal(entries[:first])
    log.seal(entries[first:])
    put(log.directory / "log/checkpoint", signed)
    assert not audit(log.directory).ok, "without its spool this is a log that was cut"
    spool(log, b"".join(map(frame, entries)))
    report = audit(log.directory)
    assert report.problems == ()
    assert (report.size, report.unsealed) == (first, 520 - first)
    assert any("a seal is not finished" in note for note in report.notes)
    for name in (
        "tile/0/000",
        "tile/0/002.p/8",
        "tile/1/000.p/2",
        "tile/entries/001",
        "tile/entries/002.p/8",
    ):
        path = log.directory / "log" / name
        data = path.read_bytes()
        path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
        assert any(name in problem for problem in audit(log.directory).problems), name
        path.write_bytes(data)
    put(
        log.directory / "anchors/520.checkpoint",
        SIGNER.sign(Checkpoint(SIGNER.name, 520, bytes(32)).body),
    )
    assert not audit(log.directory).ok


# The vault as the real writer fills it


@pytest.fixture
def filled(
    directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog], make_draft: Callable[..., Draft]
) -> Path:
    """A directory that the whole write path filled: five requests, sealed."""
    log = make_log()
    log.start()
    for number in range(5):
        log.append(make_draft(number))
    log.close()
    home = directory.log.parent
    end = time.monotonic() + 10
    while audit(home).records < 5 and time.monotonic() < end:
        time.sleep(0.01)
    return home


def rows(home: Path) -> Path:
    (path,) = (home / "vault").rglob("*.rows")
    return path


def test_openings_open_what_the_records_commit_to(filled: Path) -> None:
    report = audit(filled)
    assert report.problems == ()
    assert report.records == 5
    assert not any("vault" in note for note in report.notes)


def test_no_place_of_a_vault_file_can_be_changed(filled: Path) -> None:
    path = rows(filled)
    data = path.read_bytes()
    for at in range(0, len(data), 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        assert not audit(filled).ok, at


def test_rows_that_are_rewritten_with_a_good_checksum_do_not_open(filled: Path) -> None:
    path = rows(filled)
    good = read_frames(path.read_bytes()).payloads
    swapped = good[1][:1] + good[0][1:9] + good[1][9:]
    for bad in (good[0][:-1] + bytes([good[0][-1] ^ 1]), swapped, b"\x01", b"\x02" + good[0][1:]):
        path.write_bytes(b"".join(map(frame, [bad, *good[1:]])))
        assert not audit(filled).ok


def test_an_opening_that_is_sealed_anew_does_not_match_its_record(filled: Path) -> None:
    path = rows(filled)
    payloads = read_frames(path.read_bytes()).payloads
    row = payloads[0]
    head = 10 + row[9]
    (key,) = (filled / "keys").glob("day-*.key")
    cipher = AESGCM(bytes.fromhex(key.read_text("ascii").split()[1]))
    writer = path.name.split(".")[0]
    place = f"{writer}/{int.from_bytes(row[1:9], 'big')}".encode("ascii")
    opening = cipher.decrypt(row[head : head + 12], row[head + 12 :], place)
    assert opening.endswith(b"203.0.113.77")
    for changed, holds in ((opening, True), (opening[:-1] + b"8", False)):
        sealed = row[:head] + bytes(12) + cipher.encrypt(bytes(12), changed, place)
        path.write_bytes(b"".join(map(frame, [sealed, *payloads[1:]])))
        assert audit(filled).ok == holds


def test_what_was_destroyed_is_no_problem(filled: Path) -> None:
    first = next(
        index for index, row in enumerate(read_frames(rows(filled).read_bytes()).payloads) if any(row)
    )
    sequence = int.from_bytes(read_frames(rows(filled).read_bytes()).payloads[first][1:9], "big")
    assert erase_row(rows(filled), sequence) == 1
    assert audit(filled).ok
    for key in (filled / "keys").glob("day-*.key"):
        key.unlink()
    report = audit(filled)
    assert report.ok
    assert any("cannot be opened" in note for note in report.notes)
    rows(filled).unlink()
    assert audit(filled).ok


def test_a_key_that_is_none_is_a_problem(filled: Path) -> None:
    for key in (filled / "keys").glob("day-*.key"):
        key.write_text("no key")
    assert not audit(filled).ok


def test_a_row_of_a_record_that_is_not_here_is_a_note(filled: Path, tmp_path: Path) -> None:
    empty = Log(tmp_path / "other")
    for path in [*(filled / "vault").rglob("*.rows"), *(filled / "keys").glob("day-*.key")]:
        put(empty.directory / path.relative_to(filled), path.read_bytes())
    report = audit(empty.directory)
    assert report.ok
    assert any("belong to records that are not in this copy" in note for note in report.notes)
