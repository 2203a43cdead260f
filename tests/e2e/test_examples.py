"""The examples of deploy/examples, each run by real servers and asked by a real client."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from process_support import CHROME, GPTBOT, ask, free_port, importing_from, running

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
SITES = [
    "starlette_app:app",
    "fastapi_app:app",
    "django_app:application",
    "litestar_app:app",
    "quart_app:app",
]
SERVERS = ["uvicorn", "granian", "hypercorn"]


def command(server: str, site: str, port: int) -> list[str]:
    python = sys.executable
    if server == "uvicorn":
        return [python, "-m", "uvicorn", site, "--port", str(port), "--log-level", "warning"]
    if server == "granian":
        return [python, "-m", "granian", "--interface", "asgi", "--port", str(port), site]
    return [python, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", site]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in EXAMPLES.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    return tmp_path


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("site", SITES)
def test_three_lines_protect(server: str, site: str, folder: Path) -> None:
    port = free_port()
    with running(command(server, site, port), port, folder, importing_from(folder)):
        person, crawler = ask(port, "/", CHROME), ask(port, "/", GPTBOT)
        robots = ask(port, "/robots.txt", GPTBOT)

    assert (person.status, person.body) == (200, b"a page")
    assert person.headers["tdm-reservation"] == "1"
    assert crawler.status == 403
    assert crawler.headers["tdm-reservation"] == "1"
    assert crawler.headers["cache-control"] == "no-store"
    assert b"licensing@label.example" in crawler.body
    assert robots.status == 200
    assert b"User-agent: GPTBot" in robots.body


@pytest.mark.parametrize("site", SITES)
def test_a_wrong_configuration_stops_the_site_with_its_message(site: str, folder: Path) -> None:
    (folder / "vorbehalt.toml").write_text('format = 1\n[site]\norigin = "nowhere"\n')

    done = start_that_fails(site, folder)

    assert done.returncode != 0
    assert "vorbehalt.toml:3: V009" in done.stdout + done.stderr


def test_a_directory_that_cannot_hold_evidence_stops_the_site_with_a_way_out(folder: Path) -> None:
    config = folder / "vorbehalt.toml"
    config.write_text(config.read_text().replace('"memory:"', '"taken"'))
    (folder / "taken").write_text("a file")

    done = start_that_fails("starlette_app:app", folder)

    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert '"off"' in said
    assert '"memory:"' in said


def start_that_fails(site: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("uvicorn", site, free_port()),
        cwd=folder,
        env={**os.environ, **importing_from(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_server_without_lifespan_serves_people_and_says_critical_once(folder: Path) -> None:
    """Nobody is told of the mistake there before the first request; a reader must not pay for it."""
    (folder / "vorbehalt.toml").write_text('format = 1\n[site]\norigin = "nowhere"\n')
    port = free_port()
    arguments = [*command("uvicorn", "starlette_app:app", port), "--lifespan", "off"]
    with running(arguments, port, folder, importing_from(folder)):
        answers = [ask(port, "/", agent) for agent in (CHROME, GPTBOT, CHROME)]
    log = (folder / f"server-{port}.log").read_text()

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert log.count("vorbehalt.toml:3: V009") == 1


def test_the_off_switch_switches_off(folder: Path) -> None:
    port = free_port()
    arguments = command("uvicorn", "starlette_app:app", port)
    with running(arguments, port, folder, {**importing_from(folder), "VORBEHALT_ENABLED": "0"}):
        crawler = ask(port, "/", GPTBOT)

    assert (crawler.status, crawler.body) == (200, b"a page")
    assert "tdm-reservation" not in crawler.headers
