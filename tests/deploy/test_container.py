"""The container file: linted, and followed step by step in a sandbox, without a container engine."""

from __future__ import annotations

import fnmatch
import http.server
import io
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from dockerfile_parse import DockerfileParser

from process_support import vorbehalt
from sandbox_support import ROOT, USER, inside, lend_dependencies, python_path
from vorbehalt.settings import load

FOLDER = ROOT / "deploy" / "container"
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_CACHE_DIR": "1"}


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """The instructions as (name, value), in their order."""
    file = io.BytesIO((FOLDER / "Containerfile").read_bytes())  # the stubs want text, the parser bytes
    parser = DockerfileParser(fileobj=cast(Any, file))
    return [(step["instruction"], step["value"]) for step in parser.structure]


@pytest.fixture(scope="module")
def last_stage(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    start = max(number for number, (name, _) in enumerate(steps) if name == "FROM")
    return steps[start:]


def only(steps: list[tuple[str, str]], name: str) -> str:
    (value,) = [value for instruction, value in steps if instruction == name]
    return value


def test_the_linter_has_nothing_to_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), FOLDER / "Containerfile"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_the_last_stage_needs_neither_shell_nor_root(last_stage: list[tuple[str, str]]) -> None:
    names = [name for name, _ in last_stage]

    assert "RUN" not in names
    assert only(last_stage, "USER") == f"{USER}:{USER}"
    assert only(last_stage, "VOLUME") == '["/var/lib/vorbehalt"]'
    for name in ("ENTRYPOINT", "CMD"):
        assert json.loads(only(last_stage, name)), f"{name} is not in the exec form"
    assert json.loads(only(last_stage, "HEALTHCHECK").partition("CMD ")[2])


def test_what_is_copied_exists_and_is_not_ignored(steps: list[tuple[str, str]]) -> None:
    lines = (FOLDER / "Containerfile.dockerignore").read_text().splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    copied = [
        source
        for name, value in steps
        if name == "COPY" and "--from" not in value
        for source in value.split()[:-1]
    ]

    assert "*" in lines
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in kept)


def test_the_shipped_configuration_keeps_everything_on_the_volume() -> None:
    settings = load(FOLDER / "vorbehalt.toml", environ={})

    assert settings.warnings == ()
    assert str(settings.evidence.directory) == "/var/lib/vorbehalt/evidence"
    assert str(settings.state.directory) == "/var/lib/vorbehalt/state"
    assert (settings.sidecar.listen, settings.sidecar.metrics_listen) == ("0.0.0.0:8100", "0.0.0.0:9100")


@pytest.mark.real("bwrap")
def test_it_builds_runs_without_root_on_a_read_only_root_and_stops_in_time(
    steps: list[tuple[str, str]], last_stage: list[tuple[str, str]], tmp_path: Path
) -> None:
    built, volume = build(steps, tmp_path), tmp_path / "volume"
    for name in ("evidence", "state"):
        (volume / name).mkdir(parents=True, mode=0o700)
    order = {
        "start": [*json.loads(only(last_stage, "ENTRYPOINT")), *json.loads(only(last_stage, "CMD"))],
        "health": json.loads(only(last_stage, "HEALTHCHECK").partition("CMD ")[2]),
        "stop": only(last_stage, "STOPSIGNAL"),
    }

    done = inside(
        ["python", "-I", "/drill.py", json.dumps(order)],
        read={
            "/opt/vorbehalt": built,
            "/etc/vorbehalt": FOLDER,
            "/drill.py": Path(__file__).with_name("container_drill.py"),
        },
        write={"/var/lib/vorbehalt": volume},
        environment={"PATH": f"/opt/vorbehalt/bin:{python_path()}", "PYTHONDONTWRITEBYTECODE": "1"},
        folder=only(last_stage, "WORKDIR"),
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("seconds") < 10, "an engine kills what has not ended by then"
    assert "listens on http://0.0.0.0:8100" in found.pop("errors")
    assert found == {
        "user": [USER, USER],
        "writable": ["/var/lib/vorbehalt"],
        "early": 1,
        "health": [0, "green"],
        "crawler": 403,
        "metrics": 200,
        "code": 0,
    }
    verified = vorbehalt("evidence", "verify", volume / "evidence", "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["records"] == 1


def build(steps: list[tuple[str, str]], folder: Path) -> Path:
    """Follow RUN in a sandbox, word for word but for the downloads; return the environment that was made."""
    source, wheels, skeleton, opt = (folder / name for name in ("source", "wheels", "skeleton", "opt"))
    for made in (source, wheels, skeleton, opt):
        made.mkdir()
    copied = [value.split()[:-1] for name, value in steps if name == "COPY" and "--from" not in value][:3]
    (command,) = [value for name, value in steps if name == "RUN"]

    done = inside(
        ["sh", "-ec", command],
        read={f"/source/{name}": ROOT / name for names in copied for name in names},
        write={"/source": source, "/wheels": wheels, "/skeleton": skeleton, "/opt": opt},
        environment={"PATH": python_path(), **OFFLINE},
        folder="/source",
    )

    assert done.returncode == 0, done.stdout + done.stderr
    built = opt / "vorbehalt"
    assert not list(built.rglob("pip")), "the environment can install things"
    assert sorted(path.name for path in skeleton.iterdir()) == ["evidence", "state"]
    lend_dependencies(built)
    shutil.copy(FOLDER / "healthy.py", built)
    return built


class _Health(http.server.BaseHTTPRequestHandler):
    answer: tuple[int, bytes] = (200, b"")

    def do_GET(self) -> None:
        status, body = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def health() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((200, b'{"state": "green", "reasons": []}'), 0, "green"),
        ((200, b'{"state": "yellow", "reasons": ["lists are old"]}'), 0, "yellow; lists are old"),
        ((200, b'{"state": "red", "reasons": ["the disk is full"]}'), 1, "red; the disk is full"),
        ((404, b"<p>somebody else</p>"), 1, "status 404"),
        ((200, b"<p>somebody else</p>"), 1, "no answer: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_the_health_check_fails_on_red_and_on_strangers(
    health: int, answer: tuple[int, bytes], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Health, "answer", answer)
    monkeypatch.setenv("VORBEHALT_HEALTH_PORT", str(health))

    done = subprocess.run(
        [sys.executable, "-I", FOLDER / "healthy.py"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.strip()) == (code, words)
