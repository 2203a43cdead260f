"""One answer to "what did we tell machines that day", with the record that proves it and what is doubtful."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import typer

from vorbehalt.cli.output import note, printable, printable_lines, say, utc, utc_exact, write_bytes
from vorbehalt.evidence.history.history import History, Version
from vorbehalt.evidence.history.manifest import REST, read_header_lines
from vorbehalt.evidence.history.records import Imported
from vorbehalt.facts import normal_path

_PLUS_LANGUAGE = "?lang="
UNOBSERVED = "no process of ours was running then: nothing shows what was served"


def not_contemporaneous(item: Imported) -> str:
    """Return the sentence that stands wherever something imported appears."""
    return f"not contemporaneous: imported on {utc(item.imported_at)[:10]} from {item.source}"


def past_sentence(seen: Mapping[str, Any]) -> str:
    """Return the sentence of a record that was made from an access log: when it was, and what it rests on."""
    log = seen.get("log") or {}
    when = f"logged {utc(int(seen['logged_at']))}, " if "logged_at" in seen else ""
    line = f" line {log['line']}" if "line" in log else ""
    return (
        f"{when}not contemporaneous: imported on {utc(int(seen['imported_at']))[:10]} from the access log"
        f" {str(log.get('sha256'))[:16]}{line}, kept by {seen.get('custodian')}"
    )


def _normal(path: str) -> str:
    return normal_path(unquote(path.partition("?")[0].partition("#")[0]))


class PastAnswer:
    """What was told at one time, its objects read and its records proven. Methods raise TamperError."""

    def __init__(self, past: History, version: Version, instant: int) -> None:
        self.past = past
        self.version = version
        self.instant = instant
        self.records = dict.fromkeys(version.documents, version.record)
        self.media_types: dict[str, str] = {}
        if version.manifest is not None:
            self.media_types = {path: part.media_type for path, part in version.manifest.documents.items()}
        for item in version.imports:
            self.records[item.document] = item.index
            self.media_types[item.document] = item.media_type
        for record in {version.record, *(item.index for item in version.imports)}:
            past.prove(record)

    def body(self, path: str) -> bytes:
        return self.past.read(self.version.documents[path], self.records[path])

    def headers(self, path: str) -> list[list[str]]:
        """The headers of a path: by the sections of that day, or as they were captured on this very path.

        Where they depend on the media type of the answer, those of an answer that shows none.
        """
        manifest = self.version.manifest
        normal = _normal(path)
        if manifest is not None:
            section, narrowed = manifest.sections_of(normal)
            return self._lines(manifest.unseen((section, *narrowed)) if narrowed else section)
        best: tuple[int, list[list[str]]] = (-1, [])
        for item in self.version.imports:
            if not item.document:
                found = json.loads(self.past.read(item.digest, item.index))
                times = [int(c["at"]) for c in found["captures"] if c["path"] == normal]
                newest = max((at for at in times if at <= self.instant), default=-1)
                if newest > best[0]:
                    best = (newest, found["headers"])
        return best[1]

    def by_media(self, path: str) -> list[dict[str, object]]:
        """The headers of a path by the answer's media type, in order; empty if they do not depend on it."""
        manifest = self.version.manifest
        section, narrowed = manifest.sections_of(_normal(path)) if manifest is not None else (REST, ())
        if manifest is None or not narrowed:
            return []
        found = [(list(manifest.media_of(name)), name) for name in narrowed]
        return [
            {"media": media, "headers": self._lines(name)} for media, name in [*found, (["*/*"], section)]
        ]

    def _lines(self, section: str) -> list[list[str]]:
        assert self.version.manifest is not None
        return read_header_lines(self.past.read(self.version.manifest.headers[section], self.version.record))

    def facts(self) -> dict[str, object]:
        version = self.version
        span, own = version.span, version.own
        return {
            "digest": version.digest,
            "at": utc_exact(self.instant),
            "valid_from": utc_exact(span.start),
            "valid_until": None if span.end is None else utc_exact(span.end),
            "record": version.record,
            "observed": not version.is_imported and self.past.is_observed(self.instant),
            "imported": version.is_imported,
            "source": None if own is not None else self._source(),
            "config": None if own is None else own.config,
            "pending": version.pending_at(self.instant),
            "notes": self.notes(),
            "imports": [_import_json(item) for item in version.imports],
        }

    def notes(self) -> list[str]:
        found = [not_contemporaneous(item) for item in self.version.imports]
        if self.version.is_imported or not self.past.is_observed(self.instant):
            found.append(UNOBSERVED)
        found += [
            f"{path} had not been asked for yet: nobody had been served it"
            for path in self.version.pending_at(self.instant)
        ]
        return list(dict.fromkeys(found))

    def as_json(self, path: str) -> dict[str, object]:
        documents = {where: self._shown(where) for where in self._paths()}
        return {
            "path": path,
            "headers": self.headers(path),
            "documents": documents,
            **self.facts(),
            "by_media": self.by_media(path),
        }

    def _paths(self) -> list[str]:
        """The paths of the documents, a page in several languages once."""
        return sorted(where for where in self.version.documents if _PLUS_LANGUAGE not in where)

    def _languages(self, where: str) -> dict[str, str]:
        """By language: under which name a page stands in it."""
        head = where + _PLUS_LANGUAGE
        return {name.removeprefix(head): name for name in self.version.documents if name.startswith(head)}

    def _text(self, where: str) -> str:
        return self.body(where).decode("utf-8", "replace")

    def _shown(self, where: str) -> dict[str, object]:
        shown: dict[str, object] = {"media_type": self.media_types[where], "body": self._text(where)}
        if languages := self._languages(where):
            assert self.version.manifest is not None
            shown["language"] = self.version.manifest.documents[where].language
            shown["languages"] = {language: self._text(name) for language, name in languages.items()}
        return shown

    def print(self, path: str) -> None:
        say(f"headers of {printable(path)} at {utc_exact(self.instant)}:")
        headers = self.headers(path)
        for key, value in headers:
            say(f"  {printable(key)}: {printable(value)}")
        if not headers:
            say("  (none are known)")
        for part in self.by_media(path):
            media, lines = part["media"], part["headers"]
            assert isinstance(media, list)
            assert isinstance(lines, list)
            say(f"for answers of {', '.join(media)}:")
            for key, value in lines:
                say(f"  {printable(key)}: {printable(value)}")
        for where in self._paths():
            body = printable_lines(self._text(where).rstrip())
            say(f"\n{printable(where)} ({printable(self.media_types[where])}):\n{body}")
            for language, name in self._languages(where).items():
                say(f"\nalso in {printable(language)}: --document '{printable(name)}'")
        facts = self.facts()
        say(f"\ndigest of the whole set: {facts['digest']}")
        until = facts["valid_until"] or "now"
        say(f"valid from {facts['valid_from']} until {until}, by record {facts['record']}")
        if facts["config"]:
            say(f"configuration: {printable(str(facts['config']))}")
        say("observed: " + ("yes, a process of ours was running then" if facts["observed"] else "no"))
        for text in self.notes():
            say(printable(text))

    def write(self, document: str) -> None:
        """Write one document's exact bytes to stdout; what must be said about them goes to stderr."""
        if document not in self.version.documents:
            known = ", ".join(sorted(self.version.documents)) or "none"
            note(f"{document} is not known of that time; known documents: {known}")
            raise typer.Exit(1)
        body = self.body(document)
        for text in self.notes():
            note(text)
        write_bytes(body)

    def _source(self) -> str:
        return "; ".join(dict.fromkeys(item.source for item in self.version.imports))


def _import_json(item: Imported) -> dict[str, object]:
    return {
        "document": item.document or None,
        "record": item.index,
        "sha256": item.digest,
        "valid_from": utc_exact(item.valid_from),
        "valid_until": None if item.valid_until is None else utc_exact(item.valid_until),
        "how": item.how,
        "source": item.source,
        "custodian": item.custodian,
        "imported_at": utc_exact(item.imported_at),
        "detail": dict(item.detail),
    }
