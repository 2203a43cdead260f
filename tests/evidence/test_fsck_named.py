"""What fsck says of things that records name or should name, and of processes at work or dead."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from fsck_support import LATER, fill, found, put
from tlog_support import Log, Writer, leaves, prune
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.files import locked
from vorbehalt.evidence.fsck.found import Finding, Look, is_clean
from vorbehalt.evidence.fsck.log_files import sealer_state
from vorbehalt.evidence.fsck.run import look_at, repair
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import seal_once

MakeLog = Callable[..., EvidenceLog]
MakeDraft = Callable[..., Draft]


@pytest.fixture
def sealed(directory: EvidenceDirectory, make_log: MakeLog, make_draft: MakeDraft) -> Path:
    """A directory at rest with a few hundred records under its checkpoint."""
    fill(make_log, make_draft, 300)
    return directory.path


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
    put(sealed / "objects/sha256/ab/notes", b"no object: its name is no digest")
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
