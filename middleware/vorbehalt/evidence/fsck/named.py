"""What records name, and what none does: objects, anchors, bytes set aside. One pass over the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path

from vorbehalt.evidence.anchor.staging import FROZEN
from vorbehalt.evidence.bundle.pin import pin
from vorbehalt.evidence.fsck.found import Finding, Look
from vorbehalt.evidence.spool.spool import SPOOL_NAME

_DIGEST = re.compile(rb'"([0-9a-f]{64})"')
_OBJECT = re.compile(r"[0-9a-f]{64}")
_ASIDE = (".torn", ".corrupt")


def unnamed(look: Look) -> Iterator[Finding]:
    """Yield what no record names by its digest, and what was set aside.

    Files first, then what waits, then the log: what a record names meanwhile is found in one of them. Keeps a
    digest a file. Raises EvidenceError if the log cannot be read.
    """
    wanted: dict[str, list[Finding]] = {}
    aside: list[Finding] = []
    for digest, found in _files(look):
        wanted.setdefault(digest, []).append(found)
        if found.name == "torn-unexplained":
            aside.append(found)
    if not wanted:
        return
    for path in look.entries("spool"):
        if SPOOL_NAME.fullmatch(path.name):
            _strike(wanted, _read(path))
    if not look.may_read("spool"):
        return  # what waits there may name any of them
    for _, entry in pin(look.directory).entries():
        if not wanted:
            break
        _strike(wanted, entry)
        if b'"type":"prune"' in entry:
            # It names a list of the anchors that stay although their records go.
            for match in _DIGEST.finditer(entry):
                name = match[1].decode("ascii")
                _strike(wanted, _read(look.directory / "objects" / "sha256" / name[:2] / name))
    left = [found for items in wanted.values() for found in items]
    yield from sorted(left, key=lambda found: found.path)
    for found in aside:
        if found not in left:
            yield Finding("torn", found.path)


def _strike(wanted: dict[str, list[Finding]], data: bytes) -> None:
    for match in _DIGEST.finditer(data):
        wanted.pop(match[1].decode("ascii"), None)


def _files(look: Look) -> Iterator[tuple[str, Finding]]:
    """Yield digest and what it would be if nobody named it; only what is old enough."""
    for folder in look.entries("objects/sha256"):
        for path in look.entries(look.name(folder)):
            if _OBJECT.fullmatch(path.name) and look.is_old(path):
                yield path.name, Finding("object-unnamed", look.name(path))
    for path in look.entries("anchors"):
        if path.is_file() and look.is_old(path):
            kind = "checkpoint-unnamed" if FROZEN.fullmatch(path.name) else "anchor-unnamed"
            yield _digest(path), Finding(kind, look.name(path))
    for path in look.entries("spool/anchors"):
        if path.is_file() and look.is_old(path):
            yield _digest(path), Finding("answer-unnamed", look.name(path))
    for path in look.entries("spool"):
        if path.suffix in _ASIDE and look.is_old(path):
            yield _digest(path), Finding("torn-unexplained", look.name(path), path.suffix[1:])


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""  # published a moment ago


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""  # sealed a moment ago
