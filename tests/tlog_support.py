"""Builds evidence directories for tests out of the pure parts only."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zlib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from vorbehalt.evidence import verify as standalone
from vorbehalt.evidence.audit import Report, verify
from vorbehalt.evidence.tlog.leaf import encode_leaf
from vorbehalt.evidence.tlog.note import Checkpoint, Signer
from vorbehalt.evidence.tlog.tiles import grow

SIGNER = Signer("label.example/evidence/test", bytes(range(32)))
START = 1_790_000_000_000_000_000


class Writer:
    """Numbers and chains records like the writer of a process."""

    def __init__(self, name: str = "9f86d081884c7d65-1a2b3c4d-1") -> None:
        self.name, self.number, self.previous = name, 0, ""

    def leaf(self, kind: str = "request", **more: object) -> bytes:
        record = {
            "v": 1,
            "type": kind,
            "w": self.name,
            "s": self.number,
            "p": self.previous,
            "at": str(START + self.number * 10**9),
            "ref": f"r{self.number}",
            **more,
        }
        payload = encode_leaf(record)
        self.number += 1
        self.previous = sha256(payload).hexdigest()
        return payload


def leaves(count: int, writer: Writer | None = None) -> list[bytes]:
    """Return `count` chained records."""
    source = writer or Writer()
    return [source.leaf(seen={"path": f"/song/{number}"}) for number in range(count)]


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


class Log:
    """An evidence directory that grows by hand."""

    def __init__(self, directory: Path, signer: Signer = SIGNER) -> None:
        self.directory, self.signer, self.size = directory, signer, 0
        for folder in ("log", "objects", "anchors", "spool", "vault", "keys"):
            (directory / folder).mkdir(parents=True)
        put(directory / "log/vkey", f"{signer.vkey}\n".encode())
        self.seal([])

    def seal(self, entries: Sequence[bytes], *, keep_partials: bool = True) -> bytes:
        """Append entries and sign; returns the checkpoint."""
        growth = grow(lambda path: (self.directory / "log" / path).read_bytes(), self.size, entries)
        for path, data in growth.files.items():
            put(self.directory / "log" / path, data)
        self.size = growth.size
        note = self.signer.sign(Checkpoint(self.signer.name, self.size, growth.root).body)
        put(self.directory / "log/checkpoint", note)
        if not keep_partials:
            for folder in growth.obsolete:
                shutil.rmtree(self.directory / "log" / folder, ignore_errors=True)
        return note

    def freeze(self) -> None:
        """Keep the present checkpoint among the anchors."""
        put(
            self.directory / f"anchors/{self.size}.checkpoint",
            (self.directory / "log/checkpoint").read_bytes(),
        )

    def put_object(self, body: bytes) -> str:
        digest = sha256(body).hexdigest()
        put(self.directory / f"objects/sha256/{digest[:2]}/{digest}", body)
        return digest


def frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + zlib.crc32(payload).to_bytes(4, "big") + payload


def small_log(directory: Path) -> Log:
    """A log with all that an auditor looks at: partial tiles, a frozen checkpoint, an object, a token."""
    log, writer = Log(directory), Writer()
    digest = log.put_object(b"User-agent: *\nAllow: /\n")
    log.seal([writer.leaf("policy-active", objects=[digest]), *leaves(2, writer)])
    log.freeze()
    token = b"a time stamp token"
    put(directory / "anchors/3.test.tsr", token)
    named = [{"name": "3.test.tsr", "sha256": sha256(token).hexdigest()}]
    log.seal([writer.leaf("anchor", seen={"files": named})])
    log.seal(leaves(254, writer))
    return log


def audit(directory: Path, **options: object) -> Report:
    return verify(directory, **options)  # type: ignore[arg-type]


def check(directory: Path, *, vkey: str | None = None, against: bytes | None = None) -> standalone.Check:
    """Run the stand-alone verifier in this process."""
    key = standalone.parse_key(vkey + "\n") if vkey else None
    return standalone.Check(directory, key, against, None)


def verdicts(directory: Path, *, against: bytes | None = None) -> tuple[bool, bool]:
    """Whether the packaged and the stand-alone verifier say that the directory holds."""
    return audit(directory, against=against).ok, not check(directory, against=against).problems


def run_script(script: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a copied verify.py without any installed package."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(script), *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def as_json(payload: bytes) -> dict[str, object]:
    found = json.loads(payload)
    assert isinstance(found, dict)
    return found
