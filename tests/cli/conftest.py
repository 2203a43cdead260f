"""The command line in this process: arguments and bytes in, exit status and both streams out."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notice_support import make_site, row, visit, write_rows
from vorbehalt.cli.app import run


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run one command in tmp_path. Nothing in the environment changes the configuration."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VORBEHALT_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str | Path, stdin: bytes = b"") -> Result:
        streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["vorbehalt", *map(str, arguments)])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            with pytest.raises(SystemExit) as ended:
                run()
        code = ended.value.code
        out, err = (stream.buffer.getvalue().decode() for stream in streams)
        return Result(code if isinstance(code, int) else int(code is not None), out, err)

    return call


SITE = """\
format = 1

[site]
origin = "https://label.example"
hosts = ["label.example"]
operator = "Label Example GmbH"
contact = "mailto:licensing@label.example"
robots = "none"

[reservation]
capacity = "owner"
rightsholder = "Label Example GmbH"

[[reservation.section]]
name = "press"
paths = ["/press/"]
training = "allow"
ai_input = "allow"
tdm = "allow"

[[host]]
names = ["archive.example"]
site = { origin = "https://archive.example", robots = "none" }
policy = { mode = "observe" }
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A configuration with a section and a second host, as vorbehalt.toml in tmp_path."""
    path = tmp_path / "vorbehalt.toml"
    path.write_text(SITE, "utf-8")
    return path


@pytest.fixture(scope="session")
def visited_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that four operators visited, before anything was written."""
    folder = tmp_path_factory.mktemp("site")
    make_site(folder)
    visit(folder)
    return folder


@pytest.fixture
def letters_site(visited_site: Path, tmp_path: Path) -> Path:
    shutil.copytree(visited_site, tmp_path, dirs_exist_ok=True)
    write_rows(
        tmp_path,
        row(),
        row(operator="anthropic", legal_name="Zweite GmbH", country="DE", language="de"),
        row(operator="Perplexity", legal_name="Troisième SA", country="FR", language="fr"),
        row(operator="Meta", legal_name="Fourth Inc", country="US", eu_representative="none"),
    )
    return tmp_path
