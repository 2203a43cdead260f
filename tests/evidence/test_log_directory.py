"""A directory is made whole, or the start fails with a sentence that says what to do."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import pytest

from vorbehalt.errors import EvidenceError, PlatformError
from vorbehalt.evidence import directory as room
from vorbehalt.evidence.directory import EvidenceDirectory, open_directory, prepare
from vorbehalt.evidence.log import init, open_evidence
from vorbehalt.evidence.tlog.note import open_checkpoint

ORIGIN = "example.org/evidence"


def test_a_new_directory_has_all_its_parts(tmp_path: Path) -> None:
    home = tmp_path / "some" / "where"
    vkey = init(home, ORIGIN)

    assert (home / "log" / "vkey").read_text() == f"{vkey}\n"
    at = open_directory(home)
    assert open_checkpoint((home / "log" / "checkpoint").read_bytes(), at.verifier).size == 0
    assert (home / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == [
        "anchors",
        "keys",
        "log",
        "objects",
        "run",
        "spool",
        "vault",
    ]
    for name in ("keys", "vault", "spool", "run"):
        assert (home / name).stat().st_mode & 0o777 == 0o700, name
    assert (home / "keys" / "log.key").stat().st_mode & 0o777 == 0o600
    assert (home / "verify.py").read_bytes() == room._VERIFIER.read_bytes()


def test_the_readme_is_short_and_holds_the_key_alone_on_its_line(directory: EvidenceDirectory) -> None:
    text = (directory.path / "README.txt").read_text()

    assert len(text.encode()) < 3500
    assert [line for line in text.split("\n") if "+" in line] == [directory.verifier.vkey]
    assert ORIGIN in text
    assert "verify.py" in text


def test_making_it_again_changes_nothing_and_renews_the_verifier(directory: EvidenceDirectory) -> None:
    (directory.path / "verify.py").write_text("tampered")
    before = (directory.path / "keys" / "log.key").read_bytes()

    assert prepare(directory.path, ORIGIN).verifier == directory.verifier
    assert (directory.path / "keys" / "log.key").read_bytes() == before
    assert (directory.path / "verify.py").read_bytes() == room._VERIFIER.read_bytes()


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[str] = []
    start = threading.Barrier(6)

    def make() -> None:
        start.wait()
        keys.append(init(tmp_path / "e", ORIGIN))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 6
    assert len(set(keys)) == 1


def test_a_directory_that_cannot_be_used_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(EvidenceError) as caught:
            open_evidence(str(path), ORIGIN, {})
        assert str(path) in str(caught.value)
        assert '"off"' in str(caught.value)
        assert '"memory:"' in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_directory_of_somebody_else_is_refused_with_the_way_out() -> None:
    nobody = 65534
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        prepare(Path(top) / "evidence", ORIGIN)
        for name in ("evidence", "new"):
            os.seteuid(nobody)
            try:
                with pytest.raises(EvidenceError, match="cannot be") as caught:
                    prepare(Path(top) / name, ORIGIN)
            finally:
                os.seteuid(0)
            assert '"off"' in str(caught.value)
            assert '"memory:"' in str(caught.value)


def test_a_directory_of_another_origin_is_refused(directory: EvidenceDirectory) -> None:
    with pytest.raises(
        EvidenceError, match=r"belongs to 'example\.org/evidence', not to 'example\.net/evidence'"
    ):
        prepare(directory.path, "example.net/evidence")


@pytest.mark.parametrize("name", ["log.key", "."])
def test_keys_that_others_can_read_are_refused(directory: EvidenceDirectory, name: str) -> None:
    os.chmod(directory.path / "keys" / name, 0o750)

    with pytest.raises(EvidenceError, match=r"can be read by other users \(mode 0750\)"):
        prepare(directory.path, ORIGIN)


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>")

    with pytest.raises(EvidenceError, match=r"holds other files \(index\.html\) and no evidence log"):
        prepare(tmp_path, ORIGIN)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "line\nbreak"])
def test_an_origin_that_cannot_name_a_log_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(EvidenceError, match="cannot name a log"):
        prepare(tmp_path / "e", origin)


def test_a_key_of_another_log_is_refused(directory: EvidenceDirectory, tmp_path: Path) -> None:
    other = prepare(tmp_path / "other", ORIGIN)
    (directory.path / "keys" / "log.key").write_bytes((other.path / "keys" / "log.key").read_bytes())

    with pytest.raises(EvidenceError, match="is not the key of this log"):
        prepare(directory.path, ORIGIN)


@pytest.mark.parametrize("name", ["keys/log.key", "log/vkey"])
def test_damaged_keys_are_named_without_being_shown(directory: EvidenceDirectory, name: str) -> None:
    (directory.path / name).write_text("PRIVATE+KEY+example.org/evidence+00000000+secret\n")

    with pytest.raises(EvidenceError, match="is damaged") as caught:
        prepare(directory.path, ORIGIN)
    assert "secret" not in str(caught.value)


def test_what_is_no_evidence_directory_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="is no evidence directory"):
        open_directory(tmp_path)


def test_a_platform_without_locks_is_refused_loudly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "HAS_LOCKS", False)

    with pytest.raises(PlatformError, match="needs file locks"):
        open_evidence(str(tmp_path / "e"), ORIGIN, {})
    assert not (tmp_path / "e").exists()
