"""Keys: sealed by another user, backed up on paper, followed by another, lost."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.auditor import audit
from vorbehalt.evidence.directory import open_directory, prepare
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.card import make_card
from vorbehalt.evidence.reading.query import show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.sealing.succession import succeed
from vorbehalt.evidence.tlog.merkle import leaf_hash
from vorbehalt.evidence.tlog.note import Signer
from vorbehalt.evidence.tlog.tiles import decode_bundle

OLD, NEW = "example.org/evidence/2026", "example.org/evidence/2027"
AT = 1_795_413_803_799_141_015
SITE, KEEPER, GROUP = 61_001, 61_002, 61_003


def record(directory: Path, count: int = 1, key: Path | None = None) -> None:
    log = EvidenceLog(open_directory(directory, key), clients_per_minute=10**6)
    log.start()
    for number in range(count):
        log.append(Draft(type="request", ref=f"r{number}", at=AT, seen={"path": "/"}))
    log.close()


def rotations(directory: Path) -> list[Any]:
    return [leaf["seen"] for leaf in show(directory) if leaf["type"] == "key-rotation"]


def test_each_log_names_the_other_and_the_old_one_may_go_on(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    vkey = prepare(old, OLD).verifier.vkey
    record(old, 3)
    begun = succeed(old, new, NEW)
    ended = (old / "log" / "checkpoint").read_bytes()
    record(old)
    record(new)

    assert rotations(old) == [{"why": "rotation", "to": {"origin": NEW, "vkey": begun.verifier.vkey}}]
    (seen,) = rotations(new)
    assert seen["why"] == "rotation"
    assert seen["from"]["vkey"] == vkey
    assert seen["from"]["checkpoint"] == ended.decode()
    assert (seen["from"]["size"], seen["from"]["root"]) == tuple(ended.decode().splitlines()[1:3])
    assert seen["from"]["all_sealed"] is True
    # What the new log has kept of the old one exposes a later change of that.
    assert audit.verify(old, vkey=vkey, against=seen["from"]["checkpoint"].encode()).problems == ()
    assert audit.verify(new, vkey=begun.verifier.vkey).problems == ()


@pytest.mark.parametrize("why", ["lost", "stolen"])
def test_without_the_old_key_the_old_log_stays_as_it_is_and_the_new_one_says_why(
    tmp_path: Path, why: Any
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    prepare(old, OLD)
    record(old, 2)
    before = (old / "log" / "checkpoint").read_bytes()
    (old / "keys" / "log.key").unlink()
    record(old)
    with pytest.raises(EvidenceError, match="signing key"):
        succeed(old, new, NEW)
    succeed(old, new, NEW, why=why)

    assert (old / "log" / "checkpoint").read_bytes() == before
    (seen,) = rotations(new)
    assert (seen["why"], seen["from"]["checkpoint"], seen["from"]["all_sealed"]) == (
        why,
        before.decode(),
        False,
    )
    report = audit.verify(old)
    assert (report.problems, report.unsealed) == ((), 3)
    assert audit.verify(new).problems == ()


def test_a_key_from_the_sheet_lets_the_log_grow_again(tmp_path: Path) -> None:
    old = tmp_path / "old"
    signer = prepare(old, OLD).signer
    assert signer is not None
    kept = signer.skey
    key = old / "keys" / "log.key"
    key.unlink()
    record(old)
    with pytest.raises(EvidenceError, match="cannot be read"):
        seal_once(old)
    key.write_text(f"{Signer.from_skey(kept).skey}\n")
    key.chmod(0o600)

    assert seal_once(old).size == 3
    assert audit.verify(old, vkey=signer.vkey).problems == ()


def test_a_log_follows_another_only_from_its_beginning_and_under_its_own_name(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    prepare(old, OLD)
    with pytest.raises(EvidenceError, match="a name of its own"):
        succeed(old, new, OLD)
    prepare(tmp_path / "full", NEW)
    record(tmp_path / "full")
    with pytest.raises(EvidenceError, match="already holds records"):
        succeed(old, tmp_path / "full", NEW)


def test_a_key_elsewhere_is_used_and_must_be_nobody_elses_to_read(tmp_path: Path) -> None:
    home, key = tmp_path / "home", tmp_path / "safe" / "log.key"
    key.parent.mkdir(mode=0o700)
    prepare(home, OLD, key=key)
    assert not (home / "keys" / "log.key").exists()
    assert key.stat().st_mode & 0o777 == 0o600
    record(home)
    assert open_directory(home).signer is None
    assert seal_once(home, key=key).size == 3
    key.chmod(0o640)
    with pytest.raises(EvidenceError, match=r"mode 0640.*go-rwx"):
        seal_once(home, key=key)
    with pytest.raises(EvidenceError, match="cannot be read by this user"):
        seal_once(home, key=tmp_path / "none")


# Everything is imported before the user changes, who may not read this program.
AS = """\
import os, sys, time
from pathlib import Path
import encodings.ascii, encodings.latin_1, cryptography.hazmat.primitives.asymmetric.ed25519
import vorbehalt.evidence.log, vorbehalt.evidence.sealing.sealer, vorbehalt.evidence.auditor.audit
from vorbehalt.evidence.directory import open_directory, prepare
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import seal_once
home, key = Path(sys.argv[1]), Path(sys.argv[2])
os.setgroups([int(sys.argv[4])])
os.setgid(int(sys.argv[4]))
os.setuid(int(sys.argv[3]))
"""
WRITES = """\
at = prepare(home, "example.org/evidence/2026")
log = EvidenceLog(at)
log.start()
private = {"address": b"9.9.9.9"}
receipt = log.append(Draft(type="request", ref="", at=time.time_ns(), seen={}, private=private))
until = time.monotonic() + 10
while not receipt.is_durable:
    time.sleep(0.01)
    assert time.monotonic() < until, log.health()
assert at.signer is None
try:
    key.read_bytes()
except PermissionError:
    print("no key", flush=True)
if "kill" in sys.argv:
    os.kill(os.getpid(), 9)
log.close()
"""
SEALS = """\
for part in ("keys", "vault"):
    try:
        list((home / part).iterdir())
    except PermissionError:
        print("no", part)
print(seal_once(home, key=key).size)
"""


def as_user(code: str, home: Path, key: Path, user: int, *more: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", AS + code, str(home), str(key), str(user), str(GROUP), *more],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="two users can be tried by root only")
def test_another_user_who_alone_has_the_key_seals_what_the_site_writes(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    home, key = tmp_path / "evidence", tmp_path / "safe" / "log.key"
    key.parent.mkdir(mode=0o700)
    prepare(home, OLD, key=key)
    # As in docs/keys.md.
    subprocess.run(["chown", "-R", f"{SITE}:{GROUP}", home], check=True)
    subprocess.run(["chown", "-R", f"{KEEPER}:{GROUP}", home / "log", key.parent], check=True)
    subprocess.run(["chmod", "0750", home], check=True)
    subprocess.run(["chmod", "2770", home / "spool", home / "run"], check=True)
    subprocess.run(["chmod", "2775", home / "anchors"], check=True)

    assert as_user(WRITES, home, key, SITE) == (0, "no key\n", "")
    assert as_user(SEALS, home, key, KEEPER) == (0, "no keys\nno vault\n3\n", "")
    # A killed one is explained by whoever seals.
    assert as_user(WRITES, home, key, SITE, "kill") == (-9, "no key\n", "")
    assert as_user(SEALS, home, key, KEEPER) == (0, "no keys\nno vault\n8\n", "")
    code, _, error = as_user(SEALS, home, key, SITE)
    assert (code, "cannot be read by this user" in error) == (1, True)

    assert [leaf["seen"]["lost"] for leaf in show(home) if leaf["type"] == "gap"] == ["0"]  # type: ignore[index]
    assert audit.verify(home).problems == ()
    assert not list((home / "spool").iterdir())


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_card_holds_what_is_needed_to_recognise_the_log(tmp_path: Path) -> None:
    at = prepare(tmp_path / "log", OLD)
    record(at.path, 300)
    card = make_card(at.path, "Dr. <b>Weiß</b>\n & Co.", AT)
    reader = Reader()
    reader.feed(card.html())

    entries = decode_bundle((at.log / "tile" / "entries" / "000").read_bytes())
    signed = (at.log / "checkpoint").read_text("utf-8").splitlines()
    assert [value for _, value, _ in card.rows] == [
        OLD,
        at.verifier.vkey,
        card.rows[2][1],
        base64.b64encode(leaf_hash(entries[0])).decode(),
        *signed[1:3],
        "Dr. <b>Weiß</b> & Co.",
        "2026-11-23 06:03:23 UTC",
    ]
    for label, value, _ in card.rows:
        assert label in reader.texts
        assert value in reader.texts
        assert f"{label}\n    {value}\n" in card.text()
    assert not reader.tags & {"b", "script", "img", "link"}
    assert not re.search(r"https?://|url\(", card.html())


def test_the_card_of_an_empty_log_names_no_first_record(tmp_path: Path) -> None:
    at = prepare(tmp_path / "log", OLD)
    assert [label for label, _, _ in make_card(at.path, "Me", AT).rows] == [
        "Origin",
        "Verifier key",
        "Records at the date below",
        "Root over them",
        "Custodian",
        "Date",
    ]
