"""Published address lists, fetched anew: judged before they count, all kept, in doubt the old one stays."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from vorbehalt.errors import RulesError, VorbehaltError
from vorbehalt.identify.networks import RangeList
from vorbehalt.lookups.fetch import Fetched, FetchError
from vorbehalt.lookups.range_files import (
    GOOD,
    Attempt,
    Keep,
    RangeFiles,
    document_of,
    is_list_name,
    prefixes_of,
    read_list,
)
from vorbehalt.lookups.range_forms import HTML, read_form
from vorbehalt.lookups.range_sanity import fault, shrinkage

CONCURRENCY: Final = 6


class Fetch(Protocol):
    """Fetches a document over https; `Fetcher.get` does. Raises FetchError."""

    def __call__(self, url: str, *, etag: str = "") -> Awaitable[Fetched]: ...


@dataclass(frozen=True, slots=True)
class ListSource:
    """Where a list comes from. `form` "": seen from the document; `basis` is that of a list fetched there."""

    name: str
    url: str
    basis: str
    form: str = ""
    service: str = ""

    @property
    def why_not(self) -> str:
        """Why it cannot be fetched, in words; "" if it can."""
        if self.form == HTML:
            return f"its operator publishes a page for people only: {self.url}"
        return "" if self.url.startswith("https://") else f"its source is not https: {self.url}"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of one list. `fetched_at` (nanoseconds UTC), `prefixes` are those of the list in force.

    updated: its prefixes changed. unchanged: confirmed. held: fetched but doubtful, the old one stays.
    failed: not fetched, the old one stays. skipped: no source that can be fetched. `digest`: of the bytes.
    """

    list: str
    outcome: Literal["updated", "unchanged", "held", "failed", "skipped"]
    reason: str
    fetched_at: int
    prefixes: int
    digest: str = ""

    @property
    def is_fine(self) -> bool:
        return self.outcome not in ("held", "failed")


def list_sources(documents: Mapping[str, bytes]) -> dict[str, ListSource]:
    """Return where each list of the rules (`ranges/*.json`) comes from, by name. Raises RulesError."""
    sources: dict[str, ListSource] = {}
    for file in sorted(documents):
        if not (file.startswith("ranges/") and file.endswith(".json")):
            continue
        found = RangeList.from_document(file, documents[file])
        if not is_list_name(found.name):
            raise RulesError(f"{file}: lists are named in lower case letters, digits, dots and hyphens")
        table = json.loads(documents[file])
        extra = {key: table.get(key, "") for key in ("form", "service", "fetched_basis")}
        for key, value in extra.items():
            if not isinstance(value, str):
                raise RulesError(f"{file}: {key} must be a string")
        basis = extra["fetched_basis"] or found.basis
        if basis not in ("operator", "third-party"):
            raise RulesError(f"{file}: fetched_basis must be operator or third-party, not {basis!r}")
        sources[found.name] = ListSource(found.name, found.source_url, basis, extra["form"], extra["service"])
    return sources


async def refresh(
    documents: Mapping[str, bytes],
    directory: Path,
    *,
    fetch: Fetch,
    keep: Keep | None = None,
    only: Collection[str] | None = None,
    accept: bool = False,
    clock: Callable[[], int] = time.time_ns,
    on_result: Callable[[Refreshed], None] | None = None,
    concurrency: int = CONCURRENCY,
) -> list[Refreshed]:
    """Fetch the lists of the rules (`only` some) into a directory; return what became of each, by name.

    `keep` keeps raw bytes as fetched and returns their SHA-256 hex (default: in the directory). `accept`
    takes a list that shrank, after a person has looked at it. Raises RulesError for malformed rules or an
    unknown name, RangesBusyError if another process does the same, OSError if the directory is unusable.
    """
    sources = list_sources(documents)
    unknown = sorted(set(only or ()) - sources.keys())
    if unknown:
        raise RulesError(f"no list is named {', '.join(unknown)}")
    wanted = [source for name, source in sources.items() if only is None or name in only]
    files = RangeFiles(directory)
    with files.locked():
        latest = {one.list: one for one in files.attempts() if one.outcome in GOOD}
        turn = asyncio.Semaphore(concurrency)

        async def one(source: ListSource) -> Refreshed:
            async with turn:
                work = _Work(source, documents, files, latest.get(source.name))
                result = await work.run(fetch, keep or files.keep, accept, clock)
            if on_result is not None:
                on_result(result)
            return result

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(source)) for source in wanted]
        return [task.result() for task in tasks]


class _Work:
    """The refresh of one list."""

    def __init__(
        self, source: ListSource, documents: Mapping[str, bytes], files: RangeFiles, last: Attempt | None
    ) -> None:
        self.source = source
        self.files = files
        shipped = documents[f"ranges/{source.name}.json"]
        self.body, self.list = shipped, read_list(source.name, shipped)
        self.etag, self.confirms = "", b""
        try:
            body = files.in_force(source.name)
            found = read_list(source.name, body) if body is not None else None
        except (OSError, RulesError):
            # As good as none: it is fetched whole and replaced.
            return
        if body is None or found is None or found.source_url != source.url:
            return
        if found.fetched_at > self.list.fetched_at:
            self.body, self.list = body, found
        if last and last.digest == found.digest:
            # Only what an unchanged answer would confirm may be asked for by its ETag.
            self.etag, self.confirms = last.etag, body

    async def run(self, fetch: Fetch, keep: Keep, accept: bool, clock: Callable[[], int]) -> Refreshed:
        why_not = self.source.why_not
        if why_not:
            return self._result("skipped", why_not)
        digest = etag = ""
        try:
            answer = await fetch(self.source.url, etag=self.etag)
            at, etag = clock(), answer.etag
            if answer.unchanged:
                return self._confirm(at, etag)
            prefixes = read_form(
                answer.body, self.source.name, form=self.source.form, service=self.source.service
            )
            digest = keep(answer.body)
            doubt = fault(prefixes)
            if not doubt and not accept and (shrunk := shrinkage(prefixes, prefixes_of(self.body))):
                doubt = f"{shrunk}; if that is right, take it with --list {self.source.name} --accept"
            if doubt:
                # Without its ETag, so that it comes whole again and is judged again.
                self._note("held", at, digest, "", len(prefixes), doubt)
                return self._result("held", doubt, digest)
            return self._put(at, digest, etag, prefixes)
        except (VorbehaltError, OSError) as error:
            reason = _words(error).removeprefix(f"{self.source.name}: ")
            self._note("failed", clock(), digest, "", 0, reason)
            return self._result("failed", reason, digest)

    def _confirm(self, at: int, etag: str) -> Refreshed:
        """The document is what it was: the list is as fresh as if it had been fetched."""
        if not self.etag:
            raise FetchError("answered 304 to a question without condition")
        body = self.confirms
        return self._put(at, read_list(self.source.name, body).digest, etag, prefixes_of(body))

    def _put(self, at: int, digest: str, etag: str, prefixes: tuple[str, ...]) -> Refreshed:
        source = self.source
        outcome: Literal["updated", "unchanged"] = (
            "unchanged" if set(prefixes) == set(prefixes_of(self.body)) else "updated"
        )
        document = document_of(source.name, source.url, source.basis, at, digest, prefixes)
        self.files.put(source.name, digest, document)
        self._note(outcome, at, digest, etag, len(prefixes), "")
        return Refreshed(source.name, outcome, "", at, len(prefixes), digest)

    def _note(
        self, outcome: Literal["updated", "unchanged", "held", "failed"], at: int, digest: str, etag: str,
        prefixes: int, reason: str,
    ) -> None:  # fmt: skip
        name, url = self.source.name, self.source.url
        try:
            self.files.note([Attempt(name, at, outcome, digest, etag, prefixes, url, reason)])
        except OSError:
            # A failure must be told even where it cannot be noted; a success that is not noted is none.
            if outcome != "failed":
                raise

    def _result(
        self, outcome: Literal["held", "failed", "skipped"], reason: str, digest: str = ""
    ) -> Refreshed:
        return Refreshed(
            self.source.name, outcome, reason, self.list.fetched_at, self.list.networks.size, digest
        )


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"it could not be kept: {error.strerror}"
    return str(error)
