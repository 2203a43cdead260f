"""Programs that people and operators really use, against a protected site on a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from process_support import GPTBOT, free_port, importing_from, running

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The Starlette example on uvicorn."""
    for name in ("starlette_app.py", "vorbehalt.toml"):
        shutil.copy(EXAMPLES / name, tmp_path)
    port = free_port()
    server = [
        sys.executable,
        "-m",
        "uvicorn",
        "starlette_app:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    with running(server, port, tmp_path, importing_from(tmp_path)):
        yield f"http://127.0.0.1:{port}/"


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return subprocess.run(
        arguments,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.real("curl")
def test_curl_is_served_and_a_crawlers_name_is_not(url: str, tmp_path: Path) -> None:
    own = run("curl", "-q", "-sS", "-i", url, folder=tmp_path)
    crawler = run("curl", "-q", "-sS", "-i", "-A", GPTBOT, url, folder=tmp_path)
    browser = run("curl", "-q", "-sS", "-i", "-A", GPTBOT, "-H", "Accept: text/html", url, folder=tmp_path)
    robots = run("curl", "-q", "-sS", "-i", "-A", GPTBOT, f"{url}robots.txt", folder=tmp_path)

    assert own.stdout.startswith("HTTP/1.1 200 ")
    assert "tdm-reservation: 1\n" in own.stdout
    assert own.stdout.endswith("a page")
    assert crawler.stdout.startswith("HTTP/1.1 403 ")
    assert '"reference": "VB-' in crawler.stdout
    assert "<h1>" in browser.stdout
    assert robots.stdout.startswith("HTTP/1.1 200 ")
    assert "User-agent: GPTBot\n" in robots.stdout


@pytest.mark.real("wget")
def test_wget_obeys_what_robots_txt_says_of_its_name(url: str, tmp_path: Path) -> None:
    """wget reads robots.txt when it recurses, and keeps to the group of the name it was given."""
    own = run("wget", "-nv", "-r", "-l1", "-P", "own", url, folder=tmp_path)
    crawler = run("wget", "-nv", "-r", "-l1", "-P", "crawler", "-U", GPTBOT, url, folder=tmp_path)

    assert own.returncode == 0, own.stderr
    assert [path for path in (tmp_path / "own").rglob("index.html") if path.read_text() == "a page"]
    assert crawler.returncode == 8, "a server's refusal"
    assert "403" in crawler.stderr
    assert not list((tmp_path / "crawler").rglob("index.html"))


@pytest.mark.real("chromium")
def test_a_real_browser_sees_the_page_and_a_refusal_as_a_page(url: str, tmp_path: Path) -> None:
    def dom(*options: str) -> str:
        arguments = [
            "chromium", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--no-proxy-server",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={tmp_path / f'profile{len(options)}'}",
        ]  # fmt: skip
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        return run(*arguments, *options, "--dump-dom", url, folder=tmp_path).stdout

    person, crawler = dom(), dom(f"--user-agent={GPTBOT}")

    assert "a page" in person
    assert "<h1>Access refused</h1>" in crawler
    assert 'href="mailto:licensing@label.example"' in crawler
    assert "VB-" in crawler
