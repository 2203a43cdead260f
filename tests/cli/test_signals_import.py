"""`signals import`: the time before us, out of git, web archives and files, marked for what it is."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from asgi_support import PageApp, ask
from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.audit import verify
from vorbehalt.imports import found as bounds

Cli = Callable[..., Any]
SOURCE = ("--source", "the web team's repository")
ROBOTS = "https://label.example/robots.txt"


class Repository:
    """A git repository whose commits have chosen dates."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, date: str = "2020-01-01T00:00:00Z", authored: str = "") -> str:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": authored or date,
        }  # fmt: skip
        who = ("-c", "user.name=Web", "-c", "user.email=web@label.example")
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=self.path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(
        self, date: str, name: str = "robots.txt", body: bytes | None = b"", authored: str = ""
    ) -> str:
        """Put bytes in a file (None: remove it) and commit; returns the commit's id."""
        path = self.path / name
        if body is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        self.git("add", "-A", ".")
        self.git("commit", "-q", "--allow-empty", "-m", "change", date=date, authored=authored)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(site: Path, tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo")
    made.commit("2020-01-01T00:00:00Z", body=b"one\n")
    made.commit("2021-01-01T00:00:00+02:00", body=b"two\n", authored="2020-12-24T00:00:00Z")
    return made


def spans(result: Any) -> list[tuple[str, str | None, bool]]:
    return [(v["valid_from"], v["valid_until"], v["new"]) for v in result.json["versions"]]


def robots_at(cli: Cli, at: str, *more: str) -> str | None:
    found = cli("signals", "--at", at, "--json", *more)
    return found.json["documents"]["/robots.txt"]["body"] if found.code == 0 else None


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


def bounds_digest(body: bytes) -> str:
    import hashlib

    return hashlib.sha256(body).hexdigest()


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


class Archive:
    """A web archive in memory."""

    def __init__(self, *, gz: bool = True) -> None:
        self.file = io.BytesIO()
        self.writer = WARCWriter(self.file, gzip=gz)

    def add(
        self,
        date: str,
        body: bytes,
        url: str = ROBOTS,
        *,
        status: str = "200 OK",
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain"),),
        length: int | None = None,
    ) -> None:
        http = StatusAndHeaders(status, list(headers), protocol="HTTP/1.1")
        record = self.writer.create_warc_record(
            url,
            "response",
            payload=io.BytesIO(body),
            http_headers=http,
            warc_headers_dict={"WARC-Date": date},
        )
        self.writer.write_record(record)
        record.raw_stream.close()

    @property
    def bytes(self) -> bytes:
        return self.file.getvalue()


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
