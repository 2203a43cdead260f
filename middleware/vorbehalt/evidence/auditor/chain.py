"""The chains of writers: numbers without holes, each record naming the one before."""

from __future__ import annotations

from dataclasses import dataclass, field

from vorbehalt.evidence.tlog.leaf import seen_of


@dataclass(slots=True)
class Chains:
    """What the leaves of each writer say so far; feed them in log order."""

    next_number: dict[str, int] = field(default_factory=dict)
    last_digest: dict[str, str] = field(default_factory=dict)
    holes: list[tuple[str, int, int, str]] = field(default_factory=list)
    excused: set[tuple[str, int, int]] = field(default_factory=set)
    is_open: bool = False
    """True once entries were absent: what a writer had numbered before its next record is not known."""

    def begin_anew(self) -> None:
        """Forget all writers: entries are absent here, any number may follow."""
        self.next_number.clear()
        self.last_digest.clear()
        self.is_open = True

    def follow(self, leaf: dict[str, object], digest: str) -> bool:
        """Takes a leaf that follows the one before as it should; False if it does not, or needs a look."""
        writer = leaf["w"]
        assert isinstance(writer, str)
        number = self.next_number.get(writer, 0)
        if leaf["s"] != number or leaf["p"] != self.last_digest.get(writer, "") or leaf["type"] == "gap":
            return False
        self.next_number[writer] = number + 1
        self.last_digest[writer] = digest
        return True

    def add(self, leaf: dict[str, object], digest: str, place: str) -> str | None:
        """Takes the next leaf and the SHA-256 hex of its payload; returns what is wrong with it or None."""
        writer, number, previous = str(leaf["w"]), leaf["s"], leaf["p"]
        assert isinstance(number, int)
        if self.is_open and writer not in self.next_number:
            self.next_number[writer], self.last_digest[writer] = number, str(previous)
        expected = self.next_number.get(writer, 0)
        problem = None
        if number == expected:
            if previous != self.last_digest.get(writer, ""):
                problem = f"does not name record {number - 1} of writer {writer} as the one before"
        elif number > expected:
            self.holes.append((writer, expected, number - 1, place))
        else:
            return f"record {number} of writer {writer} comes after {expected - 1}"
        self.next_number[writer] = number + 1
        self.last_digest[writer] = digest
        if leaf["type"] == "gap":
            self._excuse(leaf)
        return problem

    def _excuse(self, leaf: dict[str, object]) -> None:
        seen = seen_of(leaf)
        writer, first, last = seen.get("writer"), seen.get("first"), seen.get("last")
        if isinstance(writer, str) and type(first) is int and type(last) is int:
            self.excused.add((writer, first, last))

    def open_holes(self) -> list[str]:
        """Returns one sentence for each hole that no `gap` record names exactly."""
        return [
            f"{place}: records {first} to {last} of writer {writer} are missing and no gap says so"
            for writer, first, last, place in self.holes
            if (writer, first, last) not in self.excused
        ]
