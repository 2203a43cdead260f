"""Which rules the group of refused crawlers gets, so that it never lets in more than the site did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vorbehalt.reservation.path_pattern import PathPattern, document_form
from vorbehalt.reservation.robots.file import Group, Rule
from vorbehalt.reservation.terms import Terms

_ROOT = PathPattern.of("/")


@dataclass(frozen=True, slots=True)
class RefusedRules:
    """The rule lines of the group, and what could not be expressed."""

    lines: tuple[str, ...]
    conflicts: tuple[str, ...] = ()


def refused_rules(terms: Terms, site_groups: Sequence[Group]) -> RefusedRules:
    """Gives `Disallow: /`, and exceptions where the terms reserve nothing at all.

    `site_groups` are those that spoke to a refused crawler before: its own and the `*` groups. A group of
    its own no longer hears `*`, so every Disallow of theirs that touches an open part is repeated here; no
    Allow is. Longest-match readers and first-match readers come to the same result.
    """
    opened, closed, conflicts = _split(terms)
    if not opened:
        return RefusedRules(("Disallow: /",), tuple(conflicts))
    rules: list[tuple[PathPattern, bool, str]] = []
    for pattern in closed:
        winners = [
            other for other in opened if pattern.priority >= other.priority and pattern.overlaps(other)
        ]
        stronger = pattern.outranking(max((other.longest_spelling for other in winners), default=0))
        if stronger is None:
            opened = [other for other in opened if other not in winners]
            conflicts.extend(_not_opened(other, pattern.text) for other in winners)
        else:
            rules.append((stronger, False, stronger.text))
    copies, opened, not_opened = _copies(opened, site_groups)
    conflicts.extend(not_opened)
    rules.extend((pattern, True, pattern.text) for pattern in opened)
    rules.sort(key=lambda rule: (-rule[0].priority, rule[1], rule[2]))
    own = [f"{'Allow' if allow else 'Disallow'}: {text}" for _, allow, text in rules]
    return RefusedRules(tuple(dict.fromkeys([*copies, *own])), tuple(conflicts))


def _split(terms: Terms) -> tuple[list[PathPattern], list[PathPattern], list[str]]:
    opened: dict[str, PathPattern] = {}
    closed: dict[str, PathPattern] = {}
    conflicts = []
    for section in terms.sections:
        for path in map(document_form, section.paths):
            slash = path.rfind("/")
            if section.uses.is_open and slash >= 0 and path.startswith("/index.htm", slash):
                # Readers would take the permission of an index page for one of the whole directory.
                conflicts.append(_not_opened(PathPattern.of(path), "the directory that it stands for"))
            else:
                (opened if section.uses.is_open else closed)[path] = PathPattern.of(path)
    (opened if terms.uses.is_open else closed).setdefault("/", _ROOT)
    for path in closed:
        opened.pop(path, None)
    return list(opened.values()), list(closed.values()), conflicts


def _copies(
    opened: list[PathPattern], site_groups: Iterable[Group]
) -> tuple[list[str], list[PathPattern], list[str]]:
    lines: dict[str, None] = {}
    remaining = list(opened)
    conflicts: list[str] = []
    for rule in _disallows(site_groups):
        touched = [pattern for pattern in remaining if pattern.overlaps(rule.pattern)]
        if not touched:
            continue
        stronger = rule.pattern.outranking(max(pattern.longest_spelling for pattern in touched))
        lines[f"Disallow: {rule.line.value}"] = None
        if stronger is None:
            remaining = [pattern for pattern in remaining if pattern not in touched]
            conflicts.extend(_not_opened(pattern, rule.line.value) for pattern in touched)
        elif stronger is not rule.pattern:
            lines[f"Disallow: {stronger.text}"] = None
    return list(lines), remaining, conflicts


def _disallows(groups: Iterable[Group]) -> list[Rule]:
    return [rule for group in groups for rule in group.rules if not rule.allow]


def _not_opened(pattern: PathPattern, because: str) -> str:
    return (
        f"robots.txt cannot open {pattern.text} to refused crawlers without opening {because} as well:"
        " it stays closed to them"
    )
