"""Files for nginx: maps that follow path and media type, one include with the headers, locations.

nginx evaluates the variables of `add_header` when it sends the headers, so that the media type is known. It
drops all inherited `add_header` lines where a location has one of its own: hence an include.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vorbehalt.reservation.static_site.layout import (
    PCRE,
    Entry,
    Layout,
    Part,
    comment,
    is_ours,
    path_regex,
    uses_key,
    without_repeats,
)
from vorbehalt.reservation.uses import USES, Use

_ANY_TYPE = r"[^|]*\|"


def files(layout: Layout) -> Mapping[str, str]:
    """The files by name, below one folder."""
    folder = layout.prefix
    found = {
        f"{folder}/maps.conf": _maps(layout),
        f"{folder}/headers.conf": _headers(layout),
        f"{folder}/documents.conf": _documents(layout),
        "example.conf": _example(layout),
    }
    for part in layout.parts:
        found[f"{folder}/headers-{part.key}.conf"] = _fixed(layout, part)
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}


def _maps(layout: Layout) -> list[str]:
    lines = comment(
        layout,
        (
            "Copy the folder to /etc/nginx/ and include this file in the http block, once:",
            f"    include {layout.prefix}/maps.conf;",
        ),
    )
    if any("$" in value for part in _all_parts(layout) for _, value in part.headers):
        lines += [
            "",
            "# A value of nginx cannot hold this character but by a variable.",
            f"geo {_dollar(layout)} {{",
            '    default "$";',
            "}",
        ]
    lines += [
        "",
        "# The path as it came in: a map is worked out once, and headers.conf has it done before an index",
        "# page or an error page takes over.",
        f"map $uri ${layout.prefix}_path {{",
        "    default $uri;",
        "}",
        "",
        *_selection(layout),
    ]
    for name in layout.names:
        lines += ["", f"map ${layout.prefix}_part {_variable(layout, name)} {{"]
        lines += [
            f"    {quoted(part.key)} {_value(layout, part.value(name))};"
            for part in _all_parts(layout)
            if part is not layout.rest
        ]
        lines += [f"    default {_value(layout, layout.rest.value(name))};", "}"]
    return lines


def _selection(layout: Layout) -> Iterator[str]:
    """The map from path (and media type) to the part of the site: the first line that fits counts."""
    path = f"${layout.prefix}_path"
    if not layout.follows_media:
        yield "# Which part of the site: the longest pattern stands first, and the first that fits counts."
        yield f"map {path} ${layout.prefix}_part {{"
        for entry in without_repeats(layout.entries):
            yield f"    {_regex('', entry)} {quoted(entry.part.key)};"
    else:
        for use in USES:
            yield from _strictest_of(layout, use)
        yield "# Which part of the site, by media type and path: the first that fits counts. An answer that"
        yield "# shows no media type (304, for one) is told the most restrictive of what may hold there."
        yield f'map "$sent_http_content_type|{path}" ${layout.prefix}_part {{'
        letters = "".join(f"${layout.prefix}_strictest_{use}" for use in USES)
        yield f'    "~^\\|" "strictest-{letters}";'
        for entry in without_repeats(layout.entries):
            for media in entry.media or ("",):
                kind = media_regex(media) if media else _ANY_TYPE
                yield f"    {_regex(kind, entry)} {quoted(entry.part.key)};"
    yield f"    default {quoted(layout.rest.key)};"
    yield "}"


def _strictest_of(layout: Layout, use: Use) -> Iterator[str]:
    yield f"map ${layout.prefix}_path ${layout.prefix}_strictest_{use} {{"
    for entry in without_repeats(layout.entries):
        letter = entry.part.uses.of(use)[0]
        if letter == "r" or not entry.media:
            yield f"    {_regex('', entry)} {letter};"
    yield f"    default {layout.rest.uses.of(use)[0]};"
    yield "}"


def media_regex(media: str) -> str:
    """A media type before its parameters and the bar, in whatever case; `audio/*` is all audio."""
    if media.endswith("/*"):
        return f"(?i:{''.join(map(PCRE, media[:-1]))}){_ANY_TYPE}"
    return rf"(?i:{''.join(map(PCRE, media))})\s*(?:;[^|]*)?\|"


def _headers(layout: Layout) -> list[str]:
    lines = comment(
        layout,
        (
            f"Needs {layout.prefix}/maps.conf. Include it first in the server block:",
            f"    include {layout.prefix}/headers.conf;",
            "and again in every location that has add_header lines of its own, because nginx drops all",
            "inherited ones there: without it the answers of that location would carry no reservation. The",
            "same holds for proxy_hide_header and fastcgi_hide_header. Values follow path and media type.",
        ),
    )
    lines += ["", f"set ${layout.prefix}_seen ${layout.prefix}_path;"]
    lines += _hidden(layout)
    lines += [f"add_header {name} {_variable(layout, name)} always;" for name in layout.names]
    return lines


def _fixed(layout: Layout, part: Part) -> list[str]:
    media = sorted({one for entry in layout.entries if entry.part is part for one in entry.media})
    lines = comment(
        layout,
        (
            f"The headers of {part.title}, in fixed values, for where maps.conf cannot be used.",
            "Include it in a location that holds nothing else, beside any add_header lines of its own:",
            f"    include {layout.prefix}/headers-{part.key}.conf;",
            *((f"It is for answers of these media types only: {', '.join(media)}.",) if media else ()),
            "nginx drops all inherited add_header lines in a location that has one: each such one needs it.",
            *_dollar_note(layout, part),
        ),
    )
    lines += ["", *_hidden(layout)]
    lines += [f"add_header {name} {_value(layout, value)} always;" for name, value in part.headers]
    return lines


def _documents(layout: Layout) -> list[str]:
    lines = comment(
        layout,
        (
            "The signal documents with their media types. Include it in the server block after headers.conf:",
            f"    include {layout.prefix}/documents.conf;",
            "The documents themselves lie in the folder named with --write; copy them into the root.",
        ),
    )
    for document in layout.documents:
        lines += [
            "",
            f"location = {quoted(document.path)} {{",
            f"    include {layout.prefix}/headers.conf;",
            "    types { }",
            f"    default_type {quoted(document.media_type)};",
            "    charset off;",
            *(f"    add_header {name} {_value(layout, value)};" for name, value in document.headers),
            "}",
        ]
    return lines


def _example(layout: Layout) -> list[str]:
    return [
        *comment(layout, ("An example of a whole site; it goes where the http block includes its servers.",)),
        "",
        f"include {layout.prefix}/maps.conf;",
        "",
        "server {",
        "    listen 80;",
        f"    server_name {layout.host};",
        "    root /var/www/html;",
        "",
        "    # First, so that the path is seen before anything rewrites it.",
        f"    include {layout.prefix}/headers.conf;",
        f"    include {layout.prefix}/documents.conf;",
        "",
        "    location / {",
        "        try_files $uri $uri/ =404;",
        "    }",
        "    location /downloads/ {",
        "        # A location with an add_header of its own needs the include again.",
        f"        include {layout.prefix}/headers.conf;",
        "        add_header Content-Disposition attachment;",
        "    }",
        "}",
    ]


def _hidden(layout: Layout) -> list[str]:
    """What a server behind says of the same is left out: a second value could contradict the terms."""
    ours = [name for name in layout.names if is_ours(name)]
    return [f"{kind}_hide_header {name};" for kind in ("proxy", "fastcgi") for name in ours]


def _all_parts(layout: Layout) -> tuple[Part, ...]:
    strictest = sorted(layout.strictest.items(), key=lambda item: uses_key(item[0]))
    return (*layout.parts, *(part for _, part in strictest))


def _regex(before: str, entry: Entry) -> str:
    return quoted(f"~(?s)^{before}{path_regex(entry.pattern, PCRE)}")


def _variable(layout: Layout, name: str) -> str:
    return f"${layout.prefix}_{name.replace('-', '_')}"


def _dollar(layout: Layout) -> str:
    return f"${layout.prefix}_dollar"


def _dollar_note(layout: Layout, part: Part) -> tuple[str, ...]:
    needed = any("$" in value for _, value in part.headers)
    return ("A value holds a dollar sign, which needs maps.conf all the same.",) if needed else ()


def _value(layout: Layout, text: str) -> str:
    return quoted(text).replace("$", f"${{{layout.prefix}_dollar}}")


def quoted(text: str) -> str:
    """A parameter in quotation marks; `\\\\` and `\\"` are the escapes that nginx knows there."""
    kept = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{kept}"'
