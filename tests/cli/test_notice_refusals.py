"""What stops a letter: each reason with its place, nothing written, nothing entered."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from notice_support import (
    BY,
    TO,
    check,
    day,
    keep,
    make_site,
    only_folder,
    problems,
    request,
    row,
    write,
    write_rows,
)
from vorbehalt.claims.register import read_register


@pytest.fixture
def place(letters_site: Path) -> Path:
    return letters_site


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


def test_who_holds_a_permission_is_named_before_a_letter_goes_out(cli: Any, place: Path) -> None:
    config = place / "vorbehalt.toml"
    more = "".join(
        f'[[reservation.permission]]\nreference = "{reference}"\noperator = "{operator}"\n'
        f'uses = ["training"]\n{until}\n'
        for reference, operator, until in (
            ("LIC-7", "openai", ""),
            ("LIC-8", "openai", f"until = {day(9)}"),
            ("LIC-9", "openai", f"until = {day(-9)}"),
            ("LIC-10", "google", ""),
        )
    )
    config.write_text(config.read_text("utf-8").replace("[works]", f"{more}[works]"), "utf-8")
    result = check(cli)
    assert result.code == 0, result.out
    assert [line for line in result.err.splitlines() if "permission" in line] == [
        f"OpenAI holds the permission {reference} at https://label.example: read twice"
        for reference in ("LIC-7", "LIC-8")
    ]


def test_a_configuration_that_never_ran_cannot_be_declared(cli: Any, place: Path) -> None:
    config = place / "vorbehalt.toml"
    config.write_text(
        config.read_text("utf-8").replace("[reservation]", '[reservation]\nsearch = "reserve"'), "utf-8"
    )
    result = check(cli)
    assert result.code == 1
    assert "V134 the log knows another reservation in force at https://label.example" in problems(result)[0]


def test_a_section_that_reserves_more_makes_it_no_other_reservation(cli: Any, tmp_path: Path) -> None:
    section = '[[reservation.section]]\nname = "press"\npaths = ["/press/"]\nsearch = "reserve"'
    make_site(tmp_path, section)
    write_rows(tmp_path, row())
    result = check(cli)
    assert (result.code, problems(result)) == (0, [])


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


def test_a_letter_does_not_rest_on_requests_under_a_contract_alone(cli: Any, place: Path) -> None:
    at = time.time_ns() - 3600 * 10**9
    keep(place, request(990_001, "Meta", "verified", at, permission="licence:7"))
    for kind in ("factual", "gpai-complaint"):
        result = write(cli, kind=kind, who=("--operator", "Meta"))
        assert result.code == 1
        assert "all requests that it would rest on fall under a permission by contract" in result.err
    keep(place, request(990_002, "Meta", "verified", at))
    assert write(cli, kind="factual", who=("--operator", "Meta")).code == 0
