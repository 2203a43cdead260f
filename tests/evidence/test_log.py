"""The log of a process keeps its promise to the edge: quick, silent, exact, and never in the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from evidence_log_support import AT, leaves_of, wait_for
from support import erase_row
from vorbehalt.evidence.auditor.audit import verify as audit
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.log import EvidenceLog, MemoryEvidence, NoEvidence, open_evidence
from vorbehalt.evidence.receipt import Draft, Evidence
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.evidence.vault.forgetting import destroy_day

Drafts = Callable[..., Draft]
Logs = Callable[..., EvidenceLog]


def test_a_record_is_durable_then_sealed_and_the_whole_directory_holds(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    log.start()
    receipt = log.append(make_draft(1))

    assert wait_for(receipt)
    assert receipt.is_durable
    log.close()
    assert [leaf["type"] for leaf in leaves_of(directory.path)] == ["writer-open", "request", "writer-close"]
    assert log.written() == {"writer-open": 1, "request": 1, "writer-close": 1}
    assert log.lost() == {}
    assert list((directory.path / "spool").iterdir()) == []
    health = log.health()
    assert (health["state"], health["records"], health["lost"], health["size"]) == ("green", 1, 0, 3)
    report = audit(directory.path)
    assert report.problems == ()
    assert (report.records, report.size, report.unsealed) == (1, 3, 0)


def test_nothing_runs_and_nothing_is_written_before_the_start(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    threads = threading.active_count()
    log = make_log()
    receipt = log.append(make_draft(1))

    assert threading.active_count() == threads
    assert list((directory.path / "spool").iterdir()) == []
    assert not receipt.is_durable
    log.start()
    log.start()
    assert threading.active_count() == threads + 2
    assert wait_for(receipt)


def test_records_appended_without_a_start_are_written_at_the_close(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    log.append(make_draft(1))
    log.close()
    log.close()

    assert [leaf["type"] for leaf in leaves_of(directory.path)] == ["writer-open", "request", "writer-close"]


def test_a_log_that_was_never_used_leaves_no_trace(make_log: Logs, directory: EvidenceDirectory) -> None:
    make_log().close()

    assert leaves_of(directory.path) == []
    assert not (directory.path / "run" / "sealer.lock").exists()


def test_after_the_close_records_are_refused_and_counted(make_log: Logs, make_draft: Drafts) -> None:
    log = make_log()
    log.start()
    log.close()
    receipt = log.append(make_draft(1))
    log.count(("x",), at=AT)

    assert not wait_for(receipt)
    assert log.lost() == {"closed": 2}


def test_append_never_raises_whatever_it_is_given(make_log: Logs) -> None:
    log = make_log()
    bad: Any = Draft(type="request", ref="", at="now", seen={})  # type: ignore[arg-type]

    assert not wait_for(log.append(bad))
    assert log.lost() == {"internal": 1}


def test_a_defect_in_building_records_costs_the_record_and_turns_health_red(
    make_log: Logs, make_draft: Drafts, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make_log()
    log.start()
    assert wait_for(log.append(make_draft(1)))

    def broken(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr("vorbehalt.evidence.writing.writer.build_leaf", broken)
        assert not wait_for(log.append(make_draft(2)))
    assert wait_for(log.append(make_draft(3)))
    assert log.lost()["internal"] >= 1
    assert log.health()["state"] == "red"


def test_a_disk_that_fills_later_breaks_nothing_and_shows_in_health(
    make_log: Logs, disk: Any, make_draft: Drafts
) -> None:
    log = make_log(disk=disk)
    log.start()
    assert wait_for(log.append(make_draft(1)))
    disk.fail("write", "/spool/", times=10_000, code=28)

    assert not wait_for(log.append(make_draft(2)))
    health: Any = log.health()
    assert health["state"] == "red"
    assert "No space left" in health["reasons"][0]
    disk.heal()
    assert wait_for(log.append(make_draft(3)))
    log.close()
    assert log.written()["request"] == 3
    assert log.lost() == {"late": 1}


def test_objects_are_kept_under_their_digest_before_they_are_named(
    make_log: Logs, directory: EvidenceDirectory
) -> None:
    log = make_log()
    digest = log.put_object(b"User-agent: *\n")
    log.append(
        Draft(type="policy-active", ref="", at=AT, seen={"objects": [digest], "preset": "allow-search"})
    )
    log.close()

    path = directory.path / "objects" / "sha256" / digest[:2] / digest
    assert path.read_bytes() == b"User-agent: *\n"
    leaf = leaves_of(directory.path)[1]
    assert (leaf["objects"], leaf["seen"]) == ([digest], {"preset": "allow-search"})
    assert audit(directory.path).problems == ()
    path.write_bytes(b"User-agent: x\n")
    assert audit(directory.path).problems


def test_without_the_signing_key_records_are_kept_for_whoever_seals(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    key = (directory.path / "keys" / "log.key").read_bytes()
    (directory.path / "keys" / "log.key").unlink()
    log = EvidenceLog(EvidenceDirectory(directory.path, directory.verifier, None))
    log.start()
    assert wait_for(log.append(make_draft(1)))
    health: Any = log.health()
    assert (health["state"], "vorbehalt evidence seal" in health["reasons"][0]) == ("yellow", True)
    log.close()

    assert leaves_of(directory.path) == []
    (directory.path / "keys" / "log.key").write_bytes(key)
    os.chmod(directory.path / "keys" / "log.key", 0o600)
    assert seal_once(directory.path).added == 3


def test_health_names_a_log_that_does_not_hold(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    log.append(make_draft(1))
    log.close()
    bundle = directory.path / "log" / "tile" / "entries" / "000.p" / "3"
    bundle.write_bytes(bundle.read_bytes().replace(b"GPTBot", b"GPTBox"))
    second = make_log()
    second.append(make_draft(2))
    second.close()

    health: Any = second.health()
    assert health["state"] == "red"
    assert "not sealed" in health["reasons"][0]
    assert audit(directory.path).problems


def test_destroying_the_keys_of_a_day_leaves_the_proof_whole(
    make_log: Logs, directory: EvidenceDirectory, make_draft: Drafts
) -> None:
    log = make_log()
    for number in range(3):
        log.append(make_draft(number))
    log.close()
    (rows,) = (directory.path / "vault" / "2026-11-23").iterdir()

    assert erase_row(rows, 2) == 1
    assert audit(directory.path).problems == ()
    assert destroy_day(directory.path, "2026-11-23", "claimed")
    assert audit(directory.path).problems == ()
    assert audit(directory.path).records == 3


def test_evidence_in_memory_holds_the_same_leaves_and_touches_no_disk(make_draft: Drafts) -> None:
    evidence = open_evidence("memory:", "example.org/evidence", {"version": "0.1.0"})
    assert isinstance(evidence, MemoryEvidence)
    evidence.start()
    assert wait_for(evidence.append(make_draft(1)))
    evidence.count(("a",), at=AT)
    digest = evidence.put_object(b"body")
    evidence.close()
    evidence.close()

    assert [leaf["type"] for leaf in evidence.leaves()] == [
        "writer-open",
        "request",
        "rollup",
        "writer-close",
    ]
    assert "203.0.113.77" not in str(evidence.leaves())
    assert evidence.written()["request"] == 1
    assert len(digest) == 64
    assert evidence.health()["records"] == 1
    assert not wait_for(evidence.append(make_draft(2)))
    assert evidence.lost() == {"closed": 1}


def test_evidence_that_is_off_promises_at_once_and_keeps_nothing(make_draft: Drafts) -> None:
    evidence = open_evidence("off", "", {})
    assert isinstance(evidence, NoEvidence)
    evidence.start()
    evidence.count(("a",), at=AT)

    assert wait_for(evidence.append(make_draft(1)))
    assert (evidence.lost(), evidence.written()) == ({}, {})
    assert len(evidence.put_object(b"x")) == 64
    health: Any = evidence.health()
    assert (health["state"], health["directory"]) == ("yellow", "off")
    evidence.close()


def test_all_three_kinds_are_evidence(make_log: Logs) -> None:
    kinds: list[Evidence] = [make_log(), MemoryEvidence(), NoEvidence()]
    keys = {"state", "reasons", "directory", "records", "lost", "size", "anchor_age_seconds"}

    assert all(set(kind.health()) == keys for kind in kinds)
