"""What is built, installed and taken away again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def run(
    arguments: Sequence[str | Path], folder: Path, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "VORBEHALT_", "PIP_")) and key != "VIRTUAL_ENV"
    }
    return subprocess.run(
        [str(part) for part in arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, and the wheel that is built from it and from nothing else."""
    folder = tmp_path_factory.mktemp("dist")
    done = run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], ROOT, 90)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def names(built: tuple[Path, Path]) -> list[str]:
    with zipfile.ZipFile(built[1]) as archive:
        return archive.namelist()


def test_the_wheel_holds_both_roots_and_nothing_else(names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"vorbehalt", "vorbehalt_rules"}
    assert not [name for name in names if "test_" in name or "conftest" in name or "__pycache__" in name]
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_wheel_holds_every_file_of_ours(names: list[str]) -> None:
    expected = set()
    for root in ("middleware/vorbehalt", "rules/vorbehalt_rules"):
        for path in (ROOT / root).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                expected.add(str(path.relative_to(ROOT / Path(root).parent)))

    assert expected == {name for name in names if ".dist-info/" not in name}
    for needed in (
        "vorbehalt/py.typed",
        "vorbehalt_rules/py.typed",
        "vorbehalt/evidence/verify.py",
        "vorbehalt_rules/rejected.toml",
        "vorbehalt_rules/operators/openai.toml",
        "vorbehalt_rules/ranges/google-googlebot.json",
    ):
        assert needed in names


def test_the_source_holds_what_a_packager_needs(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}

    needed = {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml"}
    needed |= {
        "tests/packaging/test_distribution.py",
        "deploy/examples/vorbehalt.toml",
        "docs/architecture.md",
    }
    assert needed <= inside
    assert not [name for name in inside if name.startswith((".venv", ".git/"))]


@pytest.fixture(scope="module")
def environment(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """A new virtual environment with the wheel, and what it held before.

    What we depend on is lent to it from the environment of the tests, behind its own packages.
    """
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    before = held(folder)
    done = run(
        [*PIP, folder / "bin" / "python", "install", "-q", "--no-deps", "--no-index", built[1]], folder
    )
    assert done.returncode == 0, done.stderr
    return folder, before


PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python")


def held(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_it_is_installed_used_and_taken_away_without_a_trace(
    environment: tuple[Path, set[str]], tmp_path: Path
) -> None:
    folder, before = environment
    python, program = folder / "bin" / "python", folder / "bin" / "vorbehalt"

    place = run(
        [
            python,
            "-c",
            "import vorbehalt, vorbehalt_rules; print(vorbehalt.__file__, vorbehalt_rules.__file__)",
        ],
        tmp_path,
    )
    version = run([program, "--version"], tmp_path)
    made = run([program, "init", "--yes"], tmp_path)
    checked = run([program, "check"], tmp_path)
    evidence = run([program, "evidence", "init", "ev", "--origin", "label.example/evidence"], tmp_path)
    alone = run([python, "-I", "-S", tmp_path / "ev" / "verify.py", tmp_path / "ev"], tmp_path)
    uninstalled = run([*PIP, python, "uninstall", "-q", "-y", "vorbehalt"], tmp_path)

    assert place.stdout.count(str(folder)) == 2, place.stdout + place.stderr
    assert version.stdout == f"vorbehalt {version_of_source()}\n"
    assert (made.returncode, checked.returncode, evidence.returncode) == (0, 0, 0)
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert uninstalled.returncode == 0, uninstalled.stderr
    assert held(folder) == before


def version_of_source() -> str:
    text = (ROOT / "middleware" / "vorbehalt" / "__init__.py").read_text("utf-8")
    return next(re.finditer(r'^__version__ = "(.+)"$', text, re.M)).group(1)


def test_the_core_needs_five_things_and_the_extras_add_up() -> None:
    core = {re.split(r"[<>=!~ ;]", line)[0] for line in PROJECT["dependencies"]}

    assert core == {"starlette", "user-agents", "redis", "prometheus-client", "cryptography"}
    assert set(PROJECT["optional-dependencies"]) == {"cli", "sidecar", "verify", "speed", "anchor", "claims"}
    assert PROJECT["requires-python"] == ">=3.11"
    assert PROJECT["license"] == "Apache-2.0"
