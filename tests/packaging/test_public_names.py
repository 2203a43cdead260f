"""The names that users import, and what importing them costs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import vorbehalt

NAMES = [
    "Action",
    "ConfigError",
    "Settings",
    "Verdict",
    "VorbehaltError",
    "VorbehaltMiddleware",
    "__version__",
    "metrics_app",
    "reservation_context",
    "reservation_feed",
    "reservation_meta",
    "trap_link",
]


def test_public_names_are_pinned() -> None:
    assert sorted(vorbehalt.__all__) == NAMES
    for name in NAMES:
        assert getattr(vorbehalt, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        vorbehalt.Nonsense  # noqa: B018


def test_the_two_names_of_the_readme_are_usable() -> None:
    from vorbehalt import VorbehaltMiddleware, metrics_app

    parameters = list(inspect.signature(VorbehaltMiddleware).parameters)
    assert parameters[:2] == ["app", "config"]
    assert callable(metrics_app)


def imported(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    return set(done.stdout.split())


PURE = [
    "vorbehalt",
    "vorbehalt.facts",
    "vorbehalt.identify.tokens",
    "vorbehalt.identify.identity",
    "vorbehalt.reservation.bundle",
    "vorbehalt.policy.select",
]


def test_the_pure_rooms_import_no_framework() -> None:
    heavy = {"starlette", "prometheus_client", "redis", "uvicorn", "aiohttp", "typer", "vorbehalt_rules"}

    assert not heavy & imported("\n".join(f"import {name}" for name in PURE))
    assert "starlette" in imported("from vorbehalt import metrics_app") | imported("import starlette")


def test_a_site_loads_nothing_of_the_command_line() -> None:
    names = imported("from vorbehalt import VorbehaltMiddleware")

    assert not {"typer", "rich", "uvicorn", "aiohttp", "httptools"} & names


def test_a_platform_without_locks_is_refused_loudly(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["fcntl"] = None
from vorbehalt import VorbehaltMiddleware
VorbehaltMiddleware(None, config={"format": 1, "site": {"origin": "https://label.example"}})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("vorbehalt.errors.PlatformError: ")
    assert "file locks (fcntl)" in last
