"""`signals --write`: the documents as static files, and files for servers. Replaces only what we wrote."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from vorbehalt.cli.output import note
from vorbehalt.engine import Engine, HostPlan
from vorbehalt.errors import VorbehaltError
from vorbehalt.facts import host_name
from vorbehalt.reservation.exports import SERVER_FOLDER, export

_MANIFEST = f"{SERVER_FOLDER}/written.json"
_ABOUT = "Written by `vorbehalt signals --write`, which replaces files only if they are still as listed here."


class WriteError(VorbehaltError):
    """A file cannot be written without losing something, or at all."""


def write_site(folder: Path, engine: Engine, host: str, *, force: bool = False) -> list[str]:
    """Write all files of one host below a folder and give their paths. Nothing is ever deleted.

    Raises WriteError before anything is written if a file is there that was not written by us (unless
    `force`), that is the source of our robots.txt, or that leads out of the folder.
    """
    plan = engine.plan(host_name(host.encode("utf-8", "surrogateescape")))
    _name_other_hosts(engine, plan, host)
    made = export(plan.settings.terms, plan.bundle, plan.settings.key)
    root = Path(os.path.realpath(folder))
    known = _read_manifest(root)
    targets = {name: _inside(root, name) for name in (*made.files, _MANIFEST)}
    _refuse_losses(targets, made.files, known, plan, force)
    digests = {name: _digest(body) for name, body in made.files.items()}
    # First, so that what is written before a fault is known to be ours.
    _write_manifest(targets[_MANIFEST], {**known, **{n: [*known.get(n, []), d] for n, d in digests.items()}})
    for name, body in made.files.items():
        _replace(targets[name], body)
        note(f"wrote {folder / name}")
    left = {name: found for name, found in known.items() if name not in digests and (root / name).exists()}
    for name in left:
        note(f"no longer written, and left as it is: {folder / name}")
    _write_manifest(targets[_MANIFEST], {**left, **{name: [digest] for name, digest in digests.items()}})
    for remark in made.remarks:
        note(remark)
    return [str(folder / name) for name in made.files]


def _name_other_hosts(engine: Engine, plan: HostPlan, host: str) -> None:
    others = [other.settings for other in engine.plans() if other is not plan]
    names = [", ".join(other.names) or f"the default host ({other.terms.origin})" for other in others]
    if host and engine.hosts and plan is engine.default:
        note(f"{host} is no further host of this configuration: the terms of the default host are written")
    if names:
        note(f"written for {plan.settings.terms.origin}; other hosts (--host): {'; '.join(names)}")


def _inside(root: Path, name: str) -> Path:
    """The place of a file; refused if a symbolic link leads out of the folder."""
    path = root / name
    if not Path(os.path.realpath(path)).is_relative_to(root):
        raise WriteError(f"{path} leads out of {root} by a symbolic link; nothing was written")
    return path


def _refuse_losses(
    targets: Mapping[str, Path],
    files: Mapping[str, bytes],
    known: Mapping[str, list[str]],
    plan: HostPlan,
    force: bool,
) -> None:
    source = plan.settings.robots.removeprefix("file:") if plan.settings.robots.startswith("file:") else ""
    problems = []
    for name, body in files.items():
        path = targets[name]
        if not path.exists():
            continue
        if not path.is_file():
            problems.append(f"{path} is no file")
        elif source and path.samefile(source):
            problems.append(
                f"{path} is the site's own robots.txt that [site] robots names, and would be lost; write to"
                " another folder, or keep the site's own rules elsewhere"
            )
        elif not force and (found := path.read_bytes()) != body and _digest(found) not in known.get(name, ()):
            problems.append(_not_ours(path, name == plan.settings.terms.robots_path.lstrip("/")))
    if problems:
        raise WriteError("\n".join([*problems, "nothing was written"]))


def _not_ours(path: Path, is_robots: bool) -> str:
    hint = '; to keep its rules, set [site] robots = "file:..." to a copy of it' if is_robots else ""
    return f"{path} was not written by us, or was changed since{hint}; --force replaces it"


def _read_manifest(root: Path) -> dict[str, list[str]]:
    """What was written before, by name: SHA-256 hex. Empty if nothing was, or if it cannot be read."""
    try:
        files = json.loads(_inside(root, _MANIFEST).read_bytes())["files"]
        return {str(name): [str(digest) for digest in digests] for name, digests in files.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        # Without it every file that differs counts as somebody else's.
        note(f"{root / _MANIFEST} cannot be read: files that differ are not replaced")
        return {}


def _write_manifest(path: Path, files: Mapping[str, list[str]]) -> None:
    body = {"about": _ABOUT, "files": {name: files[name] for name in sorted(files)}}
    _replace(path, (json.dumps(body, indent=2) + "\n").encode())


def _replace(path: Path, body: bytes) -> None:
    """Write a file whole or not at all; its permissions stay, those of a new one are the usual."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("xb") as file:
            file.write(body)
        with contextlib.suppress(FileNotFoundError):
            beside.chmod(stat.S_IMODE(path.stat().st_mode))
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()
