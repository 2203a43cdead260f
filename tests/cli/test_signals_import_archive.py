"""`signals import`: the time before us, out of web archives."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from signals_import_support import ROBOTS, SOURCE, Archive, bounds_digest, robots_at
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.imports import found as bounds

Cli = Callable[..., Any]


def chunked(body: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:3], body[3:])) + b"0\r\n\r\n"


def put(tmp_path: Path, data: bytes, name: str = "a.warc") -> str:
    (tmp_path / name).write_bytes(data)
    return name


@pytest.mark.parametrize("form", ["gz", "plain", "gz as a whole"])
def test_an_archive_of_each_form_gives_versions_and_headers(
    site: Path, cli: Cli, tmp_path: Path, form: str
) -> None:
    archive = Archive(gz=form == "gz")
    archive.add("2020-01-01T00:00:00Z", b"one\n")
    archive.add("2020-02-01T00:00:00Z", b"one\n")
    archive.add("2020-03-01T00:00:00Z", chunked(b"two words\n"), headers=(("Transfer-Encoding", "chunked"),))
    archive.add("2020-04-01T00:00:00Z", gzip.compress(b"three\n"), headers=(("Content-Encoding", "gzip"),))
    archive.add("2020-05-01T00:00:00Z", b"no such page", status="404 Not Found")
    archive.add("2020-06-01T00:00:00Z", b"refused", status="403 Forbidden")
    archive.add(
        "2020-01-15T00:00:00Z", b"a page", "https://label.example/lyrics/1?x=1",
        headers=(("TDM-Reservation", "1"), ("Link", "</style.css>; rel=preload"), ("Server", "x")),
    )  # fmt: skip
    archive.add("2020-01-01T00:00:00Z", b"other", "https://other.example/robots.txt")
    archive.add("2020-01-01T00:00:00Z", b"queried", ROBOTS + "?x")
    data = gzip.compress(archive.bytes) if form == "gz as a whole" else archive.bytes

    found = cli("signals", "import", "--warc", put(tmp_path, data), *SOURCE, "--json")

    assert found.code == 0
    assert [
        (v["document"], v["valid_from"][:10], (v["valid_until"] or "")[:10]) for v in found.json["versions"]
    ] == [
        ("/robots.txt", "2020-01-01", "2020-03-01"),
        ("/robots.txt", "2020-03-01", "2020-04-01"),
        ("/robots.txt", "2020-04-01", "2020-05-01"),
        (None, "2020-01-15", ""),
    ]
    assert found.json["versions"][0]["detail"]["captures"] == 2
    assert found.json["versions"][0]["detail"]["sha256"] == bounds_digest(data)
    assert [robots_at(cli, f"2020-0{month}-10") for month in (1, 3, 4)] == ["one\n", "two words\n", "three\n"]
    day = cli("signals", "--at", "2020-02-01", "--json", "/lyrics/1").json
    assert day["headers"] == [["tdm-reservation", "1"]]
    assert cli("signals", "--at", "2020-02-01", "--json", "/lyrics/2").json["headers"] == []
    assert verify(tmp_path / "vorbehalt-evidence").problems == ()


def test_the_same_archive_twice_adds_nothing(site: Path, cli: Cli, tmp_path: Path) -> None:
    archive = Archive()
    archive.add("2020-01-01T00:00:00Z", b"one\n", headers=(("tdm-reservation", "1"),))
    name = put(tmp_path, archive.bytes)

    first = cli("signals", "import", "--warc", name, *SOURCE, "--json").json
    again = cli("signals", "import", "--warc", name, *SOURCE, "--json").json

    assert (first["imported"], first["already"]) == (2, 0)
    assert (again["imported"], again["already"]) == (0, 2)


def test_bounds_cut_captures_too(site: Path, cli: Cli, tmp_path: Path) -> None:
    archive = Archive()
    for month in range(1, 5):
        archive.add(f"2020-0{month}-01T00:00:00Z", b"%d" % month, headers=(("tdm-reservation", str(month)),))

    found = cli(
        "signals", "import", "--warc", put(tmp_path, archive.bytes), *SOURCE, "--json",
        "--from", "2020-02-15T00:00:00Z", "--until", "2020-04-01T00:00:00Z",
    )  # fmt: skip

    assert [(v["document"], v["valid_from"][:10], v["valid_until"][:10]) for v in found.json["versions"]] == [
        ("/robots.txt", "2020-02-15", "2020-03-01"),
        ("/robots.txt", "2020-03-01", "2020-04-01"),
        (None, "2020-03-01", "2020-04-01"),
    ]


@pytest.mark.parametrize("gz", [True, False])
def test_a_cut_archive_is_read_as_far_as_it_is_whole(site: Path, cli: Cli, tmp_path: Path, gz: bool) -> None:
    archive = Archive(gz=gz)
    archive.add("2020-01-01T00:00:00Z", b"one\n")
    whole = len(archive.bytes)
    archive.add("2020-02-01T00:00:00Z", os.urandom(2000))
    data = archive.bytes[: whole + (len(archive.bytes) - whole) // 2]

    found = cli("signals", "import", "--warc", put(tmp_path, data), *SOURCE, "--json")

    assert found.code == 0
    assert [v["sha256"] for v in found.json["versions"]] == [bounds_digest(b"one\n")]
    assert "damaged behind its record" in found.err or "the record is cut off" in found.err


def test_a_changed_record_is_left_out(site: Path, cli: Cli, tmp_path: Path) -> None:
    archive = Archive(gz=False)
    archive.add("2020-01-01T00:00:00Z", b"Disallow: /\n")
    archive.add("2020-02-01T00:00:00Z", b"two\n")
    data = archive.bytes.replace(b"Disallow: /\n", b"Disallow:  \n")

    found = cli("signals", "import", "--warc", put(tmp_path, data), *SOURCE, "--json")

    assert [v["sha256"] for v in found.json["versions"]] == [bounds_digest(b"two\n")]
    assert "block digest failed" in found.err


def test_what_cannot_be_decoded_or_is_too_long_is_left_out(
    site: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive()
    archive.add("2020-01-01T00:00:00Z", b"one\n")
    archive.add("2020-02-01T00:00:00Z", b"(\xb5/\xfd", headers=(("Content-Encoding", "zstd"),))
    bomb = gzip.compress(b"x" * (bounds.MAX_BODY + 1))
    archive.add("2020-03-01T00:00:00Z", bomb, headers=(("Content-Encoding", "gzip"),))
    archive.add(
        "2020-04-01T00:00:00Z",
        gzip.compress(os.urandom(99999))[:50000],
        headers=(("Content-Encoding", "gzip"),),
    )
    archive.add("someday", b"undated\n")
    archive.add("2999-01-01T00:00:00Z", b"future\n")
    archive.add("2020-05-01T00:00:00Z", b"x", "https://[broken/robots.txt")
    archive.add("2020-06-01T00:00:00Z", b"last\n")

    found = cli("signals", "import", "--warc", put(tmp_path, archive.bytes), *SOURCE, "--json")

    digests = [v["sha256"] for v in found.json["versions"]]
    assert digests[0] == bounds_digest(b"one\n")
    assert digests[-1] == bounds_digest(b"last\n")
    assert "zstd is not known here" in found.err
    assert "longer than 2097152 bytes" in found.err
    assert found.err.count("unreadable or in the future") == 2


def test_another_sites_archive_is_nothing_found(site: Path, cli: Cli, tmp_path: Path) -> None:
    archive = Archive()
    archive.add("2020-01-01T00:00:00Z", b"one\n", "https://other.example/robots.txt")

    found = cli("signals", "import", "--warc", put(tmp_path, archive.bytes), *SOURCE)

    assert (found.code, found.out) == (1, "")
    assert "no answer of label.example in there, but of other.example" in found.err
