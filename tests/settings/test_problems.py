"""Every mistake is named at once, with its line; what comes later is said, not swallowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from support import cases
from vorbehalt.errors import ConfigError, Problem
from vorbehalt.settings import load, rooms
from vorbehalt.settings.problems import PROBLEMS

HEAD = 'format = 1\n[site]\norigin = "https://label.example"\n'


def problems_of(load_text: Any, text: str) -> list[Problem]:
    try:
        return list(load_text(text).warnings)
    except ConfigError as error:
        return error.problems


@pytest.mark.parametrize("case", cases("settings"))
def test_problems_are_named_with_their_lines(case: dict[str, Any], load_text: Any, tmp_path: Path) -> None:
    # A text of the cases begins after the line break behind its quotes.
    text = HEAD + ("\n" + case["text"] if case["text"] else "")
    expected = case["problems"]
    assert len({":V0" in entry for entry in expected}) < 2, "errors hide warnings: make two cases of it"
    found = problems_of(load_text, text)
    assert [f"{p.line}:{p.id}" for p in found if p.id != "V113"] == expected
    assert {p.file for p in found} <= {str(tmp_path / "vorbehalt.toml")}
    if "says" in case:
        assert any(case["says"] in p.message for p in found), [p.message for p in found]
    assert all(re.fullmatch(r".+vorbehalt\.toml:\d+: V\d{3} .+", str(problem)) for problem in found)


def test_every_id_has_a_test() -> None:
    covered = {entry.partition(":")[2] for case in cases("settings") for entry in case.values[0]["problems"]}
    elsewhere = {"V001", "V002", "V006", "V027", "V105", "V113", "V123", "V125", "V126", "V127", "V128"}
    elsewhere |= {"V133", "V134", "V135", "V136"}  # tests/cli/test_notice_write.py
    assert covered | elsewhere == set(PROBLEMS)
    assert not covered & elsewhere


def test_errors_and_warnings_together_raise_the_errors_only(load_text: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(HEAD + "[network]\ndns = true\nx = 1\n")
    assert [problem.id for problem in caught.value.problems] == ["V003"]


@pytest.mark.parametrize(
    ("text", "line", "id"),
    [
        ("format = 1\n[site\n", 2, "V001"),
        ('format = 1\n\n[site]\norigin = "x', 4, "V001"),
        ("format = 1\nformat = 1\n", 2, "V001"),
        ("format = 1\n[site]\n[site]\n", 3, "V001"),
        ("a = " + "[" * 5000, 1, "V001"),
        ("format = 1\na = \x00\n", 2, "V001"),
    ],
)
def test_a_syntax_error_stands_alone(text: str, line: int, id: str, load_text: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    assert [(problem.line, problem.id) for problem in caught.value.problems] == [(line, id)]


@pytest.mark.parametrize(
    "text", ["", "[site]\norigin = 'https://a.example'\n", "format = 2\n", "format = true\n"]
)
def test_the_format_must_be_known(text: str, load_text: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    assert "V006" in [problem.id for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        (None, "site.origin is missing"),
        ('""', "is empty"),
        ('"https://label.example/"', 'did you mean "https://label.example"?'),
        ('"https://label.example/shop"', 'did you mean "https://label.example"?'),
        ('"label.example"', "write it like https://label.example"),
        ('"ftp://label.example"', "write it like"),
        ('"https://"', "write it like"),
        ('"https://user@label.example"', "no plain host name"),
        ('"https://lab el.example"', "no plain host name"),
        ('"https://l.example:99999"', "is no URL"),
        ('"https://[::1"', "is no URL"),
        ('"https://münchen.example"', "xn--"),
        ('"https://l.example?"', "no trailing slash"),
    ],
)
def test_an_origin_is_scheme_and_host(origin: str | None, says: str, load_text: Any) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        load_text("format = 1\n[site]\n" + (f"origin = {origin}\n" if origin else ""))


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml:0: V002 the file cannot be read"):
        load(tmp_path / "nowhere.toml", environ={})
    (tmp_path / "latin.toml").write_bytes(b"format = 1\n# \xe4\n")
    with pytest.raises(ConfigError, match=r"latin\.toml:1: V001 the file is not UTF-8"):
        load(tmp_path / "latin.toml", environ={})


def test_a_mapping_reports_its_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"format": 1, "site": {"orign": "x"}, "policy": {"rule": [{"name": "a"}]}}, environ={})
    for problem in caught.value.problems:
        assert (problem.file, problem.line) == ("<mapping>", 0)
        assert problem.key in problem.message
    assert {problem.key for problem in caught.value.problems} == {
        "site.origin",
        "site.orign",
        "policy.rule[0].match",
        "policy.rule[0].action",
    }


def test_a_list_that_is_not_shipped_is_said(tmp_path: Path) -> None:
    from vorbehalt.settings.load import load_rules

    documents, registry = load_rules(None)
    few = {name: body for name, body in documents.items() if not name.startswith("proxy_networks/")}
    config = {
        "format": 1,
        "site": {"origin": "https://a.example"},
        "network": {"trusted_proxies": ["fastly"]},
    }
    with pytest.raises(ConfigError, match=r'V027 .*"fastly" is not shipped'):
        load(config, environ={}, rules=lambda path: (few, registry))
    few["proxy_networks/fastly.json"] = b'{"prefixes": ["151.101.0.0/16", {"ipv6Prefix": "2a04:4e40::/32"}]}'
    settings = load(config, environ={}, rules=lambda path: (few, registry))
    assert settings.network.trusted_proxies == ("151.101.0.0/16", "2a04:4e40::/32")
    few["proxy_networks/fastly.json"] = b'{"prefixes": [7]}'
    with pytest.raises(ConfigError, match=r"V025 .*malformed"):
        load(config, environ={}, rules=lambda path: (few, registry))
    few["proxy_networks/fastly.json"] = b'{"prefixes": ["151.101.0.0/16", "0.0.0.0/0"]}'
    with pytest.raises(ConfigError, match=r"V012 .*fastly\.json: 0\.0\.0\.0/0"):
        load(config, environ={}, rules=lambda path: (few, registry))


@pytest.mark.parametrize(
    ("key", "module"), [("dns", "dns"), ("refresh", "aiohttp"), ("signatures", "aiohttp")]
)
def test_a_look_up_without_its_extra_is_off_and_said(
    key: str, module: str, load_text: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEAD + f"[network]\n{key} = true\n"
    assert getattr(load_text(text).network, key) is True
    assert "V105" not in {problem.id for problem in load_text(text).warnings}
    monkeypatch.setattr(rooms, "find_spec", lambda name: None if name == module else name)
    settings = load_text(text)
    assert getattr(settings.network, key) is False
    (said,) = [problem for problem in settings.warnings if problem.id == "V105"]
    assert said.line == 5
    assert "vorbehalt[verify]" in said.message


def test_broken_rules_are_named_line_by_line(tmp_path: Path, load_text: Any) -> None:
    overlay = tmp_path / "mine" / "presets"
    overlay.mkdir(parents=True)
    (overlay / "allow-search.toml").write_text("format = 1\nname = 'allow-search'\n")
    with pytest.raises(ConfigError, match=r"V025 presets/allow-search\.toml: about"):
        load_text(HEAD + "[rules]\npath = 'mine'\n")


def test_every_id_has_a_sentence() -> None:
    room = Path(__file__).parents[2] / "middleware" / "vorbehalt"
    used = {
        found
        for folder in ("settings", "policy", "cli", "claims/notice")
        for path in (room / folder).glob("*.py")
        if path.name != "problems.py"
        for found in re.findall(r'"(V\d{3})"', path.read_text())
    }
    assert used == set(PROBLEMS)
    assert all(re.fullmatch(r"[A-Z].+\.", sentence) for sentence in PROBLEMS.values())
