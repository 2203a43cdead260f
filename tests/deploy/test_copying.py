"""Evidence is copied while it is written; a copy counts only if it verifies and extends the one before."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from process_support import GPTBOT, vorbehalt
from sandbox_support import ROOT
from vorbehalt import VorbehaltMiddleware

SCRIPT = ROOT / "deploy" / "examples" / "copy-evidence.sh"


async def page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a page"})


def write(directory: Path, ended: threading.Event | None, count: int = 10) -> None:
    """Refuse crawlers until told to stop (or `count` times), then stop in order."""

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        """Nobody listens."""

    async def visits() -> None:
        number = 0
        while number < count or (ended is not None and not ended.is_set()):
            number += 1
            scope = {
                "type": "http",
                "method": "GET",
                "scheme": "https",
                "http_version": "1.1",
                "path": f"/lyrics/{number}",
                "raw_path": b"/lyrics",
                "query_string": b"",
                "root_path": "",
                "headers": [(b"host", b"label.example"), (b"user-agent", GPTBOT.encode())],
                "client": (f"8.8.{number // 30 % 250}.8", 50000),
                "server": ("label.example", 443),
            }
            await app(scope, receive, send)

    config = {
        "format": 1,
        "site": {"origin": "https://label.example"},
        "evidence": {"directory": str(directory)},
    }
    app = VorbehaltMiddleware(page, config=config)
    asyncio.run(visits())
    assert app.runtime is not None
    app.runtime.stop()


def copy(source: Path, target: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    """Run the script, each copy under a name of its own as if a second had passed."""
    programs.mkdir(exist_ok=True)
    number = len(list(target.iterdir())) if target.exists() else 0
    lines = {
        "vorbehalt": f'exec {sys.executable} -m vorbehalt.cli.main "$@"',
        "date": f"echo 20261126T00000{number}Z",
    }
    for name, line in lines.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    return subprocess.run(
        [SCRIPT, source, target],
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.real("rsync")
def test_a_copy_of_a_growing_log_verifies_and_extends_the_one_before(tmp_path: Path) -> None:
    source, target, ended = tmp_path / "evidence", tmp_path / "copies", threading.Event()
    write(source, None)
    writer = threading.Thread(target=write, args=(source, ended))
    writer.start()
    try:
        copies = [copy(source, target, tmp_path / "programs") for _ in range(2)]
    finally:
        ended.set()
        writer.join(30)
    copies.append(copy(source, target, tmp_path / "programs"))

    assert [done.returncode for done in copies] == [0, 0, 0], [done.stderr for done in copies]
    folders = [Path(done.stdout.strip()) for done in copies]
    assert (target / "last").resolve() == folders[-1].resolve()
    sizes = [int((folder / "log" / "checkpoint").read_text().split("\n")[1]) for folder in folders]
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
    for folder in folders:
        assert vorbehalt("evidence", "verify", folder).returncode == 0
        assert not [name for name in ("keys", "vault", "run", "spool") if (folder / name).exists()]


@pytest.mark.real("rsync")
def test_a_log_that_began_anew_does_not_take_the_place_of_the_copy(tmp_path: Path) -> None:
    source, target = tmp_path / "evidence", tmp_path / "copies"
    write(source, None)
    first = copy(source, target, tmp_path / "programs")
    shutil.rmtree(source)  # the disk of a container that was replaced
    write(source, None)

    second = copy(source, target, tmp_path / "programs")

    assert (first.returncode, second.returncode) == (0, 1)
    assert "was left as it is" in second.stderr
    assert (target / "last").resolve() == Path(first.stdout.strip()).resolve()


def test_one_directory_belongs_to_one_log(tmp_path: Path) -> None:
    first = vorbehalt("evidence", "init", tmp_path / "evidence", "--origin", "www.example.org/evidence/a")
    second = vorbehalt("evidence", "init", tmp_path / "evidence", "--origin", "www.example.org/evidence/b")

    assert (first.returncode, second.returncode) == (0, 2)
    assert b"www.example.org/evidence/a" in second.stderr
