"""The demo clears away only what an earlier demo made, and only one demo runs in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from vorbehalt.demo.workspace import FOLDER, WorkspaceError, workspace


def test_a_new_folder_is_made_and_kept_out_of_version_control(tmp_path: Path) -> None:
    with workspace(tmp_path) as place:
        assert place.folder == tmp_path.resolve() / FOLDER
        assert place.evidence.is_absolute()
        assert (place.folder / ".gitignore").read_text("utf-8") == "*\n"


def test_the_evidence_of_an_earlier_run_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    with workspace(tmp_path) as place:
        (place.evidence / "log").mkdir(parents=True)
        (place.evidence / "log" / "checkpoint").write_text("old", "utf-8")
        (place.folder / "notes.txt").write_text("mine", "utf-8")
    with workspace(tmp_path) as place:
        assert not place.evidence.exists()
        assert (place.folder / "notes.txt").read_text("utf-8") == "mine"


def test_a_folder_without_our_mark_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / FOLDER / "evidence"
    theirs.mkdir(parents=True)
    (theirs / "precious").write_text("mine", "utf-8")

    with pytest.raises(WorkspaceError, match="not made by the demo"), workspace(tmp_path):
        pass
    assert (theirs / "precious").read_text("utf-8") == "mine"
    assert not (tmp_path / FOLDER / ".gitignore").exists()


def test_a_file_or_a_link_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WorkspaceError, match="in the way"), workspace(tmp_path):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []

    (tmp_path / FOLDER).unlink()
    (tmp_path / FOLDER).write_text("mine", "utf-8")
    with pytest.raises(WorkspaceError, match="in the way"), workspace(tmp_path):
        pass


def test_a_link_inside_is_not_followed(tmp_path: Path) -> None:
    with workspace(tmp_path) as place:
        pass
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    place.evidence.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(WorkspaceError, match="link"), workspace(tmp_path):
        pass
    assert (tmp_path / "elsewhere" / "precious").exists()


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with workspace(tmp_path), pytest.raises(WorkspaceError, match="another demo"), workspace(tmp_path):
        pass
    with workspace(tmp_path):
        pass


def test_the_configuration_it_writes_is_right(tmp_path: Path) -> None:
    from vorbehalt.settings import load

    with workspace(tmp_path) as place:
        place.write_config("http://127.0.0.1:8123", "127.0.0.1")
        settings = load(place.config)

    assert settings.evidence.directory == str(place.evidence)
    assert settings.default_host.mode == "enforce"
    assert settings.default_host.robots == "app"
