"""The index says what the log says, follows it, and is thrown away where it no longer belongs to it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tlog_support import Log, Writer, prune
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.bundle.pin import pin
from vorbehalt.evidence.index.index import ask, build, default_path
from vorbehalt.evidence.index.questions import READY
from vorbehalt.evidence.index.rows import COLUMNS, index_row
from vorbehalt.evidence.reading.query import show
from vorbehalt.evidence.tlog.leaf import decode_leaf


def visit(operator: str, path: str, action: str = "block", **more: object) -> dict[str, object]:
    claim = {"token": f"{operator}Bot", "operator": operator, "purpose": "training", "standing": "verified"}
    decision = {"action": action, "would": "block", "rule": "training", "status": 403}
    return {
        "host": "label.example",
        "method": "GET",
        "path": path,
        "claim": claim,
        "decision": decision,
        **more,
    }


def entries(writer: Writer, count: int = 1) -> list[bytes]:
    """Five records, again and again."""
    made = []
    for _ in range(count):
        allowed = writer.leaf(seen=visit("Acme", "/a", "allow", work="song-1"))
        claim = visit("Acme", "/a")["claim"]
        made += [
            allowed,
            writer.leaf(seen=visit("Acme", "/a")),
            writer.leaf("completion", seen={"of": decode_leaf(allowed)["ref"], "claim": claim, "status": 200,
                                            "bytes": "5000000000", "delivered": True}),
            writer.leaf("signal-served", seen={"claim": claim, "document": "/robots.txt", "status": 200}),
            writer.leaf(seen=visit("Other", "/b"), private={"address": {"c": "00" * 32, "p": "11" * 16}}),
        ]  # fmt: skip
    return made


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "evidence")
    (made.directory / "run").mkdir()
    return made


def rows(
    path: Path, sql: str = "SELECT * FROM records ORDER BY idx", **values: object
) -> list[tuple[Any, ...]]:
    with ask(path, sql, values) as answer:
        return list(answer.rows)


def expected(log: Log) -> list[tuple[Any, ...]]:
    return [index_row(int(str(leaf["index"])), leaf) for leaf in show(log.directory)]


def test_a_row_holds_what_its_record_says() -> None:
    (leaf,) = [leaf for leaf in map(decode_leaf, entries(Writer())) if leaf["type"] == "completion"]

    assert dict(zip(COLUMNS, index_row(7, leaf), strict=True)) == {
        "idx": 7, "at": int(str(leaf["at"])), "day": "2026-09-21", "type": "completion", "ref": leaf["ref"],
        "operator": "Acme", "token": "AcmeBot", "purpose": "training", "standing": "verified", "action": None,
        "would": None, "rule": None, "host": None, "method": None, "path": None, "document": None,
        "work": None, "status": 200, "bytes": 5_000_000_000, "delivered": 1, "of": "r0",
        "writer": leaf["w"], "number": leaf["s"],
    }  # fmt: skip


def test_an_index_that_follows_equals_one_made_at_once(log: Log, tmp_path: Path) -> None:
    writer, path = Writer(), default_path(log.directory)
    for count in (0, 3, 60, 1):
        log.seal(entries(writer, count))
        done = build(log.directory, path)
        assert (done.size, done.added) == (log.size, 5 * count)
        assert rows(path) == expected(log)
    assert done.why == ""
    assert build(log.directory, path).added == 0

    build(log.directory, tmp_path / "other.sqlite")
    assert rows(path) == rows(tmp_path / "other.sqlite")
    assert build(log.directory, path, anew=True).added == log.size
    assert rows(path) == expected(log)


def test_it_is_thrown_away_where_the_log_is_another(log: Log, tmp_path: Path) -> None:
    path, writer = tmp_path / "index.sqlite", Writer()
    log.seal(entries(writer, 2))
    shutil.copytree(log.directory, tmp_path / "short")
    log.seal(entries(writer, 2))
    build(log.directory, path)

    cut = build(tmp_path / "short", path)
    assert (cut.why, cut.size) == ("the log is shorter than it was", 10)
    build(log.directory, path)
    rebuilt = Log(tmp_path / "rebuilt", log.signer)
    rebuilt.seal(entries(Writer("another-writer"), 7))
    other = build(rebuilt.directory, path)
    assert (other.why, other.added) == ("the log had another root at that size", 35)
    assert rows(path) == expected(rebuilt)
    path.write_bytes(b"no database at all" * 100)
    assert build(log.directory, path).why == "it could not be read"
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("UPDATE meta SET value = '0' WHERE key = 'format'")
    assert build(log.directory, path).why == "it was another's"
    assert rows(path) == expected(log)
    assert sorted(item.name for item in tmp_path.glob("*index*")) == ["index.sqlite"]


def test_a_stop_in_the_middle_changes_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, path = Writer(), default_path(log.directory)
    log.seal(entries(writer, 2))
    build(log.directory, path)
    before = rows(path)
    log.seal(entries(writer, 2))

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    for anew in (False, True):
        with pytest.raises(KeyboardInterrupt):
            build(log.directory, path, anew=anew, progress=stop)
        assert rows(path) == before
    assert [item.name for item in path.parent.iterdir()] == ["index.sqlite"]
    build(log.directory, path)
    assert rows(path) == expected(log)


def test_only_questions_are_let_through(log: Log, tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    log.seal(entries(Writer()))
    build(log.directory, path)
    before = path.read_bytes()

    for sql in (
        "DELETE FROM records",
        "CREATE TABLE x (y)",
        f"ATTACH '{tmp_path}/other' AS other",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
        "VACUUM",
        "SELEC",
        "",
    ):
        with pytest.raises(EvidenceError, match="question"):
            rows(path, sql)
    assert path.read_bytes() == before
    assert not (tmp_path / "other").exists()
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) "
    assert rows(path, f"{counting} SELECT upper(type), i FROM records, n WHERE idx = 0") == [
        ("REQUEST", 1),
        ("REQUEST", 2),
        ("REQUEST", 3),
    ]


@pytest.mark.parametrize(
    ("question", "operator", "answer"),
    [
        (
            "by-operator",
            "",
            [("Acme", "verified", 4, 2, 2, 10_000_000_000), ("Other", "verified", 2, 2, 0, 0)],
        ),
        ("by-operator", "Other", [("Other", "verified", 2, 2, 0, 0)]),
        ("by-day", "", [("2026-09-21", 6, 4, 2, 10_000_000_000)]),
        ("by-path", "", [("label.example", "/a", 4, 1, 2), ("label.example", "/b", 2, 1, 2)]),
        ("by-work", "", [("song-1", 2, 1, 0)]),
        ("by-work", "Other", []),
        ("by-signal", "Acme", [("Acme", "verified", "/robots.txt", 2, "2026-09-21", "2026-09-21")]),
        ("by-type", "Other", [("request", 2, "2026-09-21", "2026-09-21")]),
    ],
)
def test_the_ready_questions(log: Log, question: str, operator: str, answer: list[tuple[Any, ...]]) -> None:
    log.seal(entries(Writer(), 2))
    build(log.directory, default_path(log.directory))

    assert rows(default_path(log.directory), READY[question], operator=operator, ref="") == answer


def test_a_reference_finds_the_request_and_its_completion(log: Log) -> None:
    log.seal(entries(Writer()))
    build(log.directory, default_path(log.directory))

    found = rows(default_path(log.directory), READY["by-ref"], operator="", ref="r0")
    assert [row[2] for row in found] == ["request", "completion"]


def test_what_a_client_makes_long_or_odd_is_held(log: Log) -> None:
    writer = Writer()
    odd = ["\ud800", "\x00'\"; DROP TABLE records", "\u202e", "a" * 10_000]
    log.seal(
        [writer.leaf(seen=visit("Acme", text, bytes="9" * 40)) for text in odd] + [writer.leaf(at="9" * 19)]
    )
    build(log.directory, default_path(log.directory))

    assert rows(default_path(log.directory), "SELECT path, bytes FROM records") == [
        *(("\\ud800" if text == "\ud800" else text, 2**63 - 1) for text in odd),
        (None, None),
    ]


def test_no_address_and_no_commitment_is_in_it(log: Log) -> None:
    log.seal(entries(Writer(), 2))
    build(log.directory, default_path(log.directory))

    data = default_path(log.directory).read_bytes()
    assert b"00" * 32 not in data
    assert b"11" * 16 not in data
    assert default_path(log.directory).stat().st_mode & 0o777 == 0o600


def test_what_was_pruned_does_not_live_on_in_it(log: Log) -> None:
    writer, path = Writer(), default_path(log.directory)
    log.seal([writer.leaf(seen=visit("Acme", f"/path-{number:04}-of-somebody")) for number in range(300)])
    build(log.directory, path)
    assert b"/path-0123-of-somebody" in path.read_bytes()
    prune(log, writer, 256)

    assert build(log.directory, path).added == 1
    assert rows(path, "SELECT min(idx), max(idx) FROM records") == [(256, 300)]
    assert b"/path-0123-of-somebody" not in path.read_bytes()
    assert rows(path) == expected_from(log, 256)
    assert build(log.directory, path, anew=True).size == 301
    assert rows(path) == expected_from(log, 256)


def expected_from(log: Log, start: int) -> list[tuple[Any, ...]]:
    return [index_row(index, decode_leaf(entry)) for index, entry in pin(log.directory).entries(start)]
