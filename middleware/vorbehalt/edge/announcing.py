"""What the evidence is told of ourselves: which software opened it, since when which signals are in force."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vorbehalt.engine import Engine, HostPlan
from vorbehalt.evidence.history.in_force import InForce
from vorbehalt.evidence.history.manifest import (
    Manifest,
    Part,
    canonical,
    changed_parts,
    changed_terms,
    differs_in,
    header_lines,
)
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.receipt import Draft, Evidence
from vorbehalt.reservation.bundle import Bundle, Document
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.settings import Settings
from vorbehalt.settings.digest import plain
from vorbehalt.settings.model import HostSettings

log = logging.getLogger("vorbehalt")

Cause = Literal["start", "reload", "site-robots"]

_NAMED_HERE = 50
_NAMED_APART = 100
_INLINE_BYTES = 2_000
_MAX_CHANGED = 10
_MAX_NAME = 80


def opening_of(settings: Settings) -> dict[str, object]:
    """Return what stands in the first record of a writer."""
    from vorbehalt import __version__

    return {
        "software": f"vorbehalt {__version__}",
        "rules": settings.registry.version,
        "rules_digest": settings.registry.digest,
        "config": settings.digest,
    }


@dataclass(frozen=True, slots=True)
class Announcement:
    """One set of signals that came into force.

    `since` is wall-clock nanoseconds UTC of that moment. `pending` are documents that nobody has been served
    yet, because the site's own robots.txt is asked for when the first visitor wants it.
    """

    settings: HostSettings
    bundle: Bundle
    cause: Cause
    since: int
    versions: Mapping[str, str]
    pending: tuple[str, ...] = ()


class Announcer:
    """Keeps what is to be recorded until it is. Time of what comes into force is taken where it is noted."""

    def __init__(self, settings: Settings) -> None:
        directory = settings.evidence.directory
        self._in_force = InForce(None if directory in ("off", "memory:") else Path(directory))
        self._waiting: list[Announcement] = []
        self._settled: set[str] = set()

    def begin(self, engine: Engine) -> None:
        """The process begins to serve: nothing but this is in force."""
        self._waiting.clear()
        self.note_all(engine, "start")

    def note_all(self, engine: Engine, cause: Cause) -> None:
        """The sets of all hosts came into force together: they have the same time."""
        since = time.time_ns()
        self._waiting += [self._of(engine, plan, cause, since) for plan in engine.plans()]

    def note_robots(self, engine: Engine, plan: HostPlan, *, is_other: bool) -> None:
        """What a host serves as robots.txt is known now, or is another than before."""
        is_first = plan.settings.key not in self._settled
        self._settled.add(plan.settings.key)
        if is_other or is_first:
            self._waiting.append(self._of(engine, plan, "site-robots", time.time_ns()))

    def note_missing(self, engine: Engine, host: str) -> None:
        """What a host serves as robots.txt goes without the site's own rules: they cannot be had."""
        if self.is_settled(host):
            return
        for plan in engine.plans():
            if plan.settings.key == host and plan.settings.robots == "app":
                self.note_robots(engine, plan, is_other=False)

    def is_settled(self, host: str) -> bool:
        """True if it is known what this host serves as robots.txt: the app was asked, whatever it said."""
        return host in self._settled

    def write(self, evidence: Evidence) -> None:
        """Record all that waits, in order; raises EvidenceError, and then the rest waits on."""
        while self._waiting:
            announce(evidence, self._in_force, self._waiting[0])
            self._waiting.pop(0)

    def _of(self, engine: Engine, plan: HostPlan, cause: Cause, since: int) -> Announcement:
        robots = plan.settings.terms.robots_path
        waits = plan.settings.robots == "app" and not self.is_settled(plan.settings.key)
        pending = (robots,) if waits and robots in plan.bundle.documents else ()
        return Announcement(plan.settings, plan.bundle, cause, since, engine.versions, pending)


def announce(evidence: Evidence, in_force: InForce, news: Announcement) -> None:
    """Keep every document of a host's signals as an object, then record that this set is in force.

    Blocks on the disk; raises EvidenceError if an object cannot be kept.
    """
    # Contracts are no signals: what was agreed with whom does not belong into what others will be shown.
    terms_body = canonical({"format": 1, "terms": plain(replace(news.settings.terms, permissions=()))})
    manifest = _keep(evidence, news, terms_body)
    terms = json.loads(terms_body)["terms"]
    before = in_force.before(news.settings.key)
    seen = _seen(news, manifest, terms, before)
    named = seen["objects"] = [ObjectStore.digest(manifest.encode()), manifest.terms, *manifest.objects]
    for first in range(_NAMED_HERE, len(named), _NAMED_APART):
        # One leaf names a hundred objects at most, and the audit looks for those that a leaf names.
        part: dict[str, object] = {"of": named[0], "objects": named[first : first + _NAMED_APART]}
        evidence.append(Draft(type="objects", ref="", at=news.since, seen=part))
    seen["objects"] = named[:_NAMED_HERE]
    evidence.append(Draft(type="policy-active", ref="", at=news.since, seen=seen))
    if before is not None and news.pending and differs_in(before[0], manifest) <= set(news.pending):
        return
    try:
        in_force.note(news.settings.key, manifest, terms)
    except OSError as error:
        # The record is what counts; the next one will not know what was before it.
        log.warning("the set in force could not be noted: %s", error)


def _keep(evidence: Evidence, news: Announcement, terms: bytes) -> Manifest:
    bundle, settings = news.bundle, news.settings
    documents = {}
    for path, document in sorted(bundle.documents.items()):
        documents[path] = _part(evidence, document)
        for variant in document.variants:
            documents[f"{path}?lang={variant.language}"] = _part(evidence, variant)
    manifest = Manifest(
        hosts=settings.names,
        origin=settings.terms.origin,
        signals=bundle.digest,
        terms=evidence.put_object(terms),
        documents=documents,
        headers={
            name: evidence.put_object(header_lines(section.headers))
            for name, section in sorted(bundle.sections.items())
        },
        places=SectionIndex(settings.terms).places,
        reserved={name: section.uses.reserved for name, section in bundle.sections.items()},
    )
    evidence.put_object(manifest.encode())
    return manifest


def _part(evidence: Evidence, document: Document) -> Part:
    return Part(evidence.put_object(document.body), document.media_type, document.language)


def _seen(
    news: Announcement, manifest: Manifest, terms: object, before: tuple[Manifest, object] | None
) -> dict[str, object]:
    seen: dict[str, object] = {
        "origin": manifest.origin,
        "signals": manifest.signals,
        "manifest": ObjectStore.digest(manifest.encode()),
        "terms": manifest.terms,
        "config": news.versions.get("config", ""),
        "cause": news.cause,
        "pending": list(news.pending),
        "previous": before[0].signals if before is not None else None,
        "changed": None,
        "changed_terms": None,
        "mode": news.settings.mode,
        "preset": news.settings.preset,
        "versions": dict(news.versions),
    }
    if before is not None:
        changed = changed_parts(before[0], manifest)
        changed["documents"] = [path for path in changed["documents"] if path not in news.pending]
        seen["changed"] = {kind: _first(names) for kind, names in changed.items()}
        seen["changed_terms"], more = changed_terms(before[1], terms)
        if more:
            seen["more_changed_terms"] = more
    for name, whole in (
        ("hosts", list(manifest.hosts)),
        ("documents", {path: part.digest for path, part in manifest.documents.items()}),
        ("headers", {section or "*": digest for section, digest in manifest.headers.items()}),
    ):
        # What is too much for a leaf stands in the manifest alone: cut short it would mislead.
        if len(canonical(whole)) <= _INLINE_BYTES:
            seen[name] = whole
        else:
            seen[f"{name}_count"] = len(whole)
    return seen


def _first(names: list[str]) -> list[str]:
    """The first few of many: a record says that something changed, the manifests say all."""
    if len(names) <= _MAX_CHANGED:
        return [name[:_MAX_NAME] for name in names]
    return [*(name[:_MAX_NAME] for name in names[:_MAX_CHANGED]), f"and {len(names) - _MAX_CHANGED} more"]
