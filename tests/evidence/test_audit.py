"""The auditor and the stand-alone verifier agree; no byte under log/, objects/, anchors/ can be changed."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tlog_support import (
    SIGNER,
    Log,
    Writer,
    as_json,
    audit,
    check,
    leaves,
    put,
    small_log,
    verdicts,
)
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.tlog.leaf import encode_leaf
from vorbehalt.evidence.tlog.note import Checkpoint, Signer

pytestmark = pytest.mark.real("openssl")


def evidence_files(directory: Path) -> list[Path]:
    found = (path for top in ("log", "objects", "anchors") for path in (directory / top).rglob("*"))
    return sorted(path for path in found if path.is_file())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return small_log(tmp_path_factory.mktemp("small") / "evidence")


@pytest.fixture
def copy(small: Log, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small.directory, tmp_path / "evidence"))


def test_a_whole_log_holds(small: Log) -> None:
    report = audit(small.directory)
    assert report.problems == ()
    assert report.as_json() == {
        "ok": True,
        "records": 256,
        "size": 258,
        "unsealed": 0,
        "root": (small.directory / "log/checkpoint").read_text("utf-8").split("\n")[2],
        "assurance": "self-attested",
        "unanchored_since": "2026-09-21T14:13:20Z",
        "gaps": 0,
        "minimum": 0,
        "problems": [],
    }
    assert check(small.directory).problems == []


def test_the_key_from_outside_is_compared(small: Log) -> None:
    assert audit(small.directory, vkey=SIGNER.vkey).ok
    assert not check(small.directory, vkey=SIGNER.vkey).problems
    stranger = Signer(SIGNER.name, bytes(32)).vkey
    assert not audit(small.directory, vkey=stranger).ok
    assert check(small.directory, vkey=stranger).problems
    assert not audit(small.directory, vkey="no key").ok


def test_every_file_matters_at_every_place(small: Log) -> None:
    """One flipped bit, many places of each file, each found by both and named by the auditor."""
    chance = random.Random(7)
    files = evidence_files(small.directory)
    names = {path.relative_to(small.directory).as_posix() for path in files}
    assert {"log/tile/entries/000.p/3", "log/tile/0/000.p/4", "log/tile/1/000.p/1", "log/vkey"} <= names
    for path in files:
        data = path.read_bytes()
        places = {0, len(data) - 1, *(chance.randrange(len(data)) for _ in range(5))}
        try:
            for at in places:
                bit = chance.randrange(8)
                path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
                report = audit(small.directory)
                place = f"{path.relative_to(small.directory)} byte {at} bit {bit}"
                assert not report.ok, place
                assert check(small.directory).problems, place
                name = path.relative_to(small.directory).as_posix()
                if name != "log/vkey":
                    assert any(name in problem for problem in report.problems), (place, report.problems)
        finally:
            path.write_bytes(data)
    assert verdicts(small.directory) == (True, True)


def test_every_bit_of_the_signed_files_matters_to_the_auditor(tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    log.seal(leaves(2))
    log.freeze()
    for name in ("log/checkpoint", "log/vkey", "anchors/2.checkpoint"):
        path = log.directory / name
        data = path.read_bytes()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
            assert not audit(log.directory).ok, (name, at)
        path.write_bytes(data)
    assert audit(log.directory).ok


def test_every_file_is_needed(small: Log) -> None:
    """Old partial tiles and frozen checkpoints may go; nothing else may."""
    for path in evidence_files(small.directory):
        name = path.relative_to(small.directory).as_posix()
        data = path.read_bytes()
        path.unlink()
        try:
            may_go = name == "anchors/3.checkpoint" or ("000.p/" in name and "tile/1/" not in name)
            assert verdicts(small.directory) == (may_go, may_go), name
        finally:
            path.write_bytes(data)


def copied(source: str, target: str) -> Callable[[Path], None]:
    def change(top: Path) -> None:
        put(top / target, (top / source).read_bytes())

    return change


def make_folder(name: str) -> Callable[[Path], None]:
    """Replace a file or folder by an empty folder."""

    def change(top: Path) -> None:
        (top / name).rename(top / "elsewhere")
        (top / name).mkdir()

    return change


def add_file(name: str, data: bytes = b"x") -> Callable[[Path], None]:
    return lambda top: put(top / name, data)


def link(name: str, target: str) -> Callable[[Path], None]:
    def change(top: Path) -> None:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).symlink_to(target)

    return change


def link_away(name: str) -> Callable[[Path], None]:
    """Move a file or folder out of its place and leave a symbolic link."""

    def change(top: Path) -> None:
        (top / name).rename(top / "elsewhere")
        (top / name).symlink_to(top / "elsewhere")

    return change


def fifo(top: Path) -> None:
    os.mkfifo(top / "anchors/pipe")


def one_more(top: Path) -> None:
    """A record that was written but never signed, its hashes not yet written."""
    bundle = top / "log/tile/entries/001.p/2"
    entry = leaves(1, Writer("another"))[0]
    put(top / "log/tile/entries/001.p/3", bundle.read_bytes() + len(entry).to_bytes(2, "big") + entry)


def other_origin(top: Path) -> None:
    """The right tree under the right key, but the text names another log."""
    body = (top / "log/checkpoint").read_bytes().partition(b"\n\n")[0] + b"\n"
    put(top / "log/checkpoint", SIGNER.sign(body.replace(SIGNER.name.encode(), b"x.example")))


OBJECT = sha256(b"x").hexdigest()
CHANGES: dict[str, Callable[[Path], None]] = {
    "extra file in log": add_file("log/extra"),
    "temporary file in log": add_file("log/checkpoint.tmp"),
    "extra tile": add_file("log/tile/0/009", bytes(8192)),
    "tile of a higher level": add_file("log/tile/3/000.p/1", bytes(32)),
    "empty partial tile": add_file("log/tile/0/001.p/0", b""),
    "other spelling of a tile": copied("log/tile/0/000", "log/tile/0/x000/000"),
    "other spelling of a bundle": copied("log/tile/entries/000", "log/tile/entries/x000/000"),
    "one entry more than is signed": one_more,
    "bundle beyond the checkpoint": add_file("log/tile/entries/001.p/3", b"\0\0\0\0\0\0"),
    "extra anchor": add_file("anchors/note.txt"),
    "anchor in a folder": add_file("anchors/x/3.checkpoint"),
    "checkpoint under another size": copied("anchors/3.checkpoint", "anchors/4.checkpoint"),
    "extra file in objects": add_file("objects/readme"),
    "object under another name": add_file("objects/sha256/aa/" + "a" * 64),
    "object in another folder": add_file(f"objects/sha256/zz/{OBJECT}"),
    "object among the anchors": add_file(f"anchors/aaaaaaaaaa/{OBJECT}"),
    "link among the objects": link("objects/sha256/aa/x", "/dev/null"),
    "link to a folder": link("log/tile/7", "/"),
    "link that leads nowhere": link("anchors/5.checkpoint", "nowhere"),
    "checkpoint is a link": link_away("log/checkpoint"),
    "tile is a link": link_away("log/tile/0/000"),
    "bundle is a link": link_away("log/tile/entries/000"),
    "anchors is a link": link_away("anchors"),
    "objects is a link": link_away("objects"),
    "a pipe": fifo,
    "no log": lambda top: shutil.rmtree(top / "log"),
    "empty log folder": make_folder("log"),
    "tile is a folder": make_folder("log/tile/0/000"),
    "key without line end": lambda top: put(top / "log/vkey", SIGNER.vkey.encode()),
    "two keys": lambda top: put(top / "log/vkey", f"{SIGNER.vkey}\n{SIGNER.vkey}\n".encode()),
    "key is not UTF-8": lambda top: put(top / "log/vkey", b"\xff\n"),
    "checkpoint is empty": lambda top: put(top / "log/checkpoint", b""),
    "checkpoint of another key": lambda top: put(
        top / "log/checkpoint",
        Signer(SIGNER.name, bytes(32)).sign(Checkpoint(SIGNER.name, 258, bytes(32)).body),
    ),
    "checkpoint of another origin": other_origin,
    "checkpoint with a huge size": lambda top: put(
        top / "log/checkpoint", SIGNER.sign(Checkpoint(SIGNER.name, 10**18, bytes(32)).body)
    ),
    "older checkpoint put back": copied("anchors/3.checkpoint", "log/checkpoint"),
    "line of an unknown key": lambda top: put(
        top / "log/checkpoint",
        (top / "log/checkpoint").read_bytes() + "\u2014 x.example AAAAAAAA\n".encode(),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_both_verifiers_refuse(change: Callable[[Path], None], copy: Path) -> None:
    assert verdicts(copy) == (True, True)
    change(copy)
    assert verdicts(copy) == (False, False)


def test_what_does_no_harm_is_tolerated(copy: Path) -> None:
    put(copy / "run/state.json", b"{}")
    put(copy / "README.txt", b"hello")
    (copy / "log/tile/0/001.p/empty-folder").mkdir()
    put(copy / f"objects/sha256/{OBJECT[:2]}/{OBJECT}", b"x")
    assert verdicts(copy) == (True, True)


def test_an_empty_log_holds(tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    log.freeze()
    assert verdicts(log.directory, against=(log.directory / "log/checkpoint").read_bytes()) == (True, True)
    report = audit(log.directory)
    assert (report.size, report.unanchored_since) == (0, None)


def test_no_directory_at_all_is_a_problem_and_no_error(tmp_path: Path) -> None:
    assert not audit(tmp_path / "nothing").ok
    put(tmp_path / "file", b"")
    assert not audit(tmp_path / "file").ok


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_logs_of_many_sizes_hold(size: int, tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    entries = leaves(size)
    old = log.seal(entries[: size // 2])
    log.freeze()
    log.seal(entries[size // 2 :], keep_partials=False)
    assert verdicts(log.directory, against=old) == (True, True)


@pytest.mark.parametrize("cut", [1, 255, 256, 257])
def test_a_cut_tail_that_is_signed_again_fails_against_any_older_checkpoint(cut: int, tmp_path: Path) -> None:
    entries = leaves(600)
    honest = Log(tmp_path / "honest")
    old = honest.seal(entries)
    honest.freeze()
    forged = Log(tmp_path / "forged")
    forged.seal(entries[: 600 - cut])
    assert verdicts(forged.directory) == (True, True), "a signature alone is worth nothing against its owner"
    assert verdicts(forged.directory, against=old) == (False, False)
    shutil.copy(honest.directory / "anchors/600.checkpoint", forged.directory / "anchors")
    assert verdicts(forged.directory) == (False, False)


def test_an_insider_who_removes_one_record_and_signs_again_is_exposed(tmp_path: Path) -> None:
    old = Log(tmp_path / "honest").seal(leaves(300))
    writer, entries = Writer(), []
    for number in range(301):
        if number != 100:
            entries.append(writer.leaf(seen={"path": f"/song/{number}"}))
    forged = Log(tmp_path / "forged")
    forged.seal(entries)
    assert verdicts(forged.directory) == (True, True)
    report = audit(forged.directory, against=old)
    assert any("older checkpoint" in problem for problem in report.problems)
    assert check(forged.directory, against=old).problems


def test_an_older_checkpoint_of_somebody_else_proves_nothing(small: Log) -> None:
    foreign = Signer("x.example", bytes(32)).sign(Checkpoint("x.example", 0, sha256().digest()).body)
    for note in (foreign, b"garbage", b""):
        assert not audit(small.directory, against=note).ok
    assert verdicts(small.directory, against=foreign) == (False, False)


def test_an_older_checkpoint_may_carry_other_signatures(small: Log) -> None:
    old = (small.directory / "anchors/3.checkpoint").read_bytes()
    body = old.partition(b"\n\n")[0] + b"\n"
    witness = Signer("witness.example", bytes(32)).sign(body).partition(b"\n\n")[2]
    assert verdicts(small.directory, against=old + witness) == (True, True)


def test_records_of_a_writer_follow_each_other(tmp_path: Path) -> None:
    entries = leaves(4)
    wrong = encode_leaf(as_json(entries[2]) | {"p": "a" * 64})
    cases = {
        "hole": [entries[0], entries[1], entries[3]],
        "missing beginning": entries[1:],
        "twice": [entries[0], entries[0]],
        "out of order": [entries[0], entries[2], entries[1]],
        "another record before": [entries[0], entries[1], wrong],
    }
    for name, chosen in cases.items():
        log = Log(tmp_path / name)
        log.seal(chosen)
        assert verdicts(log.directory) == (False, False), name


def test_a_hole_is_excused_only_by_a_gap_that_names_it(tmp_path: Path) -> None:
    writer = Writer()
    lost = leaves(5, writer)
    for name, seen, holds in (
        ("exact", {"writer": writer.name, "first": 2, "last": 3, "lost": 2}, True),
        ("short", {"writer": writer.name, "first": 2, "last": 2, "lost": 1}, False),
        ("other writer", {"writer": "x", "first": 2, "last": 3, "lost": 2}, False),
        ("no writer", {"lost": 2}, False),
    ):
        sealer = Writer("sealer-1")
        log = Log(tmp_path / name)
        log.seal([lost[0], lost[1], lost[4], sealer.leaf("gap", seen=seen)])
        assert verdicts(log.directory) == (holds, holds), name
        assert audit(log.directory).gaps == 1


def test_several_writers_may_mix(tmp_path: Path) -> None:
    one, two = Writer("one"), Writer("two")
    log = Log(tmp_path / "evidence")
    log.seal([writer.leaf() for _ in range(5) for writer in (one, two)])
    assert verdicts(log.directory) == (True, True)


@pytest.mark.parametrize(
    "entry",
    [b"", b"x" * 20_000, b'{"v":1}', b"\xff", b'{"v":1,"v":1}', leaves(1)[0] + b" ", b"[" * 10_000],
    ids=["empty", "oversized", "bare", "binary", "duplicate keys", "trailing", "nested"],
)
def test_an_entry_that_is_no_record_fails_though_it_is_signed(entry: bytes, tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    log.seal([entry])
    assert verdicts(log.directory) == (False, False)
    assert any("entry 0" in problem for problem in audit(log.directory).problems)


@pytest.mark.parametrize(
    "files",
    [None, 5, ["x"], [{"name": "a"}], [{"name": 5, "sha256": "x"}], [{"name": "3.a.tsr", "sha256": "x"}]],
)
def test_an_anchor_record_must_name_files_that_exist(files: object, tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    log.seal([Writer().leaf("anchor", seen={"files": files})])
    assert verdicts(log.directory) == (False, False)


def test_an_object_that_a_record_names_must_exist(tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    log.seal([Writer().leaf(objects=[OBJECT])])
    assert verdicts(log.directory) == (False, False)
    log.put_object(b"x")
    assert verdicts(log.directory) == (True, True)


@pytest.mark.parametrize("times", [1, 2, 20])
def test_a_log_that_grows_while_it_is_read_holds(times: int, tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    writer = Writer()
    log.seal(leaves(300, writer))
    grown: list[int] = []

    def progress(done: int, total: int) -> None:
        if len(grown) < times:
            grown.append(total)
            log.seal(leaves(250, writer), keep_partials=False)

    report = verify(log.directory, progress=progress)
    assert report.problems == ()
    assert grown[0] == 300
    assert verdicts(log.directory) == (True, True)


def test_what_joined_the_log_after_the_first_look_is_looked_at_again(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    log.seal(leaves(5, writer))
    times: list[int] = []

    def progress(done: int, total: int) -> None:
        times.append(done)
        if len(times) == 1:
            put(log.directory / "anchors/5.test.tsr", b"x")
            files = [{"name": "5.test.tsr", "sha256": OBJECT}]
            log.seal([writer.leaf("anchor", seen={"files": files})])

    assert verify(log.directory, progress=progress).problems == ()
    assert times == [5, 6]


def test_progress_ends_at_the_size(small: Log) -> None:
    seen: list[tuple[int, int]] = []
    verify(small.directory, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(256, 258), (258, 258)]


def test_garbage_in_every_file_is_reported_and_never_raised(copy: Path) -> None:
    chance = random.Random(3)
    for path in evidence_files(copy):
        data = path.read_bytes()
        for garbage in (b"", b"\0", chance.randbytes(100), data[: len(data) // 2], data * 2):
            path.write_bytes(garbage)
            assert verdicts(copy) == (False, False), path
        path.write_bytes(data)


def test_file_names_from_outside_reach_no_terminal_raw(copy: Path) -> None:
    put(copy / "anchors/\x1b[2Jevil\n", b"x")
    problems = [*audit(copy).problems]
    assert len(problems) == 1
    assert problems[0].isprintable()
