"""`evidence`: begin, look, prove, seal, verify."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asgi_support import PageApp, call, config, scope
from process_support import wait_for
from vorbehalt import VorbehaltMiddleware

Cli = Callable[..., Any]
AGENTS = [b"GPTBot/1.2", b"CCBot/2.0", b"GPTBot/1.2", b"PerplexityBot/1.0"]
VERIFY_KEYS = [
    "ok",
    "records",
    "size",
    "unsealed",
    "root",
    "assurance",
    "unanchored_since",
    "gaps",
    "minimum",
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An evidence directory with three refusals and one answer, sealed."""
    directory = tmp_path / "evidence"
    middleware = VorbehaltMiddleware(
        PageApp(), config=config(evidence={"directory": str(directory), "origin": "label.example/evidence"})
    )

    async def visits() -> None:
        for number, agent in enumerate(AGENTS):
            await call(middleware, scope(f"/lyrics/{number}\x1b[31m", agent=agent))

    asyncio.run(visits())
    assert middleware.runtime is not None
    middleware.runtime.stop()
    return directory


def test_a_log_begins_with_a_key_to_keep_elsewhere(cli: Cli, tmp_path: Path) -> None:
    made = cli("evidence", "init", "ev", "--origin", "label.example/evidence")
    again = cli("evidence", "init", "ev", "--origin", "label.example/evidence")
    other = cli("evidence", "init", "ev", "--origin", "other.example/evidence")
    checked = cli("evidence", "verify", "ev", "--json", "--vkey", made.out.strip())

    assert made.code == again.code == 0
    assert made.out == (tmp_path / "ev" / "log" / "vkey").read_text() == again.out
    assert "Keep this verifier key outside" in made.err
    assert other.code == 2
    assert "belongs to 'label.example/evidence'" in other.err
    assert (checked.code, checked.json["ok"], checked.json["size"]) == (0, True, 0)


def test_verify_has_the_keys_of_the_contract(log: Path, cli: Cli) -> None:
    result = cli("evidence", "verify", log, "--json")

    assert result.code == 0
    assert list(result.json) == [*VERIFY_KEYS, "problems"]
    assert (result.json["ok"], result.json["records"], result.json["unsealed"]) == (True, 4, 0)
    assert result.json["assurance"] == "self-attested"
    assert len(base64.b64decode(result.json["root"])) == 32


def test_a_changed_byte_exits_1_and_names_the_place(log: Path, cli: Cli) -> None:
    entries = next(path for path in (log / "log" / "tile" / "entries").rglob("*") if path.is_file())
    body = bytearray(entries.read_bytes())
    body[len(body) // 2] ^= 1
    entries.write_bytes(body)

    plain, as_json = cli("evidence", "verify", log), cli("evidence", "verify", log, "--json")
    alone = subprocess.run(
        [sys.executable, "-I", log / "verify.py", log], capture_output=True, timeout=30, check=False
    )

    assert plain.code == as_json.code == alone.returncode == 1
    assert plain.out.endswith("IT DOES NOT HOLD\n")
    assert "PROBLEM: log/" in plain.out
    assert as_json.json["ok"] is False
    assert as_json.json["problems"]


def test_a_key_or_an_older_checkpoint_from_outside_is_compared(log: Path, cli: Cli, tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.write_bytes((log / "log" / "checkpoint").read_bytes())
    cli("evidence", "init", "ev", "--origin", "label.example/evidence")
    strange = (tmp_path / "ev" / "log" / "vkey").read_text().strip()

    assert cli("evidence", "verify", log, "--against", older).code == 0
    assert cli("evidence", "verify", "ev", "--against", older).code == 1
    assert cli("evidence", "verify", log, "--vkey", strange).code == 1
    assert cli("evidence", "verify", log, "--vkey", (log / "log" / "vkey").read_text().strip()).code == 0


def test_show_prints_one_record_a_line_with_its_index(log: Path, cli: Cli) -> None:
    plain, as_json = cli("evidence", "show", log), cli("evidence", "show", log, "--json")
    records = [json.loads(line) for line in as_json.out.splitlines()]

    assert [record["index"] for record in records] == list(range(len(records)))
    assert len(plain.out.splitlines()) == len(records)
    asked = [record for record in records if record["type"] == "request"]
    assert [record["seen"]["claim"]["token"] for record in asked] == [
        "GPTBot", "CCBot", "GPTBot", "PerplexityBot",
    ]  # fmt: skip
    assert "\x1b" not in plain.out + as_json.out
    assert "203.0.113.9" not in plain.out + as_json.out
    line = next(line for line in plain.out.splitlines() if "CCBot" in line)
    assert "CCBot (claimed)" in line
    assert "block" in line
    assert "GET label.example/lyrics/1" in line


def test_show_can_be_narrowed(log: Path, cli: Cli) -> None:
    def shown(*options: str) -> list[dict[str, Any]]:
        return [
            json.loads(line) for line in cli("evidence", "show", log, "--json", *options).out.splitlines()
        ]

    requests = shown("--type", "request")
    assert {record["type"] for record in requests} == {"request"}
    assert len(shown("--type", "request", "--crawler", "GPTBot")) == 2
    assert shown("--type", "request", "--limit", "1") == requests[-1:]
    assert shown("--ref", requests[1]["ref"], "--type", "request") == [requests[1]]
    assert shown("--crawler", "nobody") == []


def test_a_record_is_proven_to_somebody_else(log: Path, cli: Cli, tmp_path: Path) -> None:
    from vorbehalt.evidence.tlog.note import Verifier
    from vorbehalt.evidence.tlog.proof import parse_proof, verify_proof

    entry = json.loads(cli("evidence", "show", log, "--json", "--type", "request").out.splitlines()[1])
    index = str(entry["index"])
    printed = cli("evidence", "prove", log, index)
    written = cli("evidence", "prove", log, index, "-o", "proof")

    assert printed.code == written.code == 0
    assert (tmp_path / "proof").read_text() == printed.out
    proof = parse_proof(printed.out.encode())
    verifier = Verifier.from_vkey((log / "log" / "vkey").read_text().strip())
    leaf = next(line for line in _leaves(log) if json.loads(line).get("ref") == entry["ref"])
    assert verify_proof(proof, leaf, verifier).size == cli("evidence", "verify", log, "--json").json["size"]


def _leaves(log: Path) -> list[bytes]:
    """The payloads of the first bundle: big-endian length, bytes, and so on (C2SP tlog-tiles)."""
    data = next(p for p in (log / "log" / "tile" / "entries").rglob("*") if p.is_file()).read_bytes()
    found = []
    while data:
        end = 2 + int.from_bytes(data[:2], "big")
        found.append(data[2:end])
        data = data[end:]
    return found


def test_sealing_again_adds_nothing(log: Path, cli: Cli) -> None:
    before = cli("evidence", "verify", log, "--json").json

    sealed, plain = cli("evidence", "seal", log, "--json"), cli("evidence", "seal", log)

    assert sealed.json == {"size": before["size"], "root": before["root"], "added": 0}
    assert plain.out == f"0 records added, {before['size']} in the log, root {before['root']}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "nowhere"], "there is no directory nowhere"),
        (["show", "nowhere"], "there is no directory nowhere"),
        (["seal", "nowhere"], "there is no directory nowhere"),
        (["prove", "nowhere", "0"], "there is no directory nowhere"),
        (["prove", "evidence", "999"], "there is no record 999"),
        (["prove", "evidence", "-1"], "-1"),
        (["show", "empty"], "evidence directory"),
        (["seal", "empty"], "no evidence directory"),
        (["verify", "evidence", "--against", "nowhere"], "No such file or directory: nowhere"),
        (["init", "ev", "--origin", "a name"], "cannot name a log"),
        (["init", "ev"], "--origin"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exits_2(
    arguments: list[str], said: str, log: Path, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    result = cli("evidence", *arguments)

    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert "Traceback" not in result.err


def test_an_empty_directory_does_not_verify(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert cli("evidence", "verify", "empty").code == 1


def test_a_key_elsewhere_with_its_sheet_seals(cli: Cli, tmp_path: Path) -> None:
    made = cli("evidence", "init", "ev", "--origin", "l.example/e", "--key", "k", "--backup-sheet", "s.txt")
    sheet = (tmp_path / "s.txt").read_text()
    again = cli("evidence", "init", "ev", "--origin", "l.example/e", "--key", "k", "--backup-sheet", "s.txt")
    sealed = cli("evidence", "seal", "ev", "--key", "k", "--json")

    assert (made.code, sealed.code, sealed.json["size"]) == (0, 0, 0)
    assert made.out.strip() in sheet
    assert (tmp_path / "k").read_text().strip() in sheet.splitlines()
    assert (tmp_path / "s.txt").stat().st_mode & 0o777 == 0o600
    assert (again.code, "s.txt cannot be written: File exists" in again.err) == (2, True)
    assert cli("evidence", "seal", "ev").code == 2


def test_a_log_follows_another_and_prints_the_new_key(log: Path, cli: Cli, tmp_path: Path) -> None:
    followed = cli("evidence", "rotate", log, "next", "--origin", "label.example/evidence/2")
    twice = cli("evidence", "rotate", log, "next", "--origin", "label.example/evidence/2")
    lost = cli("evidence", "rotate", log, "third", "--origin", "label.example/evidence/3", "--why", "lost")

    assert followed.out == (tmp_path / "next" / "log" / "vkey").read_text()
    assert (twice.code, "already holds records" in twice.err) == (2, True)
    assert lost.code == 0
    assert cli("evidence", "verify", log).code == cli("evidence", "verify", "next").code == 0


def test_a_card_is_text_or_a_page(log: Path, cli: Cli, tmp_path: Path) -> None:
    text = cli("evidence", "card", log, "--custodian", "A\x1b[31m B")
    page = cli("evidence", "card", log, "--custodian", "A B", "--html", "card.html")

    assert (text.code, page.code, page.out) == (0, 0, "")
    assert (log / "log" / "vkey").read_text().strip() in text.out
    assert "\x1b" not in text.out
    assert "<title>Evidence log</title>" in (tmp_path / "card.html").read_text()
    assert cli("evidence", "card", log).code == 2


def test_sealing_again_and_again_ends_with_a_last_time(log: Path) -> None:
    key = log.parent / "log.key"
    (log / "keys" / "log.key").rename(key)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "vorbehalt.cli.main",
            "evidence",
            "seal",
            log,
            "--key",
            key,
            "--every",
            "0.05",
        ],
        stderr=subprocess.PIPE,
    )
    size = log / "run" / "sealer.lock"
    size.unlink(missing_ok=True)
    try:
        wait_for(size.exists, "nobody seals")
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
