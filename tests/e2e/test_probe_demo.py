"""`probe` against the demo, as a stranger types both."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from process_support import VORBEHALT, end, vorbehalt, wait_for


@pytest.fixture
def demo(tmp_path: Path) -> object:
    """The demo, up and running; its address."""
    log = tmp_path / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*VORBEHALT, "demo"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: "Ctrl-C" in log.read_text(errors="replace"), "the demo does not stay up", 90)
        origin = re.search(
            r'origin = "([^"]+)"', (tmp_path / "vorbehalt-demo" / "vorbehalt.toml").read_text()
        )
        assert origin is not None
        yield origin[1]
    finally:
        end(process)


def test_the_demo_passes_and_the_exchange_is_kept_beside_the_running_server(
    demo: str, tmp_path: Path
) -> None:
    config = tmp_path / "vorbehalt-demo" / "vorbehalt.toml"

    bare = vorbehalt("probe", demo, folder=tmp_path)
    compared = vorbehalt("probe", demo, "-c", config, "--json", folder=tmp_path)
    verified = vorbehalt("evidence", "verify", tmp_path / "vorbehalt-demo" / "evidence", folder=tmp_path)

    assert bare.returncode == 0, bare.stdout.decode()
    found = json.loads(compared.stdout)
    assert (compared.returncode, found["findings"]) == (0, [])
    assert found["requests"] <= 60
    assert {"/audio/1.wav", "/covers/1.svg", "/press/", "/feed.xml"} <= {
        one["path"] for one in found["exchanges"]
    }
    assert found["record"]["ref"].startswith("VB-")
    assert verified.returncode == 0, verified.stdout.decode()


def test_the_demo_is_left_alone_under_a_crawlers_name_and_says_the_same(demo: str, tmp_path: Path) -> None:
    refused = vorbehalt("probe", demo, "--user-agent", "GPTBot/1.2", "--json", folder=tmp_path)

    found = json.loads(refused.stdout)
    assert (refused.returncode, found["findings"]) == (0, [])
    assert 403 in {one["status"] for one in found["exchanges"]}
