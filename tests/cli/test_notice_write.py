"""`notice write` and `check`: what stops a letter, what is entered, and that nothing is half written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notice_support import (
    BY,
    DAY,
    TO,
    check,
    day,
    keep,
    only_folder,
    problems,
    request,
    row,
    visit,
    write,
    write_rows,
)
from vorbehalt.claims.ledger import Query, read_ledger
from vorbehalt.claims.ledger_text import as_json
from vorbehalt.claims.notice.as_pdf import Press
from vorbehalt.claims.notice.traffic import read_traffic
from vorbehalt.claims.notice.wording import long_day
from vorbehalt.claims.register import read_register
from vorbehalt.claims.register_entry import NewLetter, enter
from vorbehalt.errors import ClaimError
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault.holds import holds
from vorbehalt.settings import load


@pytest.fixture
def place(letters_site: Path) -> Path:
    return letters_site


def test_a_letter_is_written_in_every_form_entered_and_held(cli: Any, place: Path) -> None:
    result = write(cli, kind="factual", who=("--operator", "openai"))
    assert result.code == 0, result.err
    folder = only_folder(place / "out")
    assert folder.name == f"{day(0)[:4]}-0001-example-ai-ltd-factual"
    assert sorted(path.name for path in folder.iterdir()) == [
        "annex-requests.csv", "annex-works.csv", "letter.eml", "letter.html", "letter.pdf", "letter.txt",
    ]  # fmt: skip
    (letter,) = read_register(place / "evidence").letters
    assert (letter.id, letter.operator, letter.kind, letter.to) == (
        f"{day(0)[:4]}-0001", "OpenAI", "factual", "Example AI Ltd",
    )  # fmt: skip
    assert (letter.approved_by, letter.due, letter.language) == ("Jane Roe", day(21), "en")
    assert letter.digest == hashlib.sha256((folder / "letter.txt").read_bytes()).hexdigest()
    assert letter.id in (folder / "letter.txt").read_text("utf-8")
    assert [hold.operator for hold in holds(place / "evidence")] == ["OpenAI"]
    assert letter.first("sent") is None
    assert "Nothing was sent." in result.err
    assert cli("evidence", "verify", "evidence").code == 0


def test_no_hold_needs_a_reason_that_stands_in_the_register(cli: Any, place: Path) -> None:
    assert write(cli, "--no-hold", " ").code == 2
    assert write(cli, "--no-hold", "settled by contract", who=("--operator", "OpenAI")).code == 0
    (letter,) = read_register(place / "evidence").letters
    assert (letter.hold, letter.no_hold) == ("", "settled by contract")
    assert holds(place / "evidence") == []


def test_a_draft_enters_holds_and_asks_for_nothing(cli: Any, place: Path) -> None:
    before = sorted((path, path.stat().st_size) for path in (place / "evidence").rglob("*") if path.is_file())
    result = cli(
        "notice", "write", "--kind", "inquiry", "--operator", "Anthropic", *TO, "--draft", "--out", "d"
    )
    assert result.code == 0, result.err
    assert "*** ENTWURF ***" in (only_folder(place / "d") / "letter.txt").read_text("utf-8")
    assert read_register(place / "evidence").letters == ()
    after = sorted((path, path.stat().st_size) for path in (place / "evidence").rglob("*") if path.is_file())
    assert after == before


def test_gaps_in_the_period_are_said_in_the_letter(cli: Any, place: Path) -> None:
    keep(place, [Draft("gap", "", time.time_ns() - DAY // 100, {"lost": 3, "reason": "disk"})])
    assert write(cli, kind="factual", who=("--operator", "OpenAI")).code == 0
    text = " ".join((only_folder(place / "out") / "letter.txt").read_text("utf-8").split())
    assert "The log is not complete in this period: gaps recorded in it: 1." in text


def test_a_mail_merge_writes_the_good_rows_and_names_the_bad_one(cli: Any, place: Path) -> None:
    write_rows(
        place, row(), row(legal_name="Old Ltd", date=day(-181)), row(operator="Meta", legal_name="Third Ltd")
    )
    result = write(cli, "--json")
    assert result.code == 1
    assert [one["to"] for one in result.json["written"]] == ["Example AI Ltd", "Third Ltd"]
    assert [(error["line"], error["id"]) for error in result.json["errors"]] == [(3, "V133")]
    assert "2 letters were written; 1 could not be" in result.err
    folders = sorted(path.name for path in (place / "out").iterdir() if path.is_dir())
    assert folders == [one["folder"] for one in result.json["written"]]
    assert len(read_register(place / "evidence").letters) == 2
    assert not list((place / "out").glob(".writing*"))


def test_nothing_is_half_written_if_rendering_fails_in_the_middle(
    cli: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Press.print, []

    def failing(self: Press, *args: Any, **kwargs: Any) -> bytes:
        calls.append(1)
        if len(calls) == 3:
            raise ClaimError("the PDF could not be made: for a test")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Press, "print", failing)
    result = write(cli)
    assert (result.code, result.err.splitlines()[-1]) == (2, "the PDF could not be made: for a test")
    assert list((place / "out").iterdir()) == []
    assert read_register(place / "evidence").letters == ()
    assert holds(place / "evidence") == []


def test_letters_of_several_runs_lie_beside_each_other(cli: Any, place: Path) -> None:
    for _ in range(2):
        assert write(cli, kind="factual", who=("--operator", "OpenAI")).code == 0
    assert len(list((place / "out").iterdir())) == 2
    assert [one.id[-4:] for one in read_register(place / "evidence").letters] == ["0001", "0002"]


def test_a_declaration_encloses_the_catalogue_or_offers_it(cli: Any, place: Path) -> None:
    assert write(cli, who=("--operator", "OpenAI")).code == 0
    folder = only_folder(place / "out")
    (kept,) = (place / "out").glob("annex-works-*.csv")
    listed = kept.read_bytes()
    assert kept.name == f"annex-works-{hashlib.sha256(listed).hexdigest()[:12]}.csv"
    assert (folder / "annex-works.csv").read_bytes() == listed
    text = " ".join((folder / "letter.txt").read_text("utf-8").split())
    assert f"(2 works, SHA-256 {hashlib.sha256(listed).hexdigest()}), which is enclosed." in text
    rows = "".join(f"/many/{n},own:{n},Title of {n}\n" for n in range(4_000))
    (place / "works.csv").write_text(f"path,id,title\n{rows}", "utf-8")
    shutil.rmtree(place / "out")
    assert write(cli, who=("--operator", "OpenAI")).code == 0
    folder = only_folder(place / "out")
    assert not (folder / "annex-works.csv").exists()
    text = " ".join((folder / "letter.txt").read_text("utf-8").split())
    assert "(4,000 works, SHA-256" in text
    assert "; we send it on request." in text


def test_a_reminder_follows_a_letter_that_went_out_and_is_overdue(cli: Any, place: Path) -> None:
    assert write(cli, "--days", "1", kind="factual", who=("--operator", "OpenAI")).code == 0
    (letter,) = read_register(place / "evidence").letters
    early = write(cli, kind="reminder", who=("--operator", "OpenAI"))
    assert (early.code, "has not been sent" in problems(early)[0]) == (1, True)
    assert cli("notice", "sent", letter.id, "--channel", "post").code == 0
    waiting = write(cli, kind="reminder", who=("--operator", "OpenAI"))
    assert (waiting.code, "has not passed" in problems(waiting)[0]) == (1, True)


def test_an_overdue_letter_is_reminded_of_and_the_reminder_names_it(cli: Any, place: Path) -> None:
    sent = NewLetter("OpenAI", "factual", "en", day(-40), day(-20), "Jane Roe", b"text", to="Example AI Ltd")
    letter = enter(place / "evidence", sent, "a test", at=time.time_ns())
    done = cli("notice", "sent", letter.id, "--channel", "post", "--on", day(-39))
    assert done.code == 0, done.err
    result = write(cli, "--json", "--earlier", letter.id, kind="reminder", who=("--operator", "OpenAI"))
    assert result.code == 0, result.err
    reminder = read_register(place / "evidence").letter(result.json["written"][0]["id"])
    assert reminder is not None
    assert (reminder.kind, reminder.about) == ("reminder", letter.id)
    text = " ".join((only_folder(place / "out") / "letter.txt").read_text("utf-8").split())
    assert f"our letter {letter.id}, dated" in text
    # Two of the four requests are signed or verified, and came after the letter.
    assert "from its published network: 2." in text


def test_the_language_the_letterhead_and_the_month_are_as_asked_for(cli: Any, place: Path) -> None:
    (place / "head.txt").write_text("Label Example GmbH\nKai 1\n\n20457 Hamburg\n", "utf-8")
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    month = an_hour_ago.strftime("%Y-%m")
    options = ("--lang", "fr", "--letterhead", "head.txt", "--month", month, "--draft")
    visit(place, {"OpenAI": ("verified",)}, time.time_ns() - 40 * DAY)
    assert write(cli, *options, kind="factual", who=("--operator", "OpenAI")).code == 0
    text = (only_folder(place / "out") / "letter.txt").read_text("utf-8")
    assert text.splitlines()[2:5] == ["Label Example GmbH", "Kai 1", "20457 Hamburg"]
    assert "Madame, Monsieur," in text
    (annex,) = (place / "out").glob("*/annex-requests.csv")
    assert {line.split(",")[1][:7] for line in annex.read_text("utf-8").splitlines()[1:]} == {month}


def test_a_period_that_reaches_into_the_future_ends_today(cli: Any, place: Path) -> None:
    period = ("--from", day(-5), "--to", day(5), "--draft")
    assert write(cli, *period, kind="factual", who=("--operator", "OpenAI")).code == 0
    text = " ".join((only_folder(place / "out") / "letter.txt").read_text("utf-8").split())
    first, today = (long_day(date.fromisoformat(day(offset)), "en") for offset in (-5, 0))
    assert f"Between {first} and {today} our servers" in text
    assert f"Period: {first} to {today} (UTC)." in text
    visit(place, {"OpenAI": ("verified",)}, time.time_ns() - 3 * DAY)
    shutil.rmtree(place / "out")
    # The end of a period is not included.
    period = ("--from", day(-5), "--to", day(-2), "--draft")
    assert write(cli, *period, kind="factual", who=("--operator", "OpenAI")).code == 0
    text = " ".join((only_folder(place / "out") / "letter.txt").read_text("utf-8").split())
    assert f"and {long_day(date.fromisoformat(day(-3)), 'en')} our servers" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_leaves_records_to_their_owner_and_letters_to_root(cli: Any, place: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # pytest's own folders are closed to others
        shutil.copytree(place, folder, dirs_exist_ok=True)
        folder.chmod(0o755)
        for path in (folder / "evidence", *(folder / "evidence").rglob("*")):
            os.chown(path, 65534, 65534)
        out = folder / "private" / "out"
        out.parent.mkdir(mode=0o700)
        options = ("--kind", "factual", "--operator", "OpenAI", *TO, *BY)
        result = cli("notice", "write", "-c", folder / "vorbehalt.toml", *options, "--out", out)
        assert result.code == 0, result.err
        assert {path.stat().st_uid for path in (folder / "evidence").rglob("*")} == {65534}
        assert {path.stat().st_uid for path in out.rglob("*")} == {0}
        assert [path.is_dir() for path in out.iterdir()] == [True]
        assert os.geteuid() == 0


def test_letters_are_pinned_to_a_size_of_the_log(cli: Any, place: Path) -> None:
    size = json.loads(cli("evidence", "verify", "evidence", "--json").out)["size"]
    visit(place, {"OpenAI": ("verified", "verified")})
    assert write(cli, "--size", str(size), "--draft", kind="factual", who=("--operator", "OpenAI")).code == 0
    text = (only_folder(place / "out") / "letter.txt").read_text("utf-8")
    assert "- requests: 2\n" in text
    assert f"our evidence log of {size} records" in " ".join(text.split())
    assert check(cli, "--size", "9999", kind="factual").code == 1


def figures() -> Iterator[Any]:
    now = time.time_ns()
    standings = ("signed", "verified", "claimed", "contradicted", "consistent", "unknown")
    for number in range(60):
        yield from request(
            number, ("OpenAI", "Anthropic")[number % 2], standings[number % 6], now - number * DAY // 4,
            work=f"own:{number % 5}", decision={"action": ("allow", "block")[number % 7 == 0]},
        )  # fmt: skip
    rows = [{"key": ["m", "GPTBot", "OpenAI", "training", "claimed", "allow"], "count": 5, "bytes": 7}]
    yield Draft("rollup", "", now, {"minute": now, "rows": rows})
    yield Draft("gap", "", now, {"lost": 1})


def test_the_figures_of_letters_are_those_of_the_ledger(place: Path) -> None:
    keep(place, figures())
    tokens = frozenset(
        c.token for c in load(place / "vorbehalt.toml").registry.crawlers if c.operator == "OpenAI"
    )
    for since in (None, time.time_ns() - 5 * DAY):
        queries = {name: Query(name, since, None, tokens if name == "OpenAI" else frozenset())
                   for name in ("OpenAI", "Anthropic", "Meta")}  # fmt: skip
        found = read_traffic(place / "evidence", queries)
        for name, query in queries.items():
            expected = as_json(read_ledger(place / "evidence", query))
            counted = as_json(found[name].ledger)
            # Rollups that name nobody are nobody's; a letter does not speak of them.
            assert {**counted, "rollups_of_nobody": 0} == {**expected, "rollups_of_nobody": 0}
            assert counted["gaps"] == 1


def test_what_a_killed_run_left_is_named_and_an_empty_folder_of_it_goes(cli: Any, place: Path) -> None:
    (place / "out" / ".writing-empty").mkdir(parents=True)
    (place / "out" / ".writing-rest" / "2026-0001-x").mkdir(parents=True)
    result = write(cli, kind="factual", who=("--operator", "openai"))
    assert result.code == 0
    assert "out/.writing-rest is of a run that was killed" in result.err
    assert [path.name for path in (place / "out").glob(".*")] == [".writing-rest"]
