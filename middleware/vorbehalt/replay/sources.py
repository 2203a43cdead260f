"""Log files as lines of bytes: plain or gzip, a path or standard input, in constant memory."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from vorbehalt.errors import VorbehaltError

STDIN = "-"
LINE_LIMIT = 1 << 20
"""Bytes. A longer line is handed on cut off; no server writes one."""
_BLOCK = 1 << 18
_GZIP = b"\x1f\x8b"
_OTHER_MAGIC = {
    b"\x28\xb5\x2f\xfd": ("zstd", "zstdcat"),
    b"BZh": ("bzip2", "bzcat"),
    b"\xfd7zXZ": ("xz", "xzcat"),
    b"PK\x03\x04": ("zip", "unzip -p"),
}


class LogError(VorbehaltError):
    """A log cannot be read at all: missing, not a file, or in a compression that is not understood."""


class Source:
    """One log as lines. After the last line `ended_early` says why the rest could not be read, if so."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = "standard input" if path == STDIN else Path(path).name
        self.ended_early = ""
        self.bytes_read = 0
        """Bytes of the file as it lies on disk, compressed or not."""

    def lines(self) -> Iterator[bytes]:
        """Yield the lines without their line ends; a line beyond LINE_LIMIT comes cut off.

        Raises LogError if the log cannot be opened. A damaged or cut gzip file ends where it breaks.
        """
        with _opened(self.path) as raw:
            stream = _decompressed(raw, self.name)
            rest = b""
            while True:
                try:
                    block = stream.read1(_BLOCK)
                except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                    self.ended_early = f"the compressed file is cut off or damaged ({error})"
                    break
                except OSError as error:
                    raise LogError(f"{self.path}: {error.strerror or error}") from error
                if not block:
                    break
                self.bytes_read = _position(raw)
                lines = block.split(b"\n")
                if rest:
                    # A line without an end is kept to LINE_LIMIT; what comes after it is dropped unread.
                    lines[0] = (rest + lines[0])[: LINE_LIMIT + 1]
                rest = lines.pop()
                yield from lines
            if rest:
                yield rest

    def size(self) -> int | None:
        """Return the size of the file in bytes, None for a stream."""
        if self.path == STDIN:
            return None
        place = Path(self.path)
        return place.stat().st_size if place.is_file() else None


def _position(raw: BinaryIO) -> int:
    return raw.tell() if raw.seekable() else 0


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader]:
    if path == STDIN:
        yield _buffered(sys.stdin.buffer)
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise LogError(f"{path}: {error.strerror or error}") from error
        yield stream


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Raw(stream))


class _Raw(io.RawIOBase):
    """Any binary stream (a test's, an in-memory one) in the shape that BufferedReader reads from."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _decompressed(raw: io.BufferedReader, name: str) -> io.BufferedReader | gzip.GzipFile:
    try:
        start = raw.peek(8)[:8]
    except OSError as error:
        raise LogError(f"{name}: {error.strerror or error}") from error
    if start.startswith(_GZIP):
        return gzip.GzipFile(fileobj=raw, mode="rb")
    for magic, (kind, tool) in _OTHER_MAGIC.items():
        if start.startswith(magic):
            raise LogError(
                f"{name} is compressed with {kind}; pipe it in: {tool} {name} | vorbehalt replay -c FILE -"
            )
    return raw
