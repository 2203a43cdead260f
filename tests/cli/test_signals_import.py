"""`signals import`: the time before us, out of the versions of a git repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from signals_import_support import SOURCE, Repository, bounds_digest, robots_at, spans
from vorbehalt.evidence.auditor.audit import verify

Cli = Callable[..., Any]


@pytest.fixture
def repository(site: Path, tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo")
    made.commit("2020-01-01T00:00:00Z", body=b"one\n")
    made.commit("2021-01-01T00:00:00+02:00", body=b"two\n", authored="2020-12-24T00:00:00Z")
    return made


@pytest.mark.real("git")
def test_every_commit_is_a_version_until_the_next(repository: Repository, cli: Cli, tmp_path: Path) -> None:
    found = cli("signals", "import", "--git", "repo", *SOURCE, "--custodian", "IT", "--json")

    assert found.code == 0
    assert (found.json["imported"], found.json["already"], found.json["how"]) == (2, 0, "git")
    assert spans(found) == [
        ("2020-01-01T00:00:00Z", "2020-12-31T22:00:00Z", True),
        ("2020-12-31T22:00:00Z", None, True),
    ]
    detail = found.json["versions"][1]["detail"]
    assert detail["commit"] == repository.git("rev-parse", "HEAD")
    assert (detail["committed"], detail["authored"]) == ("2020-12-31T22:00:00Z", "2020-12-24T00:00:00Z")
    assert robots_at(cli, "2019-12-31") is None
    assert robots_at(cli, "2020-01-01") == robots_at(cli, "2020-12-31T21:59:59Z") == "one\n"
    assert robots_at(cli, "2020-12-31T22:00:00Z") == "two\n"
    directory = tmp_path / "vorbehalt-evidence"
    assert verify(directory).problems == ()
    alone = [sys.executable, "-I", str(directory / "verify.py"), str(directory)]
    assert subprocess.run(alone, capture_output=True, check=False).returncode == 0


@pytest.mark.real("git")
def test_wherever_it_appears_it_is_marked(repository: Repository, cli: Cli, tmp_path: Path) -> None:
    plain = cli("signals", "import", "--git", "repo", *SOURCE)
    day = cli("signals", "--at", "2020-05-01")
    bytes_only = cli("signals", "--at", "2020-05-01", "--document", "/robots.txt")
    as_json = cli("signals", "--at", "2020-05-01", "--json").json
    listed, shown = (
        cli("signals", "history"),
        cli("evidence", "show", "vorbehalt-evidence", "--type", "imported"),
    )
    records = cli("evidence", "show", "vorbehalt-evidence", "--type", "imported", "--json").out

    mark = plain.out.splitlines()[-1]
    assert mark.startswith("not contemporaneous: imported on 20")
    assert mark.endswith("from the web team's repository")
    for text in (day.out, bytes_only.err, listed.out, shown.out):
        assert mark in text
    assert bytes_only.out == "one\n"
    assert mark in as_json["notes"]
    assert (as_json["imported"], as_json["observed"], as_json["config"]) == (True, False, None)
    assert as_json["source"] == "the web team's repository"
    assert '"not_contemporaneous": true' in records


@pytest.mark.real("git")
def test_importing_twice_adds_nothing_and_says_so(repository: Repository, cli: Cli, tmp_path: Path) -> None:
    cli("signals", "import", "--git", "repo", *SOURCE)
    before = cli("evidence", "verify", "vorbehalt-evidence", "--json").json["size"]

    again = cli("signals", "import", "--git", "repo", *SOURCE)

    assert again.code == 0
    assert "0 versions imported, 2 were there already" in again.out
    assert cli("evidence", "verify", "vorbehalt-evidence", "--json").json["size"] == before


@pytest.mark.real("git")
def test_a_later_commit_ends_what_was_open(repository: Repository, cli: Cli) -> None:
    cli("signals", "import", "--git", "repo", *SOURCE)
    repository.commit("2022-01-01T00:00:00Z", body=None)

    found = cli("signals", "import", "--git", "repo", *SOURCE, "--json")

    assert (found.json["imported"], found.json["already"]) == (1, 1)
    assert robots_at(cli, "2021-12-31T23:59:59Z") == "two\n"
    assert robots_at(cli, "2022-01-01") is None


@pytest.mark.real("git")
def test_a_file_that_comes_back_is_a_version_again(repository: Repository, cli: Cli) -> None:
    repository.commit("2022-01-01T00:00:00Z", body=None)
    repository.commit("2023-01-01T00:00:00Z", name="other.txt", body=b"x")
    repository.commit("2024-01-01T00:00:00Z", body=b"two\n")

    found = cli("signals", "import", "--git", "repo", *SOURCE, "--json")

    assert spans(found)[1:] == [
        ("2020-12-31T22:00:00Z", "2022-01-01T00:00:00Z", True),
        ("2024-01-01T00:00:00Z", None, True),
    ]


@pytest.mark.real("git")
def test_bounds_clip_what_they_cut(repository: Repository, cli: Cli) -> None:
    found = cli(
        "signals", "import", "--git", "repo", *SOURCE, "--json",
        "--from", "2020-06-01T00:00:00Z", "--until", "2021-06-01T00:00:00Z",
    )  # fmt: skip

    assert spans(found) == [
        ("2020-06-01T00:00:00Z", "2020-12-31T22:00:00Z", True),
        ("2020-12-31T22:00:00Z", "2021-06-01T00:00:00Z", True),
    ]


@pytest.mark.parametrize("kind", ["bare", "shallow", "subfolder"])
@pytest.mark.real("git")
def test_kinds_of_repositories(repository: Repository, cli: Cli, tmp_path: Path, kind: str) -> None:
    repository.commit("2022-01-01T00:00:00Z", name="public/robots.txt", body=b"three\n")
    source = repository.path.as_uri()
    if kind == "bare":
        repository.git("clone", "-q", "--bare", source, str(tmp_path / "copy"))
        arguments, expected = ("copy", "--path", "/robots.txt"), [b"one\n", b"two\n"]
    elif kind == "shallow":
        repository.commit("2023-01-01T00:00:00Z", body=b"four\n")
        repository.git("clone", "-q", "--depth", "1", source, str(tmp_path / "copy"))
        arguments, expected = ("copy", "--path", "./robots.txt"), [b"four\n"]
    else:
        arguments, expected = ("repo/public", "--path", "robots.txt"), [b"three\n"]

    found = cli("signals", "import", "--git", *arguments, *SOURCE, "--json")

    assert found.code == 0
    digests = [bounds_digest(body) for body in expected]
    assert [version["sha256"] for version in found.json["versions"]] == digests
    assert ("shallow" in found.err) == (kind == "shallow")


@pytest.mark.real("git")
def test_nothing_in_a_repository_is_run_or_taken_for_an_option(
    repository: Repository, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    repository.commit("2022-01-01T00:00:00Z", name=".gitattributes", body=b"* diff=x filter=x\n")
    repository.commit("2022-01-02T00:00:00Z", name="--output=owned", body=b"dash\n")
    repository.commit("2022-01-03T00:00:00Z", name=":(top)robots.txt", body=b"magic\n")
    for key in (
        "core.fsmonitor", "core.pager", "diff.x.textconv", "diff.x.command", "diff.external",
        "filter.x.smudge", "filter.x.clean", "gpg.program", "core.sshCommand",
    ):  # fmt: skip
        repository.git("config", key, str(trap))
    repository.git("config", "log.showSignature", "true")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))

    dash = cli(
        "signals",
        "import",
        "--git",
        "repo",
        "--path=--output=owned",
        "--as",
        "/robots.txt",
        *SOURCE,
        "--json",
    )
    magic = cli(
        "signals",
        "import",
        "--git",
        "repo",
        "--path",
        ":(top)robots.txt",
        "--as",
        "/ai.txt",
        *SOURCE,
        "--json",
    )

    assert (dash.code, magic.code) == (0, 0)
    assert [v["sha256"] for v in dash.json["versions"]] == [bounds_digest(b"dash\n")]
    assert [v["sha256"] for v in magic.json["versions"]] == [bounds_digest(b"magic\n")]
    assert not (tmp_path / "sprung").exists()
    assert not list(tmp_path.rglob("owned"))


@pytest.mark.real("git")
def test_links_and_long_files_are_left_out_and_said(
    repository: Repository, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    import vorbehalt.imports.git as git

    monkeypatch.setattr(git, "MAX_BODY", 100)
    repository.commit("2022-01-01T00:00:00Z", body=b"x" * 101)
    (repository.path / "robots.txt").unlink()
    (repository.path / "robots.txt").symlink_to("/etc/passwd")
    repository.commit("2023-01-01T00:00:00Z", name="y", body=b"y")

    found = cli("signals", "import", "--git", "repo", *SOURCE, "--json")

    assert spans(found)[-1] == ("2020-12-31T22:00:00Z", "2022-01-01T00:00:00Z", True)
    assert len(spans(found)) == 2
    assert "101 bytes are too long" in found.err
    assert "is a symbolic link in commit" in found.err


@pytest.mark.real("git")
def test_a_commit_of_the_future_is_left_out(repository: Repository, cli: Cli) -> None:
    repository.commit("2099-01-01T00:00:00Z", body=b"future\n")

    found = cli("signals", "import", "--git", "repo", *SOURCE, "--json")

    assert [version["valid_until"] for version in found.json["versions"]] == ["2020-12-31T22:00:00Z", None]
    assert "is dated 2099-01-01T00:00:00Z: left out" in found.err
