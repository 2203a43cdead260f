"""The folder of a dossier: log, records, objects and anchors as they are, and what is said about them.

Evidence that does not hold is enclosed as it was found: the verifiers name it, and so does the first page.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from vorbehalt.claims.dossier.collect import Collected
from vorbehalt.claims.dossier.compose import Composed
from vorbehalt.claims.dossier.contents import Contents
from vorbehalt.claims.ledger_text import as_csv
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.bundle_folder import RECORDS, BundleFolder, enclose_log
from vorbehalt.evidence.bundle_pin import Pinned
from vorbehalt.evidence.export_rows import COLUMNS, csv_line, row_of
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
        _enclose(folder, pinned.directory, f"objects/sha256/{digest[:2]}/{digest}")
    titles = {work.id: work.title for work in contents.works.scheduled}
    with folder.open("ledger.csv") as file:
        for line in as_csv(composed.ledger, lambda id: titles.get(id, "")):
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
                for path in named_files(leaf):
                    _enclose(folder, pinned.directory, path)


def named_files(leaf: dict[str, object]) -> list[str]:
    """Return the paths of objects and anchors that a record names."""
    objects = leaf.get("objects")
    paths = [f"objects/sha256/{str(one)[:2]}/{one}" for one in objects] if isinstance(objects, list) else []
    files = seen_of(leaf).get("files") if leaf["type"] == "anchor" else None
    for item in files if isinstance(files, list) else ():
        if isinstance(item, dict) and isinstance(name := item.get("name"), str):
            paths.append(f"anchors/{name}")
    return paths


def _enclose(folder: BundleFolder, directory: Path, path: str) -> None:
    """Copy a file as it is. One that is missing stays away: the audit named it."""
    if path in folder.digests:
        return
    try:
        source = (directory / path).open("rb")
    except (OSError, ValueError):
        return
    with source, contextlib.suppress(EvidenceError), folder.open(path) as file:
        while data := source.read(_BLOCK_BYTES):
            file.write(data)
