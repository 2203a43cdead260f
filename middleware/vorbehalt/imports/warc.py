"""Signals out of web archives (WARC, ISO 28500): captured documents, and headers of captured pages."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from vorbehalt.evidence.history.manifest import canonical
from vorbehalt.facts import normal_path
from vorbehalt.imports.found import HEADERS, MAX_BODY, Found, Note, SourceError, clipped, iso
from vorbehalt.reservation.headers import APPENDED, REPLACED

MAX_CAPTURES = 10_000
"""Captured pages named for one set of headers."""
_BLOCK = 1 << 16
_GONE = (404, 410)
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_NAMES = {name.decode("ascii") for name in APPENDED | REPLACED}


@dataclass(frozen=True, slots=True)
class _Capture:
    """One answer in an archive; `body` None: there was no such document (404, 410)."""

    at: int
    document: str
    body: bytes | None
    media_type: str
    record: str
    archive: str


@dataclass(slots=True)
class _Archive:
    """What one pass over all files has found."""

    hosts: Collection[str]
    documents: Collection[str]
    now: int
    since: int
    until: int
    note: Note
    captures: list[_Capture] = field(default_factory=list)
    headers: dict[tuple[tuple[str, str], ...], list[tuple[int, str, str, str]]] = field(default_factory=dict)
    bodies: dict[bytes, bytes] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    responses: int = 0

    def take(self, record: Any, archive: str) -> None:
        """Look at one record; what is no readable answer of this host is passed over."""
        if record.rec_type != "response" or record.http_headers is None:
            return
        try:
            url = urlsplit((record.rec_headers.get_header("WARC-Target-URI") or "").strip("<> "))
        except ValueError:
            return  # no host can be read from it
        host = (url.hostname or "").rstrip(".")
        if url.scheme not in ("http", "https") or host not in self.hosts:
            self.others.add(host)
            return
        self.responses += 1
        at = _moment(record.rec_headers.get_header("WARC-Date") or "")
        name = str(record.rec_headers.get_header("WARC-Record-ID") or "")[:200]
        if at is None or at > self.now:
            self.note(f"record {name}: its date is unreadable or in the future: left out")
            return
        path = normal_path(unquote(url.path or "/"))
        status = record.http_headers.get_statuscode()
        is_document = path in self.documents and not url.query
        body, fault = _body(record) if is_document and status == "200" else (b"", _drained(record))
        if fault:
            self.note(f"record {name} of {path}: {fault}: left out")
            return
        pairs = tuple(pair for header in record.http_headers.headers if (pair := _reservation(*header)))
        if pairs and self.since <= at < self.until:
            self.headers.setdefault(pairs, []).append((at, path, name, archive))
        if is_document and status == "200":
            media_type = str(record.http_headers.get_header("content-type") or "application/octet-stream")
            kept = self.bodies.setdefault(body, body)
            self.captures.append(_Capture(at, path, kept, media_type[:200], name, archive))
        elif is_document and status in map(str, _GONE):
            self.captures.append(_Capture(at, path, None, "", name, archive))


def read_warc(
    paths: Sequence[Path],
    hosts: Collection[str],
    documents: Collection[str],
    *,
    now: int,
    since: int | None = None,
    until: int | None = None,
    note: Note,
) -> list[Found]:
    """Read every answer of these hosts: signal documents that were answered 200, and reservation headers.

    A document is taken to hold from its capture until the capture of another version or of its absence.
    Damaged archives are read as far as they can be; `note` is told where that ended. Raises SourceError if a
    file is no archive at all.
    """
    last = now + 1 if until is None else until
    archive = _Archive(hosts, documents, now, since or 0, last, note)
    for path in paths:
        _read(path, archive, note)
    if not archive.responses and archive.others:
        names = ", ".join(sorted(archive.others)[:5])
        note(f"no answer of {', '.join(sorted(hosts)[:5])} in there, but of {names}")
    return clipped([*_documents(archive.captures), *_header_sets(archive, note)], since, until)


def _read(path: Path, archive: _Archive, note: Note) -> None:
    try:
        from warcio.archiveiterator import ArchiveIterator
    except ImportError:
        raise SourceError("warcio is needed to read web archives: pip install 'vorbehalt[cli]'") from None
    if not path.is_file():
        raise SourceError(f"{path} is no file")
    records = 0
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        file.seek(0)
        try:
            # Read as one stream, gzip by record (as the standard has it) and gzip as a whole are the same.
            for record in ArchiveIterator(_plain(file), check_digests=True):
                records += 1
                archive.take(record, digest)
        except Exception as error:  # a hostile archive can make its reader fail in any way
            if not records:
                raise SourceError(f"{path} is no web archive that can be read: {_why(error)}") from error
            note(f"{path.name} is damaged behind its record {records}, the rest is not read: {_why(error)}")
    if not records:
        raise SourceError(f"{path} holds no record of a web archive")


class _Unzipped:
    """A gzip file as a stream: what can be decompressed comes out, then the damage is an error.

    To the archive reader an EOFError is an orderly end, so none may reach it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._gzip = gzip.GzipFile(fileobj=file, mode="rb")

    def read(self, size: int) -> bytes:
        try:
            return self._gzip.read1(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SourceError(f"the compressed file is cut off or damaged ({error})") from None


def _plain(file: BinaryIO) -> BinaryIO | _Unzipped:
    magic = file.read(2)
    file.seek(0)
    return _Unzipped(file) if magic == b"\x1f\x8b" else file


def _body(record: Any) -> tuple[bytes, str]:
    """Return the decoded body, or why it cannot be trusted."""
    encoding = (record.http_headers.get_header("content-encoding") or "").strip().lower()
    stream = record.content_stream()
    if encoding not in ("", "identity") and not _decodes(encoding):
        return b"", f"content-encoding {encoding[:40]} is not known here"
    body = bytearray()
    try:
        while len(body) <= MAX_BODY and (block := stream.read(_BLOCK)):
            body += block
    except (
        Exception
    ) as error:  # a decoder of any kind may fail on hostile bytes; the record ends where it ends
        return b"", _drained(record) or f"cannot be decoded: {_why(error)}"
    if len(body) > MAX_BODY:
        return b"", f"longer than {MAX_BODY} bytes"
    return bytes(body), _drained(record)


def _decodes(encoding: str) -> bool:
    from warcio.bufferedreaders import BufferedReader

    return encoding in BufferedReader.get_supported_decompressors()


def _drained(record: Any) -> str:
    """Read a record to its end and say what is wrong with it, if anything.

    The payload digest is not held against it: tools disagree whether it is over chunks or what they carry.
    """
    while record.raw_stream.read(_BLOCK):
        pass
    if getattr(record.raw_stream, "limit", 0) > 0:
        return "the record is cut off"
    problems = record.digest_checker.problems if record.digest_checker is not None else ()
    return next((text[:100] for text in problems if text.startswith("block digest")), "")


def _reservation(name: str, value: str) -> tuple[str, str] | None:
    lower = name.lower()
    if lower not in _NAMES or (lower == "link" and "license" not in value.lower()):
        return None
    return lower, value[:1000]


def _documents(captures: Sequence[_Capture]) -> list[Found]:
    found: list[Found] = []
    for document in sorted({capture.document for capture in captures}):
        line = sorted((c for c in captures if c.document == document), key=lambda c: c.at)
        runs: list[list[_Capture]] = []
        for capture in line:
            if runs and (runs[-1][0].body, runs[-1][0].media_type) == (capture.body, capture.media_type):
                runs[-1].append(capture)
            else:
                runs.append([capture])
        for number, run in enumerate(runs):
            first, last = run[0], run[-1]
            end = runs[number + 1][0].at if number + 1 < len(runs) else None
            if first.body is None or end == first.at:
                continue
            detail = {
                "record": first.record, "last_record": last.record, "last_captured": iso(last.at // 10**9),
                "captures": len(run), "sha256": first.archive,
            }  # fmt: skip
            found.append(Found(document, first.body, first.media_type, first.at, end, detail))
    return found


def _header_sets(archive: _Archive, note: Note) -> list[Found]:
    found = []
    for pairs, captures in archive.headers.items():
        captures.sort()
        if len(captures) > MAX_CAPTURES:
            note(f"one set of headers was captured {len(captures)} times: the first {MAX_CAPTURES} are kept")
        kept = [
            {"at": str(at), "path": path, "record": name, "archive": digest}
            for at, path, name, digest in captures[:MAX_CAPTURES]
        ]
        body = canonical({"headers": [list(pair) for pair in pairs], "captures": kept})
        detail = {"captures": len(captures), "record": captures[0][2], "sha256": captures[0][3]}
        found.append(Found(HEADERS, body, "application/json", captures[0][0], None, detail))
    return found


def _moment(text: str) -> int | None:
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    try:
        seconds = int(datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
    return max(0, seconds) * 10**9 + int((match[2] or "0").ljust(9, "0"))


def _why(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:150]}"
