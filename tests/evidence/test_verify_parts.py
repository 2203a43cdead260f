"""Both verifiers on what is no whole log: one whose beginning was pruned, and a dossier of some records."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tlog_support import (
    SIGNER,
    Log,
    Writer,
    audit,
    check,
    dossier,
    drop_bundle,
    leaves,
    prune,
    put,
    run_script,
    small_log,
    verdicts,
    write_manifest,
)
from vorbehalt.evidence import verify as standalone
from vorbehalt.evidence.tlog.leaf import encode_leaf
from vorbehalt.evidence.tlog.note import Signer

pytestmark = pytest.mark.real("openssl")

TOKEN = b"a time stamp token"
KEPT = {"3.test.tsr": sha256(TOKEN).hexdigest()}


def pruned_log(directory: Path) -> Log:
    """A log of 260 + 400 + 1 entries: the first writer ends before, the second goes on behind the minimum."""
    log = small_log(directory)
    second = Writer("second")
    log.seal(leaves(400, second))
    log.freeze()
    prune(log, Writer("pruner"), 512, anchors=KEPT)
    return log


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return pruned_log(tmp_path_factory.mktemp("pruned") / "evidence")


@pytest.fixture(scope="module")
def enclosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("dossier")
    return dossier(small_log(top / "evidence"), [0, 3, 5, 256, 257], top / "dossier")


@pytest.fixture
def folder(enclosed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(enclosed, tmp_path / "dossier"))


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return run_script(Path(standalone.__file__), str(folder), *args)


# A pruned log


def test_a_pruned_log_holds_and_says_what_cannot_be_seen(pruned: Log) -> None:
    report = audit(pruned.directory)
    assert report.problems == ()
    assert (report.size, report.records, report.minimum) == (659, 146, 512)
    assert report.as_json()["minimum"] == 512
    assert any("below 512 are hashes only" in note for note in report.notes)
    done = run(pruned.directory, "--vkey", SIGNER.vkey)
    assert (done.returncode, done.stderr) == (0, "")
    assert "entries below 512 are hashes: holes in what writers numbered there cannot be seen" in done.stdout


def test_checkpoints_from_before_are_still_contained(pruned: Log, tmp_path: Path) -> None:
    for name in ("3.checkpoint", "658.checkpoint"):
        kept = (pruned.directory / "anchors" / name).read_bytes()
        assert verdicts(pruned.directory, against=kept) == (True, True)
    other = Log(tmp_path / "other").seal(leaves(3, Writer("other")))
    assert verdicts(pruned.directory, against=other) == (False, False)


def test_every_file_of_a_pruned_log_matters(pruned: Log) -> None:
    chance = random.Random(11)
    tops = ("log", "objects", "anchors")
    files = [path for top in tops for path in (pruned.directory / top).rglob("*") if path.is_file()]
    assert any(path.name == "3.test.tsr" for path in files)
    for path in files:
        data = path.read_bytes()
        try:
            for at in {0, len(data) - 1, chance.randrange(len(data))}:
                path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
                assert verdicts(pruned.directory) == (False, False), (path, at)
        finally:
            path.write_bytes(data)
    assert verdicts(pruned.directory) == (True, True)


def test_a_token_whose_record_was_pruned_must_stay(pruned: Log, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(pruned.directory, tmp_path / "copy"))
    (copy / "anchors/3.test.tsr").unlink()
    assert verdicts(copy) == (False, False)
    copy = Path(shutil.copytree(pruned.directory, tmp_path / "more"))
    put(copy / "anchors/3.other.tsr", b"token")
    assert verdicts(copy) == (False, False)


def test_without_a_record_nothing_may_be_absent(tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    log.seal(leaves(600))
    drop_bundle(log, 0)
    assert verdicts(log.directory) == (False, False)


def test_nothing_may_be_absent_above_the_minimum(tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    log.seal(leaves(900))
    prune(log, Writer("pruner"), 512)
    assert verdicts(log.directory) == (True, True)
    drop_bundle(log, 2)
    assert verdicts(log.directory) == (False, False)


@pytest.mark.parametrize("minimum", [1024, "512", None, True, -1])
def test_a_record_cannot_allow_what_comes_after_it(minimum: object, tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    listed = log.put_object(b'{"anchors": {}, "objects": []}')
    log.seal(leaves(600, writer))
    log.seal([writer.leaf("prune", objects=[listed], seen={"minimum": minimum})])
    log.seal(leaves(500, writer))
    assert verdicts(log.directory) == (False, False)


@pytest.mark.parametrize("gone", [(0,), (1,), (0, 1), (0, 2), ()])
def test_any_stop_in_the_middle_of_pruning_leaves_a_log_that_holds(
    gone: tuple[int, ...], tmp_path: Path
) -> None:
    """Whatever bundles below the minimum are already removed."""
    log, writer = Log(tmp_path / "evidence"), Writer()
    listed = log.put_object(b'{"anchors": {}, "objects": []}')
    log.seal(leaves(1000, writer))
    log.seal([Writer("pruner").leaf("prune", objects=[listed], seen={"minimum": 768})])
    for number in gone:
        drop_bundle(log, number)
    assert verdicts(log.directory) == (True, True)


def test_a_hole_behind_the_minimum_is_still_seen(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    log.seal(leaves(600, writer))
    writer.leaf()
    log.seal(leaves(3, writer))
    prune(log, Writer("pruner"), 512)
    assert verdicts(log.directory) == (False, False)


def test_a_hole_before_the_minimum_cannot_be_seen(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    log.seal(leaves(100, writer))
    writer.leaf()
    log.seal(leaves(500, writer))
    assert verdicts(log.directory) == (False, False)
    prune(log, Writer("pruner"), 512)
    assert verdicts(log.directory) == (True, True)


# A dossier


def test_a_dossier_holds(enclosed: Path) -> None:
    report = audit(enclosed)
    assert report.problems == ()
    assert (report.size, report.records, report.minimum) == (258, 3, 0)
    assert any("5 of 258 records are enclosed" in note for note in report.notes)
    done = run(enclosed)
    assert (done.returncode, done.stderr) == (0, "")
    assert "enclosed          5 records" in done.stdout
    assert "key taken from the bundle: integrity, not authorship" in done.stdout
    assert run(enclosed, "--vkey", SIGNER.vkey).returncode == 0
    assert run(enclosed, "--vkey", Signer(SIGNER.name, bytes(32)).vkey).returncode == 1


def test_a_dossier_without_records_holds(tmp_path: Path) -> None:
    folder = dossier(small_log(tmp_path / "evidence"), [], tmp_path / "dossier")
    assert verdicts(folder) == (True, True)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 600])
def test_a_dossier_of_any_size_of_log_holds(size: int, tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    log.seal(leaves(size), keep_partials=False)
    folder = dossier(log, [0, size - 1] if size > 1 else [0], tmp_path / "dossier")
    assert verdicts(folder) == (True, True)


def test_a_dossier_may_enclose_a_prune_record_and_what_a_pruned_log_still_has(tmp_path: Path) -> None:
    folder = dossier(pruned_log(tmp_path / "evidence"), [512, 658], tmp_path / "dossier")
    assert verdicts(folder) == (True, True)


def test_every_bit_of_a_dossier_matters(folder: Path) -> None:
    chance = random.Random(3)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        data = path.read_bytes()
        for at in {0, len(data) - 1, chance.randrange(len(data))}:
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
            assert verdicts(folder) == (False, False), (path, at)
            report = audit(folder)
            name = path.relative_to(folder).as_posix()
            assert name == "manifest.sha256" or any(name in text for text in report.problems), name
        path.write_bytes(data)
    assert verdicts(folder) == (True, True)


def test_every_file_of_a_dossier_is_needed_and_no_other(folder: Path) -> None:
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.name == "records.jsonl":
            continue  # without it this is no dossier, but a log without entries
        data = path.read_bytes()
        path.unlink()
        assert verdicts(folder) == (False, False), path
        path.write_bytes(data)
    for name in ("more.txt", "log/more", "vault/row"):
        put(folder / name, b"more")
        assert verdicts(folder) == (False, False), name
        (folder / name).unlink()
    (folder / "link").symlink_to("README.txt")
    assert verdicts(folder) == (False, False)


def change(folder: Path, old: bytes, new: bytes) -> tuple[bool, bool]:
    """Change the records and make the manifest anew, as whoever wants to deceive would."""
    path = folder / "records.jsonl"
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    write_manifest(folder)
    return verdicts(folder)


def test_a_record_that_is_not_the_one_in_the_log_fails(folder: Path) -> None:
    assert change(folder, b'"path":"/song/1"', b'"path":"/song/2"') == (False, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"index":0,', b'{"index":1,'),
        (b'{"index":5,', b'{"index":3,'),
        (b'{"index":5,', b'{"index":05,'),
        (b'{"index":257,', b'{"index":258,'),
        (b'{"index":257,', b'{"index":99999999999999999999,'),
        (b'{"index":0,"record":{', b'{"index":0,"other":{'),
        (b'{"index":0,"record":', b'{"index":0, "record":'),
        (b"}}\n", b"}} \n"),
        (b"}}\n", b"}}"),
        (b'{"index":0', b'\n{"index":0'),
        (b'{"index":0', b'{"index":0,"record":{}}\n{"index":0'),
    ],
)
def test_a_line_that_is_no_record_of_this_log_fails(old: bytes, new: bytes, folder: Path) -> None:
    assert change(folder, old, new) == (False, False)


@pytest.mark.parametrize("name", ["anchors/3.test.tsr", "objects"])
def test_what_an_enclosed_record_names_must_be_there(name: str, folder: Path) -> None:
    target = folder / name
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    write_manifest(folder)
    assert verdicts(folder) == (False, False)


def test_an_anchor_that_no_enclosed_record_names_fails(folder: Path) -> None:
    put(folder / "anchors/257.other.tsr", b"token")
    write_manifest(folder)
    assert verdicts(folder) == (False, False)


def test_a_frozen_checkpoint_of_another_log_fails(folder: Path, tmp_path: Path) -> None:
    put(folder / "anchors/3.checkpoint", Log(tmp_path / "other").seal(leaves(3, Writer("other"))))
    write_manifest(folder)
    assert verdicts(folder) == (False, False)


def test_a_tile_is_needed_and_held_to_the_signed_root(folder: Path) -> None:
    path = folder / "log/tile/0/000"
    data = path.read_bytes()
    # An entry that is not enclosed: only the root can show it.
    path.write_bytes(data[: 32 * 9] + bytes(32) + data[32 * 10 :])
    write_manifest(folder)
    assert verdicts(folder) == (False, False)
    path.write_bytes(b"")
    write_manifest(folder)
    assert verdicts(folder) == (False, False)


@pytest.mark.parametrize("text", ["{}", "  README.txt\n", "", "\n"])
def test_a_manifest_that_is_none_fails(text: str, folder: Path) -> None:
    (folder / "manifest.sha256").write_text(text)
    assert verdicts(folder) == (False, False)


def test_a_file_may_not_stand_twice_in_the_manifest(folder: Path) -> None:
    path = folder / "manifest.sha256"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]))
    assert verdicts(folder) == (False, False)


def test_a_record_of_ours_is_read_as_strictly_as_in_the_log(tmp_path: Path) -> None:
    """A leaf with a key that stands twice, signed and enclosed as it is."""
    log = Log(tmp_path / "evidence")
    log.seal([encode_leaf(json.loads(leaves(1)[0])).replace(b'"ref":"r0"', b'"ref":"r0","ref":"r1"')])
    assert verdicts(dossier_raw(log, tmp_path / "dossier")) == (False, False)


def dossier_raw(log: Log, folder: Path) -> Path:
    payload = (log.directory / "log/tile/entries/000.p/1").read_bytes()[2:]
    put(folder / "records.jsonl", b'{"index":0,"record":%s}\n' % payload)
    for name in ("log/vkey", "log/checkpoint", "log/tile/0/000.p/1"):
        put(folder / name, (log.directory / name).read_bytes())
    write_manifest(folder)
    return folder


def test_names_of_files_reach_no_terminal_raw(folder: Path) -> None:
    put(folder / "\x1b[2Jevil", b"x")
    done = run(folder)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert check(folder).problems
