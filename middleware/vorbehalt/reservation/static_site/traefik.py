"""Files for Traefik 3 (file provider): a middleware for each part of the site, and routers as an example.

Traefik sets headers and cannot add to those of the site; it chooses by path alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.static_site.by_path import Rules, headers_of, rules_of
from vorbehalt.reservation.static_site.layout import RE2, REST, Layout, comment, is_ours, uses_key
from vorbehalt.reservation.uses import Uses

_FIRST_PRIORITY = 1000
_UNRESERVED = frozenset("-._~/")


def files(layout: Layout) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The files by name, below one folder, and where they say more than the terms."""
    rules = rules_of(layout.terms)
    found = {
        f"{layout.prefix}.yml": _middlewares(layout, rules),
        f"{layout.prefix}-routers.example.yml": _routers(layout, rules),
    }
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}, rules.remarks


def _middlewares(layout: Layout, rules: Rules) -> list[str]:
    lines = comment(
        layout,
        (
            "For the file provider. Put the middlewares on the routers of your site, as the example beside",
            "shows. Traefik sets a header and cannot add to one: Link and X-Robots-Tag of the site are",
            "replaced; if it has values of its own, write them into the lines below, after a comma.",
            *rules.remarks,
        ),
    )
    lines += ["http:", "  middlewares:"]
    names = list(dict.fromkeys(name for uses in _all(rules) for name, _ in headers_of(layout.terms, uses)))
    for uses in _all(rules):
        held = dict(headers_of(layout.terms, uses))
        lines += [f"    {_name(layout, rules, uses)}:", "      headers:", "        customResponseHeaders:"]
        # An empty value removes the header.
        lines += [
            f"          {_text(name)}: {_text(held.get(name, ''))}"
            for name in names
            if name in held or is_ours(name)
        ]
    return lines


def _routers(layout: Layout, rules: Rules) -> list[str]:
    lines = comment(
        layout,
        (
            "An example: one router for each pattern. The longest pattern has the highest priority.",
            "Replace the service by yours; it serves the signal documents, too, with these media types:",
            *(f"    {document.path}: {document.media_type}" for document in layout.documents),
            *rules.remarks,
        ),
    )
    lines += ["http:", "  services:", f"    {layout.prefix}-site:", "      loadBalancer:", "        servers:"]
    lines += ['          - url: "http://127.0.0.1:8080"', "  routers:"]
    host = f"Host(`{layout.host}`)"
    lines += _router(f"{layout.prefix}-{REST}", host, 1, _name(layout, rules, rules.rest), layout)
    for number, rule in enumerate(rules.rules):
        lines.append(f"    # {rule.title}: {rule.pattern.text}")
        condition = f"{host} && PathRegexp(`{_regex(rule.pattern)}`)"
        name = f"{layout.prefix}-{number}"
        lines += _router(name, condition, _FIRST_PRIORITY + number, _name(layout, rules, rule.uses), layout)
    return lines


def _router(name: str, rule: str, priority: int, middleware: str, layout: Layout) -> Iterator[str]:
    yield f"    {name}:"
    yield f"      rule: {_text(rule)}"
    yield f"      priority: {priority}"
    yield f"      middlewares: [{middleware}]"
    yield f"      service: {layout.prefix}-site"


def _all(rules: Rules) -> tuple[Uses, ...]:
    return tuple(dict.fromkeys((rules.rest, *(rule.uses for rule in rules.rules))))


def _name(layout: Layout, rules: Rules, uses: Uses) -> str:
    return f"{layout.prefix}-{REST if uses == rules.rest else uses_key(uses)}"


def _regex(pattern: PathPattern) -> str:
    """Go's syntax. Traefik decodes a path but for reserved characters, which may stand there either way."""
    body = ".*".join(_literal(literal) for literal in pattern.literals)
    return f"(?s)^{body}" + (r"\z" if pattern.anchored else "")


def _literal(text: str) -> str:
    parts = []
    for character in unquote(text):
        octets = character.encode("utf-8", "surrogatepass")
        escaped = "".join(f"%{octet:02X}" for octet in octets)
        if character.isascii() and (character.isalnum() or character in _UNRESERVED):
            parts.append(RE2(character))
        else:
            parts.append(f"(?:{RE2(character)}|(?i:{escaped}))")
    return "".join(parts)


def _text(text: str) -> str:
    """A YAML string: JSON, with braces escaped because the file provider reads files as Go templates."""
    return json.dumps(text, ensure_ascii=False).replace("{", "\\u007b")
