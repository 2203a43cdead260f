"""The index of a catalogue as one file that all workers of a site map: built once, replaced whole.

It lies in `works/` of the state directory under the digest of its sources' paths. Its head holds the stamps
of the sources; while they are the same nobody reads them again. Without a state directory the index lies in
a file without a name, for this process alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

from vorbehalt.errors import Problem, VorbehaltError
from vorbehalt.works.builder import MAX_ROWS, Builder
from vorbehalt.works.entry import Flaw, Notes
from vorbehalt.works.index import FORMAT, IndexUnusable, WorksIndex, parts_of
from vorbehalt.works.pattern import UrlPattern
from vorbehalt.works.reading import kind_of, read_entries

Stamp = list[tuple[str, int, int, int] | None]
"""Path, time of change, size, inode of each source; None for one that is not there."""

_CHUNK = 1 << 20


class Busy(VorbehaltError):
    """Another process builds this index just now."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an index is made of. `files` are absolute; `hosts` are the site's own names."""

    files: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    max_rows: int = MAX_ROWS

    @property
    def name(self) -> str:
        said = json.dumps([FORMAT, self.files, self.patterns, sorted(self.hosts)])
        return f"{sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}.works"

    def stamp(self) -> Stamp:
        """Return what shows that a source has changed."""
        return [_stamp_of(path) for path in self.files]


@dataclass(frozen=True, slots=True)
class Built:
    """The outcome of a build. `index` is None if `problems` are errors; `remarks` make nothing unusable."""

    index: WorksIndex | None
    problems: list[Problem]
    flawed: int
    remarks: list[Problem]
    remarked: int


def open_index(sources: Sources, directory: Path | None) -> tuple[WorksIndex, bool] | None:
    """Map the index that is there; True if it is made of the sources as they are now. None: there is none."""
    if directory is None:
        return None
    try:
        with (directory / sources.name).open("rb") as file:
            index = _mapped(file)
    except (OSError, IndexUnusable, ValueError, KeyError, TypeError):
        return None  # it is built again
    return index, index.head.get("stamp") == json.loads(json.dumps(sources.stamp()))


def build_index(
    sources: Sources, directory: Path | None, *, wait: bool = True, pause: Callable[[], None] | None = None
) -> Built:
    """Read all sources and put the index in the place of the one before, unless something is wrong.

    Memory is bounded: what grows lies in files. Raises Busy if another process builds and `wait` is False,
    OSError if the directory cannot be written to. Whoever waited for another process takes what that made.
    """
    if directory is None:
        return _build(sources, None, pause)
    directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory / f"{sources.name}.lock", wait):
        if (ready := open_index(sources, directory)) and ready[1] and not ready[0].head.get("remarks"):
            return Built(ready[0], [], 0, [], 0)
        return _build(sources, directory, pause)


def _build(sources: Sources, directory: Path | None, pause: Callable[[], None] | None) -> Built:
    stamp = sources.stamp()
    problems: list[Problem] = []
    remarks: list[Problem] = []
    flawed = remarked = 0
    patterns = tuple(map(UrlPattern.of, sources.patterns))
    digest = sha256()
    builder = None
    for path in sources.files:
        notes = Notes()
        if builder is None:
            builder = Builder(notes, _Allocator(directory), hosts=sources.hosts, max_rows=sources.max_rows)
        builder.notes = notes
        try:
            with open(path, "rb") as file:
                stream = _Digesting(file, digest)
                if kind_of(path):
                    entries = read_entries(path, cast(BinaryIO, stream), patterns, notes)
                    builder.take(entries, pause)
                else:
                    notes.flaw(0, "the end of the name says of no form; use .csv, .json, .jsonl, .xml, .html")
        except OSError as error:
            notes.flaw(0, f"the file cannot be read: {error.strerror or error}")
        problems += [_problem(path, flaw) for flaw in notes.flaws]
        remarks += [_problem(path, flaw) for flaw in notes.remarks]
        flawed += notes.flawed
        remarked += notes.remarked
    if builder is None or flawed:
        return Built(None, problems, flawed, remarks, remarked)
    said = {"stamp": stamp, "digest": digest.hexdigest(), "remarks": remarked}
    index = _written(parts_of(builder, said), sources, directory)
    return Built(index, [], 0, remarks, remarked)


def _written(parts: Sequence[bytes | memoryview], sources: Sources, directory: Path | None) -> WorksIndex:
    with tempfile.TemporaryFile(dir=directory) if directory is None else _named(directory) as file:
        for part in parts:
            for at in range(0, len(part), _CHUNK):
                file.write(part[at : at + _CHUNK])
        file.flush()
        if directory is not None:
            os.fsync(file.fileno())
            os.replace(file.name, directory / sources.name)
        return _mapped(file)


@contextlib.contextmanager
def _named(directory: Path) -> Iterator[BinaryIO]:
    descriptor, name = tempfile.mkstemp(".new", "works-", directory)
    try:
        with open(descriptor, "w+b") as file:
            named = cast(BinaryIO, _WithName(file, name))
            yield named
    finally:
        with contextlib.suppress(FileNotFoundError):  # it has its own name by now
            os.unlink(name)


class _WithName:
    """A file that knows the name it was made under."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.write, self.flush, self.fileno = file.write, file.flush, file.fileno
        self.name = name


def _mapped(file: BinaryIO) -> WorksIndex:
    # Our own files are replaced, never cut: a mapping that is open stays whole.
    return WorksIndex(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))


class _Allocator:
    """Gives zero bytes in files without names, so that the system may take their memory back."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    def __call__(self, size: int) -> memoryview:
        with tempfile.TemporaryFile(dir=self._directory) as file:
            file.truncate(size)
            return memoryview(mmap.mmap(file.fileno(), size))


class _Digesting:
    """A stream that adds up what is read of it."""

    def __init__(self, file: BinaryIO, digest: object) -> None:
        self._file = file
        self._update: Callable[[bytes], None] = digest.update  # type: ignore[attr-defined]

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._update(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        data = self._file.readline(size)
        self._update(data)
        return data


@contextlib.contextmanager
def _locked(path: Path, wait: bool) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy("another process builds the index of works") from None
        yield
    finally:
        os.close(descriptor)


def _stamp_of(path: str) -> tuple[str, int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (path, status.st_mtime_ns, status.st_size, status.st_ino)


def _problem(path: str, flaw: Flaw) -> Problem:
    return Problem(path, flaw.line, "works.catalogue", "V039", flaw.message)
