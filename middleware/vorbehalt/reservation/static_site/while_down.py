"""For proxies that ask a sidecar: what the visitor is told while it is down. Documents stay where they are.

A proxy that gets no answer knows neither section nor media type: the most restrictive of the host is said on
all paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from vorbehalt.reservation.static_site import caddy, nginx
from vorbehalt.reservation.static_site.by_path import headers_of, rules_of
from vorbehalt.reservation.static_site.layout import Layout, comment, is_ours

FOLDER = "/srv/vorbehalt"
"""Where the files say that the documents lie."""
_NGINX_NAMES = {
    "tdm-reservation": "tdm",
    "tdm-policy": "policy",
    "content-usage": "usage",
    "x-robots-tag": "robots",
    "link": "link",
}
_ENVOY = "type.googleapis.com/envoy"


def files(layout: Layout) -> Mapping[str, str]:
    """The files by name, below one folder."""
    rules = rules_of(layout.terms)
    uses = rules.rest
    for rule in rules.rules:
        uses = uses.restricted_by(rule.uses)
    headers = headers_of(layout.terms, uses)
    return {
        "vorbehalt_while_down.conf": _text(_nginx(layout, headers)),
        "vorbehalt_while_down.caddy": _text(_caddy(layout, headers)),
        "envoy.yaml": _text(_envoy(layout, headers)),
    }


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _nginx(layout: Layout, headers: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield from comment(
        layout,
        (
            "Copy it to /etc/nginx/snippets/; snippets/vorbehalt.conf of `vorbehalt init` includes it.",
            f"The documents are looked for in {FOLDER}.",
        ),
    )
    for name, value in headers:
        if "$" in value:
            yield f"# {name} holds a dollar sign, which nginx cannot be told here: it is left out."
        else:
            yield f"set $vorbehalt_down_{_NGINX_NAMES[name]} {nginx.quoted(value)};"


def _caddy(layout: Layout, headers: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield from comment(
        layout,
        (
            "Put it beside vorbehalt.Caddyfile of `vorbehalt init --for caddy`, which imports it.",
            f"The documents are looked for in {FOLDER}.",
        ),
    )
    yield f"root * {FOLDER}"
    yield "header {"
    for name, value in headers:
        yield f"\t{name} {caddy.quoted(caddy.literal(value))}"
    yield "}"
    yield "@vorbehalt_documents {"
    yield f"\tpath {' '.join(caddy.quoted(document.path) for document in layout.documents)}"
    yield "\tfile"
    yield "}"
    yield "handle @vorbehalt_documents {"
    for document in layout.documents:
        yield f"\theader {caddy.quoted(document.path)} Content-Type {caddy.quoted(document.media_type)}"
    yield "\tfile_server"
    yield "}"


def _envoy(layout: Layout, headers: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield from comment(
        layout,
        (
            "The first of the http_filters of `vorbehalt init --for envoy`, indented as it stands there.",
            "An answer that bears no tdm-reservation gets the headers; any other is left alone.",
        ),
    )
    lines = f"""\
- name: vorbehalt_while_down
  typed_config:
    "@type": {_ENVOY}.extensions.common.matching.v3.ExtensionWithMatcher
    extension_config:
      name: envoy.filters.http.header_mutation
      typed_config:
        "@type": {_ENVOY}.extensions.filters.http.header_mutation.v3.HeaderMutation
        mutations:
          response_mutations:
            @HEADERS@
    xds_matcher:
      matcher_list:
        matchers:
          - predicate:
              single_predicate:
                input:
                  name: tdm-reservation
                  typed_config:
                    "@type": {_ENVOY}.type.matcher.v3.HttpResponseHeaderMatchInput
                    header_name: tdm-reservation
                value_match: {{ safe_regex: {{ google_re2: {{}}, regex: ".+" }} }}
            on_match:
              action:
                name: skip
                typed_config:
                  "@type": {_ENVOY}.extensions.filters.common.matcher.action.v3.SkipFilter"""
    for line in lines.splitlines():
        if "@HEADERS@" not in line:
            yield " " * 18 + line
            continue
        for name, value in headers:
            # A percent sign begins a command of Envoy's.
            pair = f"{{ key: {name}, value: {json.dumps(value.replace('%', '%%'))} }}"
            how = "OVERWRITE_IF_EXISTS_OR_ADD" if is_ours(name) else "APPEND_IF_EXISTS_OR_ADD"
            added = f"{{ append: {{ header: {pair}, append_action: {how} }} }}"
            yield " " * 18 + line.replace("@HEADERS@", f"- {added}")
