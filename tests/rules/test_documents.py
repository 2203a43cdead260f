"""The documents of the rules as bytes, and a folder laid over them."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import pytest

import vorbehalt_rules

DOCUMENTS = vorbehalt_rules.documents()
EDITION = datetime.strptime(vorbehalt_rules.__version__, "%Y.%m.%d").date()


def test_documents_are_data_only_and_in_order() -> None:
    assert list(DOCUMENTS) == sorted(DOCUMENTS)
    assert {Path(name).suffix for name in DOCUMENTS} == {".toml", ".json"}
    assert {"operators/openai.toml", "ranges/openai-gptbot.json", "rejected.toml"} <= DOCUMENTS.keys()


def test_a_folder_replaces_and_adds(tmp_path: Path) -> None:
    (tmp_path / "operators").mkdir()
    (tmp_path / "operators" / "openai.toml").write_bytes(b"ours")
    (tmp_path / "operators" / "house.toml").write_bytes(b"new")
    (tmp_path / "operators" / "notes.txt").write_bytes(b"no document")
    (tmp_path / "operators" / "folder.toml").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config.toml").write_bytes(b"no document")
    found = vorbehalt_rules.documents(str(tmp_path))
    assert found["operators/openai.toml"] == b"ours"
    assert found["operators/house.toml"] == b"new"
    assert found.keys() - DOCUMENTS.keys() == {"operators/house.toml"}
    assert found["operators/anthropic.toml"] == DOCUMENTS["operators/anthropic.toml"]
    assert list(found) == sorted(found)


def test_a_missing_folder_and_a_file_are_refused_with_the_path(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(ValueError, match=f"{re.escape(str(missing))} does not exist"):
        vorbehalt_rules.documents(str(missing))
    file = tmp_path / "rules.toml"
    file.write_bytes(b"")
    with pytest.raises(ValueError, match=f"{re.escape(str(file))} is not a folder"):
        vorbehalt_rules.documents(str(file))


def test_the_version_is_a_calendar_date_and_the_changes_name_it() -> None:
    assert date(2026, 11, 22) <= EDITION
    changes = Path(__file__).parents[2] / "rules" / "CHANGELOG.md"
    assert f"## {vorbehalt_rules.__version__}\n" in changes.read_text()
