"""What one set of signals consists of, as one object: every document and header set by its digest. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from vorbehalt.errors import EvidenceError
from vorbehalt.reservation.path_pattern import PathPattern

FORMAT = 1
REST = ""
"""The section that is the rest of the site."""

_MAX_CHANGES = 50
_MAX_TEXT = 200
_MAX_BYTES = 3_000
Place = tuple[str, str, tuple[str, ...]]

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Part:
    """A document as it was served: its object's SHA-256 hex, its media type and language ("": of none).

    A page in several languages stands under its path in the default one, and under `PATH?lang=LANGUAGE` in
    each.
    """

    digest: str
    media_type: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One set of signals of one host. The same set always has the same bytes.

    `hosts` are the names of the host's own entry, () for the default host. `signals` is the digest over the
    whole set, `terms` that of the terms object. `headers` maps sections ("" is the rest, `~` begins those for
    answers that show no media type) to objects of lines `name: value`, and `reserved` to the uses that these
    reserve. `places` are path patterns, each with its section and that section's media types, in the order in
    which they are tried.
    """

    hosts: tuple[str, ...]
    origin: str
    signals: str
    terms: str
    documents: Mapping[str, Part]
    headers: Mapping[str, str]
    places: tuple[Place, ...] = ()
    reserved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def objects(self) -> list[str]:
        """Digests of all documents and header sets, each once."""
        return sorted({*(part.digest for part in self.documents.values()), *self.headers.values()})

    def sections_of(self, path: str) -> tuple[str, tuple[str, ...]]:
        """Return the section of a path (decoded, normal), and those that win by media type, in order."""
        narrowed: dict[str, None] = {}
        for pattern, name, media in self.places:
            if name in self.headers and PathPattern.of_decoded(pattern).matches(path):
                if not media:
                    return name, tuple(narrowed)
                narrowed[name] = None
        return REST, tuple(narrowed)

    def unseen(self, sections: Iterable[str]) -> str:
        """Return whose headers answers without a media type have: they reserve what any of these does."""
        wanted = {use for name in sections for use in self.reserved.get(name, ())}
        return next(
            (n for n, uses in self.reserved.items() if n.startswith("~") and set(uses) == wanted), REST
        )

    def media_of(self, section: str) -> tuple[str, ...]:
        """Return the media types that a section is narrowed to."""
        return next((media for _, name, media in self.places if name == section), ())

    def encode(self) -> bytes:
        return canonical(
            {
                "format": FORMAT,
                "hosts": list(self.hosts),
                "origin": self.origin,
                "signals": self.signals,
                "terms": self.terms,
                "documents": {
                    path: {"digest": part.digest, "media_type": part.media_type, "language": part.language}
                    for path, part in self.documents.items()
                },
                "headers": dict(self.headers),
                "places": [[pattern, name, list(media)] for pattern, name, media in self.places],
                "reserved": {name: list(uses) for name, uses in self.reserved.items()},
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
            hosts=_texts(raw["hosts"]),
            origin=_text(raw["origin"]),
            signals=_digest(raw["signals"]),
            terms=_digest(raw["terms"]),
            documents={
                path: Part(_digest(part["digest"]), _text(part["media_type"]), _text(part["language"]))
                for path, part in raw["documents"].items()
            },
            headers={name: _digest(digest) for name, digest in raw["headers"].items()},
            places=tuple(
                (_text(pattern), _text(name), _texts(media)) for pattern, name, media in raw["places"]
            ),
            reserved={name: _texts(uses) for name, uses in raw["reserved"].items()},
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


def _patterns(manifest: Manifest) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for pattern, name, media in manifest.places:
        found.setdefault(name, []).append((pattern, media))
    return found


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return sorted(
        name
        for name in before.keys() | after.keys()
        if (name in before) != (name in after) or before[name] != after[name]
    )


def _flat(value: object, name: str) -> Iterator[tuple[str, object]]:
    """Yield leaves by dotted name; items of a list that have a name or reference of their own go by it."""
    if isinstance(value, dict) and (value or not name):
        for key, below in value.items():
            yield from _flat(below, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and (key := _key_of(value)):
        for item in value:
            yield from _flat({k: below for k, below in item.items() if k != key}, f"{name}.{item[key]}")
    else:
        yield name, value


def _key_of(items: list[object]) -> str:
    for key in ("name", "reference"):
        if items and all(isinstance(item, dict) and key in item for item in items):
            return key
    return ""


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


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("a list is missing")
    return tuple(_text(item) for item in value)


def _digest(value: object) -> str:
    if not isinstance(value, str) or len(value) != 64 or not _HEX.issuperset(value):
        raise TypeError("a SHA-256 digest is missing")
    return value
