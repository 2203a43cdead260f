"""Where evidence and state lie: the kind of file system, room, and who may write. Pure but for `look`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vorbehalt.cli.doctor.found import Check, error, ok, warning

_GONE = frozenset({"tmpfs", "ramfs", "rootfs"})
_LAYERS = frozenset({"overlay", "aufs", "overlayfs", "fuse.fuse-overlayfs"})
_NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "ceph",
        "afs",
        "glusterfs",
        "lustre",
        "gpfs",
        "ocfs2",
        "gfs2",
    }
)
_OCTAL = re.compile(r"\\([0-7]{3})")
_LITTLE, _LITTLE_SHARE = 1 << 30, 0.05
_NOTHING = 64 << 20
_FEW_FILES = 10_000
_MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mountinfo: where, and which kind of file system."""

    point: str
    kind: str


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of one directory. `free` and `total` are bytes, files None where there is no limit.

    `kind` is empty where the system does not tell. `strangers` counts files inside that belong to another
    user than the directory.
    """

    name: str
    path: str
    exists: bool
    may_write: bool
    kind: str
    free: int
    total: int
    free_files: int | None
    strangers: int = 0
    owner: str = ""

    @property
    def room(self) -> str:
        """The table of the configuration that names it."""
        return self.name.partition(".")[0]


def read_mounts(text: str) -> list[Mount]:
    """Read mountinfo (proc_pid_mountinfo(5)); lines of another form are passed over."""
    found = []
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if dash and len(fields) >= 5 and kind:
            found.append(Mount(_OCTAL.sub(lambda m: chr(int(m[1], 8)), fields[4]), kind[0]))
    return found


def kind_of(path: str, mounts: Iterable[Mount]) -> str:
    """Return the kind of file system of an absolute path; of mounts over another the last one counts."""
    best = Mount("", "")
    for mount in mounts:
        base = mount.point.rstrip("/")
        if (path == base or path.startswith(f"{base}/")) and len(base) >= len(best.point.rstrip("/")):
            best = mount
    return best.kind


def check_place(place: Place, *, is_evidence: bool, in_container: bool) -> list[Check]:
    """Say whether a directory can keep what it is for."""
    what = f"{place.name} ({place.path})"
    found = [_kind(place, what, is_evidence, in_container), _room(place, what), _access(place, what)]
    return [check for check in found if check is not None]


def _kind(place: Place, what: str, is_evidence: bool, in_container: bool) -> Check | None:
    id = f"{place.room}-filesystem"
    kept = "evidence" if is_evidence else "state"
    if place.kind in _GONE:
        message = f"{what} lies in memory ({place.kind}): {kept} is lost when the machine restarts"
        remedy = f"set {place.name} to a directory on a disk"
        return error(id, message, remedy) if is_evidence else warning(id, message, remedy)
    if place.kind in _LAYERS:
        message = f"{what} lies on a layer ({place.kind})"
        remedy = f"mount a volume there, or set {place.name} to one"
        if in_container and is_evidence:
            return error(id, f"{message} of this container: evidence is lost with the container", remedy)
        return warning(id, f"{message}: if it is a container's, {kept} is lost with the container", remedy)
    if place.kind in _NETWORK or place.kind.startswith("fuse"):
        message = (
            f"{what} lies on {place.kind}: file locks and durable writes depend on the server, and"
            " a slow one delays answers up to evidence.reply_deadline"
        )
        return warning(id, message, "use a local disk, and copy the directory from there")
    return ok(id, f"{what} lies on {place.kind}") if place.kind else None


def _room(place: Place, what: str) -> Check:
    id, mib = f"{place.room}-space", place.free >> 20
    remedy = "make room, or move the directory; records that find no room are lost and counted"
    if place.free < _NOTHING:
        return error(id, f"{what}: the disk is full, {mib} MiB are free", remedy)
    if place.free_files is not None and place.free_files < _FEW_FILES:
        return warning(id, f"{what}: only {place.free_files} more files fit (inodes)", remedy)
    if place.free < _LITTLE or place.free < _LITTLE_SHARE * place.total:
        return warning(id, f"{what}: only {mib} MiB are free", remedy)
    return ok(id, f"{what}: {mib} MiB are free")


def _access(place: Place, what: str) -> Check:
    id = f"{place.room}-access"
    if not place.may_write:
        return error(
            id,
            f"{what} cannot be written by this user",
            f"give it to the user of the server, or run doctor as {place.owner or 'that user'}",
        )
    if place.strangers:
        return error(
            id,
            f"{what}: {place.strangers} files belong to another user than the directory",
            f"chown -R {place.owner or 'USER'} {place.path}",
        )
    if not place.exists:
        return ok(id, f"{what} is not there yet; the start makes it")
    return ok(id, f"{what} can be written")


def look(name: str, path: Path, mounts: Iterable[Mount]) -> Place:
    """Find out about a directory; where it is not there yet, about the one it will be made in."""
    exists = _is_dir(path)
    there = path
    while not _is_dir(there):
        there = there.parent
    there = there.resolve()
    usage, owner = os.statvfs(there), there.stat()
    files = (os.path.join(folder, file) for folder, _, names in os.walk(there) for file in names)
    strangers = 0
    for file in islice(files, _MOST_FILES) if exists else ():
        try:
            strangers += os.lstat(file).st_uid != owner.st_uid
        except OSError:
            continue  # a temporary file of a running server
    return Place(
        name=name,
        path=str(path),
        exists=exists,
        may_write=os.access(there, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids),
        kind=kind_of(str(there), mounts),
        free=usage.f_bavail * usage.f_frsize,
        total=usage.f_blocks * usage.f_frsize,
        free_files=usage.f_favail if usage.f_files else None,
        strangers=strangers,
        owner=str(owner.st_uid),
    )


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError:
        return False  # who may not look there may not write there


def is_container() -> bool:
    """True if this process runs in a container, as far as that shows."""
    marks = ("/.dockerenv", "/run/.containerenv")
    return any(os.path.exists(mark) for mark in marks) or "KUBERNETES_SERVICE_HOST" in os.environ
