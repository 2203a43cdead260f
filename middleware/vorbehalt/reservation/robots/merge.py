"""The robots.txt that is served: the reservation merged with the site's own file, whose rules all stay."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from vorbehalt.reservation import aipref, content_signals
from vorbehalt.reservation.robots.file import (
    MAX_BYTES,
    Group,
    Line,
    RobotsFile,
    agent_runs,
    is_wildcard,
    names,
    parse,
    product_token,
)
from vorbehalt.reservation.robots.refused import refused_rules
from vorbehalt.reservation.robots.site import (
    SUPERSEDED,
    Draft,
    answer_signals,
    first_agent,
    name_managed_blocks,
    usable,
)
from vorbehalt.reservation.robots.traps import close_traps, trap_rules
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.wording import clean, declaration

MEDIA_TYPE = "text/plain; charset=utf-8"

_PLACEHOLDER = "User-agent: refused-above"
"""Keeps the shape of a run of User-agent lines from which every crawler moved into our group."""

_TOKEN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+/ -]*(?<! )")
_LINE_WIDTH = 108


@dataclass(frozen=True, slots=True)
class Merged:
    """The body, and what in the site's own file contradicts the terms or cannot be read."""

    body: bytes
    conflicts: tuple[str, ...]


def merge(
    terms: Terms,
    site_robots: bytes | None,
    refused_tokens: Sequence[str],
    search_tokens: Sequence[str] = (),
    asof: str = "",
) -> Merged:
    """Renders robots.txt.

    `refused_tokens` get one group with `Disallow: /`; `search_tokens` are search engines that this group must
    not reach under any reading. For every other crawler nothing changes. `asof` is text for a comment.
    """
    draft = Draft()
    tokens = _writable(refused_tokens, search_tokens if terms.uses.search == "allow" else (), draft)
    refused = frozenset(token.casefold() for token in tokens)
    site = parse(usable(site_robots or b"", draft))
    signals = _signals(terms)
    name_managed_blocks(site, draft)
    answer_signals(terms, site, signals, draft)
    for group in site.groups:
        _move_refused(group, refused, draft)
        _add_signals(group, refused, signals, draft)
    traps = close_traps(terms, site, partial(_is_refused, refused=refused), draft)

    ours = [_refused_group(terms, site, tokens, signals, draft)]
    if not _has_wildcard(site):
        ours.append(["User-agent: *", *traps, "Allow: /", *signals])
    body = _compose(terms, site, ours, draft, asof)
    if len(body) > MAX_BYTES and _spare_signals(site, draft):
        # The site's rules must stay within what readers read, even at the price of signals said once.
        body = _compose(terms, site, ours, draft, asof)
    if len(body) > MAX_BYTES:
        draft.conflicts.append(
            f"robots.txt is {len(body)} bytes: readers may stop at {MAX_BYTES} and miss the last rules"
        )
    return Merged(body, tuple(dict.fromkeys(draft.conflicts)))


def _compose(terms: Terms, site: RobotsFile, ours: list[list[str]], draft: Draft, asof: str) -> bytes:
    begin = first_agent(site)
    blocks = [
        [f"License: {terms.rsl_uri}"],
        _trimmed([text for line in site.lines[: begin - 1] for text in _served(line, draft)]),
        *ours,
        _trimmed([text for line in site.lines[begin - 1 :] for text in _served(line, draft)]),
    ]
    rest = "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
    content = ("\n".join(_heading(terms, asof)) + "\n\n" + rest).encode("utf-8", "surrogateescape")
    return f"# sha256 of this file without this line: {sha256(content).hexdigest()}\n".encode() + content


def _spare_signals(site: RobotsFile, draft: Draft) -> bool:
    """Leaves our lines out of the site's named groups; its `*` group keeps them. False: nothing to spare."""
    kept = {
        line.number for group in site.groups if any(map(is_wildcard, group.agents)) for line in group.lines
    }
    if kept.issuperset(draft.added):
        return False
    draft.added = {number: lines for number, lines in draft.added.items() if number in kept}
    draft.conflicts.append(
        "the site's robots.txt has so many groups that the signal lines stand in the * group and in ours only"
    )
    return True


def _writable(tokens: Sequence[str], spared: Sequence[str], draft: Draft) -> tuple[str, ...]:
    """The tokens that can stand in a User-agent line without reaching a crawler that they do not mean."""
    kept: dict[str, str] = {}
    for token in tokens:
        if not _TOKEN.fullmatch(token):
            draft.conflicts.append(f"{clean(token)!r} cannot be written as a product token: left out")
            continue
        hit = next((other for other in spared if _reaches(token, other)), None)
        if hit is not None:
            draft.conflicts.append(
                f"refusing {token} in robots.txt would reach the search engine {hit}: left out"
            )
            continue
        kept.setdefault(token.casefold(), token)
    return tuple(kept[key] for key in sorted(kept))


def _reaches(token: str, other: str) -> bool:
    """True if a reader of any age takes a User-agent line with `token` for the crawler `other`.

    The convention of 1994 compares substrings; RFC 9309 cuts at the first character that is no letter.
    """
    return token.casefold() in other.casefold() or names(token, other)


def _is_refused(agent: str, refused: Collection[str]) -> bool:
    """True if `robots.names` holds for one of the tokens (case-folded), or the value is one of them."""
    folded = agent.casefold()
    return (
        product_token(agent).casefold() in refused
        or folded in refused
        or any(word in refused for word in folded.split("/", 1)[0].split(maxsplit=1)[:1])
    )


def _signals(terms: Terms) -> tuple[str, ...]:
    return (*content_signals.robots_lines(terms), *aipref.robots_lines(terms), f"License: {terms.rsl_uri}")


def _heading(terms: Terms, asof: str) -> list[str]:
    lines = []
    text = declaration(terms, terms.uses, "en")
    if terms.sections:
        text += " A line below that begins with a path says what holds there instead."
    text += f" Terms: {clean(terms.page_uri)}"
    if terms.contact:
        text += f" Contact: {clean(terms.contact)}"
    if asof:
        text += f" As of {clean(asof)}."
    lines.extend(_wrapped(text))
    lines.append("#")
    lines.extend(f"# {line}" for line in terms.vocabulary.content_signals_comment)
    return lines


def _wrapped(text: str) -> list[str]:
    lines = ["#"]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > _LINE_WIDTH and lines[-1] != "#":
            lines.append("#")
        lines[-1] += " " + word
    return lines


def _refused_group(
    terms: Terms, site: RobotsFile, tokens: Sequence[str], signals: Sequence[str], draft: Draft
) -> list[str]:
    if not tokens:
        return []
    refused = frozenset(token.casefold() for token in tokens)
    before = [
        group
        for group in site.groups
        if any(is_wildcard(agent) or _is_refused(agent, refused) for agent in group.agents)
    ]
    rules = refused_rules(terms, before)
    draft.conflicts.extend(rules.conflicts)
    traps = () if "Disallow: /" in rules.lines else trap_rules(terms)
    return [*(f"User-agent: {token}" for token in tokens), *traps, *rules.lines, *signals]


def _move_refused(group: Group, refused: Collection[str], draft: Draft) -> None:
    """Takes refused crawlers out of the site's own groups without touching what the others hear."""
    moved = [line for line in group.lines if line.kind == "agent" and _is_refused(line.value, refused)]
    if not moved:
        return
    gone = {line.number for line in moved}
    staying = [line for line in group.lines if line.kind == "agent" and line.number not in gone]
    if not staying:
        gone.update(line.number for line in group.lines if line.kind not in ("blank", "site"))
    for line in group.lines:
        if line.number in gone:
            draft.replaced[line.number] = [SUPERSEDED + clean(line.text)]
    if staying:
        for run in agent_runs(group):
            if all(line.number in gone for line in run if line.kind == "agent"):
                draft.replaced[run[0].number].append(_PLACEHOLDER)
    if _lets_in(group):
        called = ", ".join(clean(line.value) for line in moved)
        draft.conflicts.append(
            f"the site's robots.txt lets {called} in (line {moved[0].number}); the terms refuse it everywhere"
        )


def _lets_in(group: Group) -> bool:
    closed = any(not rule.allow and rule.pattern.text in ("/", "*", "/*") for rule in group.rules)
    return not closed or any(rule.allow for rule in group.rules)


def _add_signals(group: Group, refused: Collection[str], signals: Sequence[str], draft: Draft) -> None:
    """Adds our lines after the last record of a group, where no reader takes them for the end of a run."""
    if not any(agent and not _is_refused(agent, refused) for agent in group.agents):
        return
    records = [line for line in group.lines if line.kind not in ("blank", "site")]
    present = {text for line in records for text in _served(line, draft)}
    draft.added[records[-1].number] = [text for text in signals if text not in present]
    runs = agent_runs(group)
    if len(runs) > 1:
        draft.conflicts.append(
            f"line {runs[1][0].number} of the site's robots.txt: readers disagree whether this User-agent"
            " line starts a group of its own; it is left as it is"
        )


def _served(line: Line, draft: Draft) -> list[str]:
    return [
        *draft.replaced.get(line.number, [line.text]),
        *draft.rules.get(line.number, []),
        *draft.added.get(line.number, []),
    ]


def _has_wildcard(site: RobotsFile) -> bool:
    return any(is_wildcard(agent) for group in site.groups for agent in group.agents)


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
