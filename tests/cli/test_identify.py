"""`identify`: one line in, one result out, whatever the line holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from process_support import VORBEHALT

KEYS = ["user_agent", "token", "operator", "purpose", "kind"]
GPTBOT = {"token": "GPTBot", "operator": "OpenAI", "purpose": "training", "kind": "crawler"}
OTHER = {"token": None, "operator": None, "purpose": None, "kind": "other"}
Cli = Callable[..., Any]


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n")[:-1]]


def test_json_has_the_keys_of_the_contract_in_their_order(cli: Cli) -> None:
    found = rows(cli("identify", "--json", stdin=b"GPTBot/1.2\ncurl/8.5.0\nHeadlessChrome/141.0\n").out)

    assert [list(row) for row in found] == [KEYS] * 3
    assert found[0] == {"user_agent": "GPTBot/1.2", **GPTBOT}
    assert [row["kind"] for row in found] == ["crawler", "tool", "headless"]
    assert [row["operator"] for row in found[1:]] == [None, None], "who wrote a tool does not run it"


@pytest.mark.parametrize(
    ("given", "agents"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        (b"GPTBot", ["GPTBot"]),
        (b"GPTBot\n\nx", ["GPTBot", "", "x"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\r\r\n", ["a\r"]),
        (b"a\x0bb\x0cc\x1cd\xc2\x85e\xe2\x80\xa8f\n", ["a\x0bb\x0cc\x1cd\x85e\u2028f"]),
        (b"\xff\xfe\x00GPTBot/1\n", ["\ufffd\ufffd\x00GPTBot/1"]),
    ],
    ids=["nothing", "empty", "two-empty", "no-end", "gap", "crlf", "cr", "no-line-ends", "invalid"],
)
def test_one_result_a_line(given: bytes, agents: list[str], cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "agents"
    file.write_bytes(given)

    piped, read = cli("identify", "--json", stdin=given), cli("identify", "--json", file)

    assert [row["user_agent"] for row in rows(piped.out)] == agents
    assert read.out == piped.out
    assert (piped.code, piped.err) == (0, "")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=60).filter(lambda line: b"\n" not in line), min_size=1, max_size=8))
def test_any_bytes_give_as_many_results_as_lines(cli: Cli, lines: list[bytes]) -> None:
    stdin = b"".join(line + b"\n" for line in lines)

    as_json, plain = cli("identify", "--json", stdin=stdin), cli("identify", stdin=stdin)

    assert [list(row) for row in rows(as_json.out)] == [KEYS] * len(lines)
    shown = plain.out.split("\n")
    assert len(shown) == len(lines) + 1
    for line in shown:
        assert not [c for c in line.replace("\t", "") if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]


def test_a_line_of_a_megabyte_is_one_line(cli: Cli) -> None:
    stdin = (
        b"x" * 500_000
        + b" GPTBot/1.2 "
        + b"y" * 500_000
        + b"\n"
        + b"a " * 500_000
        + b"GPTBot/1.2\nCCBot/2.0\n"
    )

    found = rows(cli("identify", "--json", stdin=stdin).out)

    assert [len(row["user_agent"]) for row in found] == [1_000_012, 1_000_010, 9]
    assert found[1]["token"] == "GPTBot", "the end of a long line counts"
    assert found[2]["token"] == "CCBot"


def test_the_same_line_again_is_the_same_result(cli: Cli) -> None:
    found = rows(cli("identify", "--json", stdin=b"GPTBot/1.2\nMozilla/5.0\n" * 500).out)

    assert len(found) == 1000
    assert found[::2] == [{"user_agent": "GPTBot/1.2", **GPTBOT}] * 500
    assert found[1::2] == [{"user_agent": "Mozilla/5.0", **OTHER}] * 500


def test_plain_results_are_fields_with_tabs_between(cli: Cli) -> None:
    result = cli("identify", stdin=b"GPTBot/1.2\ncurl/8\n\x1b[31mred\tx\n")

    assert result.out.splitlines() == [
        "crawler\tGPTBot\tOpenAI\ttraining\tGPTBot/1.2",
        "tool\tcurl\t-\ttool\tcurl/8",
        "other\t-\t-\t-\t\\x1b[31mred\\tx",
    ]


def test_an_overlay_adds_what_the_owner_knows(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "more" / "ranges").mkdir(parents=True)

    assert cli("identify", "--rules", "more", stdin=b"GPTBot\n").code == 0
    missing = cli("identify", "--rules", "nowhere", stdin=b"GPTBot\n")
    assert missing.code == 2
    assert "nowhere" in missing.err


def test_a_missing_file_is_a_sentence(cli: Cli) -> None:
    result = cli("identify", "no\x1bwhere")

    assert (result.code, result.out) == (2, "")
    assert result.err == "vorbehalt: No such file or directory: no\\x1bwhere\n"


def test_an_answer_comes_while_more_may_follow() -> None:
    """Whoever pipes a growing log through it sees each line's result when the line has come."""
    with subprocess.Popen(
        [*VORBEHALT, "identify", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for agent in (b"GPTBot/1.2", b"CCBot/2.0"):
                process.stdin.write(agent + b"\n")
                process.stdin.flush()
                # Blocks until the answer is there; the test's time limit is the deadline.
                assert json.loads(process.stdout.readline())["user_agent"] == agent.decode()
            process.stdin.close()
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_a_reader_who_has_enough_is_no_error() -> None:
    with subprocess.Popen(
        [*VORBEHALT, "identify"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        try:
            process.stdin.write(b"GPTBot/1.2\n" * 1000)
            process.stdin.close()
            assert process.stderr.read() == b""
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_a_terminal_without_unicode_gets_escapes() -> None:
    done = subprocess.run(
        [*VORBEHALT, "identify"],
        input="Müller-Browser €\n".encode(),
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert done.stdout == b"other\t-\t-\t-\tM\\xfcller-Browser \\u20ac\n"
    assert (done.returncode, done.stderr) == (0, b"")
