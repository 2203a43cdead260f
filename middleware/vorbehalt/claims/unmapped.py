"""Which paths of the evidence hold no work, by the catalogue as it is now: counted in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.tlog.leaf import seen_of
from vorbehalt.facts import normal_path

_KEPT = 100_000


@dataclass(slots=True)
class Unmapped:
    """`requests` recorded, `mapped` of them at a path with a work; `top` are host, path and count without."""

    requests: int = 0
    mapped: int = 0
    named: int = 0
    """So many records name a work themselves."""
    top: list[tuple[str, str, int]] = field(default_factory=list)
    forgotten: int = 0
    """Requests of paths that were too many to keep."""

    def as_json(self) -> dict[str, object]:
        return {
            "recorded": self.requests,
            "named_in_the_record": self.named,
            "mapped_now": self.mapped,
            "unmapped": [{"host": host, "path": path, "requests": count} for host, path, count in self.top],
            "not_listed": self.forgotten,
        }


def read_unmapped(directory: Path, has_work: Callable[[str, str], bool], top: int) -> Unmapped:
    """Go through the `request` records; `has_work(host, path)` is asked with decoded, normal paths.

    Paths are strangers' words as the log has them; whoever prints them makes them harmless.
    """
    found = Unmapped()
    rare: Counter[tuple[str, str]] = Counter()
    for leaf in show(directory, Filters(type="request")):
        seen = seen_of(leaf)
        host, raw = str(seen.get("host") or ""), str(seen.get("path") or "")
        found.requests += 1
        found.named += bool(seen.get("work"))
        text = raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
        if has_work(host, normal_path(unquote(text, errors="surrogateescape"))):
            found.mapped += 1
            continue
        rare[host, raw] += 1
        if len(rare) > _KEPT:
            kept = Counter(dict(rare.most_common(_KEPT // 2)))
            found.forgotten += rare.total() - kept.total()
            rare = kept
    listed = sorted(rare.items(), key=lambda item: (-item[1], item[0]))
    found.top = [(host, path, count) for (host, path), count in listed[:top]]
    found.forgotten += sum(count for _, count in listed[top:])
    return found
