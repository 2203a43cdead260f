"""`init`: a configuration that `check` accepts, and text that can be pasted."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.cli.snippets import SNIPPETS

Cli = Callable[..., Any]
DEPLOY = Path(__file__).parents[2] / "deploy"
STACKS = ["fastapi", "django", "nginx", "caddy", "traefik", "envoy", "static"]


def test_the_stacks_are_those_of_the_contract() -> None:
    assert list(SNIPPETS) == STACKS


@pytest.mark.parametrize("stack", STACKS)
def test_what_it_writes_is_accepted(stack: str, cli: Cli, tmp_path: Path) -> None:
    made = cli("init", "--for", stack, "--yes", "--origin", "https://label.example/")
    checked = cli("check", "--json")

    assert made.code == 0, made.err
    assert made.err == "wrote vorbehalt.toml\n"
    assert (checked.code, checked.json) == (0, {"errors": [], "warnings": []})
    data = tomllib.loads((tmp_path / "vorbehalt.toml").read_text("utf-8"))
    assert data["site"]["origin"] == "https://label.example"
    assert data["site"]["robots"] == ("app" if stack in ("fastapi", "django") else "none")
    assert ("network" in data) == (stack in ("nginx", "caddy", "traefik", "envoy"))


@pytest.mark.parametrize("stack", STACKS)
def test_it_ends_with_three_curl_lines_and_what_to_expect(stack: str, cli: Cli) -> None:
    out = cli("init", "--for", stack, "--yes").out

    lines = [line.strip() for line in out.splitlines() if line.strip().startswith("curl ")]
    expected = [re.sub(r"curl .*?http://127\.0\.0\.1\S*", "", line).strip() for line in lines]
    assert len(lines) == 3
    assert expected[0] == ("200: it is only told" if stack == "static" else "403, and why")
    assert expected[1].startswith("200, with a group for GPTBot")
    assert expected[2] == '200, with "tdm-reservation: 1"'
    assert not re.search("@[A-Z]+@", out), "a placeholder was left"
    assert "VORBEHALT_ENABLED=0" in out


def test_files_in_deploy_are_what_init_prints() -> None:
    files = {part.file: part.text for snippet in SNIPPETS.values() for part in snippet.parts if part.file}

    for name, text in files.items():
        assert (DEPLOY / name).read_text("utf-8") == text.replace("@HOST@", "www.example.org"), name
    kept = {
        str(path.relative_to(DEPLOY))
        for stack in ("nginx", "caddy", "traefik", "envoy")
        for path in (DEPLOY / stack).rglob("*")
        if path.is_file()
    }
    assert kept == set(files)


@pytest.mark.parametrize("stack", ["fastapi", "django"])
def test_python_to_paste_is_python(stack: str) -> None:
    for part in SNIPPETS[stack].parts:
        compile(part.text, stack, "exec")


def test_it_never_overwrites(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "vorbehalt.toml").write_text("mine")
    (tmp_path / "dangling.toml").symlink_to(tmp_path / "elsewhere.toml")

    for name in ("vorbehalt.toml", "dangling.toml"):
        result = cli("init", "--yes", "-c", name)
        assert result.code == 2
        assert f"{name} exists already" in result.err
    assert (tmp_path / "vorbehalt.toml").read_text() == "mine"
    assert not (tmp_path / "elsewhere.toml").exists()


def answers(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def test_it_asks_and_takes_every_answer(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("User-agent: *\n")
    stdin = answers(
        "nginx", "https://label.example", 'Label "Ü" \\ GmbH', "mailto:a@label.example", "own.txt",
        "block", "block", "observe", "yes",
    )  # fmt: skip

    result = cli("init", stdin=stdin)

    assert result.code == 0, result.err
    data = tomllib.loads((tmp_path / "vorbehalt.toml").read_text("utf-8"))
    assert data["site"] == {
        "origin": "https://label.example",
        "hosts": ["label.example"],
        "operator": 'Label "Ü" \\ GmbH',
        "contact": "mailto:a@label.example",
        "robots": "file:own.txt",
    }
    assert data["policy"]["mode"] == "observe"
    assert data["network"]["refresh"] is True
    assert [rule["match"]["purpose"] for rule in data["policy"]["rule"]] == [["user-fetch"], ["archiver"]]
    assert "/etc/nginx/snippets/vorbehalt.conf:" in result.out
    assert "The site's origin" not in result.out, "questions are no result"
    assert "and your own rules" in result.out
    assert cli("check").code == 0


def test_enter_takes_the_default_everywhere(cli: Cli, tmp_path: Path) -> None:
    asked = cli("init", stdin=b"\n" * 9)
    first = (tmp_path / "vorbehalt.toml").read_text()
    (tmp_path / "vorbehalt.toml").unlink()
    cli("init", "--yes")

    assert asked.code == 0, asked.err
    assert (tmp_path / "vorbehalt.toml").read_text() == first


def test_a_wrong_answer_is_asked_again(cli: Cli, tmp_path: Path) -> None:
    stdin = answers(
        "apache", "fastapi", "nowhere", "https://label.example/path", "https://label.example", "", "call us",
        "", "perhaps", "allow", "", "", "",
    )  # fmt: skip

    result = cli("init", stdin=stdin)

    assert result.code == 0, result.err
    assert "one of fastapi, django" in result.err
    assert '"nowhere" is no origin' in result.err
    assert 'did you mean "https://label.example"?' in result.err
    assert "must be a mailto: or https: address" in result.err
    assert "one of allow, block, please" in result.err
    assert (
        tomllib.loads((tmp_path / "vorbehalt.toml").read_text())["site"]["origin"] == "https://label.example"
    )


def test_an_end_of_input_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", stdin=answers("nginx", "https://label.example"))

    assert result.code == 1
    assert not (tmp_path / "vorbehalt.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--for", "apache"], '"apache" is none of fastapi, django'),
        (["--origin", "nowhere"], '"nowhere" is no origin'),
        (["--origin", "https://ex\x1b.example"], "site.origin"),
        (["--contact", "call us"], "must be a mailto: or https: address"),
        (["--robots", "nowhere.txt"], "there is no file"),
        (["-c", "no/such/folder.toml"], "No such file or directory: no/such/folder.toml"),
    ],
)
def test_wrong_options_write_nothing(arguments: list[str], said: str, cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "--yes", *arguments)

    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert "\x1b" not in result.err
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_no_part_of_the_file(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VORBEHALT_POLICY__MODE", "nonsense")

    assert cli("init", "--yes").code == 0


def test_a_robots_file_is_found_from_the_configurations_folder(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "own.txt").write_text("User-agent: *\n")

    made = cli("init", "--for", "nginx", "--yes", "--robots", "own.txt", "-c", "etc/vorbehalt.toml")

    assert made.code == 0, made.err
    assert cli("check", "-c", "etc/vorbehalt.toml").code == 0
