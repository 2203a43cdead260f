"""Folders of letters: whole or not there, named harmlessly, and never lost once they are entered."""

from __future__ import annotations

from pathlib import Path

import pytest

from vorbehalt.claims.notice.folder import folder_name, outbox
from vorbehalt.errors import ClaimError


@pytest.mark.parametrize(
    ("legal_name", "expected"),
    [
        ("Example AI, Inc.", "2026-0001-example-ai-inc-factual"),
        ("../../etc/passwd\x00\n", "2026-0001-etc-passwd-factual"),
        ("Société Générée", "2026-0001-societe-generee-factual"),
        ("北京", "2026-0001-factual"),
        ("-" * 300 + "x" * 300, f"2026-0001-{'x' * 40}-factual"),
        ("\u202eevil", "2026-0001-evil-factual"),
    ],
)
def test_a_folder_is_named_harmlessly_whatever_the_name_holds(legal_name: str, expected: str) -> None:
    assert folder_name("2026-0001", legal_name, "factual") == expected


def test_nothing_is_there_before_it_is_delivered(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with outbox(out) as box:
        box.put("one", {"letter.txt": b"x"})
        assert not (out / "one").exists()
        box.deliver()
    assert (out / "one" / "letter.txt").read_bytes() == b"x"
    assert [path.name for path in out.iterdir()] == ["one"]


def test_what_is_not_delivered_goes(tmp_path: Path) -> None:
    def stopped() -> None:
        with outbox(tmp_path) as box:
            box.put("one", {"letter.txt": b"x"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_taken_is_said_before_anything_is_entered(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with outbox(tmp_path) as box, pytest.raises(ClaimError, match="one is there already"):
        box.put("one", {})
    assert list((tmp_path / "one").iterdir()) == []


def test_letters_whose_renaming_fails_stay_where_they_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    def stopped() -> None:
        with outbox(tmp_path) as box:
            box.put("one", {"letter.txt": b"x"})
            box.deliver()

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="No space"):
        stopped()
    (staging,) = tmp_path.iterdir()
    assert (staging / "one" / "letter.txt").read_bytes() == b"x"
