"""A single file that was served, as somebody says, from one day to another."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from vorbehalt.imports.found import MAX_BODY, Found, SourceError, media_type_of


def read_file(path: Path, document: str, valid_from: int, valid_until: int | None) -> list[Found]:
    """Read the bytes as they are, text or not; raises SourceError if that cannot be."""
    if not path.is_file():
        raise SourceError(f"{path} is no file")
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BODY + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    if len(body) > MAX_BODY:
        raise SourceError(f"{path} is longer than {MAX_BODY} bytes: no signal document is")
    detail = {"file": path.name, "sha256": sha256(body).hexdigest()}
    return [Found(document, body, media_type_of(document), valid_from, valid_until, detail)]
