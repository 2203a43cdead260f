"""Some writers without threads, and what the log of their directory holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vorbehalt.evidence.directory import open_directory
from vorbehalt.evidence.files import Disk
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import LogSealer
from vorbehalt.evidence.spool.spool import WriterFiles
from vorbehalt.evidence.tlog.leaf import decode_leaf
from vorbehalt.evidence.tlog.merkle import leaf_hash, root_of
from vorbehalt.evidence.tlog.note import open_checkpoint
from vorbehalt.evidence.tlog.tiles import decode_bundle, tiles_of
from vorbehalt.evidence.vault.vault import Keys, Sealer
from vorbehalt.evidence.writing.losses import Losses
from vorbehalt.evidence.writing.writer import Writer

AT = 1_795_413_803_799_141_015


class QuickDisk(Disk):
    """Syncs nothing: a process that ends does not lose the page cache, and these tests end processes only."""

    def sync(self, fd: int) -> None:
        pass

    def sync_directory(self, path: Path) -> None:
        pass


class Site:
    """Some writers without threads, and what the log of their directory holds."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.writers: dict[str, Writer] = {}

    def write(self, number: int, count: int, *, size: int = 10) -> None:
        name = f"{number:016x}-00000000-1"
        if name not in self.writers:
            files = WriterFiles(self.home, name, QuickDisk())
            self.writers[name] = Writer(files, Sealer(Keys(self.home)), Losses(), lambda: AT, {})
        writer = self.writers[name]
        batch = [Draft(type="request", ref="", at=AT, seen={"path": "x" * size}) for _ in range(count)]
        writer.commit([(draft, None) for draft in batch])

    def close(self, number: int) -> None:
        self.writers.pop(f"{number:016x}-00000000-1").close()

    def kill(self, number: int) -> Path:
        """End a writer as a crash does: its lock goes, its last record is never written."""
        name = f"{number:016x}-00000000-1"
        self.writers.pop(name)._files.close()
        return next(iter((self.home / "spool").glob(f"{name}.*.spool")))

    def sealer(self, disk: Disk | None = None) -> LogSealer:
        return LogSealer(open_directory(self.home), disk)

    def entries(self) -> list[bytes]:
        """All entries, after recomputing root and tiles against the signed checkpoint."""
        at = open_directory(self.home)
        checkpoint = open_checkpoint((at.log / "checkpoint").read_bytes(), at.verifier)
        found: list[bytes] = []
        for name in tiles_of(checkpoint.size):
            assert (at.log / name.path).is_file(), name.path
            if name.level < 0:
                found += decode_bundle((at.log / name.path).read_bytes())
        assert root_of([leaf_hash(entry) for entry in found]) == checkpoint.root
        for path in (at.log / "tile" / "entries").rglob("*"):
            if path.is_file() and path.parent.name.endswith(".p"):
                index = int(path.parent.name.removesuffix(".p"))
                assert decode_bundle(path.read_bytes()) == found[index * 256 : index * 256 + int(path.name)]
        return found

    def numbers(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for entry in self.entries():
            leaf: Any = decode_leaf(entry)
            if leaf["w"].endswith("-00000000-1"):  # not that of the sealer, which says what others have lost
                found.setdefault(leaf["w"], []).append(leaf["s"])
        return found

    def gaps(self) -> list[dict[str, Any]]:
        leaves: list[Any] = [decode_leaf(entry) for entry in self.entries()]
        return [leaf["seen"] for leaf in leaves if leaf["type"] == "gap"]

    def assert_all_once(self, *counts: int) -> None:
        """Every writer's numbers stand in the log once and in order, up to the count expected."""
        assert sorted(self.numbers().items()) == [
            (f"{number:016x}-00000000-1", list(range(count))) for number, count in enumerate(counts, 1)
        ]
