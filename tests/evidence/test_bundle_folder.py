"""A folder for others: pinned, whole or not there, and nothing in it that the log does not say."""

from __future__ import annotations

import json
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tlog_support import SIGNER, Log, Writer, leaves, put
from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.bundle.folder import bundle_folder, enclose_log, enclose_records
from vorbehalt.evidence.bundle.pin import pin
from vorbehalt.evidence.tlog.merkle import leaf_hash, root_of
from vorbehalt.evidence.tlog.note import open_checkpoint
from vorbehalt.evidence.tlog.tiles import WIDTH

OBJECT = b"User-agent: *\nDisallow: /\n"
DIGEST = sha256(OBJECT).hexdigest()


def write(directory: Path, target: Path, size: int | None = None) -> dict[str, bytes]:
    """Enclose all records; returns the files by path."""
    pinned = pin(directory, size)
    with bundle_folder(target) as folder:
        enclose_log(folder, pinned)
        enclose_records(folder, pinned, pinned.entries())
    return files_of(target)


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def with_key(log: Log) -> Log:
    key = log.directory / "keys" / "log.key"
    key.write_text(f"{log.signer.skey}\n")
    for path in (key, key.parent):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return log


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 513])
def test_the_tiles_make_up_the_signed_root_at_every_size(tmp_path: Path, size: int) -> None:
    log, entries = Log(tmp_path / "evidence"), leaves(size)
    log.seal(entries)

    files = write(log.directory, tmp_path / "out")

    checkpoint = open_checkpoint(files["log/checkpoint"], SIGNER.verifier)
    hashes = b"".join(data for path, data in sorted(files.items()) if path.startswith("log/tile/0/"))
    assert hashes == b"".join(map(leaf_hash, entries))
    assert checkpoint.root == root_of([leaf_hash(entry) for entry in entries])
    assert len([path for path in files if "tile" in path]) == -(-size // WIDTH)
    lines = files["records.jsonl"].splitlines()
    assert lines == [b'{"index":%d,"record":%b}' % item for item in enumerate(entries)]
    assert all(
        json.loads(line)["record"] == json.loads(entry) for line, entry in zip(lines, entries, strict=True)
    )


def test_every_earlier_size_gives_the_bytes_that_it_gave_then(tmp_path: Path) -> None:
    log, writer = with_key(Log(tmp_path / "evidence")), Writer()
    then = {}
    for count in (3, 253, 1, 300):
        log.seal(leaves(count, writer), keep_partials=False)
        then[log.size] = write(log.directory, tmp_path / f"then-{log.size}")

    for size, files in then.items():
        assert write(log.directory, tmp_path / f"now-{size}", size) == files
    assert pin(log.directory, 0).checkpoint.root == sha256(b"").digest()
    for size in (558, -1):
        with pytest.raises(EvidenceError, match=f"holds 557 records, not {size}"):
            pin(log.directory, size)


def test_what_is_pinned_is_written_as_it_was_however_the_log_grows_meanwhile(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    log.seal(leaves(300, writer), keep_partials=False)
    before, pinned = write(log.directory, tmp_path / "before"), pin(log.directory)
    log.seal(leaves(400, writer), keep_partials=False)
    assert not (log.directory / "log/tile/0/001.p/44").exists()

    with bundle_folder(tmp_path / "after") as folder:
        enclose_log(folder, pinned)
        enclose_records(folder, pinned, pinned.entries())

    assert files_of(tmp_path / "after") == before


def test_an_earlier_size_without_key_needs_a_kept_checkpoint(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    (log.directory / "keys").chmod(0o700)
    note = log.seal(leaves(5, writer))
    log.seal(leaves(5, writer))

    with pytest.raises(EvidenceError, match="no checkpoint of size 5 is kept"):
        pin(log.directory, 5)
    put(log.directory / "anchors/5.checkpoint", note)
    assert pin(log.directory, 5).note == note
    put(log.directory / "anchors/4.checkpoint", note)
    with pytest.raises(TamperError, match="is of size 5"):
        pin(log.directory, 4)


def test_a_log_that_is_not_what_was_signed_is_never_signed_again(tmp_path: Path) -> None:
    log = with_key(Log(tmp_path / "evidence"))
    log.seal(leaves(300))
    tile = log.directory / "log/tile/0/001.p/44"
    data = bytearray(tile.read_bytes())
    data[7] ^= 1
    tile.write_bytes(data)

    with pytest.raises(TamperError, match="not the one that was signed"):
        pin(log.directory, 200)
    with pytest.raises(TamperError, match="do not make up the root"):
        write(log.directory, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence"]


def named(tmp_path: Path) -> Log:
    log, writer = Log(tmp_path / "evidence"), Writer()
    put(log.directory / f"objects/sha256/{DIGEST[:2]}/{DIGEST}", OBJECT)
    put(log.directory / f"objects/sha256/aa/{'a' * 64}", b"nobody names it")
    note = log.seal([writer.leaf("policy-active", objects=[DIGEST]), writer.leaf(objects=[DIGEST])])
    put(log.directory / "anchors/2.checkpoint", note)
    files = [{"name": "2.checkpoint", "sha256": sha256(note).hexdigest()}]
    log.seal([writer.leaf("anchor", seen={"kind": "copy", "size": 2, "files": files})])
    return log


def test_what_records_name_is_enclosed_once_and_listed_for_sha256sum(tmp_path: Path) -> None:
    files = write(named(tmp_path).directory, tmp_path / "out")

    assert sorted(files) == [
        "anchors/2.checkpoint",
        "log/checkpoint",
        "log/tile/0/000.p/3",
        "log/vkey",
        "manifest.sha256",
        f"objects/sha256/{DIGEST[:2]}/{DIGEST}",
        "records.jsonl",
    ]
    assert files["manifest.sha256"].decode().splitlines() == [
        f"{sha256(data).hexdigest()}  {path}"
        for path, data in sorted(files.items())
        if path != "manifest.sha256"
    ]
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "manifest.sha256"], cwd=tmp_path / "out", check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize("name", [f"objects/sha256/{DIGEST[:2]}/{DIGEST}", "anchors/2.checkpoint"])
def test_a_changed_or_missing_file_leaves_no_folder(tmp_path: Path, name: str) -> None:
    log = named(tmp_path)
    (log.directory / name).write_bytes(b"other")
    with pytest.raises(TamperError, match="was changed"):
        write(log.directory, tmp_path / "out")
    (log.directory / name).unlink()
    with pytest.raises(EvidenceError, match="cannot be read"):
        write(log.directory, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence"]


@pytest.mark.parametrize("name", ["../keys/log.key", "2.a/../../keys/log.key", ".2", "2."])
def test_an_anchor_names_no_file_elsewhere(tmp_path: Path, name: str) -> None:
    log = Log(tmp_path / "evidence")
    files = [{"name": name, "sha256": "0" * 64}]
    log.seal([Writer().leaf("anchor", seen={"files": files})])

    with pytest.raises(TamperError, match="no file of this log"):
        write(log.directory, tmp_path / "out")


def test_a_record_that_is_not_in_the_log_or_out_of_order_is_refused(tmp_path: Path) -> None:
    log, entries = Log(tmp_path / "evidence"), leaves(3)
    log.seal(entries)
    pinned = pin(log.directory)

    for records, why in (
        ([(1, entries[0])], "record 1 is not the one that was signed"),
        ([(1, entries[1]), (1, entries[1])], "in the order of their index"),
        ([(2, entries[2]), (0, entries[0])], "in the order of their index"),
    ):
        with pytest.raises(EvidenceError, match=why), bundle_folder(tmp_path / "out") as folder:
            enclose_records(folder, pinned, records)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    log = Log(tmp_path / "evidence")
    (tmp_path / "out").mkdir()
    assert "manifest.sha256" in write(log.directory, tmp_path / "out")
    before = (tmp_path / "out" / "manifest.sha256").stat()

    with pytest.raises(EvidenceError, match="is there already"):
        write(log.directory, tmp_path / "out")
    assert (tmp_path / "out" / "manifest.sha256").stat() == before


@pytest.mark.parametrize(
    "path", ["../escape", "/etc/x", "a//b", ".hidden", "a/../b", "", "twice", "manifest.sha256"]
)
def test_a_file_has_a_plain_path_of_its_own(tmp_path: Path, path: str) -> None:
    with bundle_folder(tmp_path / "out") as folder:
        folder.add("twice", b"1")
        with pytest.raises(EvidenceError, match="cannot be a file"):
            folder.add(path, b"2")
    assert sorted(files_of(tmp_path)) == ["out/manifest.sha256", "out/twice"]
