"""The anchors: every file under its record's digest, every time stamp and cosignature checked again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from vorbehalt.errors import TamperError
from vorbehalt.evidence.anchor.checking import check_response
from vorbehalt.evidence.anchor.windows import TimePoint
from vorbehalt.evidence.auditor.files import Files, Say, why
from vorbehalt.evidence.auditor.log import LogAudit
from vorbehalt.evidence.auditor.naming import named_files
from vorbehalt.evidence.tlog.cosignature import Witness
from vorbehalt.evidence.tlog.leaf import seen_of
from vorbehalt.evidence.tlog.note import MAX_NOTE_BYTES, Checkpoint, Verifier, open_checkpoint, split_note
from vorbehalt.evidence.tlog.witness import parse_answer

LEVELS = ("self-attested", "timestamped", "witnessed", "qualified")
MAX_ANSWER_BYTES = 1 << 20
_FROZEN = re.compile(r"anchors/(0|[1-9][0-9]{0,18})\.checkpoint")
_HEX = re.compile(r"[0-9a-f]{1,64}")

Leaf = dict[str, object]


def own_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Open a checkpoint as the log issued it; raises TamperError."""
    checkpoint = open_checkpoint(note, verifier)
    # A line by an unknown key could be changed without any signature noticing.
    if len(split_note(note)[1]) != 1:
        raise TamperError("has a signature line that nobody here can check")
    return checkpoint


@dataclass(slots=True)
class AnchorAudit:
    """`tsa_roots` (PEM) and `witnesses` come from outside; where empty, what the records name counts."""

    files: Files
    problem: Say
    note: Say
    log: LogAudit
    contains: Callable[[Checkpoint, str], None]
    tsa_roots: str = ""
    witnesses: tuple[Witness, ...] = ()
    points: list[TimePoint] = field(default_factory=list)
    """The outside times that hold."""
    level: int = 0
    _bad: set[str] = field(default_factory=set)
    _unchecked: int = 0
    _enclosed: set[str] = field(default_factory=set)

    @property
    def assurance(self) -> str:
        return LEVELS[self.level]

    def run(self, verifier: Verifier | None, waiting: Sequence[Leaf]) -> None:
        """Check all files, then all anchors. `waiting`: durable records that are not in the log yet."""
        self._walk(verifier, waiting)
        if verifier is not None:
            for index, leaf in self.log.anchor_leaves:
                self._anchor(index, leaf)
        if self._unchecked:
            self.note(f"{self._unchecked} time stamps or cosignatures could not be checked here; none counts")
        for name in sorted(self._enclosed):
            self.note(f"{name} taken from the directory: whether you trust it is for you to say")

    def frozen(self) -> Iterator[bytes]:
        """Yield the checkpoints that were kept as issued, the largest first."""
        paths = [path for path in self.files.walk("anchors") if _FROZEN.fullmatch(path)]
        for path in sorted(paths, key=lambda path: (len(path), path), reverse=True):
            try:
                yield self.files.read(path, MAX_NOTE_BYTES)
            except (OSError, TamperError):
                continue  # named as a problem where the files are walked

    def known_witnesses(self) -> Iterator[Witness]:
        """Yield the witnesses that were given or, if none were, those that records name."""
        yield from self.witnesses
        for _, leaf in self.log.anchor_leaves if not self.witnesses else ():
            try:
                yield Witness.from_vkey(str(seen_of(leaf).get("vkey", "")))
            except TamperError:
                continue  # another kind of anchor, or named as a problem with its record

    def _walk(self, verifier: Verifier | None, waiting: Sequence[Leaf]) -> None:
        pending = {
            name: digest
            for leaf in waiting
            if leaf["type"] == "anchor"
            for name, digest in named_files(leaf)
            if isinstance(name, str) and isinstance(digest, str)
        }
        anchored, found = self.log.anchored, set()
        for path in self.files.walk("anchors"):
            name = path.removeprefix("anchors/")
            found.add(name)
            try:
                if (match := _FROZEN.fullmatch(path)) is not None:
                    self._frozen(path, int(match[1]), verifier)
                elif name not in anchored and name not in pending:
                    self.problem(f"{path}: unexpected file")
                elif self.files.digest(path) != (anchored.get(name) or pending[name]):
                    self._bad.add(name)
                    self.problem(f"{path}: differs from the digest that its record names")
            except (OSError, TamperError) as error:
                self._bad.add(name)
                self.problem(f"{path}: {why(error)}")
        for name in sorted(anchored.keys() - found):
            self._bad.add(name)
            self.problem(f"anchors/{name}: missing, a record names it")
        for name in sorted(pending.keys() - found):
            try:
                digest = self._staged(name)
            except OSError as error:
                self.problem(f"spool/anchors/{name}: {why(error)}")
            else:
                if digest != pending[name]:
                    self.problem(f"spool/anchors/{name}: differs from the digest that its record names")

    def _staged(self, name: str) -> str:
        try:
            return self.files.digest(f"spool/anchors/{name}")
        except FileNotFoundError:
            # The sealer may have published it since the anchors were listed.
            return self.files.digest(f"anchors/{name}")

    def _frozen(self, path: str, size: int, verifier: Verifier | None) -> None:
        if verifier is None:
            return
        frozen = own_checkpoint(self.files.read(path, MAX_NOTE_BYTES), verifier)
        if frozen.size != size:
            self.problem(f"{path}: is of size {frozen.size}")
        self.contains(frozen, path)

    def _anchor(self, index: int, leaf: Leaf) -> None:
        seen = seen_of(leaf)
        kind, size = seen.get("kind"), seen.get("size")
        suffix = {"rfc3161": ".tsr", "witness": ".cosig"}.get(str(kind))
        if suffix is None or type(size) is not int:
            return
        names = [name for name, _ in named_files(leaf) if isinstance(name, str) and name.endswith(suffix)]
        if not names or {names[0], f"{size}.checkpoint"} & self._bad:
            return  # said where the files are walked
        place = f"anchors/{names[0]}"
        try:
            answer = self.files.read(place, MAX_ANSWER_BYTES)
            note = self.files.read(f"anchors/{size}.checkpoint", MAX_NOTE_BYTES)
            moment = (
                self._stamped(seen, leaf, answer, note)
                if kind == "rfc3161"
                else self._cosigned(seen, answer, note)
            )
        except (OSError, TamperError) as error:
            self.problem(f"{place}: {why(error)}")
            return
        if moment is None:
            self._unchecked += 1
            return
        if str(moment) != seen.get("time"):
            self.problem(f"{place}: bears another time than its record says")
        elif size > index:
            self.problem(f"{place}: its record stands before what it anchors")
        else:
            level = 2 if kind == "witness" else 3 if seen.get("qualified") is True else 1
            self.level = max(self.level, level)
            self.points.append(TimePoint(index, size, moment))

    def _stamped(self, seen: Leaf, leaf: Leaf, answer: bytes, note: bytes) -> int | None:
        roots = self.tsa_roots
        if not roots:
            objects = leaf.get("objects")
            digest = str(objects[0]) if isinstance(objects, list) and objects else ""
            path = f"objects/sha256/{digest[:2]}/{digest}"
            roots = self.files.read(path, MAX_ANSWER_BYTES).decode("ascii", "replace")
            self._enclosed.add(f"root of the time stamping authority {str(seen.get('name'))[:80]}")
        nonce = str(seen.get("nonce"))
        if not _HEX.fullmatch(nonce):
            raise TamperError("its record names no nonce")
        checked = check_response(
            answer, note, roots, nonce=int(nonce, 16), policy=str(seen.get("policy", ""))
        )
        return checked.time if checked.by else None

    def _cosigned(self, seen: Leaf, answer: bytes, note: bytes) -> int | None:
        witness = Witness.from_vkey(str(seen.get("vkey", "")))
        if self.witnesses and witness not in self.witnesses:
            return None
        if not self.witnesses:
            self._enclosed.add(f"key of the witness {witness.name}")
        return witness.find(split_note(note)[0], parse_answer(answer)) * 10**9
