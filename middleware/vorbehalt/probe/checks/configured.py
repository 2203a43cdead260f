"""What is served against what a configuration renders: documents by their bytes, headers by path."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256

from vorbehalt.probe import readings
from vorbehalt.probe.checks.caches import from_cache
from vorbehalt.probe.checks.documents import NAMES as DOCUMENT_NAMES
from vorbehalt.probe.checks.headers import NAMES, present
from vorbehalt.probe.expected import Expected
from vorbehalt.probe.finding import Ledger, listed
from vorbehalt.probe.gather import DocumentSeen, Gathered
from vorbehalt.probe.knowledge import Knowledge
from vorbehalt.reservation.robots.file import Line, RobotsFile, is_wildcard, parse
from vorbehalt.reservation.robots.said import lets_in
from vorbehalt.reservation.vocabulary import Vocabulary


def check(gathered: Gathered, knowledge: Knowledge, ledger: Ledger, stale: frozenset[str]) -> None:
    """Compare; does nothing without a configuration. `stale` paths are a cache's fault and said there."""
    expected = gathered.expected
    if expected is None:
        return
    for seen in gathered.documents.values():
        if seen.is_read and seen.path not in stale:
            _document(expected, seen, knowledge, ledger)
    _headers(gathered, expected, ledger, stale)


def _document(expected: Expected, seen: DocumentSeen, knowledge: Knowledge, ledger: Ledger) -> None:
    document = expected.document(seen.path)
    if document is None or seen.last.body == document.body:
        ledger.passes()
        return
    if seen.kind == "robots" and expected.plan.settings.robots == "app":
        _robots(expected, seen, document.body, ledger)
        return
    digest = sha256(seen.last.body).hexdigest()
    name = DOCUMENT_NAMES[seen.kind]
    if document.for_people:
        # The app's own page wins over ours, and that is meant so.
        ledger.passes()
        return
    cache = from_cache(seen.last)
    version = "an older version" if knowledge.was_served(digest) else "another version"
    hint = f" from {cache}" if cache else " (a cache, or a server that runs with another configuration?)"
    ledger.add(
        "document-outdated", "error", [seen.path], f"SHA-256 {document.digest}", f"SHA-256 {digest}",
        f"{version} of {name} is served{hint}",
    )  # fmt: skip


def _robots(expected: Expected, seen: DocumentSeen, wanted: bytes, ledger: Ledger) -> None:
    """The site's own rules are merged in while it runs: what ours mean must hold all the same."""
    ours, served, vocabulary = parse(wanted), parse(seen.last.body), expected.plan.settings.terms.vocabulary
    lost = [
        f"{line.key}: {line.value}"
        for line in _wildcard_signals(ours, vocabulary)
        if (line.key, line.value)
        not in {(other.key, other.value) for other in _wildcard_signals(served, vocabulary)}
    ]
    tokens = sorted(
        {agent for group in ours.groups for agent in group.agents if not is_wildcard(agent)}, key=str.casefold
    )
    let_in = [
        token
        for token in tokens
        if not lets_in(ours.groups, token, "/") and lets_in(served.groups, token, "/")
    ]
    if let_in:
        lost.append("Disallow for " + ", ".join(let_in[:5]) + (" and others" if len(let_in) > 5 else ""))
    ledger.check(
        not lost, "document-outdated", "error", [seen.path], "the rules and signals of the configuration",
        f"missing: {'; '.join(lost)}",
        f"robots.txt does not say what the configuration says; missing: {'; '.join(lost)}",
    )  # fmt: skip


def _wildcard_signals(robots: RobotsFile, vocabulary: Vocabulary) -> list[Line]:
    fields = {vocabulary.aipref.field.lower(), vocabulary.content_signals.field.lower(), "license"}
    return [
        line
        for group in robots.groups
        if any(map(is_wildcard, group.agents))
        for line in group.lines
        if line.key in fields
    ]


def _headers(gathered: Gathered, expected: Expected, ledger: Ledger, stale: frozenset[str]) -> None:
    wrong: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in gathered.on_site():
        if one.path in stale or one.variant == "fresh":
            continue
        if one.status == 304 and expected.depends_on_media(one.path):
            # Who makes a 304 may know the media type of the answer that it stands for; it shows none.
            continue
        wanted = dict(expected.headers(one))
        for name in NAMES:
            value = wanted.get(name)
            if value is None:
                if name in present(one, gathered.vocabulary):
                    wrong[f"no {name.decode()}", one.text(name), from_cache(one)].append(one.path)
            elif name in present(one, gathered.vocabulary) and not _holds(
                name, value, one.text(name), gathered.vocabulary
            ):
                text = f"{name.decode()}: {value.decode('latin-1')}"
                wrong[text, one.text(name), from_cache(one)].append(one.path)
            else:
                ledger.passes()
    for (text, observed, cache), paths in wrong.items():
        ledger.add(
            "header-differs", "error", paths, text, observed,
            f"{listed(paths)}: the configuration says {text}; served is {observed!r}"
            f"{f', from {cache}' if cache else ''}",
        )  # fmt: skip


def _holds(name: bytes, wanted: bytes, served: str, vocabulary: Vocabulary) -> bool:
    text = wanted.decode("latin-1")
    if name == b"x-robots-tag":
        return bool(readings.noai(served, vocabulary))
    if name == b"link":
        return bool(set(readings.licences(text)) & set(readings.licences(served)))
    return served == text
