"""What the edge hands to the evidence, and what it gets back. The edge knows no more of the log than this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

RecordType = Literal[
    "request",
    "completion",
    "attribution",
    "signal-served",
    "rollup",
    "gap",
    "policy-active",
    "prune",
    "self_probe",
    "objects",
    "anchor",
    "anchor-missed",
    "imported",
    "pause",
    "spare",
    "vault-access",
    "assessment",
    "clock",
    "correction",
    "export",
    "hold",
    "shred",
    "notice",
    "key-rotation",
    "repair",
    "writer-open",
    "writer-close",
]

Retention = Literal["person", "claimed", "operator"]


@dataclass(slots=True)
class Draft:
    """A record before it is a leaf. `seen` goes into the leaf as it is; `private` never does.

    `private` holds what must be forgettable: address, peer, chain (forwarded headers), from (the From
    header), query (raw query string). The writer turns each into a salted commitment for the leaf, the
    address also into a monthly pseudonym, and seals the openings in the vault. `retention` picks how long the
    opening is kept.
    `client` and `operator` are budget keys (in memory only, never written).
    """

    type: RecordType
    ref: str
    at: int
    """Wall-clock nanoseconds UTC."""
    seen: dict[str, object]
    private: dict[str, bytes] = field(default_factory=dict)
    client: str = ""
    operator: str = ""
    retention: Retention = "claimed"
    rollup: tuple[str, ...] = ()
    """Key of the rollup row that counts this draft once its budget is spent."""
    amount: int = 0
    """Bytes delivered, for the rollup."""
    later: Callable[[], tuple[dict[str, object], dict[str, bytes]]] | None = None
    """Makes `seen` and `private` when the writer gets to it, so that the request does not wait for that."""
    weight: int = 0
    """Bytes that `later` keeps alive, roughly."""

    def fill(self) -> None:
        """Let `later` make what it promised; for the writer. Idempotent."""
        if self.later is not None:
            self.seen, self.private = self.later()
            self.later = None


class Receipt(Protocol):
    """The promise of one record. Never raises."""

    @property
    def is_durable(self) -> bool:
        """True once the record is on disk (or needs no disk)."""
        ...

    async def durable(self, deadline_seconds: float) -> bool:
        """Wait until the record is durable; False if the deadline passed or the disk failed."""
        ...


class Evidence(Protocol):
    """Where records go. `append` never blocks and never raises."""

    def start(self) -> None:
        """Start threads; idempotent; never called in a constructor."""
        ...

    def append(self, draft: Draft) -> Receipt: ...

    def count(self, key: tuple[str, ...], *, at: int, amount: int = 0) -> None:
        """Count one visit in the rollup of its minute (purposes that leave no record of their own)."""
        ...

    def put_object(self, body: bytes) -> str:
        """Keep bytes content-addressed before a record names them; returns SHA-256 hex.

        For other threads than an event loop's; raises EvidenceError if the disk fails.
        """
        ...

    def health(self) -> dict[str, object]:
        """`state` (green, yellow, red), `reasons`, `directory`, `records`, `lost`, `size`.

        And `anchor_age_seconds`, None while nobody outside has said when the log was written.
        """
        ...

    def lost(self) -> dict[str, int]:
        """Records lost so far by reason."""
        ...

    def written(self) -> dict[str, int]:
        """Records made durable so far by type."""
        ...

    def close(self, timeout_seconds: float = 5.0) -> None:
        """Flush, seal what is sealable, stop threads; idempotent."""
        ...
