"""What one set of signals consists of, as one object: every document and header set by its digest. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vorbehalt.errors import EvidenceError
from vorbehalt.reservation.path_pattern import PathPattern

FORMAT = 1
REST = ""
"""The section that is the rest of the site."""

_MAX_CHANGES = 50
_MAX_TEXT = 200
_MAX_BYTES = 3_000
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Part:
    """A document as it was served: its object's SHA-256 hex, and its media type."""

    digest: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One set of signals of one host. The same set always has the same bytes.

    `hosts` are the names of the host's own entry, () for the default host. `signals` is the digest over the
    whole set, `terms` that of the terms object. `headers` maps sections ("" is the rest) to objects of lines
    `name: value`. `places` are path patterns with their section in the order in which they are tried.
    """

    hosts: tuple[str, ...]
    origin: str
    signals: str
    terms: str
    documents: Mapping[str, Part]
    headers: Mapping[str, str]
    places: tuple[tuple[str, str], ...] = ()

    @property
    def objects(self) -> list[str]:
        """Digests of all documents and header sets, each once."""
        return sorted({*(part.digest for part in self.documents.values()), *self.headers.values()})

    def section_of(self, path: str) -> str:
        """Return the section of a path (decoded, normal) as the patterns of this set had it."""
        for pattern, name in self.places:
            if PathPattern.of_decoded(pattern).matches(path):
                return name if name in self.headers else REST
        return REST

    def encode(self) -> bytes:
        return canonical(
            {
                "format": FORMAT,
                "hosts": list(self.hosts),
                "origin": self.origin,
                "signals": self.signals,
                "terms": self.terms,
                "documents": {
                    path: {"digest": part.digest, "media_type": part.media_type}
                    for path, part in self.documents.items()
                },
                "headers": dict(self.headers),
                "places": [list(place) for place in self.places],
            }
        )


def canonical(value: object) -> bytes:
    """Return canonical JSON (keys sorted, no spaces, ASCII): the same value gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def read_manifest(body: bytes) -> Manifest:
    """Read a manifest; raises EvidenceError if the bytes are none."""
    try:
        raw = json.loads(body)
        if raw["format"] != FORMAT:
            raise EvidenceError(f"a manifest of format {raw['format']!r} is not known here")
        return Manifest(
            hosts=tuple(_text(name) for name in raw["hosts"]),
            origin=_text(raw["origin"]),
            signals=_digest(raw["signals"]),
            terms=_digest(raw["terms"]),
            documents={
                path: Part(_digest(part["digest"]), _text(part["media_type"]))
                for path, part in raw["documents"].items()
            },
            headers={name: _digest(digest) for name, digest in raw["headers"].items()},
            places=tuple((_text(pattern), _text(name)) for pattern, name in raw["places"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EvidenceError(f"no manifest: {error!r}"[:200]) from None


def header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return the object of a header set: one line `name: value` each, in order."""
    return b"".join(key + b": " + value + b"\n" for key, value in headers)


def read_header_lines(body: bytes) -> list[list[str]]:
    """Return the pairs of a header set's object."""
    lines = body.decode("latin-1").split("\n")
    return [[name, value] for name, colon, value in (line.partition(": ") for line in lines) if colon]


def changed_parts(before: Manifest, after: Manifest) -> dict[str, list[str]]:
    """Return the paths of documents, and the sections whose headers, differ; `*` is the rest of the site.

    A section that covers other paths counts as changed.
    """
    documents = _differing(before.documents, after.documents)
    sections = set(_differing(before.headers, after.headers))
    if before.places != after.places:
        ours, theirs = _patterns(before), _patterns(after)
        sections |= set(_differing(ours, theirs))
    return {"documents": documents, "headers": sorted(name or "*" for name in sections)}


def differs_in(before: Manifest, after: Manifest) -> set[str]:
    """Return in which documents two sets differ; a mark that no document has, if they differ elsewhere."""
    changed = changed_parts(before, after)
    return {*changed["documents"], *(f"headers {name}" for name in changed["headers"])}


def changed_terms(before: object, after: object) -> tuple[list[dict[str, object]], int]:
    """Return which terms differ, by dotted name with old and new value, and how many more there are.

    `null` stands for a term that is not there. Long values are cut; the terms objects hold them whole.
    """
    old, new = dict(_flat(before, "")), dict(_flat(after, ""))
    changes: list[dict[str, object]] = []
    room = _MAX_BYTES
    names = _differing(old, new)
    for name in names[:_MAX_CHANGES]:
        change = {"term": name[:_MAX_TEXT], "from": _short(old.get(name)), "to": _short(new.get(name))}
        room -= len(canonical(change))
        if room < 0:
            break
        changes.append(change)
    return changes, len(names) - len(changes)


def _patterns(manifest: Manifest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pattern, name in manifest.places:
        found.setdefault(name, []).append(pattern)
    return found


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return sorted(
        name
        for name in before.keys() | after.keys()
        if (name in before) != (name in after) or before[name] != after[name]
    )


def _flat(value: object, name: str) -> Iterator[tuple[str, object]]:
    """Yield leaves by dotted name; items of a list that have a name of their own go by it."""
    if isinstance(value, dict) and (value or not name):
        for key, below in value.items():
            yield from _flat(below, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value and all(isinstance(i, dict) and "name" in i for i in value):
        for item in value:
            yield from _flat({key: it for key, it in item.items() if key != "name"}, f"{name}.{item['name']}")
    else:
        yield name, value


def _short(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _MAX_TEXT else value[:_MAX_TEXT] + "..."
    if isinstance(value, dict | list):
        text = canonical(value).decode("ascii")
        return value if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "..."
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or len(value) != 64 or not _HEX.issuperset(value):
        raise TypeError("a SHA-256 digest is missing")
    return value
