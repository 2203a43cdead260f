"""What an audit says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found. `ok` holds exactly when `problems` is empty; `notes` never make it fail."""

    records: int
    size: int
    unsealed: int
    root: str
    """Base64, as it stands in the checkpoint; empty if there is no readable checkpoint."""
    unanchored_since: str | None
    """Time of the first record that no outside time covers; records about anchors do not count."""
    gaps: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    assurance: str = "self-attested"
    minimum: int = 0
    """Below this index a `prune` record lets entries be absent; their hashes are here."""

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, object]:
        """Returns the object that `evidence verify --json` prints."""
        return {
            "ok": self.ok,
            "records": self.records,
            "size": self.size,
            "unsealed": self.unsealed,
            "root": self.root,
            "assurance": self.assurance,
            "unanchored_since": self.unanchored_since,
            "gaps": self.gaps,
            "minimum": self.minimum,
            "problems": list(self.problems),
        }
