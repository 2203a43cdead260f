"""The way of an anchor's files: staged beside the spool, published when their record enters the log.

Nothing may stand in `anchors/` that no record names, and no record may name what is not there. So the token
waits in `spool/anchors/`, durable, until the sealer takes its record in; the sealer publishes it before it
signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from vorbehalt.evidence.files import PUBLIC_FILE, Disk, make_directories
from vorbehalt.evidence.tlog.leaf import LeafError, decode_leaf, seen_of

FROZEN = re.compile(r"(0|[1-9][0-9]{0,18})\.checkpoint")
_NAME = re.compile(r"(?:0|[1-9][0-9]{0,18})\.[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HEAD = b'{"v":1,"type":"anchor"'


def freeze(directory: Path, size: int, note: bytes, disk: Disk) -> dict[str, str]:
    """Keep a checkpoint as it was issued; returns how a record names it."""
    name = f"{size}.checkpoint"
    disk.create_once(directory / "anchors" / name, note, directory / "run", PUBLIC_FILE)
    return {"name": name, "sha256": sha256(note).hexdigest()}


def stage(directory: Path, size: int, who: str, suffix: str, data: bytes, disk: Disk) -> dict[str, str]:
    """Keep what somebody answered durably until its record is in the log; returns how a record names it."""
    digest = sha256(data).hexdigest()
    # A second answer for the same size is another file: no record may see its file replaced.
    name = f"{size}.{who}.{digest[:8]}.{suffix}"
    folder = directory / "spool" / "anchors"
    make_directories(folder, disk)
    disk.replace(folder / name, data, directory / "run", PUBLIC_FILE)
    return {"name": name, "sha256": digest}


def publish(directory: Path, entries: Iterable[bytes], disk: Disk) -> None:
    """Put the files that `anchor` records among these entries name where verifiers look for them.

    Called by the sealer before it signs. Idempotent; a file that is missing is left to the verifiers.
    """
    for entry in entries:
        if not entry.startswith(_HEAD):
            continue
        try:
            files = seen_of(decode_leaf(entry)).get("files")
        except LeafError:
            continue
        for item in files if isinstance(files, list) else ():
            name = item.get("name") if isinstance(item, dict) else None
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                continue
            staged = directory / "spool" / "anchors" / name
            try:
                data = staged.read_bytes()
            except FileNotFoundError:
                continue
            disk.create_once(directory / "anchors" / name, data, directory / "run", PUBLIC_FILE)
            staged.unlink(missing_ok=True)
