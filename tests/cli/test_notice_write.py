"""`notice write` and `check`: what stops a letter, what is entered, and that nothing is half written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notice_support import DAY, day, keep, make_site, only_folder, request, row, visit, write_rows
from vorbehalt.claims.ledger import Query, read_ledger
from vorbehalt.claims.ledger_text import as_json
from vorbehalt.claims.notice.as_pdf import Press
from vorbehalt.claims.notice.traffic import read_traffic
from vorbehalt.claims.register import read_register
from vorbehalt.errors import ClaimError
from vorbehalt.evidence.holds import holds
from vorbehalt.evidence.receipt import Draft
from vorbehalt.settings import load

BY = ("--approved-by", "Jane Roe")
TO = ("--addressees", "addressees.csv")


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that four operators visited, before anything was written."""
    folder = tmp_path_factory.mktemp("site")
    make_site(folder)
    visit(folder)
    return folder


@pytest.fixture
def place(visited: Path, tmp_path: Path) -> Path:
    shutil.copytree(visited, tmp_path, dirs_exist_ok=True)
    write_rows(
        tmp_path,
        row(),
        row(operator="anthropic", legal_name="Zweite GmbH", country="DE", language="de"),
        row(operator="Perplexity", legal_name="Troisième SA", country="FR", language="fr"),
        row(operator="Meta", legal_name="Fourth Inc", country="US", eu_representative="none"),
    )
    return tmp_path


def write(cli: Any, *more: str, kind: str = "declaration", who: tuple[str, ...] = ("--all",)) -> Any:
    return cli("notice", "write", "--kind", kind, *who, *TO, *BY, "--out", "out", *more)


def check(cli: Any, *more: str, kind: str = "declaration", by: tuple[str, ...] = BY) -> Any:
    return cli("notice", "check", "--kind", kind, *TO, *by, *more)


def problems(result: Any) -> list[str]:
    return [line for line in (result.out + result.err).splitlines() if " V13" in line]


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


@pytest.mark.parametrize(
    "by", [(), ("--approved-by", ""), ("--approved-by", "legal"), ("--approved-by", "[NAME] Roe")]
)
def test_without_approval_by_a_named_person_nothing_is_written(
    cli: Any, place: Path, by: tuple[str, ...]
) -> None:
    result = cli("notice", "write", "--kind", "declaration", "--all", *TO, *by, "--out", "out")
    assert result.code == 1
    assert [line.partition(" V135 ")[2] for line in problems(result)] == [
        "no person approved the letter: give first and last name"
    ]
    assert not (place / "out").exists()
    assert read_register(place / "evidence").letters == ()


def test_a_licence_is_only_offered_where_the_configuration_says_so(cli: Any, place: Path) -> None:
    result = check(cli, "--offer-licence")
    assert result.code == 1
    assert "V136 a licence is offered, but reservation.may_license is not set" in problems(result)[0]
    keep_text = (place / "vorbehalt.toml").read_text("utf-8")
    more = '[reservation]\nmay_license = true\nlicence_contact = "mailto:licences@label.example"'
    (place / "vorbehalt.toml").write_text(keep_text.replace("[reservation]", more), "utf-8")
    assert write(cli, "--offer-licence", who=("--operator", "OpenAI")).code == 0
    assert "licences@label.example" in (only_folder(place / "out") / "letter.txt").read_text("utf-8")


def test_a_factual_letter_to_an_operator_known_by_claims_or_impostors_only_cannot_be_made(
    cli: Any, place: Path
) -> None:
    for operator, allowed in (("Anthropic", "inquiry"), ("Perplexity", "impostor-report")):
        for draft in ((), ("--draft",)):
            result = write(cli, *draft, kind="factual", who=("--operator", operator))
            assert result.code == 1
            (line,) = problems(result)
            assert line.startswith(("addressees.csv:3: V134 factual", "addressees.csv:4: V134 factual"))
            assert f"allowed: {allowed}, declaration, preservation" in line
    assert not list(place.glob("out/*"))
    assert read_register(place / "evidence").letters == ()


def test_an_operator_without_traffic_gets_no_letter_about_any(cli: Any, place: Path) -> None:
    for kind in ("factual", "inquiry", "impostor-report", "gpai-complaint"):
        result = write(cli, kind=kind, who=("--operator", "Meta"))
        assert (result.code, len(problems(result))) == (1, 1)
        assert "the log holds no request of this operator in the period" in problems(result)[0]
    assert (
        write(cli, "--from", day(-400), "--to", day(-300), kind="factual", who=("--operator", "OpenAI")).code
        == 1
    )


def test_evidence_that_does_not_verify_stops_every_letter(cli: Any, place: Path) -> None:
    bundle = max(
        (place / "evidence" / "log" / "tile" / "entries").rglob("000.p/*"), key=lambda p: int(p.name)
    )
    body = bytearray(bundle.read_bytes())
    body[-10] ^= 1
    bundle.write_bytes(body)
    for kind in ("declaration", "factual"):
        for draft in ((), ("--draft",)):
            result = write(cli, *draft, kind=kind)
            assert result.code == 1
            assert "V134 the evidence does not verify:" in problems(result)[0]
    assert not (place / "out").exists()


def test_gaps_in_the_period_are_said_in_the_letter(cli: Any, place: Path) -> None:
    keep(place, [Draft("gap", "", time.time_ns() - DAY // 100, {"lost": 3, "reason": "disk"})])
    assert write(cli, kind="factual", who=("--operator", "OpenAI")).code == 0
    text = " ".join((only_folder(place / "out") / "letter.txt").read_text("utf-8").split())
    assert "The log is not complete in this period: gaps recorded in it: 1." in text


def test_check_lists_all_that_stops_each_letter_at_once(cli: Any, place: Path) -> None:
    write_rows(
        place, row(date="2020-01-01", seat=""), row(operator="Meta"),
        row(operator="Anthropic", kind="research"), row(operator="Nobody AI", legal_name="FILL IN"),
    )  # fmt: skip
    result = check(cli, "--offer-licence", kind="gpai-complaint", by=())
    assert result.code == 1
    said = [line.split(": ", 1) for line in problems(result)]
    assert [(place.rpartition("/")[2], text[:4]) for place, text in said] == [
        ("vorbehalt.toml:0", "V136"), ("vorbehalt.toml:0", "V135"), ("addressees.csv:2", "V133"),
        ("addressees.csv:2", "V133"), ("addressees.csv:5", "V133"), ("addressees.csv:3", "V134"),
        ("addressees.csv:4", "V134"), ("addressees.csv:4", "V134"),
    ]  # fmt: skip
    as_json = check(cli, "--offer-licence", "--json", kind="gpai-complaint", by=())
    assert [error["id"] for error in as_json.json["errors"]] == [text[:4] for _, text in said]
    assert as_json.json["letters"] == 0
    write_rows(place, row())
    fine = check(cli)
    assert (fine.code, fine.out) == (0, "1 of 1 letters could be written; nothing is ever sent from here\n")


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


def test_a_configuration_that_never_ran_cannot_be_declared(cli: Any, place: Path) -> None:
    config = place / "vorbehalt.toml"
    config.write_text(
        config.read_text("utf-8").replace("[reservation]", '[reservation]\nsearch = "reserve"'), "utf-8"
    )
    result = check(cli)
    assert result.code == 1
    assert "V134 the log knows another reservation in force at https://label.example" in problems(result)[0]


def test_a_site_that_reserves_nothing_has_nothing_to_declare(cli: Any, tmp_path: Path) -> None:
    make_site(tmp_path, 'training = "allow"\nai_input = "allow"\ntdm = "allow"')
    write_rows(tmp_path, row())
    result = check(cli)
    assert result.code == 1
    assert "V134 the configuration reserves nothing against mining" in problems(result)[0]


@pytest.mark.parametrize(
    "options",
    [
        ("--kind", "angry-letter", "--all"),
        ("--kind", "declaration"),
        ("--kind", "declaration", "--all", "--operator", "OpenAI"),
        ("--kind", "declaration", "--operator", "Opnai"),
        ("--kind", "declaration", "--all", "--lang", "it"),
        ("--kind", "declaration", "--all", "--due", "2020-01-01"),
        ("--kind", "declaration", "--all", "--due", "soon"),
        ("--kind", "declaration", "--all", "--due", "2099-01-01"),
        ("--kind", "declaration", "--all", "--days", "0"),
        ("--kind", "declaration", "--all", "--days", "7", "--due", day(7)),
        ("--kind", "inquiry", "--all", "--month", "2026-13"),
        ("--kind", "inquiry", "--all", "--month", "2026-10", "--from", "2026-10-01"),
        ("--kind", "inquiry", "--all", "--from", "2026-10-02", "--to", "2026-10-01"),
    ],
)
def test_wrong_usage_is_said_and_exits_2(cli: Any, place: Path, options: tuple[str, ...]) -> None:
    result = cli("notice", "write", *options, *TO, *BY, "--out", "out")
    assert (result.code, result.out) == (2, "")
    assert not (place / "out").exists()


def test_a_file_of_addressees_that_cannot_be_read_exits_2(cli: Any, place: Path) -> None:
    (place / "addressees.csv").write_text("operator,legal_name\n")
    result = check(cli)
    assert (result.code, "addressees.csv:1: V133 the first row lacks the columns" in result.err) == (2, True)


def test_the_template_of_addressees_is_printed_and_refused_until_filled_in(cli: Any, place: Path) -> None:
    printed = cli("notice", "addressees", "--example")
    assert printed.code == 0
    (place / "addressees.csv").write_text(printed.out, "utf-8")
    result = check(cli)
    assert (result.code, len(problems(result))) == (1, 7)
    assert cli("notice", "addressees").code == 2


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


def test_without_the_extra_one_sentence_says_what_to_install(
    cli: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("jinja2", "typst"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            result = write(cli, who=("--operator", "OpenAI"))
        assert result.code == 2
        assert result.err.splitlines()[-1] == "letters need an extra: pip install 'vorbehalt[claims]'"
    assert read_register(place / "evidence").letters == ()
    assert not list((place / "out").iterdir())


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
