"""A file for Apache 2.4 (mod_headers, mod_setenvif), for a virtual host or as .htaccess.

Conditions of `Header` are evaluated when the answer is sent, so that the media type is known; the part of the
site is worked out from the path as it came in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
from vorbehalt.reservation.uses import USES, Uses

_NO_TYPE = "(%{CONTENT_TYPE} == '' || %{REQUEST_STATUS} == '304')"


def files(layout: Layout) -> Mapping[str, str]:
    """The files by name, below one folder."""
    entries = list(enumerate(without_repeats(layout.entries)))
    lines = comment(
        layout,
        (
            "Needs: a2enmod headers setenvif. Include it in the virtual host of the site, last:",
            f"    Include conf-available/{layout.prefix}.conf",
            "or, where you have no more than a folder, append it to the .htaccess of its root (AllowOverride"
            " FileInfo).",
            "X-Robots-Tag and Link of your own are kept if you write `Header set` or `add` without `always`.",
            "A .htaccess is not asked where requests go to a server behind (ProxyPass).",
            "The documents themselves lie in the folder that was named with --write.",
        ),
    )
    lines += [
        "",
        "# Inside, because outside of such a block the path is seen before it is decoded.",
        '<If "true">',
    ]
    lines += [f"    {line}" for line in (*_selection(layout, entries), *_kept(layout, entries))]
    lines += ["</If>", ""]
    for name in layout.names:
        if is_ours(name):
            lines.append(f"Header onsuccess unset {name}")
            lines.append(f"Header always unset {name}")
    parts: list[Part] = list(layout.parts)
    told = f"reqenv('{layout.prefix}')"
    if layout.follows_media:
        lines += ["", *_by_media(layout, entries)]
        parts += _strictest(layout)
        told = f"note('{layout.prefix}_part')"
    for part in parts:
        lines += ["", f"# {part.title}"]
        fits = f"{told} == '{part.key}'"
        if part is layout.rest:
            # Of a request that cannot be read no path is known.
            fits += f" || {told} == ''"
        condition = _quoted(f"expr={fits}")
        lines += [
            f"Header always {'set' if is_ours(name) else 'add'} {name} {_value(value)} {condition}"
            for name, value in part.headers
        ]
    lines += ["", "# The signal documents with their media types.", *_documents(layout)]
    return {f"{layout.prefix}.conf": "\n".join(lines) + "\n"}


def _selection(layout: Layout, entries: list[tuple[int, Entry]]) -> Iterator[str]:
    yield "# Which part of the site: the last line that fits counts, so the longest pattern stands last."
    yield f"SetEnvIf Request_URI ^ {' '.join(_plain(layout, layout.rest, ()))}"
    lower: list[int] = []
    for number, entry in reversed(entries):
        if entry.media:
            lower.append(number)
            settings = [f"{layout.prefix}_m{number}=1", *_marks(layout, entry.part.uses)]
        else:
            settings = _plain(layout, entry.part, lower)
        regex = _quoted("(?s)^" + path_regex(entry.pattern, PCRE))
        yield f"SetEnvIf Request_URI {regex} {' '.join(settings)}"


def _plain(layout: Layout, part: Part, lower: Sequence[int]) -> list[str]:
    settings = [f"{layout.prefix}={part.key}", *(f"!{layout.prefix}_m{number}" for number in lower)]
    if layout.follows_media:
        settings += [f"!{layout.prefix}_r_{use}" for use in USES if part.uses.of(use) == "allow"]
        settings += _marks(layout, part.uses)
    return settings


def _marks(layout: Layout, uses: Uses) -> list[str]:
    return [f"{layout.prefix}_r_{use}=1" for use in uses.reserved]


def _kept(layout: Layout, entries: list[tuple[int, Entry]]) -> Iterator[str]:
    """An error page is another request to Apache: what held for the first one goes on."""
    before = f"reqenv('REDIRECT_{layout.prefix}')"
    names = [f"{layout.prefix}_m{number}" for number, entry in entries if entry.media]
    if layout.follows_media:
        names += [f"{layout.prefix}_r_{use}" for use in USES]
    yield "# An error page keeps what held for the path that was asked for."
    cleared = "".join(f" !{name}" for name in names)
    yield f'SetEnvIfExpr "{before} =~ /^(.+)$/" {layout.prefix}=$1{cleared}'
    for name in names:
        yield f"SetEnvIfExpr \"reqenv('REDIRECT_{name}') == '1'\" {name}=1"


def _by_media(layout: Layout, entries: list[tuple[int, Entry]]) -> Iterator[str]:
    """The part in a note: a header that never leaves holds it until the last line that fits is found."""
    scratch = f"x-{layout.prefix.replace('_', '-')}-part"
    yield "# The media type is known now: the last line that fits counts. An answer that shows none (304, for"
    yield "# one) is told the most restrictive of what may hold there."
    yield f'Header always set {scratch} "{layout.rest.key}"'
    yield f'Header always set {scratch} "%{{{layout.prefix}}}e" "expr=-n reqenv(\'{layout.prefix}\')"'
    for number, entry in reversed(entries):
        if entry.media:
            kinds = " || ".join(f"%{{CONTENT_TYPE}} =~ m#{_media_regex(one)}#i" for one in entry.media)
            fits = f"expr=reqenv('{layout.prefix}_m{number}') == '1' && ({kinds})"
            yield f'Header always set {scratch} "{entry.part.key}" {_quoted(fits)}'
    for part in _strictest(layout):
        marks = " && ".join(
            f"reqenv('{layout.prefix}_r_{use}') {'==' if part.uses.of(use) == 'reserve' else '!='} '1'"
            for use in USES
        )
        yield f'Header always set {scratch} "{part.key}" {_quoted(f"expr={_NO_TYPE} && {marks}")}'
    yield f"Header always note {scratch} {layout.prefix}_part"
    yield f"Header always unset {scratch}"


def _strictest(layout: Layout) -> list[Part]:
    return [part for _, part in sorted(layout.strictest.items(), key=lambda item: uses_key(item[0]))]


def _media_regex(media: str) -> str:
    if media.endswith("/*"):
        return "^" + "".join(map(PCRE, media[:-1]))
    return "^" + "".join(map(PCRE, media)) + r"\s*(?:;|\z)"


def _documents(layout: Layout) -> Iterator[str]:
    for document in layout.documents:
        yield f"<If {_condition(document.path)}>"
        yield f"    ForceType {_quoted(document.media_type)}"
        for name, value in document.headers:
            yield f"    Header set {name} {_value(value)}"
        yield "</If>"


def _value(text: str) -> str:
    return _quoted(text.replace("%", "%%"))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _condition(path: str) -> str:
    return _quoted(f"%{{REQUEST_URI}} =~ m#^{''.join(map(PCRE, path))}$#")
