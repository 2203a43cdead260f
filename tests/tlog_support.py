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
from vorbehalt.evidence.auditor.audit import Report, verify
from vorbehalt.evidence.tlog.leaf import encode_leaf
from vorbehalt.evidence.tlog.note import Checkpoint, Signer
from vorbehalt.evidence.tlog.tiles import decode_bundle, entries_path, grow, tiles_of

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


def prune(log: Log, writer: Writer, minimum: int, *, anchors: dict[str, str] | None = None) -> bytes:
    """Prune a log by hand: seal its record, then remove the bundles of entries below."""
    listed = {f"anchors/{name}": digest for name, digest in (anchors or {}).items()}
    body = json.dumps({"anchors": listed, "objects": []}).encode()
    note = log.seal([writer.leaf("prune", objects=[log.put_object(body)], seen={"minimum": minimum})])
    for number in range(minimum // 256):
        drop_bundle(log, number)
    return note


def drop_bundle(log: Log, number: int) -> None:
    """Remove one full bundle and its partial versions."""
    (log.directory / f"log/tile/entries/{number:03}").unlink()
    shutil.rmtree(log.directory / f"log/tile/entries/{number:03}.p", ignore_errors=True)


def dossier(log: Log, indexes: Sequence[int], folder: Path) -> Path:
    """Enclose some records of a log and write the manifest of it all."""
    source = log.directory
    named = []
    lines = b""
    for index in indexes:
        width = min(256, log.size - index // 256 * 256)
        entries = decode_bundle((source / "log" / entries_path(index // 256, width)).read_bytes())
        leaf = as_json(entries[index % 256])
        lines += b'{"index":%d,"record":%s}\n' % (index, entries[index % 256])
        named += [f"objects/sha256/{it[:2]}/{it}" for it in leaf.get("objects", ())]  # type: ignore[attr-defined]
        if leaf["type"] == "anchor":
            named += [f"anchors/{it['name']}" for it in leaf["seen"]["files"]]  # type: ignore[index]
    put(folder / "records.jsonl", lines)
    put(folder / "README.txt", b"Read VERIFY.md\n")
    tiles = [name.path for name in tiles_of(log.size) if name.level == 0]
    for name in ["log/vkey", "log/checkpoint", *(f"log/{path}" for path in tiles), *named]:
        put(folder / name, (source / name).read_bytes())
    for path in (source / "anchors").glob("*.checkpoint"):
        put(folder / "anchors" / path.name, path.read_bytes())
    write_manifest(folder)
    return folder


def write_manifest(folder: Path) -> None:
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{sha256((folder / path).read_bytes()).hexdigest()}  {path}\n"
        for path in paths
        if path != "manifest.sha256"
    ]
    put(folder / "manifest.sha256", "".join(lines).encode())
