"""The documents are true: marked blocks run, links lead somewhere, commands exist, TOML is accepted."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
import typer.main

from vorbehalt.cli.app import app
from vorbehalt.settings import load

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHERS = [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "rules/README.md")]
SAMPLE_LOG = (
    '203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /lyrics/1 HTTP/1.1" 200 512 "-" "GPTBot/1.2"\n'
    '203.0.113.10 - - [01/Mar/2026:10:00:01 +0000] "GET / HTTP/1.1" 200 99 "-" "Mozilla/5.0 Firefox/145.0"\n'
)
FENCE = re.compile(r"^(?:<!-- (runs(?:: [a-z0-9-]+)?) -->\n)?```([a-z]*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `mark` is "", "runs" or "runs: NAME"."""

    document: Path
    line: int
    mark: str
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks_of(document: Path, text: str) -> list[Block]:
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start(3)) + 1
        found.append(Block(document, line, match[1] or "", match[2], match[3]))
    return found


BLOCKS = [block for document in DOCUMENTS for block in blocks_of(document, document.read_text("utf-8"))]


def marked(language: str) -> list[Any]:
    return [pytest.param(b, id=b.place) for b in BLOCKS if b.mark and b.language == language]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder in which `vorbehalt` and `make` can be typed as a reader would, and logs lie where they do."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "work" / ".venv").mkdir(parents=True)
    scripts = {
        "vorbehalt": f'exec {shlex.quote(sys.executable)} -m vorbehalt.cli.main "$@"',
        "make": f'exec {shlex.quote(_real_make())} -n -C {shlex.quote(str(ROOT))} "$@" >/dev/null',
    }
    for name, line in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    (tmp_path / "work" / ".venv" / "bin").symlink_to(programs)
    (tmp_path / "work" / "access.log").write_text(SAMPLE_LOG)
    return tmp_path / "work"


def _real_make() -> str:
    return next(
        path for folder in ("/usr/bin", "/bin", "/usr/local/bin") if Path(path := f"{folder}/make").exists()
    )


@pytest.mark.parametrize("block", marked("sh"))
def test_a_marked_shell_block_runs(block: Block, home: Path) -> None:
    text = re.sub(r"(?<=\s)/var/log/\S+", "access.log", block.text)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("VORBEHALT_")}
    environment["PATH"] = f"{home.parent / 'programs'}{os.pathsep}{environment['PATH']}"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, f"{block.place}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"


@pytest.mark.parametrize("block", marked("python"))
def test_a_marked_python_block_runs(block: Block, home: Path) -> None:
    (home / "vorbehalt.toml").write_text(
        'format = 1\n[site]\norigin = "https://label.example"\n[evidence]\ndirectory = "memory:"\n'
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text],
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, f"{block.place}\n{done.stderr[-1500:]}"


def test_marks_are_of_known_languages_and_names_are_unique() -> None:
    names = [block.mark for block in BLOCKS if ": " in block.mark]

    assert {block.language for block in BLOCKS if block.mark} <= {"sh", "python"}
    assert len(names) == len(set(names))
    assert [block for block in BLOCKS if block.mark], "nothing runs"
    text = "\n".join(document.read_text("utf-8") for document in DOCUMENTS)
    assert len(re.findall(r"^<!-- runs", text, re.M)) == len([block for block in BLOCKS if block.mark]), (
        "a mark stands before no block"
    )


@pytest.mark.parametrize(
    "block", [pytest.param(b, id=b.place) for b in BLOCKS if b.language == "python" and not b.mark]
)
def test_other_python_blocks_compile(block: Block) -> None:
    compile(block.text, block.place, "exec")


BASE = """\
[site]
origin = "https://label.example"
operator = "Label Example GmbH"
contact = "mailto:licensing@label.example"
"""


@pytest.mark.parametrize("block", [pytest.param(b, id=b.place) for b in BLOCKS if b.language == "toml"])
def test_every_toml_block_is_a_configuration_or_part_of_one(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "robots.txt").write_text("User-agent: *\n")
    trustme.CA().cert_pem.write_to_path(tmp_path / "tsa-root.pem")
    (tmp_path / "page.html").write_text("<main>$declaration $parts $contacts</main>\n")
    data = {"format": 1, **tomllib.loads(BASE), **tomllib.loads(block.text)}
    data["site"] = {**tomllib.loads(BASE)["site"], **data["site"]}

    load(data, environ={})


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """The anchors that headings get on code hosts."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


def broken_links(document: Path, text: str) -> list[str]:
    broken = []
    for match in LINK.finditer(FENCE.sub("", text)):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (document.parent / path).resolve() if path else document
        if not place.is_relative_to(ROOT) or not place.exists():
            broken.append(target)
        elif anchor and place.suffix == ".md":
            there = text if place == document else place.read_text("utf-8")
            broken += [target] * (anchor not in anchors(there))
    return broken


@pytest.mark.parametrize(
    "document", [pytest.param(d, id=str(d.relative_to(ROOT))) for d in [*DOCUMENTS, *OTHERS] if d.exists()]
)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    assert broken_links(document, document.read_text("utf-8")) == []


def commands(group: Any, prefix: str = "") -> dict[str, set[str]]:
    """All commands with their options; those of a group by both words."""
    found: dict[str, set[str]] = {}
    for name, command in getattr(group, "commands", {}).items():
        found[prefix + name] = {option for parameter in command.params for option in parameter.opts}
        found |= commands(command, f"{prefix}{name} ")
    return found


COMMANDS = commands(typer.main.get_command(app))
COMMANDS["signals"] |= COMMANDS["signals show"]  # the command that is meant where none is named
CALL = re.compile(
    r"(?:^|[\s(/;|`])vorbehalt ((?:evidence |notice |rules |works |signals (?=[a-z]))?[a-z]+)"
    r"(?![\w.:/=-])([^\n|;#`]*)"
)


def wrong_calls(text: str) -> list[str]:
    """Calls of our program, in blocks and in code spans, that it would not understand."""
    wrong = []
    code = [match[3] for match in FENCE.finditer(text) if match[2] in ("sh", "")]
    code += re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    for piece in code:
        for name, rest in CALL.findall(piece):
            options = {word.partition("=")[0] for word in re.findall(r"(?<=\s)--?[A-Za-z][\w-]*", rest)}
            if name not in COMMANDS:
                wrong.append(f"vorbehalt {name}")
            elif unknown := options - COMMANDS[name] - {"--help"}:
                wrong.append(f"vorbehalt {name} {' '.join(sorted(unknown))}")
    return wrong


@pytest.mark.parametrize("document", [pytest.param(d, id=str(d.relative_to(ROOT))) for d in DOCUMENTS])
def test_every_command_and_option_that_is_named_exists(document: Path) -> None:
    assert wrong_calls(document.read_text("utf-8")) == []


def test_the_checks_see_what_is_wrong() -> None:
    text = (
        "# A *title*, with `code`\n[here](docs/nowhere.md) [there](#a-title-with-code) [gone](#gone)\n"
        "`vorbehalt stop --for 2h` and `vorbehalt check --nonsense`, `vorbehalt evidence nothing`\n"
        "```sh\nmake x && vorbehalt nonsense\nvorbehalt evidence show DIR --type request\n```\n"
    )

    assert broken_links(ROOT / "README.md", text) == ["docs/nowhere.md", "#gone"]
    assert anchors(text) == {"a-title-with-code"}
    assert sorted(wrong_calls(text)) == [
        "vorbehalt check --nonsense",
        "vorbehalt evidence nothing",
        "vorbehalt nonsense",
        "vorbehalt stop",
    ]
    assert [block.mark for block in blocks_of(ROOT, f"<!-- runs: a-1 -->\n{text[text.index('```') :]}")] == [
        "runs: a-1"
    ]
