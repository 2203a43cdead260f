"""The folder of a dossier: log, records, objects and anchors as they are, and what is said about them.

Records that do not hold are enclosed as they were found: the verifiers name them, and so does the first page.
A file is enclosed only if it is what a record names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from hashlib import file_digest
from pathlib import Path

from vorbehalt.claims.dossier.collect import Collected
from vorbehalt.claims.dossier.compose import Composed
from vorbehalt.claims.dossier.contents import Contents
from vorbehalt.claims.ledger_text import as_csv
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.bundle.folder import RECORDS, BundleFolder, enclose_log
from vorbehalt.evidence.bundle.pin import Pinned
from vorbehalt.evidence.bundle.rows import COLUMNS, csv_line, row_of
from vorbehalt.evidence.tlog.leaf import decode_leaf, seen_of

CONTENTS = "contents.json"
ANNEXES = {"works.scheduled": "ledger.csv", "traffic.days": "ledger.csv"}
"""Which file holds the rows that pages leave out, by place in the contents."""
Pages = Callable[[Contents, Mapping[str, str]], Mapping[str, bytes]]
"""Makes the pages for people, by file name: report.html, report.pdf, README.txt, VERIFY.md, drafts."""

_VERIFIER = Path(__file__).parents[2] / "evidence" / "verify.py"
_BLOCK_BYTES = 1 << 20


def write_folder(
    folder: BundleFolder, pinned: Pinned, found: Collected, composed: Composed, pages: Pages
) -> None:
    """Write all files but the manifest. Raises OSError if the disk refuses."""
    contents = composed.contents
    # A log that is not what was signed: named in the contents, and by every verifier.
    with contextlib.suppress(EvidenceError):
        enclose_log(folder, pinned)
    _records(folder, pinned, found)
    for digest in composed.data:
        _enclose(folder, pinned.directory, path_of(digest), digest)
    titles = {work.id: work.title for work in contents.works.scheduled}
    with folder.open("ledger.csv") as file:
        for line in as_csv(composed.ledger, lambda id: titles.get(id, ""), composed.letter):
            file.write(line.encode("utf-8", "backslashreplace"))
    folder.add(CONTENTS, contents.encode())
    for name, body in sorted(pages(contents, ANNEXES).items()):
        folder.add(name, body)
    folder.add("verify.py", _VERIFIER.read_bytes())


def _records(folder: BundleFolder, pinned: Pinned, found: Collected) -> None:
    with ExitStack() as files:
        lines = files.enter_context(folder.open(RECORDS))
        table = files.enter_context(folder.open("records.csv"))
        table.write(csv_line(COLUMNS))
        for index, entry in found.entries():
            lines.write(b'{"index":%d,"record":%b}\n' % (index, entry))
            leaf = decode_leaf(entry)
            table.write(csv_line(row_of(index, leaf)))
            if b'"objects":' in entry or b'"type":"anchor"' in entry:
                for path, digest in named_files(leaf).items():
                    _enclose(folder, pinned.directory, path, digest)


def named_files(leaf: dict[str, object]) -> dict[str, str]:
    """Return the paths of objects and anchors that a record names, each with its SHA-256 hex."""
    objects = leaf.get("objects")
    named = {path_of(str(one)): str(one) for one in objects} if isinstance(objects, list) else {}
    files = seen_of(leaf).get("files") if leaf["type"] == "anchor" else None
    for item in files if isinstance(files, list) else ():
        if isinstance(item, dict) and isinstance(name := item.get("name"), str):
            named[f"anchors/{name}"] = str(item.get("sha256"))
    return named


def path_of(digest: str) -> str:
    """Return where an object lies, in the evidence as in a dossier."""
    return f"objects/sha256/{digest[:2]}/{digest}"


def _enclose(folder: BundleFolder, directory: Path, path: str, digest: str) -> None:
    """Copy what a record names. What is missing or something else stays away: the audit named it."""
    if path in folder.digests:
        return
    try:
        with (directory / path).open("rb") as source:
            if file_digest(source, "sha256").hexdigest() != digest:
                return
            source.seek(0)
            with contextlib.suppress(EvidenceError), folder.open(path) as file:
                while data := source.read(_BLOCK_BYTES):
                    file.write(data)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return
