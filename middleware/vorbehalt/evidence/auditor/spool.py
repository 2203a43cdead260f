"""The spool: records that are durable but not yet in the log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256

from vorbehalt.errors import TamperError
from vorbehalt.evidence.auditor.chain import Chains
from vorbehalt.evidence.auditor.files import Files, Say, why
from vorbehalt.evidence.auditor.frames import read_frames
from vorbehalt.evidence.tlog.leaf import LeafError, decode_leaf

MAX_SPOOL_BYTES = 1 << 34
_NAME = re.compile(r"spool/([A-Za-z0-9._:-]+)\.([0-9]+)\.spool")

Key = tuple[str, int]


@dataclass(slots=True)
class Spool:
    """The frames of all spool files, by writer and number."""

    waiting: dict[Key, tuple[bytes, str, str]] = field(default_factory=dict)
    unsealed: int = 0

    def read(self, files: Files, problem: Say, note: Say) -> None:
        """Reads every spool file; frames of one writer may come twice with equal bytes."""
        found = []
        for path in files.walk("spool"):
            match = _NAME.fullmatch(path)
            if match is not None:
                found.append((match[1], int(match[2]), path))
            elif path.endswith(".corrupt"):
                note(f"{path}: was set aside as damaged, its records are not counted")
        for writer, _, path in sorted(found):
            try:
                frames = read_frames(files.read(path, MAX_SPOOL_BYTES))
            except FileNotFoundError:
                continue  # sealed and removed meanwhile
            except (OSError, TamperError) as error:
                problem(f"{path}: {why(error)}")
                continue
            if frames.corrupt >= 0:
                problem(f"{path}: the frame at byte {frames.corrupt} was changed")
            elif frames.torn:
                note(f"{path}: the last {frames.torn} bytes are an unfinished record")
            for number, payload in enumerate(frames.payloads):
                self._take(payload, writer, f"{path}: frame {number}", problem)

    def _take(self, payload: bytes, writer: str, place: str, problem: Say) -> None:
        try:
            leaf = decode_leaf(payload)
        except LeafError as error:
            problem(f"{place}: {error}")
            return
        if leaf["w"] != writer:
            problem(f"{place}: is of another writer")
            return
        sequence = leaf["s"]
        assert isinstance(sequence, int)
        digest = sha256(payload).hexdigest()
        if self.waiting.setdefault((writer, sequence), (payload, digest, place))[1] != digest:
            problem(f"{place}: record {sequence} stands twice with different bytes")

    def sealed(self, leaf: dict[str, object], digest: str, place: str, problem: Say) -> None:
        """Compares an entry of the log with its frame, if the spool still has it."""
        if self.waiting:
            sequence = leaf["s"]
            assert isinstance(sequence, int)
            frame = self.waiting.pop((str(leaf["w"]), sequence), None)
            if frame is not None and frame[1] != digest:
                problem(f"{place}: differs from {frame[2]}")

    def finish(self, chains: Chains, problem: Say) -> list[dict[str, object]]:
        """Joins what is not sealed to the chains of the log; returns those records."""
        self.unsealed = len(self.waiting)
        leaves = []
        for key in sorted(self.waiting):
            payload, digest, place = self.waiting[key]
            leaf = decode_leaf(payload)
            wrong = chains.add(leaf, digest, place)
            if wrong is not None:
                problem(f"{place}: {wrong}")
            leaves.append(leaf)
        return leaves
