"""A hold cannot be narrowed or taken away unseen: neither shredding nor pruning goes on then."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import prepare
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.pruning.plan import Policy, make_plan
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.recording import keep_all, recording
from vorbehalt.evidence.vault import holds
from vorbehalt.evidence.vault.holds_told import told_holds
from vorbehalt.evidence.vault.retention import parse_period
from vorbehalt.evidence.vault.shred import shred_days
from vorbehalt.evidence.vault.vault import Keys

OLD = 1_700_000_000_000_000_000  # 2023-11-14
ACME = holds.Hold("acme", "Acme", "", OLD)
POLICY = Policy(parse_period("365d"), {"claimed": parse_period("90d")}, "")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A log of one request of Acme's, which a hold covers, as its record says."""
    log = EvidenceLog(prepare(tmp_path / "evidence", "label.example/evidence"), clock=lambda: OLD)
    seen: dict[str, object] = {"claim": {"operator": "Acme"}}
    log.append(Draft("request", "VB-1", OLD, seen, {"address": b"203.0.113.9"}))
    log.close(30.0)
    with recording(tmp_path / "evidence", "test") as evidence:
        holds.begin(tmp_path / "evidence", ACME)
        keep_all(evidence, [Draft("hold", "", OLD + 1, said("begin"))])
    return tmp_path / "evidence"


def said(event: str, **more: object) -> dict[str, object]:
    return {"event": event, "matter": "acme", "scope": {"operator": "Acme"}, **more}


def file_of(home: Path) -> Path:
    return home / "vault" / "held" / "acme" / "hold.json"


def refuse(home: Path, why: str) -> None:
    """Nothing is shredded and nothing pruned, for this reason."""
    with pytest.raises(EvidenceError, match=why):
        shred_days(home, date(2027, 1, 1), before=date(2027, 1, 1))
    with pytest.raises(EvidenceError, match=why):
        make_plan(home, POLICY, holds.holds(home), date(2027, 1, 1), minimum=1)


def test_a_hold_as_it_was_set_holds(home: Path) -> None:
    assert holds.holds(home) == [ACME]
    assert verify(home).problems == ()
    shred_days(home, date(2027, 1, 1), before=date(2027, 1, 1))
    assert verify(home).problems == ()


@pytest.mark.parametrize(
    "change", [{"operator": "Nobody"}, {"ref": "VB-2"}, {"since": "1"}, {"mac": ""}, {"mac": None}]
)
def test_a_changed_scope_is_noticed(change: dict[str, Any], home: Path) -> None:
    file_of(home).write_text(json.dumps({**json.loads(file_of(home).read_text()), **change}))
    assert any("vault/held/acme/hold.json: was changed" in text for text in verify(home).problems)
    refuse(home, "the hold of acme: was changed")


def test_a_hold_without_a_seal_is_none(home: Path) -> None:
    file_of(home).write_text('{"operator": "Acme", "ref": "", "since": "1"}')
    refuse(home, "the hold of acme: was changed")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"operator": 1, "ref": "", "since": "1"}',
        '{"operator": "Acme", "ref": "", "since": "soon"}',
        "\xff",
    ],
)
def test_a_hold_that_cannot_be_read_is_noticed(text: str, home: Path) -> None:
    file_of(home).write_text(text)
    assert any("hold.json: cannot be read" in problem for problem in verify(home).problems)
    refuse(home, "cannot be read")


def test_the_file_of_another_matter_does_not_fit(home: Path) -> None:
    holds.begin(home, holds.Hold("other", "Other", "", OLD))
    shutil.copy(home / "vault/held/other/hold.json", file_of(home))
    refuse(home, "the hold of acme: was changed")


def test_a_scope_sealed_anew_by_whoever_has_the_key_differs_from_the_record(home: Path) -> None:
    from vorbehalt.evidence.vault.hold_seal import seal_hold

    key = Keys(home).get("hold-acme")
    assert key is not None
    file_of(home).write_bytes(seal_hold(key, "acme", {"operator": "", "ref": "VB-9", "since": str(OLD)}))
    refuse(home, "another scope than its record in the log")


def test_the_log_tells_of_holds_with_a_scope_in_the_order_of_their_times(home: Path) -> None:
    records = [
        Draft("hold", "", OLD + 9, said("end", matter="later")),
        Draft("hold", "", OLD + 5, said("begin", matter="later")),
        Draft("hold", "", OLD + 5, said("begin", matter="stays", scope={"ref": "VB-1"})),
        Draft("hold", "", OLD + 5, said("begin", matter="scopeless", scope="Acme")),
        Draft("hold", "", OLD + 5, said("kept", matter="neither")),
    ]
    with recording(home, "test") as evidence:
        keep_all(evidence, records)
    assert told_holds(home) == {"acme": {"operator": "Acme"}, "stays": {"ref": "VB-1"}}


def test_a_hold_that_was_taken_away_is_noticed(home: Path) -> None:
    shutil.rmtree(home / "vault/held/acme")
    refuse(home, "the log says that acme is held, but vault/held/acme is gone")
    assert holds.end(home, "acme")[1] == 0
    with recording(home, "test") as evidence:
        keep_all(evidence, [Draft("hold", "", OLD + 2, said("end"))])
    shred_days(home, date(2027, 1, 1), before=date(2027, 1, 1))


def test_a_hold_whose_key_is_gone_lets_nothing_go_until_it_is_released(home: Path) -> None:
    """So is what a crash in the middle of a release leaves."""
    Keys(home).destroy("hold-acme")
    with pytest.raises(EvidenceError, match="the key of the matter acme is not here"):
        shred_days(home, date(2027, 1, 1), before=date(2027, 1, 1))
    assert holds.end(home, "acme")[0] == ACME
    assert holds.holds(home) == []
