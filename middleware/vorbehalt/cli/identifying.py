"""`identify`: our knowledge turned on User-Agents."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import typer

from vorbehalt.cli.output import JSON, flush, note, printable, write
from vorbehalt.cli.rules import known
from vorbehalt.identify.identity import kind_of
from vorbehalt.identify.tokens import ClaimCache, TokenIndex

_CHUNK = 1 << 18


def identify(
    file: str = typer.Argument("-", help="A file with one User-Agent a line; - for standard input."),
    as_json: bool = JSON,
    rules: Path = typer.Option(None, "--rules", help="A folder that overlays the shipped rules."),
) -> None:
    """Say for each User-Agent who it says it is: one line in, one result out.

    Plain results are tab-separated: kind, product token, operator, purpose, User-Agent.
    """
    claims = ClaimCache(TokenIndex(known(rules)[1]))
    form = _json if as_json else _plain
    if file == "-" and sys.stdin.isatty():
        note("one User-Agent a line, please; Ctrl-D ends")
    with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
        for lines in _lines(stream):
            write("".join(form(claims, line) for line in lines))
            # Somebody may wait at the other end of the pipe for the answer to what came so far.
            flush()


def _lines(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Yield lines without their ends, as many at a time as have arrived; a last one without end counts."""
    held: list[bytes] = []
    read = getattr(stream, "read1", stream.read)
    while chunk := read(_CHUNK):
        head, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            held.append(chunk)
            continue
        yield (b"".join(held) + head).split(b"\n")
        held = [rest] if rest else []
    if held:
        yield [b"".join(held)]


def _json(claims: ClaimCache, line: bytes) -> str:
    user_agent = line.removesuffix(b"\r")
    claim = claims.get(user_agent)
    crawler = claim.crawler if claim else None
    result = {
        "user_agent": user_agent.decode("utf-8", "replace"),
        "token": crawler.token if crawler else None,
        "operator": crawler.operator if crawler else None,
        "purpose": crawler.purpose.value if crawler else None,
        "kind": kind_of(claim),
    }
    return json.dumps(result) + "\n"


def _plain(claims: ClaimCache, line: bytes) -> str:
    user_agent = line.removesuffix(b"\r")
    claim = claims.get(user_agent)
    text = printable(user_agent.decode("utf-8", "backslashreplace"))
    if claim is None:
        return f"other\t-\t-\t-\t{text}\n"
    crawler = claim.crawler
    return f"{crawler.kind}\t{crawler.token}\t{crawler.operator or '-'}\t{crawler.purpose.value}\t{text}\n"
