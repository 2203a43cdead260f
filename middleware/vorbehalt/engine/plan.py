"""What is fixed for one host before the first request, and what moves with its robots.txt."""

from __future__ import annotations

from dataclasses import dataclass, field

from vorbehalt.facts import Purpose
from vorbehalt.policy.select import Policy
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.bundle import Bundle, Document, place
from vorbehalt.reservation.headers import SectionHeaders
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.robots.in_force import RobotsInForce, read_robots
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.reservation.terms import Terms
from vorbehalt.settings.model import HostSettings

OPEN_RULE = "open-path"
"""The name of the decision on paths that are never judged."""

_OPEN_PREFIX = "/.well-known/"
_OPEN_PATHS = frozenset(
    {"/ads.txt", "/app-ads.txt", "/favicon.ico", "/favicon.svg", "/favicon.png", "/apple-touch-icon.png"}
)


@dataclass(slots=True, weakref_slot=True, eq=False)
class HostPlan:
    """All that is fixed for one host, worked out before the first request.

    `bundle` and `robots` are replaced whole when the site's own robots.txt changes.
    """

    settings: HostSettings
    sections: SectionIndex
    policy: Policy
    open_paths: tuple[PathPattern, ...]
    bundle: Bundle
    robots: RobotsInForce
    _readers: dict[str, tuple[str, Verdict | None]] = field(default_factory=dict)

    def take(self, bundle: Bundle) -> None:
        """Put other signals in force."""
        robots = read_robots(self.settings.terms, bundle)
        self.bundle = bundle
        self.robots = robots

    def document(self, path: str) -> Document | None:
        """Return the signal document served at a normal path."""
        return self.bundle.documents.get(path)

    def headers(self, path: str, section: str) -> SectionHeaders:
        """Return the reservation headers of a normal path that lies in this section."""
        return place(self.bundle, section, self.sections.refinements(path))

    def is_open(self, path: str) -> bool:
        """True for paths that are never judged, whatever the policy says."""
        return (
            path.startswith(_OPEN_PREFIX)
            or path in _OPEN_PATHS
            or (bool(self.open_paths) and any(pattern.matches(path) for pattern in self.open_paths))
        )

    def reader_verdict(self, section: str) -> Verdict | None:
        """Return the one verdict of all visitors without claim and findings; None if a rule must be asked."""
        digest = self.bundle.digest
        kept = self._readers.get(section)
        if kept is None or kept[0] != digest:
            kept = self._readers[section] = (digest, self.policy.reader_verdict(section, digest))
        return kept[1]


def reserved_purposes(terms: Terms) -> frozenset[Purpose]:
    """Return the purposes whose crawlers robots.txt disallows somewhere under these terms.

    Input to answers (`ai_input`) is reserved in the signals alone: those crawlers also send readers.
    """
    purposes: set[Purpose] = set()
    for uses in terms.all_uses:
        if uses.training == "reserve":
            purposes |= {Purpose.TRAINING, Purpose.DATASET}
        if uses.search == "reserve":
            purposes.add(Purpose.SEARCH)
    return frozenset(purposes)
