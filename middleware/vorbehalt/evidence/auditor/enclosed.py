"""A dossier: some records of a log in `records.jsonl`, all other entries as hashes, a list of all files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vorbehalt.errors import TamperError
from vorbehalt.evidence.auditor.files import Files, Say, why

RECORDS = "records.jsonl"
MANIFEST = "manifest.sha256"
MAX_RECORDS_BYTES = 1 << 34
MAX_MANIFEST_BYTES = 1 << 26
_LINE = re.compile(rb'\{"index":(0|[1-9][0-9]{0,18}),"record":(\{.*\})\}')


def read_enclosed(files: Files, problem: Say) -> Iterator[tuple[int, bytes]]:
    """Yield index and bytes of each enclosed leaf, in order of index; what is no such line is a problem."""
    try:
        data = files.read(RECORDS, MAX_RECORDS_BYTES)
    except (OSError, TamperError) as error:
        problem(f"{RECORDS}: {why(error)}")
        return
    last = -1
    for number, line in enumerate(data.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            problem(f"{RECORDS}: line {number} is no record")
        elif int(match[1]) <= last:
            problem(f"{RECORDS}: line {number} is out of order")
        else:
            last = int(match[1])
            yield last, match[2]


def check_manifest(files: Files, problem: Say) -> None:
    """Compare `manifest.sha256` (the form of sha256sum) with the files: all stand in it, and no other."""
    try:
        lines = files.read(MANIFEST, MAX_MANIFEST_BYTES).decode("utf-8", "replace").split("\n")
    except (OSError, TamperError) as error:
        problem(f"{MANIFEST}: {why(error)}")
        return
    if lines.pop() != "" or len(set(lines)) != len(lines):
        problem(f"{MANIFEST}: names a file twice, or does not end with a line")
    said = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = set()
    for path in files.walk(""):
        if path == MANIFEST:
            continue
        found.add(path)
        try:
            if path not in said:
                problem(f"{path}: is not in the manifest")
            elif files.digest(path) != said[path]:
                problem(f"{path}: differs from the manifest")
        except OSError as error:
            problem(f"{path}: {why(error)}")
    for name in sorted(said.keys() - found):
        problem(f"{name}: missing, or no file of this name can be; the manifest names it")
