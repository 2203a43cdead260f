"""What in the site's own robots.txt cannot stand: bytes that nobody reads, somebody's yes, a CDN's block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce

from vorbehalt.reservation.robots.file import MAX_BYTES, RobotsFile
from vorbehalt.reservation.scopes import uses_under
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Uses
from vorbehalt.reservation.wording import clean

SUPERSEDED = "# superseded by the reservation: "
_MANAGED = ("begin cloudflare managed content", "end cloudflare managed content")
"""The comments around what Cloudflare puts before a site's file (seen in 2025 and 2026, case varies)."""


@dataclass(slots=True)
class Draft:
    """What happens to the lines of the site's file, by line number."""

    replaced: dict[int, list[str]] = field(default_factory=dict)
    added: dict[int, list[str]] = field(default_factory=dict)
    rules: dict[int, list[str]] = field(default_factory=dict)
    """Rules of ours after the last User-agent line of a group; unlike `added`, they are never spared."""
    conflicts: list[str] = field(default_factory=list)


def usable(data: bytes, draft: Draft) -> bytes:
    """Gives the part of the site's file that readers use; what none of them reads as rules is empty."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        draft.conflicts.append("the site's robots.txt is not UTF-8 (UTF-16?): no reader finds its rules")
        return b""
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        draft.conflicts.append(
            "the site's robots.txt is a markup document (HTML?), not rules: it is left out"
        )
        return b""
    if len(data) > MAX_BYTES:
        draft.conflicts.append(
            f"the site's robots.txt is larger than {MAX_BYTES} bytes: readers stop there, so does this merge"
        )
        read = data[:MAX_BYTES]
        return read[: max(read.rfind(b"\n"), read.rfind(b"\r"), 0)]
    return data


def answer_signals(terms: Terms, site: RobotsFile, signals: Sequence[str], draft: Draft) -> None:
    """Puts our statement where one of the site's own says yes to a use that the terms reserve."""
    words = terms.vocabulary
    anywhere = reduce(Uses.restricted_by, terms.all_uses)
    begin = first_agent(site)
    labels_of = {labels.field.lower(): labels for labels in (words.content_signals, words.aipref)}
    for line in site.lines:
        if line.key == "license" and line.value != terms.rsl_uri:
            draft.conflicts.append(
                f"line {line.number} of the site's robots.txt names another licence document"
            )
        labels = labels_of.get(line.key)
        if labels is None:
            continue
        path, granted = labels.granted(line.value)
        # Readers of Content-Signal may know no paths, and a line outside of all groups stands without ours:
        # a yes is one for the whole site there.
        is_told_by_path = labels is words.aipref and line.number > begin
        uses = uses_under(terms, path) if is_told_by_path else anywhere
        if any(uses.of(use) == "reserve" for use in granted):
            ours = [text for text in signals if text.lower().startswith(line.key + ":")]
            draft.replaced[line.number] = [SUPERSEDED + clean(line.text), *ours]
            draft.conflicts.append(
                f"line {line.number} of the site's robots.txt permits what is reserved: {clean(line.text)}"
            )


def first_agent(site: RobotsFile) -> int:
    """The number of the first User-agent line; beyond the last line if there is none."""
    return next((line.number for line in site.lines if line.kind == "agent"), len(site.lines) + 1)


def name_managed_blocks(site: RobotsFile, draft: Draft) -> None:
    """Names what a CDN has put into the file: it will put it before whatever is served here, too."""
    for first, last in _managed_blocks(site):
        draft.conflicts.append(
            f"lines {first} to {last} of the site's robots.txt are Cloudflare's managed block, which it puts"
            " before whatever is served here, too: switch it off there"
        )


def _managed_blocks(site: RobotsFile) -> Iterator[tuple[int, int]]:
    begin = 0
    for line in site.lines:
        text = line.text.strip(" #\t").lower()
        if text == _MANAGED[0]:
            begin = line.number
        elif text == _MANAGED[1] and begin:
            yield begin, line.number
            begin = 0
    if begin:
        yield begin, site.lines[-1].number
