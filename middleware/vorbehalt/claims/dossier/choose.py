"""Which records belong into the dossier of one operator: its own, and those that concern the whole log.

Pure. No record of another client is chosen. Rollups hold everybody's counts: their numbers are taken, and the
record itself only if nobody else stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from json import dumps
from typing import Any

from vorbehalt.claims.ledger import Query
from vorbehalt.claims.ledger_reading import mapping, operator_of, rolled
from vorbehalt.claims.ledger_rows import Rows
from vorbehalt.evidence.history.records import ACCESS_LOG, REQUEST, SIGNALS

OWN = frozenset({"request", "completion", "signal-served"})
_CONCERNS_ALL = frozenset({
    "writer-open", "writer-close", "policy-active", "objects", "gap", "clock", "anchor", "anchor-missed",
    "self_probe", "pause", "key-rotation", "shred", "prune",
})  # fmt: skip
_OF_A_REQUEST = frozenset({"assessment", "spare", "vault-access"})

Tag = tuple[str, str]


@dataclass(slots=True)
class Counted:
    """Numbers of records that are not enclosed, as they hold those of others too."""

    rollups: Rows = field(default_factory=Rows)
    is_enclosed: bool = True
    """Every rollup that counts for the operator is enclosed."""
    unnamed: int = 0
    cut: int = 0


class Chooser:
    """Looks at every record in its order; says which are chosen at once, and at the end which else are.

    Keeps a few words a request of the operator.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        self.counted = Counted()
        self.last: dict[str, int] = {}
        """Time of the last record of each writer, nanoseconds UTC."""
        self._mark = f'"operator":{dumps(query.operator)}'.encode("ascii")
        self._name = dumps(query.operator).encode("ascii")
        self._refs: set[str] = set()
        self._others: set[str] = set()
        self._early: dict[str, list[int]] = {}
        self._early_covered: set[int] = set()
        self._chosen: set[int] = set()
        self._signed: dict[tuple[str, str], list[int]] = {}
        self._signatures: set[tuple[str, str]] = set()
        self._by_ref: dict[str, list[int]] = {}
        self._corrections: list[tuple[int, int]] = []
        self._logs: dict[str, list[int]] = {}
        self._log_digests: set[str] = set()

    def is_wanted(self, entry: bytes) -> bool:
        """True if a record has to be looked at closely: cheap, and never wrong by leaving one out.

        Quotation marks inside texts are escaped, so a mark stands only where a key or a type stands.
        """
        kind = kind_of(entry)
        if kind in OWN or kind == "imported":
            if kind == "request" and b'"seen":{}' in entry:
                self.counted.cut += 1
                return False
            return self._mark in entry or (kind == "imported" and b'"kind":"request"' not in entry)
        return True

    def take(self, index: int, leaf: Mapping[str, Any]) -> bool:
        """Return whether a record is to be kept for now; `finish` says which of these are not chosen."""
        kind, seen = str(leaf["type"]), mapping(leaf.get("seen"))
        if kind in OWN:
            return operator_of(seen) == self.query.operator and self._own(index, kind, leaf, seen)
        if kind in _CONCERNS_ALL:
            return self._keep(index)
        if kind == "rollup":
            return self._rollup(index, seen)
        if kind == "imported":
            return self._imported(index, seen)
        if kind == "attribution":
            return self._attribution(index, leaf, seen)
        if kind in _OF_A_REQUEST:
            ref = str(seen.get("of") or seen.get("ref") or leaf["ref"])
            self._by_ref.setdefault(ref, []).append(index)
            return bool(ref)
        if kind == "correction":
            of = seen.get("of")
            if isinstance(of, int):
                self._corrections.append((index, of))
            return isinstance(of, int)
        return self._about_operator(index, kind, seen)

    def finish(self) -> set[int]:
        """Return the indexes of all chosen records."""
        for ref, indexes in self._early.items():
            self._chosen.update(
                index
                for index in indexes
                if ref in self._refs or (ref not in self._others and index in self._early_covered)
            )
        for ref, indexes in self._by_ref.items():
            if ref in self._refs:
                self._chosen.update(indexes)
        for key in self._signatures:
            self._chosen.update(self._signed.get(key, ()))
        for digest in self._log_digests:
            self._chosen.update(self._logs.get(digest, ()))
        self._chosen.update(index for index, of in self._corrections if of in self._chosen)
        return self._chosen

    def _keep(self, index: int) -> bool:
        self._chosen.add(index)
        return True

    def _own(self, index: int, kind: str, leaf: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
        ref, covered = str(leaf["ref"]), self.query.covers(int(leaf["at"]))
        if kind == "request":
            if not covered:
                self._others.add(ref)
                return False
            self._refs.add(ref)
            if mapping(seen.get("claim")).get("standing") == "signed":
                self._signatures.add((str(leaf["at"]), tag_of(leaf)[1]))
            return self._keep(index)
        if kind == "signal-served":
            return covered and self._keep(index)
        ref = str(seen.get("of") or ref)
        if ref in self._refs:
            return self._keep(index)
        # Its request may come later, or nowhere: then it is unmatched, and counts by its own time.
        if covered:
            self._early_covered.add(index)
        self._early.setdefault(ref, []).append(index)
        return True

    def _rollup(self, index: int, seen: Mapping[str, Any]) -> bool:
        minute = int(str(seen.get("minute", "0")))
        if not self.query.covers(minute):
            return False
        mine = others = False
        for row in rolled(seen):
            if row.is_nobodys:
                self.counted.unnamed += row.count
                others = True
            elif row.operator == self.query.operator or row.poses_with(self.query.tokens):
                mine = True
                take_rolled(self.counted.rollups, minute, row)
            else:
                others = True
        if mine and others:
            self.counted.is_enclosed = False
        return mine and not others and self._keep(index)

    def _imported(self, index: int, seen: Mapping[str, Any]) -> bool:
        kind, log = seen.get("kind"), mapping(seen.get("log"))
        if kind == SIGNALS:
            return self._keep(index)
        if kind == REQUEST and operator_of(seen) == self.query.operator:
            # Told times are those of the old log's clock; the period means when it was asked.
            if not self.query.covers(int(str(seen.get("logged_at", "0")))):
                return False
            self._log_digests.add(str(log.get("sha256")))
            return self._keep(index)
        if kind == ACCESS_LOG:
            self._logs.setdefault(str(log.get("sha256")), []).append(index)
            return True
        return False

    def _attribution(self, index: int, leaf: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
        claims = seen.get("claims")
        named = [claim.get("operator") for claim in claims] if isinstance(claims, list) else []
        if self.query.operator in named:
            return self._keep(index)
        if "thumbprint" in seen:
            # A signature belongs to the request of the same moment and the same client.
            self._signed.setdefault((str(leaf["at"]), tag_of(leaf)[1]), []).append(index)
            return True
        return False

    def _about_operator(self, index: int, kind: str, seen: Mapping[str, Any]) -> bool:
        scope = mapping(seen.get("scope"))
        query = mapping(seen.get("query"))
        named = {seen.get("operator"), scope.get("operator"), query.get("operator")}
        if ref := str(scope.get("ref") or ""):
            self._by_ref.setdefault(ref, []).append(index)
            return True
        return self.query.operator in named and self._keep(index)


def take_rolled(rows: Rows, minute: int, row: Any) -> None:
    """Count a row of a rollup."""
    at = rows.at(minute, row.standing)
    rows.add(at, "requested", row.count)
    rows.add(at, "refused", row.refused)
    rows.add(at, "bytes", row.bytes)


def kind_of(entry: bytes) -> str:
    """Return the type of a record as its bytes say; empty if that stands elsewhere than we write it."""
    start = entry.find(b'"type":"', 0, 64)
    return "" if start < 0 else entry[start + 8 : entry.find(b'"', start + 8)].decode("ascii", "replace")


def tag_of(leaf: Mapping[str, Any]) -> Tag:
    """Return month and pseudonym of a record's client; empty where it has none."""
    address = mapping(mapping(leaf.get("private")).get("address"))
    return str(address.get("month") or ""), str(address.get("p") or "")


def indexes(chosen: Iterable[int]) -> list[int]:
    """Return them in the order of the log."""
    return sorted(chosen)
