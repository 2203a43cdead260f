"""Logs come plain or compressed, from files or standard input, and never grow in memory."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from vorbehalt.replay import sources
from vorbehalt.replay.sources import LINE_LIMIT, LogError, Source

_TEXT = b"one\ntwo\n\nthree"
_LINES = [b"one", b"two", b"", b"three"]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BLOCK", 3)


def test_a_plain_file_comes_line_by_line(tmp_path: Path, small_blocks: None) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(_TEXT)

    assert list(Source(str(path)).lines()) == _LINES


def test_gzip_is_known_by_its_content_not_its_name(tmp_path: Path, small_blocks: None) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(gzip.compress(_TEXT[:5]) + gzip.compress(_TEXT[5:]))

    assert list(Source(str(path)).lines()) == _LINES


def test_a_cut_off_gzip_file_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    body = b"".join(b"line %d %s\n" % (number, os.urandom(8).hex().encode()) for number in range(5_000))
    path.write_bytes(gzip.compress(body)[:20_000])
    source = Source(str(path))
    lines = list(source.lines())

    assert 100 < len(lines) < 5_000
    assert lines[0].startswith(b"line 0 ")
    assert "cut off" in source.ended_early


def test_a_whole_file_is_not_called_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress(_TEXT))
    source = Source(str(path))

    assert list(source.lines()) == _LINES
    assert source.ended_early == ""


@pytest.mark.parametrize("compressed", [False, True])
def test_standard_input_is_read_plain_or_compressed(
    monkeypatch: pytest.MonkeyPatch, compressed: bool
) -> None:
    body = gzip.compress(_TEXT) if compressed else _TEXT
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(body)))
    source = Source("-")

    assert list(source.lines()) == _LINES
    assert source.name == "standard input"
    assert source.size() is None


@pytest.mark.parametrize(
    ("magic", "tool"), [(b"\x28\xb5\x2f\xfd", "zstdcat"), (b"BZh9", "bzcat"), (b"\xfd7zXZ\0", "xzcat")]
)
def test_another_compression_is_refused_with_the_command_that_helps(
    tmp_path: Path, magic: bytes, tool: str
) -> None:
    path = tmp_path / "access.log.x"
    path.write_bytes(magic + b"rest")

    with pytest.raises(LogError, match=tool):
        list(Source(str(path)).lines())


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path: Path) -> None:
    for place in (tmp_path / "missing.log", tmp_path):
        with pytest.raises(LogError, match=str(place)):
            list(Source(str(place)).lines())


def test_a_line_without_an_end_is_cut_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"x" * (3 * LINE_LIMIT) + b"\nnext\n")

    lines = list(Source(str(path)).lines())

    assert len(lines[0]) == LINE_LIMIT + 1
    assert lines[1:] == [b"next"]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with path.open("wb") as out:
        for _ in range(24):
            out.write(b"y" * 1_000_000)  # one endless line
        for _ in range(8):
            out.write(b"short line\n" * 90_000)

    def drained() -> Iterator[int]:
        for line in Source(str(path)).lines():
            yield len(line)

    tracemalloc.start()
    try:
        total = sum(drained())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert total > 7_000_000
    assert peak < 8_000_000
