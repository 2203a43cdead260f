"""What an export encloses, and that the same question gives the same bytes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tlog_support import START, Log, Writer, check, drop_bundle, leaves, prune, put, run_script
from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.bundle.export import Question, export, export_draft
from vorbehalt.evidence.bundle.pin import pin
from vorbehalt.evidence.bundle.rows import COLUMNS
from vorbehalt.evidence.leaf.record import build_leaf
from vorbehalt.evidence.tlog.leaf import decode_leaf

SECOND = 10**9


def claim(operator: str, standing: str = "verified") -> dict[str, object]:
    return {"token": f"{operator}Bot", "operator": operator, "standing": standing}


def asked(operator: str, path: str = "/songs", standing: str = "verified") -> dict[str, object]:
    return {"host": "label.example", "method": "GET", "path": path, "claim": claim(operator, standing),
            "decision": {"action": "block", "status": 403}}  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Nine records: a second apart, the first at START."""
    made, writer = Log(tmp_path / "evidence"), Writer()
    note = made.seal(
        [
            writer.leaf("writer-open"),
            writer.leaf(seen=asked("Acme")),
            writer.leaf(seen=asked("Other", path='/about "operator":"Acme"')),
            writer.leaf("signal-served", seen={"claim": claim("Acme", "claimed"), "document": "/robots.txt"}),
        ]
    )
    put(made.directory / "anchors/4.checkpoint", note)
    files = [{"name": "4.checkpoint", "sha256": sha256(note).hexdigest()}]
    made.seal(
        [
            writer.leaf("anchor", seen={"kind": "copy", "size": 4, "files": files}),
            writer.leaf("correction", seen={"of": 2, "says": "wrong host"}),
            writer.leaf("correction", seen={"of": 3, "says": "wrong document"}),
            writer.leaf("attribution", seen={"claims": [claim("Acme"), {"token": "Bot"}, claim("Third")]}),
            writer.leaf("rollup", seen={"rows": [{"key": ["h", "AcmeBot", "Acme"]}]}),
        ]
    )
    return made


def enclosed(log: Log, tmp_path: Path, question: Question, size: int | None = None) -> list[int]:
    target = tmp_path / "out"
    done = export(pin(log.directory, size), question, target)
    lines = (target / "records.jsonl").read_bytes().splitlines()
    assert done.enclosed.records == len(lines)
    return [json.loads(line)["index"] for line in lines]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (Question(), [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (Question(operator="Acme"), [1, 3, 6, 7]),
        (Question(operator="Third"), [7]),
        (Question(operator="acme"), []),
        (Question(types=("request",)), [1, 2, 5]),
        (Question(operator="Acme", types=("request",)), [1]),
        (Question(types=("correction",)), [5, 6]),
        (Question(types=("request", "signal-served")), [1, 2, 3, 5, 6]),
        (Question(since=START + SECOND, until=START + 3 * SECOND), [1, 2, 5]),
        (Question(since=START + SECOND + 1, until=START + 3 * SECOND + 1), [2, 3, 5, 6]),
        (Question(operator="Acme", until=START + 2 * SECOND, beside=("anchor", "rollup")), [1, 4, 8]),
    ],
)
def test_what_answers_a_question(log: Log, tmp_path: Path, question: Question, found: list[int]) -> None:
    assert enclosed(log, tmp_path, question) == found


def test_the_first_so_many_records_are_asked(log: Log, tmp_path: Path) -> None:
    assert enclosed(log, tmp_path, Question(operator="Acme"), 4) == [1, 3]


def test_the_files_of_an_export_are_those_of_a_dossier(log: Log, tmp_path: Path) -> None:
    done = export(pin(log.directory), Question(beside=("anchor",)), tmp_path / "out", table=True)

    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert {path for path in found if (tmp_path / "out" / path).is_file()} == {
        "README.txt", "export.json", "manifest.sha256", "verify.py", "records.jsonl", "records.csv",
        "log/vkey", "log/checkpoint", "log/tile/0/000.p/9", "anchors/4.checkpoint",
    }  # fmt: skip
    manifest = (tmp_path / "out" / "manifest.sha256").read_bytes()
    assert done.digest == sha256(manifest).hexdigest()
    assert json.loads((tmp_path / "out" / "export.json").read_text()) == {
        "format": 1,
        "origin": "label.example/evidence/test",
        "size": 9,
        "root": pin(log.directory).checkpoint.root.hex(),
        "first": 0,
        "query": {"operator": None, "types": [], "from": None, "to": None, "beside": ["anchor"]},
        "records": 9,
        "objects": 0,
        "anchors": 1,
    }
    text = (tmp_path / "out" / "README.txt").read_text()
    assert "All records.\nBeside them all records of the type anchor." in text
    assert "9 of the 9 records" in text


def test_the_question_is_said_in_words() -> None:
    question = Question("Acme", ("request", "anchor"), START, START + SECOND)

    assert question.sentence() == (
        'All records that claimed to come from "Acme" of the type anchor or request '
        "from 2026-09-21T14:13:20Z on before 2026-09-21T14:13:21Z."
    )


SCRIPT = """
import sys
from pathlib import Path
from vorbehalt.evidence.bundle.pin import pin
from vorbehalt.evidence.bundle.export import Question, export
question = Question("Acme", ("request", "signal-served"), 1, None, ("anchor", "gap"))
print(export(pin(Path(sys.argv[1]), 8), question, Path(sys.argv[2]), table=True).digest)
"""


def test_zone_hash_seed_and_place_change_no_byte(log: Log, tmp_path: Path) -> None:
    key = log.directory / "keys" / "log.key"
    key.write_text(f"{log.signer.skey}\n")
    key.chmod(0o600)
    key.parent.chmod(0o700)
    digests = set()
    for number, (zone, seed, place) in enumerate(
        [("UTC", "0", "a"), ("Pacific/Kiritimati", "1", "b/c"), ("America/St_Johns", "77", "d")]
    ):
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": "C"}
        (tmp_path / place).mkdir(parents=True)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(log.directory), f"out-{number}"],
            cwd=tmp_path / place, env=environment, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        manifest = (tmp_path / place / f"out-{number}" / "manifest.sha256").read_bytes()
        assert done.stdout.strip() == sha256(manifest).hexdigest()
        digests.add(done.stdout)

    assert len(digests) == 1


def test_no_cell_of_the_table_is_run_by_a_spreadsheet(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    hostile = ["=cmd()", "+1", "-1", "@x", "\t=1", "\uff1d1", ' "a,b"\r\n;', "\u202egnp", "\x1b[31m"]
    log.seal([writer.leaf(seen={**asked("Acme"), "path": text}) for text in hostile])
    export(pin(log.directory), Question(), tmp_path / "out", table=True)

    with (tmp_path / "out" / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["path"] for row in rows] == [
        "'=cmd()", "'+1", "'-1", "'@x", "'\\t=1", "'\uff1d1", "' \"a,b\"\\r\\n;", "\\u202egnp", "\\x1b[31m",
    ]  # fmt: skip
    first = {key: value for key, value in rows[0].items() if value and key not in ("writer", "path")}
    assert first == {
        "index": "0", "time": "2026-09-21T14:13:20.000000000Z", "type": "request", "operator": "Acme",
        "token": "AcmeBot", "standing": "verified", "action": "block", "host": "label.example",
        "method": "GET", "status": "403", "ref": "r0", "number": "0",
    }  # fmt: skip


def test_the_record_of_an_export_says_what_and_nobody(log: Log, tmp_path: Path) -> None:
    done = export(pin(log.directory), Question("Acme"), tmp_path / "out")
    draft = done.draft(START)

    assert draft == export_draft("export", Question("Acme").as_json(), 9, 4, done.digest, START)
    assert (draft.type, draft.private) == ("export", {})
    assert draft.seen == {
        "what": "export",
        "query": {"operator": "Acme", "types": [], "from": None, "to": None, "beside": []},
        "size": 9,
        "records": 4,
        "manifest": done.digest,
    }
    leaf = build_leaf(draft, writer="w", sequence=0, previous="", private={}, vault_key="")
    assert decode_leaf(leaf)["seen"] == draft.seen


def test_a_record_that_was_changed_is_not_handed_out(log: Log, tmp_path: Path) -> None:
    bundle = log.directory / "log/tile/entries/000.p/9"
    bundle.write_bytes(bundle.read_bytes().replace(b"/songs", b"/sings"))

    with pytest.raises(EvidenceError, match="record 1 is not the one that was signed"):
        export(pin(log.directory), Question(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_progress_is_told_and_no_match_is_an_answer(log: Log, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    export(pin(log.directory), Question(), tmp_path / "out", progress=lambda *at: told.append(at))
    none = export(pin(log.directory), Question("Nobody"), tmp_path / "no")

    assert told == [(0, 9), (9, 9)]
    assert none.enclosed.records == 0
    assert (tmp_path / "no" / "records.jsonl").read_bytes() == b""


@pytest.mark.real("openssl")
def test_both_verifiers_say_that_it_holds_and_that_a_changed_folder_does_not(
    log: Log, tmp_path: Path
) -> None:
    for number, question in enumerate(
        [Question(), Question("Acme"), Question(beside=("anchor",), types=("x",))]
    ):
        target = tmp_path / f"out-{number}"
        export(pin(log.directory), question, target, table=True)
        vkey = ("--vkey", log.signer.vkey)
        assert verify(target, vkey=log.signer.vkey).problems == ()
        assert run_script(target / "verify.py", str(target), *vkey).returncode == 0
        if number:
            continue
        for path in sorted(path for path in target.rglob("*") if path.is_file()):
            data = path.read_bytes()
            path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
            assert not verify(target).ok, path
            assert check(target).problems, path
            path.write_bytes(data)
        assert verify(target).ok


def test_what_was_pruned_is_said_and_what_is_only_missing_stops_it(tmp_path: Path) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    key = log.directory / "keys" / "log.key"
    key.write_text(f"{log.signer.skey}\n")
    key.chmod(0o600)
    key.parent.chmod(0o700)
    log.seal(leaves(600, writer))
    prune(log, writer, 512)

    for size, count in ((601, 89), (600, 88), (512, 0)):
        done = export(pin(log.directory, size), Question(), tmp_path / f"out-{size}")
        assert done.enclosed.records == count
        assert verify(tmp_path / f"out-{size}").ok
    assert json.loads((tmp_path / "out-601" / "export.json").read_text())["first"] == 512
    assert "records below 512 were pruned" in (tmp_path / "out-601" / "README.txt").read_text()
    log.seal(leaves(300, writer))
    drop_bundle(log, 2)
    with pytest.raises(TamperError, match="records below 768 are missing"):
        export(pin(log.directory), Question(), tmp_path / "out")
    assert [index for index, _ in pin(log.directory).entries(768)] == list(range(768, 901))
