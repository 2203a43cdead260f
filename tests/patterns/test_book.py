"""The rule book is data: complete, checked, replaceable, and part of the digest of the rules."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

import vorbehalt_rules
from pattern_support import book
from vorbehalt.errors import ConfigError, RulesError
from vorbehalt.patterns.book import read_book
from vorbehalt.patterns.definition import LEVELS
from vorbehalt.patterns.in_request import DETECTORS, TLS
from vorbehalt.patterns.lint import lint
from vorbehalt.patterns.parameters import PARAMETERS
from vorbehalt.settings import load

SHIPPED = vorbehalt_rules.documents()
ONE = "findings/claim.no_language.toml"
HEADLESS = "findings/claim.headless.toml"
BOOK = "findings/book.toml"
BROWSERS = "browsers.toml"


def changed(name: str, old: str, new: str) -> dict[str, bytes]:
    text = SHIPPED[name].decode()
    assert old in text
    return {**SHIPPED, name: text.replace(old, new, 1).encode()}


def test_the_book_holds_twenty_four_findings_and_their_weights() -> None:
    assert {id: definition.weight for id, definition in book().definitions.items()} == {
        "claim.no_fetch_metadata": 35, "claim.partial_fetch_metadata": 30, "claim.hints_missing": 30,
        "claim.hints_contradict": 40, "claim.no_such_browser": 50, "claim.dead_browser": 20,
        "claim.headless": 45, "claim.accept_not_html": 25, "claim.no_language": 15, "claim.encoding": 10,
        "proto.header_order": 15, "proto.impossible": 30, "proto.tls_contradicts": 30, "trap.hit": 45,
        "robots.violation": 50, "robots.no_read_crawl": 25, "chain.no_assets": 25, "chain.all_typed": 20,
        "chain.no_cookie": 10, "volume.breadth": 25, "volume.enumeration": 30, "volume.errors_or_head": 15,
        "media.bulk": 30, "cohort.orphans": 30,
    }  # fmt: skip


def test_levels_caps_and_excuses_are_as_documented() -> None:
    assert dict(book().levels) == {"limit": 30, "challenge": 50, "block": 80}
    assert {name: family.cap for name, family in book().families.items()} == {
        "claims": 60, "protocol": 40, "trap": 70, "robots": 75, "chain": 35, "volume": 35, "media": 30,
        "cohort": 40, "network": 20,
    }  # fmt: skip
    assert {id: excuse.weight for id, excuse in book().excuses.items()} == {
        "excuse.challenge_passed": -40,
        "excuse.reads_like_a_person": -20,
        "excuse.signed_in": -60,
    }
    assert book().families_for_block == 2


def test_the_absence_of_a_header_never_goes_past_limit_and_cohorts_never_past_challenge() -> None:
    missing = ("claim.no_fetch_metadata", "claim.hints_missing", "claim.no_language", "claim.encoding")
    assert {book().definition(id).alone_at_most for id in missing} == {"limit"}
    assert {book().families[name].alone_at_most for name in ("cohort", "network")} == {"challenge"}
    harder = {
        id
        for id, one in book().definitions.items()
        if LEVELS.index(one.alone_at_most) > LEVELS.index("challenge")
    }
    assert harder == {"robots.violation"}
    assert [id for id, one in book().definitions.items() if one.conclusive] == [
        "trap.hit",
        "robots.violation",
    ]


def test_every_finding_of_a_request_has_its_detector_and_every_detector_its_definition() -> None:
    stateless = [definition.id for definition in book().by_state["none"]]
    assert stateless == [*DETECTORS, TLS] == list(PARAMETERS)[:13]


MISTAKES = {
    "weight": (ONE, "weight = 15", "weight = 101", "weight must be from 0 to 100, not 101"),
    "no weight": (ONE, "weight = 15", "", "weight is missing"),
    "true": (ONE, "weight = 15", "weight = true", "weight must be a number, not True"),
    "format": (ONE, "format = 1", "format = 2", "format must be 1"),
    "toml": (ONE, "format = 1", "format = ", "not readable as TOML: Invalid value (at line 1"),
    "id": (ONE, 'id = "claim.no', 'id = "claim.on', "id must be the file name, 'claim.no_language', not"),
    "family": (ONE, '"claims"', '"claim"', "family must be one of claims protocol"),
    "need": (ONE, "needs = []", 'needs = ["eyes"]', "needs must be among secure order"),
    "needs": (ONE, "needs = []", 'needs = "order"', "needs must be a list of non-empty strings, not 'order'"),
    "parameter": (
        ONE, "chromium_from = 40", 'chromium_from = "40"',
        "parameters.chromium_from must be a number that is not negative",
    ),
    "negative parameter": (
        ONE, "chromium_from = 40", "chromium_from = -1",
        "parameters.chromium_from must be a number that is not negative",
    ),
    "another parameter": (
        ONE, "chromium_from = 40", "chromium_from = 40\nchromium = 1", "unknown parameter chromium"
    ),
    "list": (
        ONE, "chromium_from = 40", "chromium_from = [1]",
        "parameters.chromium_from must be a number, a string or a list of strings, not [1]",
    ),
    "text": (ONE, "title = ", "titel = ", "text: unknown key titel"),
    "key": (ONE, "version = 1", "version = 1\ncolour = 1", "unknown key colour"),
    "tokens": (HEADLESS, "tokens = [", "token = [", "parameters.tokens must be a list of strings"),
    "levels": (BOOK, "limit = 30", "limit = 50", "levels: limit must be below challenge, and challenge"),
    "keeps": (BOOK, 'keeps = "maximum"', 'keeps = "ever"', "family.claims: keeps must be one of"),
    "excuse": (BOOK, "weight = -40", "weight = 40", "excuse.challenge_passed: weight must be from -100"),
    "excuses": (BOOK, "excuse.signed_in", "excuse.challenge_passed", "[[excuse]] excuse.signed_in is"),
    "date": (
        BROWSERS, "[1, 2008-12-11]", "[1, 2008]",
        "releases.chromium: must be pairs of a major version and a date, not [1, 2008]",
    ),
    "builds": (
        BROWSERS, "[10, 648], [13, 782]", "[10, 782], [13, 648]",
        "builds.chromium must grow with the major version",
    ),
    "chain": (BROWSERS, '"user-agent"', '"User-Agent"', "order: chains must be lists of header names"),
}  # fmt: skip
"""What is changed in which document, and how the mistake is told."""


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_document_is_named_with_its_file(name: str) -> None:
    document, old, new, mistake = MISTAKES[name]
    with pytest.raises(RulesError) as raised:
        read_book(changed(document, old, new))
    lines = str(raised.value).splitlines()
    assert [line for line in lines if line.startswith(f"{document}: {mistake}")], lines


def test_a_document_too_few_and_one_too_many_are_named() -> None:
    with pytest.raises(RulesError, match=f"^{ONE} is missing$"):
        read_book({name: body for name, body in SHIPPED.items() if name != ONE})
    with pytest.raises(RulesError, match=r"^findings/claim\.mood\.toml: this version makes no such finding$"):
        read_book({**SHIPPED, "findings/claim.mood.toml": b""})


def test_all_mistakes_are_told_at_once() -> None:
    documents = {**changed(ONE, "weight = 15", "weight = -1"), BOOK: b"format = 1"}
    with pytest.raises(RulesError) as raised:
        read_book(documents)
    files = [line.partition(":")[0] for line in str(raised.value).splitlines()]
    assert {ONE, BOOK} <= set(files)


def test_the_digest_changes_with_every_document_of_the_book_and_with_no_other() -> None:
    names = [name for name in SHIPPED if name.startswith("findings/") or name == "browsers.toml"]
    assert len(names) == 26
    digests = {read_book({**SHIPPED, name: SHIPPED[name] + b"\n# changed\n"}).digest for name in names}
    assert len(digests | {book().digest}) == 27
    assert read_book({**SHIPPED, "rejected.toml": b"format = 1"}).digest == book().digest


def test_a_folder_of_the_site_replaces_a_definition_and_the_digest_of_the_rules(tmp_path: Path) -> None:
    folder = tmp_path / "rules" / "findings"
    folder.mkdir(parents=True)
    (folder / "claim.no_language.toml").write_bytes(changed(ONE, "weight = 15", "weight = 1")[ONE])
    config = {"format": 1, "site": {"origin": "https://label.example"}}
    plain = load(config, environ={})
    ours = load({**config, "rules": {"path": str(tmp_path / "rules")}}, environ={})
    assert plain.book.digest == book().digest
    assert (
        plain.book.definition("claim.no_language").weight,
        ours.book.definition("claim.no_language").weight,
    ) == (
        15,
        1,
    )
    assert ours.registry.digest != plain.registry.digest
    assert ours.digest != plain.digest


def test_a_broken_definition_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "findings").mkdir()
    (tmp_path / "findings" / "claim.no_language.toml").write_text("format = 1")
    config = {
        "format": 1, "site": {"origin": "https://label.example"}, "rules": {"path": str(tmp_path)}
    }  # fmt: skip
    with pytest.raises(ConfigError) as raised:
        load(config, environ={})
    problems = raised.value.problems
    assert {problem.id for problem in problems} == {"V025"}
    assert "rules: findings/claim.no_language.toml: weight is missing" in {
        problem.message for problem in problems
    }


def test_lint_finds_broken_documents_and_releases_that_grew_old() -> None:
    assert lint(SHIPPED, date(2026, 11, 26)) == []
    (problem,) = lint(changed(ONE, "weight = 15", "weight = 101"), date(2026, 11, 26))
    assert str(problem) == f"{ONE}:0: R013 weight must be from 0 to 100, not 101"
    newest = max(book().knowledge.releases["chromium"].values())
    assert [p.key for p in lint(SHIPPED, date.fromordinal(newest.toordinal() + 400))] == ["safari"]
    old = lint(SHIPPED, date.fromordinal(newest.toordinal() + 401))
    assert {"chromium", "safari"} <= {problem.key for problem in old}
    assert old[0].message == "releases.chromium: the newest is 401 days old"
    early = lint(SHIPPED, date(2026, 1, 1))
    assert (early[0].id, early[0].message[-11:]) == ("R014", "after today")


def test_every_date_of_a_release_is_later_than_that_of_the_major_before() -> None:
    for name, majors in book().knowledge.releases.items():
        days = [day for _, day in sorted(majors.items())]
        assert (name, days) == (name, sorted(days))


def test_known_days_of_release_are_right() -> None:
    releases = book().knowledge.releases
    assert releases["chromium"][100] == date(2022, 3, 29)
    assert releases["firefox"][115] == date(2023, 7, 4)
    assert releases["safari"][17] == date(2023, 9, 18)
    assert tomllib.loads(SHIPPED["browsers.toml"].decode())["format"] == 1
