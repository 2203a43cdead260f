"""What tests of `signals import` share: repositories and archives to import from, and what was kept."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

Cli = Callable[..., Any]
SOURCE = ("--source", "the web team's repository")
ROBOTS = "https://label.example/robots.txt"


class Repository:
    """A git repository whose commits have chosen dates."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, date: str = "2020-01-01T00:00:00Z", authored: str = "") -> str:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": authored or date,
        }  # fmt: skip
        who = ("-c", "user.name=Web", "-c", "user.email=web@label.example")
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=self.path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(
        self, date: str, name: str = "robots.txt", body: bytes | None = b"", authored: str = ""
    ) -> str:
        """Put bytes in a file (None: remove it) and commit; returns the commit's id."""
        path = self.path / name
        if body is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        self.git("add", "-A", ".")
        self.git("commit", "-q", "--allow-empty", "-m", "change", date=date, authored=authored)
        return self.git("rev-parse", "HEAD")


def spans(result: Any) -> list[tuple[str, str | None, bool]]:
    return [(v["valid_from"], v["valid_until"], v["new"]) for v in result.json["versions"]]


def robots_at(cli: Cli, at: str, *more: str) -> str | None:
    found = cli("signals", "--at", at, "--json", *more)
    return found.json["documents"]["/robots.txt"]["body"] if found.code == 0 else None


def bounds_digest(body: bytes) -> str:
    import hashlib

    return hashlib.sha256(body).hexdigest()


class Archive:
    """A web archive in memory."""

    def __init__(self, *, gz: bool = True) -> None:
        self.file = io.BytesIO()
        self.writer = WARCWriter(self.file, gzip=gz)

    def add(
        self,
        date: str,
        body: bytes,
        url: str = ROBOTS,
        *,
        status: str = "200 OK",
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain"),),
        length: int | None = None,
    ) -> None:
        http = StatusAndHeaders(status, list(headers), protocol="HTTP/1.1")
        record = self.writer.create_warc_record(
            url,
            "response",
            payload=io.BytesIO(body),
            http_headers=http,
            warc_headers_dict={"WARC-Date": date},
        )
        self.writer.write_record(record)
        record.raw_stream.close()

    @property
    def bytes(self) -> bytes:
        return self.file.getvalue()
