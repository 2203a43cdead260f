"""Who kept the evidence and with what: writers, custody, anchors and their windows, faults one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vorbehalt.claims.dossier.contents import System
from vorbehalt.claims.dossier.contents_told import (
    Anchor,
    Custody,
    Fault,
    Software,
)
from vorbehalt.claims.dossier.figures import Figures
from vorbehalt.claims.dossier.given import Given
from vorbehalt.claims.dossier.words import Words
from vorbehalt.claims.ledger_reading import mapping
from vorbehalt.claims.ledger_text import moment
from vorbehalt.evidence.anchor.windows import Windows, point_of

_CUSTODY = ("writer-open", "hold", "export", "vault-access", "shred", "prune", "correction", "key-rotation")
_DESCRIPTION = ("sys.log", "sys.before", "sys.chain", "sys.identity", "sys.delivered", "sys.reproduce")
_ANCHORED = ("self-attested", "timestamped", "witnessed", "qualified")


def system_of(figures: Figures, given: Given, words: Words) -> System:
    """Return section 12."""
    windows = Windows(
        point for index, leaf in figures.of("anchor") if (point := point_of(index, leaf)) is not None
    )
    widest, unbounded = _widest(windows, figures.own)
    return System(
        description=tuple(words.plain(code, origin=given.pin.origin) for code in _DESCRIPTION),
        software=tuple(_software(index, leaf) for index, leaf in figures.of("writer-open")),
        custodian=given.custodian,
        custody=tuple(_custody(index, leaf) for index, leaf in figures.of(*_CUSTODY) if _is_custody(leaf)),
        anchors=tuple(_anchor(index, leaf) for index, leaf in figures.of("anchor")),
        missed=tuple(faults(figures, "anchor-missed")),
        window_seconds=widest,
        unbounded=unbounded,
    )


def assurance_of(figures: Figures) -> str:
    """Return the grade of the pinned log, as its anchor records say; the audit checks what stands behind."""
    level = 0
    for index, leaf in figures.of("anchor"):
        if point_of(index, leaf) is not None:
            seen = mapping(leaf.get("seen"))
            kind = seen.get("kind")
            level = max(level, 2 if kind == "witness" else 3 if seen.get("qualified") is True else 1)
    return _ANCHORED[level]


def faults(figures: Figures, *kinds: str) -> Iterator[Fault]:
    """Yield the records of some types in the period, with all that they say."""
    for index, leaf in figures.of(*kinds):
        if figures.query.covers(int(leaf["at"])):
            yield Fault(index, moment(int(leaf["at"])), str(leaf["type"]), tuple(_says(leaf.get("seen"), "")))


def is_clock_fault(fault: Fault) -> bool:
    """True if a clock was set, or was not synchronised."""
    says = dict(fault.says)
    return says.get("event", "").startswith("step") or says.get("synchronised") == "false"


def _widest(windows: Windows, indexes: list[int]) -> tuple[int | None, int]:
    widest = unbounded = 0
    for index in indexes:
        window = windows.of(index)
        if window.not_after is None:
            unbounded += 1
        elif window.not_before is not None:
            widest = max(widest, window.not_after - window.not_before)
    return (None if unbounded or not indexes else widest // 10**9), unbounded


def _software(index: int, leaf: Mapping[str, Any]) -> Software:
    seen = mapping(leaf.get("seen"))
    names = ("software", "rules", "rules_digest", "config", "task")
    return Software(index, moment(int(leaf["at"])), *(str(seen.get(name) or "") for name in names))


def _is_custody(leaf: Mapping[str, Any]) -> bool:
    return leaf["type"] != "writer-open" or bool(mapping(leaf.get("seen")).get("task"))


def _custody(index: int, leaf: Mapping[str, Any]) -> Custody:
    seen = mapping(leaf.get("seen"))
    told = ("who", "why", "says", "task", "software")
    rest = ", ".join(f"{name} {text}" for name, text in _says(seen, "") if name not in told)
    return Custody(
        index=index,
        at=moment(int(leaf["at"])),
        what=str(leaf["type"]),
        who=str(seen.get("who") or ""),
        why=str(seen.get("why") or seen.get("says") or seen.get("task") or ""),
        detail=rest[:500],
    )


def _anchor(index: int, leaf: Mapping[str, Any]) -> Anchor:
    seen = mapping(leaf.get("seen"))
    time, size, files = seen.get("time"), seen.get("size"), seen.get("files")
    return Anchor(
        index=index,
        kind=str(seen.get("kind")),
        name=str(seen.get("name")),
        size=size if isinstance(size, int) else 0,
        time=moment(int(time)) if isinstance(time, str) and time.isdigit() and len(time) < 20 else "",
        is_checked=bool(seen.get("verified")),
        is_qualified=seen.get("qualified") is True,
        files=tuple(str(mapping(item).get("name")) for item in files) if isinstance(files, list) else (),
    )


def _says(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield what a record says as pairs of dotted name and text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _says(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield name, ", ".join(str(item) for item in value[:20])
    else:
        yield name, "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
