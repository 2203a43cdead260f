"""What each channel says about a use of a path, read as a stranger would: own few lines, or foreign parsers.

Every reader gives the uses that it finds permitted. What is left unsaid is not permitted.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast
from urllib.parse import unquote
from xml.etree import ElementTree

import http_sf

from vorbehalt.facts import Headers
from vorbehalt.reservation.bundle import Bundle
from vorbehalt.reservation.uses import USES, Use

RSL = "{https://rslstandard.org/rsl}"
_AIPREF: dict[str, Use] = {"search": "search", "train-ai": "training", "ai-use": "ai_input"}
_SIGNALS: dict[str, Use] = {"search": "search", "ai-train": "training", "ai-input": "ai_input"}
_LICENCE: dict[str, Use] = _SIGNALS
_MINING: frozenset[Use] = frozenset({"training", "ai_input", "tdm"})


def matches(pattern: str, path: str) -> bool:
    """RFC 9309 section 2.2.3, as a regular expression over decoded paths."""
    end = "$" if pattern.endswith("$") else ""
    literal = pattern[:-1] if end else pattern
    return (
        re.match(".*".join(re.escape(unquote(part)) for part in literal.split("*")) + end, path) is not None
    )


def permitted_by_headers(headers: Headers) -> dict[str, set[Use]]:
    """Per header, the uses that it permits; a header that is absent permits nothing."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.decode(), []).append(value.decode())
    usage = cast(
        dict[str, Any], http_sf.parse(", ".join(values["content-usage"]).encode(), tltype="dictionary")
    )
    return {
        "tdm-reservation": set(_MINING) if values["tdm-reservation"] == ["0"] else set(),
        "content-usage": {_AIPREF[key] for key, (value, _) in usage.items() if str(value) == "y"},
    }


def permitted_by_tdmrep(bundle: Bundle, path: str) -> dict[str, set[Use]]:
    """By the first rule that matches, and by the longest."""
    rules = json.loads(bundle.documents["/.well-known/tdmrep.json"].body)
    hits = [rule for rule in rules if matches(rule["location"], path)]
    longest = max(hits, key=lambda rule: len(rule["location"]))
    return {
        name: set(_MINING) if rule["tdm-reservation"] == 0 else set()
        for name, rule in (("first", hits[0]), ("longest", longest))
    }


def permitted_by_licence(bundle: Bundle, path: str) -> set[Use]:
    """By the RSL content whose pattern is the longest that matches; what costs something is no permission."""
    root = ElementTree.fromstring(bundle.documents["/license.xml"].body)
    hits = [content for content in root if matches(content.get("url", ""), path)]
    content = max(hits, key=lambda found: len(found.get("url", "")))
    permitted: set[str] = set()
    prohibited: set[str] = set()
    for licence in content.iter(RSL + "license"):
        payment = licence.find(RSL + "payment")
        if payment is None or payment.get("type") == "free":
            permitted |= set((licence.findtext(RSL + "permits") or "").split())
        prohibited |= set((licence.findtext(RSL + "prohibits") or "").split())
    if "all" in prohibited:
        return set()
    return {_LICENCE[token] for token in permitted - prohibited}


def permitted_by_robots_lines(body: bytes, path: str) -> dict[str, set[Use]]:
    """By the Content-Usage and Content-Signal lines of any one group, for readers with and without paths."""
    found: dict[str, set[Use]] = {
        "content-usage": set(),
        "content-signal by path": set(),
        "content-signal": set(),
    }
    for group in _groups(body.decode().splitlines()):
        usage: dict[str, set[Use]] = {}
        yes: set[Use] = set()
        yes_here: set[Use] = set()
        no_here: set[Use] = set()
        for key, place, pairs in group:
            if key == "Content-Usage":
                said = {_AIPREF[label] for label, answer in pairs.items() if answer == "y"}
                usage[place] = usage.get(place, said) & said
            elif key == "Content-Signal":
                said = {_SIGNALS[label] for label, answer in pairs.items() if answer == "yes"}
                yes |= said
                if matches(place, path):
                    yes_here |= said
                    no_here |= {_SIGNALS[label] for label, answer in pairs.items() if answer == "no"}
        hits = [place for place in usage if matches(place, path)]
        found["content-usage"] |= usage[max(hits, key=len)] if hits else set()
        found["content-signal by path"] |= yes_here - no_here
        found["content-signal"] |= yes
    return found


def _groups(lines: list[str]) -> list[list[tuple[str, str, dict[str, str]]]]:
    """The signal lines of each group, whatever crawlers it names; those before the first are one, too."""
    groups: list[list[tuple[str, str, dict[str, str]]]] = [[]]
    previous = ""
    for line in lines:
        key, _, value = line.partition(":")
        if key == "User-agent" and previous != key:
            groups.append([])
        place, statement = "", value.strip()
        if statement.startswith("/"):
            place, statement = (*statement.split(None, 1), "")[:2]
        pairs = dict(pair.strip().split("=", 1) for pair in statement.split(",") if "=" in pair)
        groups[-1].append((key, place, pairs))
        previous = key if line.strip() else previous
    return groups


def everything_permitted(bundle: Bundle, path: str) -> dict[str, set[Use]]:
    """Per file channel, the uses that it permits on a path."""
    robots = permitted_by_robots_lines(bundle.documents["/robots.txt"].body, path)
    return {
        **{f"tdmrep.json, {name} match": uses for name, uses in permitted_by_tdmrep(bundle, path).items()},
        "license.xml": permitted_by_licence(bundle, path),
        **{f"robots.txt {name}": uses for name, uses in robots.items()},
    }


__all__ = ["USES", "everything_permitted", "permitted_by_headers"]
