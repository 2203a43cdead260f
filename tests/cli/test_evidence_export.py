"""`evidence export`: records with all that proves them, in a folder for others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asgi_support import PageApp, call, config, scope
from vorbehalt import VorbehaltMiddleware

Cli = Callable[..., Any]
AGENTS = [b"GPTBot/1.2", b"CCBot/2.0", b"GPTBot/1.2", b"PerplexityBot/1.0"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An evidence directory with three refusals and one answer, sealed."""
    directory = tmp_path / "evidence"
    middleware = VorbehaltMiddleware(
        PageApp(), config=config(evidence={"directory": str(directory), "origin": "label.example/evidence"})
    )

    async def visits() -> None:
        for number, agent in enumerate(AGENTS):
            await call(middleware, scope(f"/lyrics/{number}", agent=agent))

    asyncio.run(visits())
    assert middleware.runtime is not None
    middleware.runtime.stop()
    return directory


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def records(cli: Cli, log: Path, kind: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in cli("evidence", "show", log, "--json", "--type", kind).out.splitlines()
    ]


def test_the_same_question_at_the_printed_size_gives_the_same_bytes(
    log: Path, cli: Cli, tmp_path: Path
) -> None:
    first = cli("evidence", "export", log, "--out", "one", "--operator", "OpenAI", "--csv", "--json")
    again = cli("evidence", "export", log, "--out", "two", "--operator", "OpenAI", "--csv", "--json",
                "--size", str(first.json["size"]))  # fmt: skip
    later = cli("evidence", "export", log, "--out", "three", "--operator", "OpenAI", "--csv", "--json")

    assert first.code == again.code == later.code == 0
    assert list(first.json) == [
        "directory",
        "query",
        "size",
        "root",
        "records",
        "objects",
        "anchors",
        "manifest",
    ]
    assert first.json["records"] == 2
    assert again.json == {**first.json, "directory": "two"}
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert later.json["size"] > first.json["size"]
    assert later.json["manifest"] != first.json["manifest"]


def test_an_export_leaves_a_record_unless_told_not_to(log: Path, cli: Cli) -> None:
    plain = cli("evidence", "export", log, "--out", "one", "--type", "request", "--from", "2020-01-01")
    silent = cli("evidence", "export", log, "--out", "two", "--no-record")
    (kept,) = records(cli, log, "export")

    assert plain.code == silent.code == 0
    assert kept["seen"] == {
        "what": "export",
        "query": {
            "operator": None,
            "types": ["request"],
            "from": "1577836800000000000",
            "to": None,
            "beside": [],
        },
        "size": kept["seen"]["size"],
        "records": 4,
        "manifest": plain.out.split()[-1],
    }
    assert plain.out.startswith(
        f"4 of {kept['seen']['size']} records in one, 0 objects, 0 files of anchors\n"
    )
    assert f"--size {kept['seen']['size']} gives the same bytes" in plain.err
    assert cli("evidence", "verify", log).code == 0


def test_signals_that_records_name_come_with_them(log: Path, cli: Cli, tmp_path: Path) -> None:
    done = cli(
        "evidence", "export", log, "--out", "out", "--operator", "OpenAI", "--with", "policy-active", "--json"
    )

    named = records(cli, log, "policy-active")
    wanted = {digest for record in named for digest in record["objects"]}
    assert done.json["records"] == 2 + len(named)
    assert {path.name for path in (tmp_path / "out" / "objects").rglob("*") if path.is_file()} == wanted


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--out", "evidence/out"], "must not lie in the evidence directory"),
        (["--out", "full"], "is there already"),
        (["--out", "new", "--size", "1000000"], "records, not 1000000"),
        (["--out", "new", "--from", "soon"], "is no time"),
        (["--out", "new", "--to", "soon"], "--to"),
        ([], "--out"),
    ],
)
def test_wrong_usage_writes_nothing(
    log: Path, cli: Cli, tmp_path: Path, options: list[str], says: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("kept")
    before = files(tmp_path)

    result = cli("evidence", "export", log, *options)

    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert files(tmp_path) == before


def test_a_copy_without_spool_is_exported_without_a_record(log: Path, cli: Cli, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("log", "objects", "anchors"):
        (log / name).rename(copy / name)

    refused = cli("evidence", "export", copy, "--out", "out")
    done = cli("evidence", "export", copy, "--out", "out", "--no-record")

    assert (refused.code, done.code) == (2, 0)
    assert "give --no-record" in refused.err


def test_progress_is_said_beside_the_result_where_it_is_wanted(log: Path, cli: Cli) -> None:
    said = cli("evidence", "verify", log, "--json", "--progress")
    silent = [cli("evidence", "verify", log, *more) for more in ([], ["--no-progress"])]

    size = said.json["size"]
    assert said.err.endswith(f"\r{size} of {size} records checked\n")
    assert [result.err for result in silent] == ["", ""]
