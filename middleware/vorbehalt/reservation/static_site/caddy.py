"""A file for Caddy 2: snippets for a site block, headers set as the answer is sent.

`vars` keeps the part of the site that the path as it came in belongs to; `header` with `defer` works when
the answer is written, so that its media type is known and what a server behind said of the same is replaced.
Names of headers may be placeholders: so a header is left out where a part has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vorbehalt.reservation.static_site.layout import (
    RE2,
    Entry,
    Layout,
    Part,
    comment,
    is_ours,
    path_regex,
    uses_key,
    without_repeats,
)
from vorbehalt.reservation.uses import USES

_NOWHERE = "X-Vorbehalt-None"


def files(layout: Layout) -> Mapping[str, str]:
    """The files by name, below one folder."""
    name = layout.prefix
    lines = comment(
        layout,
        (
            "Put this file beside the Caddyfile and write, above your sites and in the site block:",
            f"    import {name}.caddy",
            f"    {layout.host} {{",
            f"        import {name}",
            "        handle_errors {",
            f"            import {name}_errors",
            "            # and your error pages, if there are any",
            "        }",
            "        root * /var/www/html",
            "        file_server",
            "    }",
            "Without the second import, error pages (404, for one) are told nothing. Tried with Caddy 2.6.",
            "The documents themselves lie in the folder named with --write; copy them into the root.",
        ),
    )
    headers = _indented(list(_by_media(layout) if layout.follows_media else _by_path(layout)))
    lines += ["", f"({name}) {{", *_indented([*_selection(layout), *_documents(layout)]), *headers, "}"]
    lines += ["", f"({name}_errors) {{", *headers, "}"]
    return {f"{name}.caddy": "\n".join(lines) + "\n"}


def _selection(layout: Layout) -> Iterator[str]:
    """The part of the site as a variable. The last line that fits counts, so the longest pattern stands last.

    Where media types matter, it holds the numbers of the lines that fit: those for some media types before
    the one for all others, each with its uses.
    """
    variable = f"{layout.prefix}_part"
    entries = list(enumerate(without_repeats(layout.entries)))
    yield "# Which part of the site: the last line that fits counts."
    yield f"vars {variable} {quoted(_start(layout))}"
    for number, entry in reversed(entries):
        matcher = f"@{layout.prefix}_{number}"
        yield f"{matcher} path_regexp {quoted('(?s)^' + path_regex(entry.pattern, RE2))}"
        yield f"vars {matcher} {variable} {quoted(_state(layout, number, entry))}"
    if not layout.follows_media:
        for part in layout.parts:
            yield f"@{layout.prefix}_is_{part.key} vars {{http.vars.{variable}}} {part.key}"


def _start(layout: Layout) -> str:
    return f"rest:{uses_key(layout.rest.uses)}" if layout.follows_media else layout.rest.key


def _state(layout: Layout, number: int, entry: Entry) -> str:
    if not layout.follows_media:
        return entry.part.key
    own = f"{number}:{uses_key(entry.part.uses)}"
    return f"{own} {{http.vars.{layout.prefix}_part}}" if entry.media else own


def _documents(layout: Layout) -> Iterator[str]:
    yield "# The signal documents with their media types."
    for number, document in enumerate(layout.documents):
        matcher = f"@{layout.prefix}_document_{number}"
        path = "".join(map(RE2, document.path))
        yield f"{matcher} path_regexp {quoted(f'^{path}$')}"
        yield f"header {matcher} {{"
        yield f"\tContent-Type {quoted(document.media_type)}"
        for name, value in document.headers:
            yield f"\t{name} {quoted(literal(value))}"
        yield "}"


def _by_path(layout: Layout) -> Iterator[str]:
    for part in layout.parts:
        yield f"header @{layout.prefix}_is_{part.key} {{"
        for name in layout.names:
            value = part.value(name)
            if value:
                yield f"\t{'' if is_ours(name) else '+'}{name} {quoted(literal(value))}"
            elif is_ours(name):
                yield f"\t-{name}"
        yield "\tdefer"
        yield "}"


def _by_media(layout: Layout) -> Iterator[str]:
    prefix = layout.prefix
    state = f"{{http.vars.{prefix}_part}}"
    yield "# What is reserved by any of the lines that fit: for answers that show no media type."
    for at, use in enumerate(USES):
        yield f"map {state} {{{prefix}_strictest_{use}}} {{"
        yield f"\t{quoted('~:' + '.' * at + 'r')} r"
        yield "\tdefault a"
        yield "}"
    letters = "".join(f"{{{prefix}_strictest_{use}}}" for use in USES)
    yield "# Media type, lines that fit, strictest reading: the first that fits counts."
    source = f"{{http.response.header.Content-Type}}|{state}|{letters}"
    columns = " ".join(f"{{{prefix}_{column}}}" for name in layout.names for column in _columns(name))
    yield f"map {quoted(source)} {columns} {{"
    for uses, part in sorted(layout.strictest.items(), key=lambda item: uses_key(item[0])):
        yield _row(layout, rf"~^\|[^|]*\|{uses_key(uses)}$", part)
    for number, entry in enumerate(without_repeats(layout.entries)):
        for media in entry.media or ("",):
            kind = _media_regex(media) if media else r"[^|]*\|"
            yield _row(layout, rf"~^{kind}(?:[^|]* )?{number}:", entry.part)
    yield _row(layout, "default", layout.rest)
    yield "}"
    yield "header {"
    for name in layout.names:
        value, where = (f"{{{prefix}_{column}}}" for column in _columns(name))
        if is_ours(name):
            yield f"\t{name} {value}"
            yield f"\t-{where}"
        else:
            yield f"\t+{where} {value}"
    yield f"\t-{_NOWHERE}"
    yield "\tdefer"
    yield "}"


def _columns(name: str) -> tuple[str, str]:
    """Two placeholders for each header: its value, and the name to remove (ours) or to add to (joined)."""
    base = name.replace("-", "_")
    return base, f"{base}_name"


def _row(layout: Layout, key: str, part: Part) -> str:
    cells = [key if key == "default" else quoted(key)]
    for name in layout.names:
        value = part.value(name)
        # An empty cell would count as none at all. After a regular expression a dollar sign names a group.
        cell = value if key == "default" else value.replace("$", "$$")
        cells += [quoted(cell or "-"), name if bool(value) != is_ours(name) else _NOWHERE]
    return "\t" + " ".join(cells)


def _media_regex(media: str) -> str:
    if media.endswith("/*"):
        return f"(?i:{''.join(map(RE2, media[:-1]))})[^|]*\\|"
    return rf"(?i:{''.join(map(RE2, media))})\s*(?:;[^|]*)?\|"


def literal(text: str) -> str:
    """A value in which nothing is a placeholder."""
    return text.replace("{", "\\{")


def quoted(text: str) -> str:
    """One token; in backquotes nothing is an escape."""
    if "`" not in text:
        return f"`{text}`"
    return '"' + text.replace('"', '\\"') + '"'


def _indented(lines: Iterator[str] | list[str]) -> list[str]:
    return [f"\t{line}" for line in lines]
