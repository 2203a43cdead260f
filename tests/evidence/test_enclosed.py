"""What a folder with enclosed records says of them and of its files: each flaw with its place."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from vorbehalt.evidence.auditor.enclosed import check_manifest, read_enclosed
from vorbehalt.evidence.auditor.files import Files


def line(index: object, leaf: str = '{"v":1}') -> bytes:
    return f'{{"index":{index},"record":{leaf}}}\n'.encode()


def test_enclosed_records_come_in_order_and_each_other_line_is_named(tmp_path: Path) -> None:
    lines = [line(0), line(7, '{"a":{}}'), line(7), line(3), b"{}\n", line("08"), line(-1), line(8)]
    (tmp_path / "records.jsonl").write_bytes(b"".join(lines))
    problems: list[str] = []
    found = list(read_enclosed(Files(tmp_path, problems.append), problems.append))
    assert found == [(0, b'{"v":1}'), (7, b'{"a":{}}'), (8, b'{"v":1}')]
    assert problems == [
        "records.jsonl: line 3 is out of order",
        "records.jsonl: line 4 is out of order",
        "records.jsonl: line 5 is no record",
        "records.jsonl: line 6 is no record",
        "records.jsonl: line 7 is no record",
    ]


def test_records_that_are_not_there_are_a_problem(tmp_path: Path) -> None:
    problems: list[str] = []
    assert list(read_enclosed(Files(tmp_path, problems.append), problems.append)) == []
    assert problems == ["records.jsonl: missing"]


ONE = f"{sha256(b'one').hexdigest()}  a/one\n"
TWO = f"{sha256(b'two').hexdigest()}  two\n"
UNCLEAR = "manifest.sha256: names a file twice, or does not end with a line"


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        (ONE + TWO, []),
        (ONE, ["two: is not in the manifest"]),
        (ONE + TWO.replace("  two", "  three"), [
            "two: is not in the manifest",
            "three: missing, or no file of this name can be; the manifest names it",
        ]),
        (ONE + TWO[:-1], [UNCLEAR, "two: is not in the manifest"]),
        (ONE + TWO + TWO, [UNCLEAR]),
        (ONE + "0" * 64 + "  two\n", ["two: differs from the manifest"]),
    ],
)  # fmt: skip
def test_a_manifest_names_each_file_once_and_no_other(
    manifest: str, found: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"two")
    (tmp_path / "manifest.sha256").write_text(manifest)
    problems: list[str] = []
    check_manifest(Files(tmp_path, problems.append), problems.append)
    assert problems == found
