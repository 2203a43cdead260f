"""Small readers of `_headers`, after what its hosts document (our own transcription).

Cloudflare Pages and Workers, documentation as of 2026-10: blocks of one URL pattern and indented lines; every
pattern that matches the whole path applies, in the order of the file; a name that is set again is joined by
a comma; `! Name` takes away what earlier blocks said; `*` is greedy and may stand once; `:name` is a
placeholder for one segment; at most 100 blocks.
Netlify, its headers-parser and cli as of 2026: lines are trimmed, a line with `/` first is a path; the values
of a block are joined by a comma, of several blocks that match the last value of a name counts; a `*` of its
own takes the slash before it with it; case is ignored.
"""

from __future__ import annotations

import re


def cloudflare(text: str, path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    fits = False
    blocks = 0
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        assert len(line) <= 2000
        if not line[0].isspace():
            blocks += 1
            assert line.count("*") <= 1, f"{line}: one splat only"
            assert not re.search(r":[A-Za-z]", line), f"{line}: a placeholder"
            regex = ".*".join(map(re.escape, line.split("*")))
            fits = blocks <= 100 and re.fullmatch(regex, path, re.S) is not None
        elif fits and line.lstrip().startswith("! "):
            found.pop(line.lstrip()[2:].strip().lower(), None)
        elif fits:
            name, _, value = line.strip().partition(":")
            key = name.strip().lower()
            found[key] = f"{found[key]}, {value.strip()}" if key in found else value.strip()
    return found


def netlify(text: str, path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    block: dict[str, str] | None = None
    for line in [*(line.strip() for line in text.splitlines()), "/"]:
        if not line or line.startswith("#"):
            continue
        if line.startswith("/"):
            found.update(block or {})
            block = {} if _netlify_regex(line).fullmatch(path) else None
        elif block is not None:
            name, _, value = line.partition(":")
            key = name.strip().lower()
            block[key] = f"{block[key]}, {value.strip()}" if key in block else value.strip()
    return found


def _netlify_regex(rule: str) -> re.Pattern[str]:
    parts = []
    for part in filter(None, rule.split("/")):
        if part.startswith(":"):
            parts.append("[^/]+")
        elif part == "*":
            parts.append("?.*")
        else:
            parts.append(part.replace("*", ".*") if "*" in part else re.escape(part))
    return re.compile(f"/{'/'.join(parts)}/?", re.I | re.S)
