"""The examples of deploy/examples, each run by real servers and asked by a real client."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
SITES = [
    "starlette_app:app",
    "fastapi_app:app",
    "django_app:application",
    "litestar_app:app",
    "quart_app:app",
]
GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
)
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def command(server: str, site: str, port: int) -> list[str]:
    python = sys.executable
    if server == "uvicorn":
        return [python, "-m", "uvicorn", site, "--port", str(port), "--log-level", "warning"]
    if server == "granian":
        return [python, "-m", "granian", "--interface", "asgi", "--port", str(port), site]
    return [python, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", site]


def ask(url: str, agent: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": agent})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


@contextlib.contextmanager
def running(arguments: list[str], port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; wait until it listens, give up after 20 seconds."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            wait_until_listening(process, port)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stdout is not None
            pytest.fail(f"the server ended: {process.stdout.read().decode()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return
        select_pause()
    pytest.fail("the server did not listen within 20 seconds")


def select_pause() -> None:
    """Give another process the processor for a moment."""
    import select

    select.select([], [], [], 0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in EXAMPLES.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    return tmp_path


@pytest.mark.parametrize("server", ["uvicorn", "granian", "hypercorn"])
@pytest.mark.parametrize("site", SITES)
def test_three_lines_protect(server: str, site: str, folder: Path) -> None:
    port = free_port()
    with running(command(server, site, port), port, folder):
        url = f"http://127.0.0.1:{port}/"
        person, crawler = ask(url, CHROME), ask(url, GPTBOT)
        robots = ask(url + "robots.txt", GPTBOT)

    assert (person[0], person[2]) == (200, b"a page")
    assert person[1]["tdm-reservation"] == "1"
    assert crawler[0] == 403
    assert b"Label Example" in crawler[2] or b"licensing@label.example" in crawler[2]
    assert robots[0] == 200
    assert b"GPTBot" in robots[2]


@pytest.mark.parametrize("site", SITES)
def test_a_wrong_configuration_stops_the_site_with_its_message(site: str, folder: Path) -> None:
    (folder / "vorbehalt.toml").write_text('format = 1\n[site]\norigin = "nowhere"\n')

    done = subprocess.run(
        command("uvicorn", site, free_port()),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode != 0
    assert "vorbehalt.toml:3: V0" in done.stdout + done.stderr
