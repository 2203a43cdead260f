"""`evidence index` and `evidence ask`: built, followed, asked; never part of the proof."""

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


@pytest.fixture
def log(tmp_path: Path) -> Path:
    directory = tmp_path / "evidence"
    middleware = VorbehaltMiddleware(
        PageApp(), config=config(evidence={"directory": str(directory), "origin": "label.example/evidence"})
    )

    async def visits() -> None:
        for number, agent in enumerate([b"GPTBot/1.2", b"CCBot/2.0", b"GPTBot/1.2", b"PerplexityBot/1.0"]):
            await call(middleware, scope(f"/lyrics/{number}\x1b[31m", agent=agent))

    asyncio.run(visits())
    assert middleware.runtime is not None
    middleware.runtime.stop()
    return directory


def test_an_index_is_made_once_and_followed(log: Path, cli: Cli) -> None:
    first, again = cli("evidence", "index", log, "--json"), cli("evidence", "index", log, "--json")
    anew = cli("evidence", "index", log, "--rebuild")

    assert (first.code, again.code, anew.code) == (0, 0, 0)
    path = str(log / "run" / "index.sqlite")
    size = first.json["size"]
    assert first.json == {"index": path, "size": size, "added": size, "anew": "there was none"}
    assert again.json == {"index": path, "size": size, "added": 0, "anew": None}
    assert anew.out == f"{size} records in {path}, {size} added\n"
    assert "made anew: it was asked for" in anew.err
    assert (cli("evidence", "verify", log).code, cli("evidence", "fsck", log).code) == (0, 0)


def test_a_question_is_answered_for_people_and_machines(log: Path, cli: Cli, tmp_path: Path) -> None:
    plain = cli(
        "evidence", "ask", log, "SELECT token, count(*) FROM records WHERE type = 'request' GROUP BY 1"
    )
    ready = cli("evidence", "ask", log, "--question", "by-operator", "--operator", "OpenAI", "--json",
                "--index", tmp_path / "elsewhere.sqlite")  # fmt: skip
    paths = cli("evidence", "ask", log, "--question", "by-path", "--limit", "2")

    assert plain.out.splitlines() == ["CCBot\t1", "GPTBot\t2", "PerplexityBot\t1"]
    assert [json.loads(line) for line in ready.out.splitlines()] == [
        {"operator": "OpenAI", "standing": "claimed", "requests": 2, "refused": 2, "delivered": 0, "bytes": 0}
    ]
    assert (tmp_path / "elsewhere.sqlite").exists()
    assert len(paths.out.splitlines()) == 2
    assert "\x1b" not in paths.out


def test_a_reference_is_looked_up(log: Path, cli: Cli) -> None:
    ref = json.loads(cli("evidence", "show", log, "--json", "--type", "request").out.splitlines()[0])["ref"]

    found = cli("evidence", "ask", log, "--question", "by-ref", "--ref", ref, "--json")

    assert json.loads(found.out.splitlines()[0])["type"] == "request"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either a SELECT or --question"),
        (["SELECT 1", "--question", "by-day"], "give either a SELECT or --question"),
        (["--question", "by-moon"], "by-moon is none of: by-operator"),
        (["--question", "by-ref"], "--ref"),
        (["SELECT 1", "--ref", "x"], "--ref"),
        (["DROP TABLE records"], "the question cannot be answered"),
        (["SELECT 1", "--index", "evidence/log/index"], "it may lie in run/ only"),
        (["SELECT 1", "--index", "nowhere/index"], "cannot be kept in nowhere"),
    ],
)
def test_wrong_usage_is_said(log: Path, cli: Cli, arguments: list[str], says: str) -> None:
    result = cli("evidence", "ask", log, *arguments)

    assert (result.code, result.out) == (2, "")
    assert says in result.err
