"""Fixtures and rules for all tests: a missing real component is skipped loudly, in CI it is a failure."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's doing, not the code's.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# What these modules assert is said in full when it fails.
pytest.register_assert_rewrite("arrangement_support", "guide_support")

_missing: dict[str, int] = {}


def _is_there(name: str) -> bool:
    if name == "go-x-mod":
        return shutil.which("go") is not None and Path("/usr/share/gocode/src/golang.org/x/mod").is_dir()
    if name == "axe-core":
        return (Path(__file__).parents[1] / ".cache" / "node_modules" / "axe-core" / "axe.min.js").is_file()
    if name == "vectors":
        return Path(os.environ.get("VORBEHALT_VECTORS", "/nonexistent")).is_dir()
    if name == "envoy":  # a wheel: no program in the PATH
        return find_spec("envoy") is not None
    kind, _, package = name.partition(":")
    if kind == "python":
        return find_spec(package) is not None
    if kind == "node":
        return (Path(__file__).parents[1] / ".cache" / "node_modules" / package).is_dir()
    return shutil.which(name) is not None


# Long files whose tests share nothing: any of them may run beside the others.
_SEPARATE = frozenset(
    {
        "e2e/test_guides.py",
        "e2e/test_probe_nginx.py",
        "deploy/test_copying.py",
        "docs/test_documents.py",
        "probe/test_documents.py",
        "reservation/robots/test_merge_properties.py",
        "reservation/test_no_channel_permits.py",
    }
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The tests of a file stay together, as they share what it set up."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if file.removeprefix("tests/") in _SEPARATE else file

    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long runs only on request."""
    if "drill" in (config.getoption("-m") or ""):
        return
    skip = pytest.mark.skip(reason="a drill: make drills")
    for item in items:
        if item.get_closest_marker("drill"):
            item.add_marker(skip)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("real"):
        for name in marker.args:
            if _is_there(name):
                continue
            _missing[name] = _missing.get(name, 0) + 1
            if os.environ.get("CI") and name != "vectors":
                pytest.fail(
                    f"{name} is not installed, and CI must test against the real thing", pytrace=False
                )
            pytest.skip(f"{name} is not installed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, count in sorted(_missing.items()):
        terminalreporter.write_line(
            f"NOT TESTED against real {name}: not installed ({count} tests)", yellow=True
        )
