"""What fsck finds in the files of a log, what it repairs, and how it tells it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsck_support import LATER, fill, found, put
from tlog_support import Log, Writer, leaves
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.files import locked
from vorbehalt.evidence.fsck.found import KINDS, Finding, Look, sentences
from vorbehalt.evidence.fsck.run import repair, repair_draft
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft

MakeLog = Callable[..., EvidenceLog]
MakeDraft = Callable[..., Draft]


@pytest.fixture
def sealed(directory: EvidenceDirectory, make_log: MakeLog, make_draft: MakeDraft) -> Path:
    """A directory at rest with a few hundred records under its checkpoint."""
    fill(make_log, make_draft, 300)
    return directory.path


def test_a_directory_at_rest_is_clean(sealed: Path) -> None:
    assert found(sealed) == []
    assert repair(sealed, time.time_ns() + LATER) == []


def test_shorter_versions_of_a_full_tile_are_found_and_tiles_removed(sealed: Path) -> None:
    tile, bundle = (sealed / f"log/tile/{level}/000" for level in ("0", "entries"))
    put(sealed / "log/tile/0/000.p/7", tile.read_bytes()[: 7 * 32])
    put(sealed / "log/tile/0/000.p/9", tile.read_bytes()[: 9 * 32])
    put(
        sealed / "log/tile/entries/000.p/1",
        bundle.read_bytes()[: 2 + int.from_bytes(bundle.read_bytes()[:2], "big")],
    )

    expected = [
        ("partial-tile", "log/tile/0/000.p/7"),
        ("partial-tile", "log/tile/0/000.p/9"),
        ("partial-bundle", "log/tile/entries/000.p/1"),
    ]
    assert sorted(found(sealed)) == sorted(expected)
    assert found(sealed, 0) == [], "the sealer may be about to clear them"
    assert [one.path for one in repair(sealed, time.time_ns() + LATER)] == [path for _, path in expected[:2]]
    assert found(sealed) == expected[2:]
    assert not (sealed / "log/tile/0/000.p").exists()
    assert verify(sealed).ok


def test_a_tile_is_full_from_its_last_record_on(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    for folder in ("keys", "vault", "spool"):
        (log.directory / folder).chmod(0o700)
    put(log.directory / "log/tile/0/junk.p/7", b"for verify to name")
    log.seal(leaves(255, writer))
    assert found(log.directory) == []
    log.seal(leaves(1, writer))
    assert found(log.directory) == [
        ("partial-bundle", "log/tile/entries/000.p/255"),
        ("partial-tile", "log/tile/0/000.p/255"),
    ]


def test_ten_minutes_are_old_enough(tmp_path: Path) -> None:
    path = put(tmp_path / "file", b"")
    at = path.stat().st_mtime_ns

    assert Look(tmp_path, at + LATER).is_old(path)
    assert not Look(tmp_path, at + LATER - 1).is_old(path)
    assert not Look(tmp_path, at + LATER).is_old(tmp_path / "gone")


def test_a_shorter_version_that_says_something_else_is_wrong_and_stays(sealed: Path) -> None:
    put(sealed / "log/tile/0/000.p/7", bytes(7 * 32))

    assert found(sealed) == [("partial-differs", "log/tile/0/000.p/7")]
    assert repair(sealed, time.time_ns() + LATER) == []
    assert (sealed / "log/tile/0/000.p/7").exists()


@pytest.mark.parametrize("folder", ["run", "spool", "vault/2026-11-23", "keys"])
def test_a_draft_that_never_got_its_name_goes_once_it_is_old(sealed: Path, folder: str) -> None:
    draft = put(sealed / folder / ".0123.tmp", b"half")

    assert found(sealed, LATER - 10**9) == []
    with locked(draft):
        assert found(sealed) == []
    assert found(sealed) == [("temporary", f"{folder}/.0123.tmp")]
    repair(sealed, time.time_ns() + LATER)
    assert found(sealed) == []


def test_who_may_read_keys_and_what_is_private(sealed: Path) -> None:
    (sealed / "keys/log.key").chmod(0o640)
    (sealed / "keys").chmod(0o711)
    (sealed / "vault").chmod(0o705)
    (sealed / "spool").chmod(0o770)  # somebody else seals, by group
    assert found(sealed) == [("key-open", "keys"), ("key-open", "keys/log.key"), ("private-open", "vault")]

    repair(sealed, time.time_ns())

    modes = {
        name: (sealed / name).stat().st_mode & 0o777 for name in ("keys", "keys/log.key", "vault", "spool")
    }
    assert modes == {"keys": 0o700, "keys/log.key": 0o600, "vault": 0o700, "spool": 0o770}
    (sealed / "keys/log.key").chmod(0o200)
    assert found(sealed) == [("key-shut", "keys/log.key")]
    repair(sealed, time.time_ns())
    assert found(sealed) == []


@pytest.mark.parametrize("closed", ["keys", "vault", "spool", "vault/held"])
def test_what_may_not_be_looked_into_is_said_and_nothing_concluded_from_it(
    sealed: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    iterate = Path.iterdir

    def iterdir(self: Path) -> Iterator[Path]:
        if self == sealed / closed:
            raise PermissionError(13, "Permission denied", str(self))
        return iterate(self)

    put(sealed / "log/tile/0/000.p/7", bytes(7 * 32))
    put(sealed / "keys/hold-acme.key", b"x")
    put(sealed / "keys/day-2020-01-01.claimed.key", b"x")
    put(sealed / "vault/held/acme/hold.json", b"{}")
    put(sealed / "vault/2020-01-01/w.0.rows", b"")
    put(sealed / "anchors/9.x.tsr", b"token")
    every = [("partial-differs", "log/tile/0/000.p/7"), ("anchor-unnamed", "anchors/9.x.tsr")]
    assert found(sealed) == every
    monkeypatch.setattr(Path, "iterdir", iterdir)

    assert found(sealed) == [*(every[:1] if closed == "spool" else every), ("not-looked-at", closed)]


def test_a_state_of_somebody_else_is_not_called_unreadable(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def read_bytes(self: Path) -> bytes:
        if self.name == "state.json":
            raise PermissionError(13, "Permission denied", str(self))
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)

    assert found(sealed) == [("not-looked-at", "run/state.json")]


def test_every_kind_says_what_it_means_and_only_the_safe_is_removed() -> None:
    for name, kind in KINDS.items():
        assert kind.says.endswith("."), name
        assert kind.level == "wrong" or any(
            word in kind.says for word in ("Safe", "Nothing is lost", "may not look")
        ), name
    removed = {name for name, kind in KINDS.items() if kind.is_repaired}
    assert removed == {
        "key-open", "key-shut", "private-open", "state-unreadable", "state-behind", "partial-tile",
        "temporary",
    }  # fmt: skip


def test_lines_for_people_begin_with_what_is_wrong() -> None:
    findings = [Finding("temporary", f"run/.{n}.tmp") for n in range(7)] + [
        Finding("key-open", "keys", "mode 0755")
    ]

    lines = list(sentences(findings))

    assert lines[0].startswith("WRONG key-open (1): Other users can read it.")
    assert lines[1] == "  keys: mode 0755"
    assert lines[2].startswith("LEFT-OVER temporary (7): ")
    assert lines[-1] == "  and 2 more"
    assert len(list(sentences(findings[:5]))) == 1 + 5
    assert repair_draft(findings, 7).seen == {"repaired": {"key-open": 1, "temporary": 7}}
