"""`rules refresh`: fetch now, say what became of each list."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from vorbehalt.cli import refreshing
from vorbehalt.errors import RulesError
from vorbehalt.evidence.log import init
from vorbehalt.lookups.fetch import Fetched, FetchError, MissingExtraError
from vorbehalt.lookups.range_files import RangeFiles

CONFIG = """\
format = 1
[site]
origin = "https://label.example"
operator = "Label Example GmbH"
contact = "mailto:licensing@label.example"
robots = "none"
[reservation]
capacity = "owner"
rightsholder = "Label Example GmbH"
[state]
directory = "state"
"""
GPTBOT = ("--list", "openai-gptbot")


class Operators:
    """Answers for every operator."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.body = b"20.0.0.0/9"
        self.is_down = False

    async def get(self, url: str, *, etag: str = "") -> Fetched:
        self.asked.append(url)
        if self.is_down:
            raise FetchError("it\x1b[31m is down")
        return Fetched(url, self.body, "")


@pytest.fixture
def operators(monkeypatch: pytest.MonkeyPatch) -> Operators:
    made = Operators()
    monkeypatch.setattr(refreshing, "fetcher", lambda: made)
    return made


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "vorbehalt.toml"
    path.write_text(CONFIG, "utf-8")
    return path


def refresh(site: Path, *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(refreshing.refresh)
    return CliRunner().invoke(app, ["-c", str(site), *arguments])


def test_a_list_is_fetched_and_the_result_is_for_machines(site: Path, operators: Operators) -> None:
    found = refresh(site, *GPTBOT, "--accept", "--json")
    assert found.exit_code == 0, found.output
    (row,) = json.loads(found.stdout)["lists"]
    assert (row["list"], row["outcome"], row["prefixes"]) == ("openai-gptbot", "updated", 1)
    assert set(row) == {"list", "outcome", "reason", "prefixes", "fetched_at", "digest"}
    assert operators.asked == ["https://openai.com/gptbot.json"]
    assert (site.parent / "state" / "ranges" / "openai-gptbot.json").exists()
    assert found.stderr == "1/1 openai-gptbot updated\n"


def test_a_list_held_back_ends_in_status_1_and_says_what_to_do(site: Path, operators: Operators) -> None:
    found = refresh(site, *GPTBOT)
    assert found.exit_code == 1
    assert found.stdout.startswith("openai-gptbot\theld\t21\t2026-09-02T00:00:00Z\tit shrank from ")
    assert "--list openai-gptbot --accept" in found.stdout


def test_all_lists_at_once_and_pages_for_people_are_named(site: Path, operators: Operators) -> None:
    operators.is_down = True
    found = refresh(site)
    assert found.exit_code == 1
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in found.stdout.splitlines()}
    assert len(rows) == 44
    assert rows["kagi-kagibot"][0] == "skipped"
    assert "page for people only" in rows["kagi-kagibot"][3]
    assert rows["apple-applebot"][0] == "failed"
    assert "\x1b" not in found.output
    assert "44/44 " in found.stderr
    assert len(operators.asked) == 39


def test_skipped_lists_are_no_failure(site: Path, operators: Operators) -> None:
    assert refresh(site, "--list", "kagi-kagibot").exit_code == 0


def test_the_bytes_go_among_the_evidence_where_there_is_some(site: Path, operators: Operators) -> None:
    evidence = site.parent / "vorbehalt-evidence"
    init(evidence, "label.example/evidence")
    digest = json.loads(refresh(site, *GPTBOT, "--accept", "--json").stdout)["lists"][0]["digest"]
    assert (evidence / "objects" / "sha256" / digest[:2] / digest).read_bytes() == operators.body
    assert not (site.parent / "state" / "ranges" / "objects").exists()


def test_no_evidence_is_begun_by_a_refresh(site: Path, operators: Operators) -> None:
    refresh(site, *GPTBOT, "--accept")
    assert not (site.parent / "vorbehalt-evidence").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(("--list", "no-such"), "no list is named no-such"), (("--accept",), "name the lists")],
)
def test_wrong_usage_asks_nobody(
    arguments: tuple[str, ...], reason: str, site: Path, operators: Operators
) -> None:
    found = refresh(site, *arguments)
    assert found.exit_code == 2
    assert reason in found.stderr
    assert operators.asked == []


def test_without_a_place_for_the_lists_it_says_what_to_set(site: Path, operators: Operators) -> None:
    site.write_text(CONFIG.replace('[state]\ndirectory = "state"\n', '[evidence]\ndirectory = "off"\n'))
    found = refresh(site)
    assert found.exit_code == 2
    assert "set state.directory" in found.stderr


def test_another_process_that_refreshes_is_named(site: Path, operators: Operators) -> None:
    with RangeFiles(site.parent / "state" / "ranges").locked():
        found = refresh(site, *GPTBOT)
    assert "another process is refreshing" in str(found.exception)
    assert not isinstance(found.exception, RulesError)


def test_without_the_extra_it_says_what_to_install(
    site: Path, operators: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = refresh(site, *GPTBOT)
    assert isinstance(found.exception, MissingExtraError)
    assert operators.asked == []
