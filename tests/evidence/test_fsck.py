"""What fsck finds and explains, what it repairs, and that a directory at work is never called broken."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tlog_support import Log, Writer, leaves, prune
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.files import locked
from vorbehalt.evidence.fsck import GRACE_SECONDS, KINDS, Finding, Look, is_clean, sentences
from vorbehalt.evidence.fsck_log import sealer_state
from vorbehalt.evidence.fsck_run import look_at, repair, repair_draft
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealer import seal_once

MakeLog = Callable[..., EvidenceLog]
MakeDraft = Callable[..., Draft]
LATER = GRACE_SECONDS * 10**9


@pytest.fixture
def sealed(directory: EvidenceDirectory, make_log: MakeLog, make_draft: MakeDraft) -> Path:
    """A directory at rest with a few hundred records under its checkpoint."""
    fill(make_log, make_draft, 300)
    return directory.path


def fill(make_log: MakeLog, make_draft: MakeDraft, count: int) -> None:
    log = make_log(clients_per_minute=10_000)
    log.start()
    for number in range(count):
        log.append(make_draft(number))
    log.close()


def found(directory: Path, later: int = LATER) -> list[tuple[str, str]]:
    return [(one.name, one.path) for one in look_at(directory, time.time_ns() + later)]


def put(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return path


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


def test_a_key_of_a_day_without_rows_is_named_and_stays(sealed: Path) -> None:
    put(sealed / "keys/day-2020-01-01.claimed.key", b"x")
    put(sealed / f"keys/day-{time.strftime('%Y-%m-%d', time.gmtime())}.claimed.key", b"x")

    assert found(sealed, 0) == [], "it was made a moment ago"
    assert found(sealed) == [("key-without-day", "keys/day-2020-01-01.claimed.key")]
    put(sealed / "vault/2020-01-01/w.0.rows", b"")
    assert found(sealed) == []
    now = time.time_ns() + 30 * 86_400 * 10**9
    days = [time.strftime("%Y-%m-%d", time.gmtime(now // 10**9 - ago * 86_400)) for ago in (2, 3)]
    for day in days:
        put(sealed / f"keys/day-{day}.person.key", b"x")
    named = {one.path for one in look_at(sealed, now)}
    assert named & {f"keys/day-{day}.person.key" for day in days} == {f"keys/day-{days[1]}.person.key"}


def test_holds_with_one_half_only(sealed: Path) -> None:
    put(sealed / "vault/held/lost/hold.json", b"{}")
    put(sealed / "vault/held/lost/w.0.rows", b"")
    put(sealed / "vault/held/begun/other", b"")
    put(sealed / "vault/held/ended/hold.json", b"{}")
    put(sealed / "vault/held/good/hold.json", b"{}")
    put(sealed / "keys/hold-good.key", b"x")
    put(sealed / "keys/hold-gone.key", b"x")

    assert found(sealed, 0) == [
        ("hold-unfinished", "vault/held/begun"),
        ("hold-unfinished", "vault/held/ended"),
        ("hold-without-key", "vault/held/lost"),
        ("hold-unfinished", "keys/hold-gone.key"),
    ]


def test_objects_and_anchors_that_no_record_names(
    sealed: Path, make_log: MakeLog, make_draft: MakeDraft
) -> None:
    log = make_log()
    log.start()
    named, waiting, nobody = (log.put_object(body) for body in (b"named", b"waiting", b"nobody's"))
    digest = sha256(b"token").hexdigest()
    log.append(make_draft(1, objects=[named], files=[{"name": "1.a.tsr", "sha256": digest}]))
    log.close()
    put(sealed / "anchors/1.a.tsr", b"token", 0o644)
    put(sealed / "anchors/2.b.tsr", b"other", 0o644)
    put(sealed / "anchors/3.checkpoint", b"note", 0o644)
    put(sealed / "spool/anchors/3.c.tsr", b"answer")
    with locked(sealed / "run/sealer.lock"):
        log = make_log()
        log.start()
        log.append(make_draft(2, objects=[waiting]))
        assert wait(lambda: log.written().get("request") == 1)
        assert found(sealed) == [
            ("anchor-unnamed", "anchors/2.b.tsr"),
            ("checkpoint-unnamed", "anchors/3.checkpoint"),
            ("object-unnamed", f"objects/sha256/{nobody[:2]}/{nobody}"),
            ("answer-unnamed", "spool/anchors/3.c.tsr"),
        ]
    assert found(sealed, 0) == []


def wait(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return condition()


def test_anchors_that_stay_although_their_records_were_pruned_are_named(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    for folder in ("keys", "vault", "spool"):
        (log.directory / folder).chmod(0o700)
    log.seal(leaves(300, writer))
    put(log.directory / "anchors/9.kept.tsr", b"kept")
    put(log.directory / "anchors/9.other.tsr", b"other")
    assert len(found(log.directory)) == 2
    prune(log, writer, 256, anchors={"9.kept.tsr": sha256(b"kept").hexdigest()})

    assert found(log.directory) == [("anchor-unnamed", "anchors/9.other.tsr")]


def test_what_was_set_aside_is_explained_by_its_gap(
    sealed: Path, make_log: MakeLog, make_draft: MakeDraft
) -> None:
    put(sealed / "spool/w.0.torn", b"half a record")
    assert found(sealed) == [("torn-unexplained", "spool/w.0.torn")]

    log = make_log()
    log.start()
    log.append(
        make_draft(1, kind="gap", torn={"bytes": "13", "sha256": sha256(b"half a record").hexdigest()})
    )
    log.close()

    assert found(sealed) == [("torn", "spool/w.0.torn")]
    assert is_clean(look_at(sealed, time.time_ns() + LATER))


def test_records_of_the_dead_wait_only_where_nobody_seals(sealed: Path) -> None:
    name = f"{'0' * 16}-{'0' * 8}-1.0.spool"
    put(sealed / "spool" / name, b"")
    put(sealed / "spool" / f"{'0' * 16}-{'0' * 8}-1.counts", b"")

    assert found(sealed, 0) == []
    assert [name for name, _ in found(sealed)] == ["unsealed", "unsealed"]
    with locked(sealed / "run/sealer.lock"):
        assert found(sealed) == []
    living = put(sealed / "spool" / f"{'1' * 16}-{'0' * 8}-2.0.spool", b"")
    with locked(living):
        assert found(sealed) == []


def test_what_the_sealer_remembers_is_compared_with_what_is_signed(
    sealed: Path, make_log: MakeLog, make_draft: MakeDraft
) -> None:
    state = sealed / "run/state.json"
    old = state.read_bytes()
    fill(make_log, make_draft, 10)
    now = json.loads(state.read_text())

    state.write_bytes(old)
    assert found(sealed) == [("state-behind", "run/state.json")]
    repair(sealed, time.time_ns())
    assert not state.exists()
    assert found(sealed) == []
    state.write_text("{")
    assert (found(sealed, 0), found(sealed)) == ([], [("state-unreadable", "run/state.json")])
    state.write_text(json.dumps({**now, "root": "00" * 32}))
    assert found(sealed) == [("state-other-root", "run/state.json")]
    state.write_text(json.dumps({**now, "size": now["size"] + 5}))
    assert found(sealed) == [("state-cut", "run/state.json")]
    assert repair(sealed, time.time_ns() + LATER) == []


def test_a_sealing_that_was_stopped_before_it_signed_is_no_cut(
    sealed: Path, make_log: MakeLog, make_draft: MakeDraft
) -> None:
    before = (sealed / "log/checkpoint").read_bytes()
    fill(make_log, make_draft, 5)
    (sealed / "log/checkpoint").write_bytes(before)

    assert found(sealed) == [("unsigned", "log/tile/entries")]
    with locked(sealed / "run/sealer.lock"):
        assert found(sealed) == []
    seal_once(sealed)
    assert found(sealed) == []


def test_repair_waits_for_nobody_who_seals(sealed: Path) -> None:
    put(sealed / "run/.0123.tmp", b"half")
    with locked(sealed / "run/sealer.lock"), pytest.raises(EvidenceError, match="another process is sealing"):
        repair(sealed, time.time_ns() + LATER)
    assert (sealed / "run/.0123.tmp").exists()


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


def test_nothing_at_work_is_called_broken(sealed: Path, make_log: MakeLog, make_draft: MakeDraft) -> None:
    """Two writers come and go, one of them seals, objects are put; looked at all the while."""
    stop = threading.Event()

    def work(name: int) -> None:
        number = 0
        while not stop.is_set():
            log = make_log(clients_per_minute=10**9, operators_per_minute=10**9)
            log.start()
            for _ in range(400):
                number += 1
                objects = {"objects": [log.put_object(b"%d %d" % (name, number))]} if number % 40 == 0 else {}
                log.append(make_draft(number, **objects))
            wait(lambda log=log: sum(log.written().values()) > 390)  # type: ignore[misc]
            log.close()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    seen: list[Finding] = []
    for _ in range(30):
        seen += look_at(sealed, time.time_ns())
        for _ in range(20):
            # It needs no age to tell what is at work.
            seen += sealer_state(Look(sealed, time.time_ns() + LATER))
    stop.set()
    for thread in threads:
        thread.join()

    assert seen == []
    assert found(sealed) == []
    assert verify(sealed).ok


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
