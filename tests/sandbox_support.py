"""Runs a program as a container would: a root without write access, a number as user, no capability.

No container engine is needed: bubblewrap (Debian package) makes the same kernel namespaces.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
USER = 10001


def inside(
    command: Sequence[str],
    *,
    read: Mapping[str, Path],
    write: Mapping[str, Path],
    environment: Mapping[str, str],
    folder: str = "/",
    seconds: float = 90,
) -> subprocess.CompletedProcess[str]:
    """Run a command; `read` and `write` map places inside to folders or files outside."""
    arguments = ["bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--new-session"]
    arguments += [
        "--uid",
        str(USER),
        "--gid",
        str(USER),
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
    ]
    for place in ("/usr", "/bin", "/lib", "/lib64", "/etc/ssl"):
        arguments += ["--ro-bind-try", place, place]
    for needed in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not needed.startswith("/usr/"):
            arguments += ["--ro-bind-try", needed, needed]
    for place, source in write.items():
        arguments += ["--bind", str(source), place]
    for place, source in read.items():
        arguments += ["--ro-bind", str(source), place]
    arguments += ["--remount-ro", "/", "--chdir", folder, "--clearenv"]
    for name, value in {"HOME": "/tmp", "LANG": "C.UTF-8", **environment}.items():
        arguments += ["--setenv", name, value]
    return subprocess.run(
        [*arguments, *command], capture_output=True, text=True, timeout=seconds, check=False
    )


def lend_dependencies(environment: Path) -> None:
    """Let a new environment find what we depend on in that of the tests, so that nothing is downloaded."""
    (site,) = (environment / "lib").glob("python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")


def python_path() -> str:
    return os.pathsep.join([str(Path(sys.prefix) / "bin"), "/usr/bin", "/bin"])
