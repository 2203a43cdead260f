"""What anchors are for: changes that the log's own key would hide come out (checks 1 to 3 and 19)."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from anchor_support import NOW, SECOND, Authority, Site, answering, serving, stamper, time_stamp
from tlog_support import run_script, verdicts
from vorbehalt.evidence.anchor.targets import WitnessTarget
from vorbehalt.evidence.anchor.witness_server import WitnessServer
from vorbehalt.evidence.anchor.witness_store import WitnessStore
from vorbehalt.evidence.auditor.audit import Report, verify
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.tlog.note import Checkpoint, Signer
from vorbehalt.evidence.tlog.tiles import WIDTH, bundle_name, grow, read_entries

pytestmark = pytest.mark.real("openssl")

ORIGIN = "example.org/evidence"
NAME = "lawyers.example/witness"


@dataclass
class Anchored:
    """A log anchored twice, by an authority and a witness, with records before, between and behind."""

    directory: Path
    signer: Signer
    authority: Authority
    store: WitnessStore
    vkey: str
    first: int
    """Size of the first anchored checkpoint."""
    second: int

    def kept(self, kind: str) -> bytes:
        """What somebody outside has kept of the first anchoring."""
        anchors = self.directory / "anchors"
        note = (anchors / f"{self.first}.checkpoint").read_bytes()
        (token,) = anchors.glob(f"{self.first}.*.tsr")
        (line,) = anchors.glob(f"{self.first}.*.cosig")
        return {
            "checkpoint": note,
            "token": token.read_bytes(),
            "cosignature": line.read_bytes(),
            "cosigned checkpoint": note + line.read_bytes(),
        }[kind]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Anchored:
    base = tmp_path_factory.mktemp("anchored")
    directory = prepare(base / "evidence", ORIGIN)
    authority = Authority(base / "tsa", chain=True)
    store = WitnessStore(base / "witness", NAME, {ORIGIN: directory.verifier})
    site, sizes = Site(directory), []
    with (
        answering(lambda query: time_stamp(authority.reply(query))) as url,
        serving(WitnessServer("127.0.0.1", 0, store)) as witness_url,
    ):
        targets = (
            stamper(url, authority),
            WitnessTarget("lawyers", witness_url, store.cosigner.witness.vkey),
        )
        for count in (300, 40):
            site.record(count)
            outcomes = site.round(*targets, everybody=True)
            assert [outcome.why for outcome in outcomes] == ["", ""]
            sizes.append(outcomes[0].size)
        site.now = NOW + 5 * SECOND
        site.record(7)
    site.log.close()
    assert directory.signer is not None
    return Anchored(
        directory.path, directory.signer, authority, store, directory.verifier.vkey, sizes[0], sizes[1]
    )


@pytest.fixture
def copy(log: Anchored, tmp_path: Path) -> Path:
    return Path(shutil.copytree(log.directory, tmp_path / "copy"))


def alone(directory: Path, *args: str) -> int:
    return run_script(log_script(directory), str(directory), *args).returncode


def log_script(directory: Path) -> Path:
    return directory / "verify.py"


def test_an_honest_log_holds_and_says_what_vouches_for_it(log: Anchored) -> None:
    report = verify(log.directory, tsa_roots=log.authority.root_pem, witnesses=(log.store.cosigner.witness,))

    assert (report.ok, report.assurance) == (True, "witnessed")
    first_uncovered = next(
        record for record in show(log.directory, Filters(start=log.second)) if record["type"] != "anchor"
    )
    assert first_uncovered["type"] == "request"
    assert report.unanchored_since == "2026-11-26T13:33:25Z"
    assert not [note for note in report.notes if "taken from the directory: whether" in note]
    assert alone(log.directory, "--tsa-root", str(log.authority.folder / "root.pem")) == 0


def test_what_is_trusted_only_by_the_directory_is_named(log: Anchored) -> None:
    notes = verify(log.directory).notes

    assert "root of the time stamping authority tsa.test taken from the directory" in str(notes)
    assert f"key of the witness {NAME} taken from the directory" in str(notes)


def test_a_root_of_ones_own_makes_foreign_time_stamps_fail(log: Anchored, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")

    report = verify(log.directory, tsa_roots=other.root_pem)

    assert [problem for problem in report.problems if "pinned roots" in problem]
    assert alone(log.directory, "--tsa-root", str(other.folder / "root.pem")) == 1


def test_check_1_any_changed_byte_under_anchors_fails_both_verifiers(log: Anchored, copy: Path) -> None:
    files = sorted((copy / "anchors").iterdir())
    assert {path.suffix for path in files} == {".checkpoint", ".tsr", ".cosig"}
    for path in files:
        data = path.read_bytes()
        for at in sorted({*range(0, len(data), max(1, len(data) // 5)), len(data) - 1}):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert verdicts(copy) == (False, False), (path.name, at)
        for wrong in (data[:-1], data + b"\n", b""):
            path.write_bytes(wrong)
            assert verdicts(copy) == (False, False), path.name
        path.unlink()
        assert verdicts(copy) == (False, False), path.name
        path.write_bytes(data)
    assert verdicts(copy) == (True, True)


def test_check_1_a_changed_root_of_an_authority_fails_both_verifiers(log: Anchored, copy: Path) -> None:
    leaf = next(iter(show(copy, Filters(type="anchor"))))
    objects: Any = leaf["objects"]
    path = copy / f"objects/sha256/{objects[0][:2]}/{objects[0]}"
    assert path.read_text() == log.authority.root_pem

    path.write_bytes(path.read_bytes()[:-1])

    assert verdicts(copy) == (False, False)


class Insider:
    """Somebody with the signing key who makes the log what it never was, as well as it can be done."""

    def __init__(self, log: Anchored, directory: Path) -> None:
        self.log, self.directory = log, directory
        size = int((directory / "log/checkpoint").read_bytes().split(b"\n")[1])
        reader = lambda path: (directory / "log" / path).read_bytes()  # noqa: E731
        self.entries = [
            entry
            for first in range(0, size, WIDTH)
            for entry in read_entries(reader, bundle_name(first, size))
        ]

    def rebuild(self) -> None:
        """Write the log anew, sign it with the real key, and leave no anchor that contradicts it."""
        shutil.rmtree(self.directory / "log/tile")
        shutil.rmtree(self.directory / "run")
        for path in (*(self.directory / "anchors").iterdir(), *(self.directory / "spool").glob("*.spool")):
            path.unlink()
        growth = grow(lambda path: (self.directory / "log" / path).read_bytes(), 0, self.entries)
        for name, data in growth.files.items():
            (self.directory / "log" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.directory / "log" / name).write_bytes(data)
        note = self.log.signer.sign(Checkpoint(ORIGIN, growth.size, growth.root).body)
        (self.directory / "log/checkpoint").write_bytes(note)

    def chained_again(self) -> None:
        """Number and chain what is left as if nothing had ever been there; anchors are left out."""
        import json

        kept: list[bytes] = []
        numbers: dict[str, tuple[int, str]] = {}
        for entry in self.entries:
            leaf = json.loads(entry)
            if leaf["type"] == "anchor":
                continue
            number, before = numbers.get(leaf["w"], (0, ""))
            leaf["s"], leaf["p"] = number, before
            kept.append(json.dumps(leaf, separators=(",", ":")).encode())
            numbers[leaf["w"]] = number + 1, hashlib.sha256(kept[-1]).hexdigest()
        self.entries = kept


def edit(insider: Insider) -> None:
    insider.entries[150] = insider.entries[150].replace(b"/song/", b"/sung/")
    insider.chained_again()


def remove_one(insider: Insider) -> None:
    del insider.entries[150]
    insider.chained_again()


def cut(count: int) -> Callable[[Insider], None]:
    def change(insider: Insider) -> None:
        del insider.entries[insider.log.first - count :]
        insider.chained_again()

    return change


def add_one(insider: Insider) -> None:
    insider.entries.insert(150, insider.entries[150].replace(b"/song/", b"/invented/"))
    insider.chained_again()


CHANGES = {"edit": edit, "removal": remove_one, "insertion": add_one} | {
    f"cut of {count}": cut(count) for count in (1, 255, 256, 257)
}


@pytest.mark.parametrize("change", CHANGES)
def test_checks_2_and_3_an_insiders_rebuild_with_the_real_key_is_exposed_by_what_others_kept(
    change: str, log: Anchored, copy: Path, tmp_path: Path
) -> None:
    insider = Insider(log, copy)
    CHANGES[change](insider)
    insider.rebuild()

    # Alone, it is perfect: this is why a signature is not enough.
    assert verdicts(copy) == (True, True)
    for kind in ("checkpoint", "token", "cosignature", "cosigned checkpoint"):
        report = verify(copy, against=log.kept(kind), vkey=log.vkey)
        assert [why for why in report.problems if "older checkpoint" in why], kind
        (tmp_path / "kept").write_bytes(log.kept(kind))
        assert alone(copy, "--vkey", log.vkey, "--against", str(tmp_path / "kept")) == 1, kind


@pytest.mark.parametrize("change", ["edit", "cut of 256"])
def test_an_old_anchor_put_into_a_rebuilt_log_fits_no_longer(change: str, log: Anchored, copy: Path) -> None:
    insider = Insider(log, copy)
    CHANGES[change](insider)
    insider.rebuild()
    shutil.copy(log.directory / f"anchors/{log.first}.checkpoint", copy / "anchors")

    assert verdicts(copy) == (False, False)
    for kind in ("token", "cosignature"):
        assert not verify(copy, against=log.kept(kind), vkey=log.vkey).ok


@pytest.mark.parametrize("kind", ["checkpoint", "token", "cosignature", "cosigned checkpoint"])
def test_an_honest_log_agrees_with_what_others_kept(kind: str, log: Anchored, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(log.kept(kind))

    assert verify(log.directory, against=log.kept(kind), vkey=log.vkey).ok
    if kind != "cosignature":  # it names no checkpoint; verify.py wants the one it is on as well
        assert alone(log.directory, "--against", str(tmp_path / "kept")) == 0


def test_the_witness_itself_keeps_a_note_to_compare_with(log: Anchored, copy: Path) -> None:
    note = log.store.note_path(ORIGIN).read_bytes()
    assert verify(log.directory, against=note).ok

    insider = Insider(log, copy)
    edit(insider)
    insider.rebuild()

    assert not verify(copy, against=note).ok


def test_a_token_of_another_log_is_no_older_checkpoint_of_this_one(log: Anchored, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(log.authority.stamp(b"something else"))

    report = verify(log.directory, against=(tmp_path / "kept").read_bytes())

    assert [why for why in report.problems if "no checkpoint in anchors/" in why]
    assert alone(log.directory, "--against", str(tmp_path / "kept")) == 1


LIES: dict[str, tuple[str, Any, str]] = {
    "another time": ("time", "1795700000000000001", "bears another time"),
    "another nonce": ("nonce", "abc", "nonce"),
    "no nonce": ("nonce", None, "names no nonce"),
    "another policy": ("policy", "1.2.3.5", "policy"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_record_that_says_another_thing_than_its_token_is_a_problem(
    lie: str, log: Anchored, copy: Path
) -> None:
    import json

    field, value, why = LIES[lie]
    insider = Insider(log, copy)
    at = next(index for index, entry in enumerate(insider.entries) if b'"type":"anchor"' in entry)
    leaf = json.loads(insider.entries[at])
    leaf["seen"][field] = value
    insider.entries[at] = json.dumps(leaf, separators=(",", ":")).encode()
    anchors = {path.name: path.read_bytes() for path in (copy / "anchors").iterdir()}
    insider.rebuild()
    for name, data in anchors.items():
        if name.startswith(f"{log.first}."):
            (copy / "anchors" / name).write_bytes(data)

    found: Report = verify(copy)

    assert [problem for problem in found.problems if why in problem]


def test_an_anchor_record_moved_before_what_it_anchors_is_a_problem(log: Anchored, copy: Path) -> None:
    """Else records could be said to be younger than they are."""
    insider = Insider(log, copy)
    at = next(index for index, entry in enumerate(insider.entries) if b'"type":"anchor"' in entry)
    insider.entries.insert(log.first - 1, insider.entries.pop(at))
    anchors = {path.name: path.read_bytes() for path in (copy / "anchors").iterdir()}
    insider.rebuild()
    for name, data in anchors.items():
        (copy / "anchors" / name).write_bytes(data)

    problems = verify(copy).problems
    assert [problem for problem in problems if "stands before what it anchors" in problem], problems


def test_a_time_stamp_without_the_extra_is_checked_by_openssl(
    log: Anchored, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vorbehalt.evidence.anchor import checking

    def missing(response: bytes) -> None:
        raise ImportError

    monkeypatch.setattr(checking, "read_response", missing)
    assert verify(log.directory).assurance == "witnessed"
    monkeypatch.setattr("shutil.which", lambda name: None)
    report = verify(log.directory)
    assert (report.ok, report.assurance) == (True, "witnessed")
    assert [note for note in report.notes if "2 time stamps or cosignatures could not be checked" in note]


def test_links_among_the_anchors_are_refused(copy: Path) -> None:
    path = next((copy / "anchors").glob("*.tsr"))
    path.rename(copy / "elsewhere")
    os.symlink(copy / "elsewhere", path)

    assert verdicts(copy) == (False, False)
