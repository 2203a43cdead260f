"""`signals import`: single files, what is refused, and who else is at the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asgi_support import PageApp, ask
from signals_import_support import SOURCE, Repository, bounds_digest, robots_at, spans
from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.imports import found as bounds

Cli = Callable[..., Any]


@pytest.fixture
def repository(site: Path, tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo")
    made.commit("2020-01-01T00:00:00Z", body=b"one\n")
    made.commit("2021-01-01T00:00:00+02:00", body=b"two\n", authored="2020-12-24T00:00:00Z")
    return made


def test_our_own_set_wins_where_we_were_observing(site: Path, cli: Cli) -> None:
    served = VorbehaltMiddleware(PageApp(), config=site)
    ask(served)
    served.close()
    (own,) = cli("signals", "history", "--json").json["versions"]
    (site.parent / "robots.txt").write_bytes(b"theirs\n")

    found = cli("signals", "import", "--file", "robots.txt", "--from", "2020-01-01T00:00:00Z", *SOURCE)

    assert found.code == 0
    assert robots_at(cli, "2020-01-01") == "theirs\n"
    assert robots_at(cli, own["valid_from"]) != "theirs\n"
    assert [v["imported"] for v in cli("signals", "history", "--json").json["versions"]] == [True, False]


def test_a_file_of_any_bytes_is_kept_as_it_is(site: Path, cli: Cli) -> None:
    body = "User-agent: *\r\n".encode("utf-16") + b"\x00\xff\x1b[31m"
    (site.parent / "old-robots.bin").write_bytes(body)

    found = cli(
        "signals", "import", "--file", "old-robots.bin", "--as", "/robots.txt", "--from", "2020-01-01",
        "--until", "2021-01-01T00:00:00+01:00", *SOURCE, "--json",
    )  # fmt: skip

    assert found.code == 0
    assert found.json["versions"][0]["sha256"] == bounds_digest(body)
    assert found.json["versions"][0]["detail"]["sha256"] == bounds_digest(body)
    assert spans(found) == [("2020-01-01T00:00:00Z", "2020-12-31T23:00:00Z", True)]
    assert "--from 2020-01-01 has no time zone: taken as 2020-01-01T00:00:00Z (UTC)" in found.err
    assert "--until" not in found.err
    assert "\x1b" not in cli("signals", "--at", "2020-02-01").out


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Robots.TXT", "/robots.txt"),
        ("tdmrep.json", "/.well-known/tdmrep.json"),
        ("ai.txt", "/ai.txt"),
        ("license.xml", "/license.xml"),
    ],
)
def test_the_served_path_is_guessed_by_the_name(site: Path, cli: Cli, name: str, path: str) -> None:
    (site.parent / name).write_bytes(b"x")

    found = cli("signals", "import", "--file", name, "--from", "2020-01-01T00:00:00Z", *SOURCE, "--json")

    assert [version["document"] for version in found.json["versions"]] == [path]


def test_another_hosts_past_is_its_own(site: Path, cli: Cli) -> None:
    (site.parent / "robots.txt").write_bytes(b"archive\n")
    from_ = ("--from", "2020-01-01T00:00:00Z")
    cli("signals", "import", "--file", "robots.txt", "--host", "archive.example", *from_, *SOURCE)

    assert robots_at(cli, "2020-02-01", "--host", "archive.example") == "archive\n"
    assert robots_at(cli, "2020-02-01") is None
    wrong = cli("signals", "import", "--file", "robots.txt", "--host", "other.example", *from_, *SOURCE)
    assert wrong.code == 2
    assert '"other.example" is no host of this configuration' in wrong.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "exactly one kind of source"),
        (["--git", "repo", "--file", "robots.txt"], "exactly one kind of source"),
        (["--file", "robots.txt"], "does not say since when"),
        (["--file", "robots.txt", "--from", "2999-01-01"], "in the future"),
        (["--file", "robots.txt", "--from", "2020-01-01", "--until", "2999-01-01"], "in the future"),
        (["--file", "robots.txt", "--from", "2020-01-02", "--until", "2020-01-02"], "must be before"),
        (["--file", "robots.txt", "--from", "1969-12-31"], "before 1970"),
        (["--file", "robots.txt", "--from", "soon"], '"soon" is no time'),
        (["--file", "odd.txt", "--from", "2020-01-01"], 'where "odd.txt" was served'),
        (["--file", "odd.txt", "--from", "2020-01-01", "--as", "robots.txt"], "a path such as"),
        (["--file", "nowhere/robots.txt", "--from", "2020-01-01"], "is no file"),
        (["--file", ".", "--from", "2020-01-01", "--as", "/robots.txt"], "is no file"),
        (["--file", "robots.txt", "--path", "x", "--from", "2020-01-01"], "names a file in a git repository"),
        (["--git", "plain"], "is no git repository"),
        (["--git", "nowhere"], "is no folder"),
        (["--git", "repo", "--path", "../robots.txt"], "a path inside the repository"),
        (["--git", "repo", "--path", "robots.txt", "--path", "ai.txt", "--as", "/x"], "fits one --path only"),
        (["--warc", "nowhere.warc"], "is no file"),
        (["--warc", "robots.txt"], "holds no record of a web archive"),
        (["--warc", "robots.txt", "--as", "/robots.txt"], "says itself what was served where"),
    ],
)
@pytest.mark.real("git")
def test_wrong_usage_is_a_sentence(
    repository: Repository, cli: Cli, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "robots.txt").write_bytes(b"x")
    (tmp_path / "odd.txt").write_bytes(b"x")
    (tmp_path / "plain").mkdir()

    found = cli("signals", "import", *arguments, *SOURCE)

    assert (found.code, found.out) == (2, "")
    assert said in " ".join(found.err.split())
    assert "Traceback" not in found.err
    assert not (tmp_path / "vorbehalt-evidence").exists()


@pytest.mark.real("git")
def test_a_source_is_needed_in_words(repository: Repository, cli: Cli) -> None:
    assert cli("signals", "import", "--git", "repo").code == 2
    assert "1000 characters are needed" in cli("signals", "import", "--git", "repo", "--source", " ").err


@pytest.mark.real("git")
def test_a_path_that_never_existed_is_nothing_found(repository: Repository, cli: Cli, tmp_path: Path) -> None:
    found = cli("signals", "import", "--git", "repo", "--path", "ai.txt", *SOURCE, "--json")
    empty = Repository(tmp_path / "empty")
    nothing = cli("signals", "import", "--git", str(empty.path), *SOURCE)

    assert (found.code, found.json["versions"], nothing.code) == (1, [], 1)
    assert "nothing was found" in found.err


def test_a_file_that_is_too_long_is_refused(site: Path, cli: Cli) -> None:
    (site.parent / "robots.txt").write_bytes(b"x" * (bounds.MAX_BODY + 1))
    long = cli("signals", "import", "--file", "robots.txt", "--from", "2020-01-01", *SOURCE)
    (site.parent / "robots.txt").write_bytes(b"x" * bounds.MAX_BODY)
    fits = cli("signals", "import", "--file", "robots.txt", "--from", "2020-01-01", *SOURCE)

    assert (long.code, fits.code) == (2, 0)
    assert "is longer than 2097152 bytes" in long.err


def test_while_another_process_writes_the_import_is_sealed_too(site: Path, cli: Cli) -> None:
    served = VorbehaltMiddleware(PageApp(), config=site)
    ask(served)
    (site.parent / "robots.txt").write_bytes(b"theirs\n")

    found = cli("signals", "import", "--file", "robots.txt", "--from", "2020-01-01", *SOURCE)
    served.close()

    assert found.code == 0
    assert robots_at(cli, "2020-02-01") == "theirs\n"
    report = verify(site.parent / "vorbehalt-evidence")
    assert (report.problems, report.unsealed) == ((), 0)
