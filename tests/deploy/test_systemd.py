"""The units: read by systemd's own tools, and followed in a sandbox, as no systemd runs where tests run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from process_support import vorbehalt
from sandbox_support import ROOT, inside, lend_dependencies, python_path
from vorbehalt.edge.server import server_for
from vorbehalt.settings import load

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".service", ".timer"))
SERVICES = [name for name in UNITS if name.endswith(".service")]


def settings_of(name: str) -> dict[str, list[str]]:
    """Every key of a unit with its values, in their order."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", (FOLDER / name).read_text(), re.M):
        found.setdefault(key, []).append(value)
    return found


def only(name: str, key: str) -> str:
    (value,) = settings_of(name)[key]
    return value


@pytest.mark.real("systemd-analyze")
@pytest.mark.parametrize("broken", [False, True])
def test_systemd_understands_every_line(tmp_path: Path, broken: bool) -> None:
    for name in UNITS:
        text = (FOLDER / name).read_text().replace("/opt/vorbehalt", sys.prefix)
        (tmp_path / name).write_text(text.replace("ProtectClock=", "ProtectClok=") if broken else text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / name for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )

    # It exits 0 with an unknown key; what it says counts.
    said = [line for line in (done.stdout + done.stderr).splitlines() if str(tmp_path) in line]
    assert ([line for line in said if "ProtectClok" not in line], bool(said)) == ([], broken)


@pytest.mark.real("systemd-analyze")
@pytest.mark.parametrize("name", SERVICES)
def test_the_exposure_stays_low(name: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", FOLDER / name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"Overall exposure level .*: [01]\.\d", done.stdout)


def test_both_services_are_confined_alike() -> None:
    keys = (
        "Protect",
        "Restrict",
        "Private",
        "NoNew",
        "Capability",
        "Ambient",
        "Lock",
        "MemoryDeny",
        "SystemCall",
    )
    first, second = (
        {key: value for key, value in settings_of(name).items() if key.startswith(keys)} for name in SERVICES
    )

    for key in ("RestrictAddressFamilies", "RestartPreventExitStatus"):
        assert first.pop(key, None) != second.pop(key, None) or key.startswith("Restart")
    assert first == second


def test_the_user_is_made_and_the_folders_are_those_of_the_configuration() -> None:
    settings = load(FOLDER / "vorbehalt.toml", environ={})
    user = (FOLDER / "vorbehalt.sysusers").read_text().splitlines()[-1].split()

    assert settings.warnings == ()
    for name in SERVICES:
        assert only(name, "User") == user[1]
        assert f"/var/lib/{only(name, 'StateDirectory')}" == user[-1]
        assert only(name, "ExecStart").endswith(" -c /etc/vorbehalt/vorbehalt.toml")
    assert str(settings.evidence.directory).startswith(f"{user[-1]}/")
    assert str(settings.state.directory).startswith(f"{user[-1]}/")
    assert settings.sidecar.listen.startswith(f"unix:/run/{only('vorbehalt.service', 'RuntimeDirectory')}/")


def test_the_stop_has_more_time_than_open_answers_are_given() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        """Never asked."""

    grace = server_for(app).config.timeout_graceful_shutdown

    assert grace is not None
    assert int(only("vorbehalt.service", "TimeoutStopSec").removesuffix("s")) >= 2 * grace


@cache
def system_calls(group: str) -> frozenset[str]:
    """All system calls of a group of systemd, those of its groups included."""
    done = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    )
    found: set[str] = set()
    for line in done.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= system_calls(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return frozenset(found)


def allowed(name: str) -> set[str]:
    passed: set[str] = set()
    for value in settings_of(name)["SystemCallFilter"]:
        groups = [system_calls(word) for word in value.removeprefix("~").split()]
        if value.startswith("~"):
            passed -= set().union(*groups)
        else:
            passed |= set().union(*groups)
    return passed


@pytest.mark.real("bwrap", "strace", "systemd-analyze")
def test_start_reload_and_stop_work_with_what_the_unit_allows(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("opt", "etc", "run", "state", "trace")}
    for folder in folders.values():
        folder.mkdir(mode=0o700)
    shutil.copy(FOLDER / "vorbehalt.toml", folders["etc"])
    install(folders["opt"])
    order = {
        "start": only("vorbehalt.service", "ExecStart").split(),
        "reload": only("vorbehalt.service", "ExecReload").split(),
        "umask": only("vorbehalt.service", "UMask"),
        "socket": "/run/vorbehalt/http.sock",
        "config": "/etc/vorbehalt/vorbehalt.toml",
        "trace": "/trace/calls",
    }

    done = inside(
        ["python", "-I", "/drill.py", json.dumps(order)],
        read={
            "/opt/vorbehalt": folders["opt"] / "vorbehalt",
            "/drill.py": Path(__file__).with_name("systemd_drill.py"),
        },
        write={
            "/etc/vorbehalt": folders["etc"],
            "/run/vorbehalt": folders["run"],
            "/var/lib/vorbehalt": folders["state"],
            "/trace": folders["trace"],
        },
        environment={"PATH": f"/opt/vorbehalt/bin:{python_path()}", "PYTHONDONTWRITEBYTECODE": "1"},
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "listens on unix:/run/vorbehalt/http.sock" in found.pop("errors")
    found.pop("strict")  # False before Linux 6.3: the rest is tested all the same
    assert found == {
        "started": True,
        "mode": "0o666",
        "crawler": "HTTP/1.1 403",
        "reload": 0,
        "reloaded": True,
        "code": 0,
    }
    calls = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", (folders["trace"] / "calls").read_text(), re.M))
    assert {"execve", "fdatasync", "flock"} <= calls
    assert calls - allowed("vorbehalt.service") == set()
    assert {path.name for path in folders["state"].iterdir()} == {"evidence", "state"}
    assert vorbehalt("evidence", "verify", folders["state"] / "evidence").returncode == 0


def install(folder: Path) -> None:
    """Make /opt/vorbehalt as the page says, from what is installed already."""
    place = folder / "vorbehalt"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    lend_dependencies(place)
    script = place / "bin" / "vorbehalt"
    script.write_text("#!/opt/vorbehalt/bin/python\nfrom vorbehalt.cli.main import main\n\nmain()\n")
    script.chmod(0o755)
    (site,) = (place / "lib").glob("python*/site-packages")
    for package in ("middleware/vorbehalt", "rules/vorbehalt_rules"):
        shutil.copytree(
            ROOT / package, site / Path(package).name, ignore=shutil.ignore_patterns("__pycache__")
        )
