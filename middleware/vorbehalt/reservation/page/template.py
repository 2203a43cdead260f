"""The frame of the page for people: ours, and what a frame of somebody else's must hold.

A frame is HTML with `$placeholders` (`string.Template`). All that is put in is escaped already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from html.parser import HTMLParser
from string import Template

TEXTS = ("title", "page_title", "language", "operator", "origin", "style", "alternates")
"""Placeholders that become one line of text, but for `style` and `alternates`, which belong into the head."""

BLOCKS = (
    "declaration",
    "parts",
    "allow",
    "contacts",
    "readers",
    "legal_basis",
    "machines",
    "languages",
    "about",
)
"""Placeholders that become whole elements, with a heading of their own where they need one."""

NEEDED = ("declaration", "parts", "contacts")
"""What the page may not be without: what is reserved, by whom, where, and whom to ask."""

_HOLDS_NO_BLOCK = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "span", "a", "strong", "em", "b", "i"})
_SHOWS_NOTHING = frozenset({"script", "style", "template", "title", "textarea", "noscript", "head", "select"})
_ENDS_A_PARAGRAPH = frozenset(
    {"address", "article", "aside", "div", "dl", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
     "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "ul"}
)  # fmt: skip

STYLE = (
    ":root{color-scheme:light dark;--text:#1a1a1a;--ground:#fff;--faint:#4d4d4d;--link:#0b4a9e;"
    "--line:#767676;--mark:#f1f1ee}"
    "@media screen and (prefers-color-scheme:dark){:root{--text:#e9e9e6;--ground:#17191c;--faint:#b9bcc0;"
    "--link:#9cc4ff;--line:#8a8f96;--mark:#24272b}}"
    "*{box-sizing:border-box}"
    "body{margin:0;color:var(--text);background:var(--ground);font:1.0625rem/1.6 system-ui,sans-serif;"
    "overflow-wrap:break-word}"
    "header,main,footer{max-width:44rem;margin:0 auto;padding:0 1rem}"
    "header{padding-top:.75rem}main{padding-bottom:1rem}"
    "nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:0;padding:0;list-style:none}"
    "nav a,nav span{display:inline-block;padding:.35rem 0}nav span{font-weight:600}"
    "h1{font-size:1.75rem;line-height:1.25;margin:1rem 0 1.5rem}"
    "h2{font-size:1.3rem;line-height:1.3;margin:2.25rem 0 .75rem}"
    "h3{font-size:1.075rem;line-height:1.35;margin:1.5rem 0 .5rem}"
    "p{margin:0 0 .9rem}ul{margin:0 0 .9rem;padding-left:1.4rem}li{margin:.3rem 0}"
    "a{color:var(--link);text-underline-offset:.15em;overflow-wrap:anywhere}"
    "a:focus-visible{outline:3px solid var(--link);outline-offset:3px}"
    "code,bdi{overflow-wrap:anywhere}code{font-size:.95em}"
    "[data-part=declaration]>:not(h2){border-left:4px solid var(--line);margin:0;"
    "padding:.45rem 0 .45rem 1rem}"
    "[data-part=declaration]>ul{padding-left:2.2rem}"
    "table{width:100%;table-layout:fixed;border-collapse:collapse;margin:0 0 1rem}"
    "th,td{padding:.5rem .6rem;border:1px solid var(--line);text-align:left;vertical-align:top}"
    "th{font-weight:400}thead th{background:var(--mark);font-weight:600}thead th+th{width:36%}"
    "@media screen and (max-width:30rem){table{font-size:.94em}th,td{padding:.4rem}thead th+th{width:43%}}"
    "footer{padding-bottom:2rem;color:var(--faint);font-size:.95rem}"
    "footer p{border-top:1px solid var(--line);padding-top:.75rem}"
    "@media print{@page{margin:18mm}:root{color-scheme:light}body{font-size:10.5pt;line-height:1.45}"
    "header,main,footer{max-width:none;padding:0 1px}nav{display:none}h1{font-size:18pt}h2{font-size:13pt}"
    "h3{font-size:11pt}h1,h2,h3,h3+p,thead{break-after:avoid}table,li,tr{break-inside:avoid}p{orphans:3;widows:3}"
    "a{color:inherit}footer{font-size:1em}}"
)

DEFAULT = """<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$page_title</title>
$alternates
<style>$style</style>
</head>
<body>
<header>
$languages
</header>
<main>
<h1>$title</h1>
$declaration
$parts
$allow
$contacts
$readers
$legal_basis
$machines
</main>
<footer>
$about
</footer>
</body>
</html>
"""


def fill(template: str, values: Mapping[str, str]) -> str:
    """Puts the values into a template that `problems` found nothing wrong with."""
    return Template(template).substitute(values)


def problems(template: str) -> list[tuple[int, str]]:
    """Says what keeps a template from being used: line (from 1) and sentence; empty if it is sound."""
    found = [*_wrong_names(template)]
    reader = _Reader()
    reader.feed(template)
    reader.close()
    found += reader.misplaced
    for name in NEEDED:
        if name not in reader.shown:
            found.append(
                (1, f"${name} is missing from the text: what is reserved and whom to ask must not get lost")
            )
    return sorted(found)


def _wrong_names(template: str) -> Iterator[tuple[int, str]]:
    for match in Template.pattern.finditer(template):
        line = template.count("\n", 0, match.start()) + 1
        if match["invalid"] is not None:
            yield line, "a $ that begins no placeholder is written $$"
        name = match["named"] or match["braced"]
        if name and name not in (*TEXTS, *BLOCKS):
            near = get_close_matches(name.lower(), (*TEXTS, *BLOCKS), n=1)
            known = f"did you mean ${near[0]}?" if near else f"known are {', '.join((*TEXTS, *BLOCKS))}"
            yield line, f"there is no placeholder ${name}; {known}"


def _names(text: str) -> list[tuple[str, int]]:
    """Placeholders and where they begin."""
    return [
        (name, match.start())
        for match in Template.pattern.finditer(text)
        if (name := match["named"] or match["braced"])
    ]


class _Reader(HTMLParser):
    """Finds which placeholders people get to see, and blocks in places that cannot hold them."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: set[str] = set()
        self.misplaced: list[tuple[int, str]] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name in [name for _, value in attrs for name, _ in _names(value or "")]:
            if name in (*BLOCKS, "style", "alternates"):
                self._misplace(name, 0, "an attribute cannot hold it")
        if tag == "body":
            self._open.clear()
        elif tag in _ENDS_A_PARAGRAPH and "p" in self._open:
            self.handle_endtag("p")
        if tag in _HOLDS_NO_BLOCK or tag in _SHOWS_NOTHING:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        for name, at in _names(data):
            self.shown.add(name)
            if name not in BLOCKS:
                continue
            for tag in self._open:
                why = (
                    f"<{tag}> cannot hold it; put it into a <div> or straight into <main>"
                    if tag in _HOLDS_NO_BLOCK
                    else f"nobody sees what stands in <{tag}>"
                )
                self._misplace(name, data.count("\n", 0, at), why)
                break

    def _misplace(self, name: str, lines: int, why: str) -> None:
        self.misplaced.append((self.getpos()[0] + lines, f"${name} stands where it cannot: {why}"))
