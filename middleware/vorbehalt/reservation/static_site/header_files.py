"""`_headers` for hosts of static files: Cloudflare Pages and Workers, and Netlify.

Cloudflare (documentation as of 2026-10): all rules that match apply, in the order of the file; values of the
same name are joined by a comma, and `! Name` takes away what earlier rules said. One `*` in a URL, 100 rules,
2,000 characters a line, `:name` is a placeholder. Netlify (its headers-parser and cli): of several rules that
match the last value of a name counts, nothing can be taken away, and case is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.static_site.by_path import Rule, Rules, headers_of, rules_of
from vorbehalt.reservation.static_site.layout import Layout, comment
from vorbehalt.reservation.uses import Uses

_MOST_RULES = 100
_LONGEST_LINE = 2000
_PLACEHOLDER = re.compile(r":[A-Za-z]")
_NEUTRAL = {"x-robots-tag": "all"}
"""What stands where a header of a wider rule cannot be taken away and says no more than its absence."""


def files(layout: Layout) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The files by name, below one folder, and where they say more than the terms."""
    rules = rules_of(layout.terms, _is_expressible)
    found = {}
    for host, lines in (("cloudflare", _cloudflare(layout, rules)), ("netlify", _netlify(layout, rules))):
        found[f"{host}/_headers"] = "\n".join(lines) + "\n"
    return found, (*rules.remarks, *_too_much(found["cloudflare/_headers"]))


def _cloudflare(layout: Layout, rules: Rules) -> list[str]:
    lines = comment(
        layout,
        (
            "For Cloudflare Pages and Workers: append it to the _headers file of what you publish.",
            "All rules that match apply, in this order; a line with ! takes away what wider rules said, so",
            "that no value is told twice, and a Link or X-Robots-Tag of your own wider rules, too: repeat it",
            "below. Not applied to what Functions answer.",
            *rules.remarks,
        ),
    )
    names = _names(layout, rules)
    lines += _rule("/*", headers_of(layout.terms, rules.rest))
    for rule in rules.rules:
        lines += [*_comment(rule), _url(rule.pattern), *(f"  ! {name}" for name in names)]
        lines += [f"  {name}: {value}" for name, value in headers_of(layout.terms, rule.uses)]
    return [*lines, *_documents(layout)]


def _netlify(layout: Layout, rules: Rules) -> list[str]:
    lines = comment(
        layout,
        (
            "For Netlify: append it to the _headers file in the folder that is published.",
            "The last rule that matches counts, name by name, and nothing can be taken away: where a part",
            'has no X-Robots-Tag, "all" stands for "nothing more", and a tdm-policy beside',
            "tdm-reservation: 0 is ignored by readers of TDMRep. Netlify ignores case, and /press/* means",
            "/pressroom there, too. Not applied to what functions and proxies answer.",
            *rules.remarks,
        ),
    )
    names = _names(layout, rules)
    lines += _rule("/*", headers_of(layout.terms, rules.rest))
    for rule in rules.rules:
        held = dict(headers_of(layout.terms, rule.uses))
        told = [(name, held.get(name, _NEUTRAL.get(name, ""))) for name in names]
        lines += [*_comment(rule), *_rule(_url(rule.pattern), tuple(one for one in told if one[1]))[1:]]
    return [*lines, *_documents(layout)]


def _rule(url: str, headers: tuple[tuple[str, str], ...]) -> list[str]:
    return ["", url, *(f"  {name}: {value}" for name, value in headers)]


def _comment(rule: Rule) -> Iterator[str]:
    yield ""
    yield f"# {rule.title}" + (f" ({rule.note})" if rule.note else "")


def _documents(layout: Layout) -> Iterator[str]:
    yield ""
    yield "# The signal documents with their media types."
    for document in layout.documents:
        yield document.path
        yield f"  Content-Type: {document.media_type}"
        yield from (f"  {name}: {value}" for name, value in document.headers)


def _names(layout: Layout, rules: Rules) -> list[str]:
    every: tuple[Uses, ...] = (rules.rest, *(rule.uses for rule in rules.rules))
    return list(dict.fromkeys(name for uses in every for name, _ in headers_of(layout.terms, uses)))


def _url(pattern: PathPattern) -> str:
    text = "*".join(pattern.literals)
    return text if pattern.anchored else f"{text}*"


def _is_expressible(pattern: PathPattern) -> bool:
    url = _url(pattern)
    return url.count("*") <= 1 and not _PLACEHOLDER.search(url) and len(url) <= _LONGEST_LINE


def _too_much(text: str) -> Iterator[str]:
    rules = sum(line.startswith("/") for line in text.splitlines())
    if rules > _MOST_RULES:
        yield f"Cloudflare reads at most {_MOST_RULES} rules, and there are {rules}: the last ones are lost"
    if any(len(line) > _LONGEST_LINE for line in text.splitlines() if not line.startswith("#")):
        yield f"Cloudflare reads at most {_LONGEST_LINE} characters a line, and one is longer: it is lost"
