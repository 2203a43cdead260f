"""All figures that follow from the enclosed records, in one pass over them. Pure: records in, counts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vorbehalt.claims.dossier.choose import tag_of
from vorbehalt.claims.dossier.conduct import Refusals
from vorbehalt.claims.dossier.most import Most
from vorbehalt.claims.dossier.reservation import Versions
from vorbehalt.claims.dossier.tallying import (
    DossierTally,
    decision_label,
    field_label,
    group_of,
    permission_label,
    robots_label,
    section_label,
    token_label,
)
from vorbehalt.claims.ledger import Ledger, Query
from vorbehalt.claims.ledger_reading import is_refused, mapping, standing_of, works_of
from vorbehalt.facts import Standing

KEPT_WHOLE = frozenset({
    "gap", "clock", "shred", "hold", "export", "vault-access", "prune", "correction", "anchor",
    "anchor-missed", "writer-open", "pause", "key-rotation", "notice",
})  # fmt: skip
"""Types of which there are few, and of which each is told by itself."""
_AFTER = ("after",)


class Figures:
    """Takes the enclosed records in their order; `close` ends it."""

    def __init__(self, query: Query, versions: Versions, notice_since: int | None) -> None:
        self.query = query
        self.versions = versions
        self.records = 0
        self.own: list[int] = []
        """Indexes of the operator's requests, completions and fetches of signal documents."""
        self.told: list[tuple[int, dict[str, Any]]] = []
        self.imported = 0
        self.served: dict[tuple[str, str, str, str], list[int]] = {}
        self.how: dict[Standing, Most[str]] = {}
        self.unmapped: dict[str, Most[tuple[str, str]]] = {}
        self.data: set[str] = set()
        self.refusals = Refusals()
        self._since = notice_since
        self._is_after = False
        self.tally = DossierTally(
            query,
            {
                "robots": robots_label,
                "decisions": decision_label,
                "tokens": token_label,
                "permissions": permission_label,
                "hosts": field_label("host"),
                "vantage": field_label("vantage"),
                "sections": section_label,
                "refused": lambda at, seen: _AFTER if self._is_after else (),
                "notice": lambda at, seen: _AFTER if self._is_late(at) else (),
                "notice-works": lambda at, seen: works_of(seen) if self._is_late(at) else (),
            },
        )

    def take(self, index: int, leaf: Mapping[str, Any]) -> None:
        """Take one record."""
        kind, seen = str(leaf["type"]), mapping(leaf.get("seen"))
        self.records += 1
        if kind in ("request", "completion", "signal-served"):
            self.own.append(index)
            standing = standing_of(mapping(seen.get("claim")).get("standing"))
            if kind == "request":
                self._request(leaf, seen, standing)
            elif kind == "completion":
                self._carried(leaf, seen, standing)
            else:
                self._served(leaf, seen, standing)
            self.tally.take(leaf)
        elif kind == "imported":
            self.imported += seen.get("kind") == "request"
        elif kind in KEPT_WHOLE:
            self.told.append((index, dict(leaf)))
            self.tally.take(leaf)

    def close(self) -> Ledger:
        """Return the ledger; nothing more can be taken."""
        return self.tally.finish()

    def of(self, *kinds: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
        """Yield the records of some types that are told by themselves."""
        return ((index, leaf) for index, leaf in self.told if leaf["type"] in kinds)

    def _is_late(self, at: int) -> bool:
        return self._since is not None and at >= self._since

    def _request(self, leaf: Mapping[str, Any], seen: Mapping[str, Any], standing: Standing) -> None:
        at, group, host = int(leaf["at"]), group_of(standing), str(seen.get("host") or "")
        claim = mapping(seen.get("claim"))
        self.how.setdefault(standing, Most(5_000)).add(str(claim.get("how") or ""))
        if isinstance(data := claim.get("data"), list):
            self.data.update(map(str, data))
        self._is_after = False
        if not group:
            return
        month, pseudonym = tag_of(leaf)
        if pseudonym:
            self._is_after = self.refusals.take(group, month, pseudonym, at, is_refused(seen))
        reservation = mapping(seen.get("reservation"))
        if signals := reservation.get("signals"):
            self.versions.count(host, at, str(signals), group)
        if is_refused(seen) and isinstance(headers := reservation.get("headers"), str):
            self.versions.carry(host, at, headers, str(seen.get("vantage") or ""), group)
        if not seen.get("work"):
            self.unmapped.setdefault(group, Most()).add((host, str(seen.get("path") or "")))

    def _carried(self, leaf: Mapping[str, Any], seen: Mapping[str, Any], standing: Standing) -> None:
        headers = mapping(seen.get("reservation")).get("headers")
        if (group := group_of(standing)) and isinstance(headers, str):
            host, vantage = str(seen.get("host") or ""), str(seen.get("vantage") or "")
            self.versions.carry(host, int(leaf["at"]), headers, vantage, group)

    def _served(self, leaf: Mapping[str, Any], seen: Mapping[str, Any], standing: Standing) -> None:
        key = (
            str(seen.get("document")), str(seen.get("digest")), standing.value,
            str(mapping(seen.get("claim")).get("token")),
        )  # fmt: skip
        at = int(leaf["at"])
        times = self.served.setdefault(key, [0, at, at])
        times[0] += 1
        times[1:] = [min(times[1], at), max(times[2], at)]
