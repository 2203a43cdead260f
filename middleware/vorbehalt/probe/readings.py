"""What each channel says about a use of a path: allow, reserve, or nothing. Pure, lenient where readers are.

A channel that says something malformed says nothing, as its readers are told to take it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from vorbehalt.identify.structured import Item, Token, parse_dictionary
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.robots.file import Group, RobotsFile, is_wildcard
from vorbehalt.reservation.rsl import NAMESPACE as NAMESPACE
from vorbehalt.reservation.uses import Stance
from vorbehalt.reservation.vocabulary import Labels, Vocabulary

Said = Mapping[str, Stance]
"""Stance by use: search, training, ai_input, tdm. A use that is not there is unsaid."""

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]*))?)*)')
_PARAMETER = re.compile(r';\s*([^\s=;,"]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))')


def reservation(value: str) -> Said:
    """A `tdm-reservation` value (header or meta)."""
    return {"1": {"tdm": "reserve"}, "0": {"tdm": "allow"}}.get(value.strip(), {})  # type: ignore[return-value]


def usage(value: str, labels: Labels) -> Said:
    """A `Content-Usage` value (RFC 9651 dictionary); a field that does not parse says nothing."""
    try:
        members = parse_dictionary(value.encode("latin-1", "replace"))
    except ValueError:
        return {}
    said: dict[str, Stance] = {}
    for use, label in labels.labels.items():
        member = members.get(label)
        if isinstance(member, Item) and isinstance(member.value, Token):
            said.update(_answered(use, member.value.text, labels))
    return said


def signal(value: str, labels: Labels) -> Said:
    """A `Content-Signal` value: comma-separated `key=yes` or `key=no`."""
    said: dict[str, Stance] = {}
    for pair in value.split(","):
        key, equals, answer = (part.strip().lower() for part in pair.partition("="))
        for use, label in labels.labels.items():
            if equals and key == label:
                said.update(_answered(use, answer, labels))
    return said


def _answered(use: str, answer: str, labels: Labels) -> Said:
    if answer not in (labels.allowed, labels.reserved):
        return {}
    return {use: "allow" if answer == labels.allowed else "reserve"}


def noai(value: str, vocabulary: Vocabulary) -> Said:
    """An `X-Robots-Tag` or `meta robots` value: only the first word that reserves training is read here."""
    words = re.split(r"[\s,:]+", value.lower())
    return {"training": "reserve"} if any(word in words for word in vocabulary.robots_tag[:1]) else {}


def links(value: str) -> list[tuple[str, dict[str, str]]]:
    """The targets of a `Link` value with their parameters (RFC 8288), names in lower case."""
    found = []
    for match in _LINK.finditer(value[:16_384]):
        parameters = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(match[2])}
        found.append((match[1], parameters))
    return found


def licences(value: str) -> list[tuple[str, str]]:
    """Target and media type of every `rel="license"` of a `Link` value."""
    return [
        (target, parameters.get("type", "").lower())
        for target, parameters in links(value)
        if "license" in parameters.get("rel", "").lower().split()
    ]


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of a document with what it says; `policy` is a URL."""

    pattern: PathPattern
    said: Said
    policy: str = ""


def by_longest(rules: Iterable[Rule], path: str) -> Rule | None:
    """The rule with the longest pattern that matches, the first of equals."""
    best: Rule | None = None
    for rule in rules:
        if rule.pattern.matches(path) and (best is None or rule.pattern.priority > best.pattern.priority):
            best = rule
    return best


def tdmrep_rules(body: bytes) -> list[Rule]:
    """The well-formed rules of a tdmrep.json; empty if it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return []
    rules = []
    for entry in found if isinstance(found, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("location"), str):
            continue
        number = entry.get("tdm-reservation")
        said = reservation(str(number)) if type(number) is int else {}
        policy = entry.get("tdm-policy")
        rules.append(Rule(PathPattern.of(entry["location"]), said, policy if isinstance(policy, str) else ""))
    return rules


@dataclass(frozen=True, slots=True)
class RobotsSays:
    """Signal lines of the group of `*`, with the path they begin with ("" for none)."""

    usage: tuple[tuple[str, Said], ...]
    signal: tuple[tuple[str, Said], ...]


def robots_signals(robots: RobotsFile, vocabulary: Vocabulary) -> RobotsSays:
    """Read `Content-Usage` and `Content-Signal` lines where a crawler without a group of its own looks."""
    lines = [line for group in _wildcard(robots.groups) for line in group.lines]
    usages: list[tuple[str, Said]] = []
    signals: list[tuple[str, Said]] = []
    aipref, content = vocabulary.aipref, vocabulary.content_signals
    for line in lines:
        path, rest = "", line.value
        if line.value.startswith("/"):
            path, rest = (*line.value.split(None, 1), "")[:2]
        if line.key == aipref.field.lower():
            usages.append((path, usage(rest.strip(), aipref)))
        elif line.key == content.field.lower():
            signals.append((path, signal(rest, content)))
    return RobotsSays(tuple(usages), tuple(signals))


def _wildcard(groups: Sequence[Group]) -> list[Group]:
    return [group for group in groups if any(map(is_wildcard, group.agents))]


def said_by_lines(lines: Iterable[tuple[str, Said]], path: str) -> Said:
    """What lines with paths say of a path: the longest wins, equally long ones combine restrictively."""
    best: dict[str, tuple[int, Stance]] = {}
    for where, said in lines:
        if where and not PathPattern.of(where).matches(path):
            continue
        for use, stance in said.items():
            known = best.get(use)
            if known is None or len(where) > known[0] or (len(where) == known[0] and stance == "reserve"):
                best[use] = (len(where), stance)
    return {use: stance for use, (_, stance) in best.items()}


class RslError(ValueError):
    """Bytes are no RSL document; the message says why."""


def rsl_rules(body: bytes, vocabulary: Vocabulary) -> list[Rule]:
    """The rules of an RSL document. A use that is only offered for a price or on request is reserved.

    Raises RslError.
    """
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise RslError("it has a document type declaration, which no licence needs")
    parser = XMLParser()  # noqa: S314 - no entity can be declared, and the size is limited
    try:
        parser.feed(body)
        root = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise RslError(f"it is no XML: {error}") from None
    if root.tag != f"{{{NAMESPACE}}}rsl":
        raise RslError(f"its root is {root.tag[:100]!r}, not rsl in the namespace {NAMESPACE}")
    rules = []
    for content in root.findall(f"{{{NAMESPACE}}}content"):
        url = content.get("url", "")
        where = url.partition("://")[2]
        path = "/" + where.partition("/")[2] if where else url
        rules.append(Rule(PathPattern.of(path or "/"), _licensed(content, vocabulary)))
    if not rules:
        raise RslError("it has no content element")
    return rules


def rsl_terms(body: bytes) -> str:
    """The first `terms` address of an RSL document; empty if there is none."""
    found = re.search(rb"<terms>\s*([^<\s]{1,1000})\s*</terms>", body)
    return found[1].decode("latin-1") if found else ""


def _licensed(content: Element, vocabulary: Vocabulary) -> Said:
    name = f"{{{NAMESPACE}}}"
    said: dict[str, Stance] = {}
    prohibited: set[str] = set()
    permitted: dict[str, bool] = {}
    has_closed_list = False
    for licence in content.findall(f"{name}license"):
        payment = licence.find(f"{name}payment")
        is_free = payment is None or payment.get("type") == "free"
        for element in licence.findall(f"{name}permits"):
            if element.get("type") == "usage":
                has_closed_list = True
                for use in _uses(element, vocabulary):
                    permitted[use] = permitted.get(use, False) or is_free
        for element in licence.findall(f"{name}prohibits"):
            if element.get("type") == "usage":
                prohibited.update(_uses(element, vocabulary))
    for use in vocabulary.rsl:
        if use in prohibited:
            said[use] = "reserve"
        elif use in permitted:
            said[use] = "allow" if permitted[use] else "reserve"
        elif has_closed_list:
            said[use] = "reserve"
    return said


def _uses(element: Element, vocabulary: Vocabulary) -> list[str]:
    words: dict[str, tuple[str, ...]] = {label: (use,) for use, label in vocabulary.rsl.items()}
    words[vocabulary.rsl_all] = tuple(vocabulary.rsl)
    words["ai-all"] = tuple(use for use in vocabulary.rsl if use != "search")
    return [use for token in (element.text or "").lower().split() for use in words.get(token, ())]


def policy_flaws(body: bytes) -> list[str]:
    """Say what keeps a policy from being an ODRL offer in the TDMRep profile, one sentence each."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ["it is no JSON"]
    if not isinstance(found, dict):
        return ["it is no JSON object"]
    contexts = found.get("@context")
    contexts = contexts if isinstance(contexts, list) else [contexts]
    flaws = [
        f"@context does not name {wanted}"
        for wanted in ("http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld")
        if wanted not in contexts
    ]
    if found.get("@type") != "Offer":
        flaws.append('@type is not "Offer"')
    if found.get("profile") != "http://www.w3.org/ns/tdmrep":
        flaws.append("profile is not http://www.w3.org/ns/tdmrep")
    if not isinstance(found.get("uid"), str):
        flaws.append("uid is missing")
    if not isinstance(found.get("assigner"), dict):
        flaws.append("assigner is missing")
    permissions = found.get("permission")
    if not isinstance(permissions, list) or not all(
        isinstance(entry, dict) and entry.get("action") == "tdm:mine" for entry in permissions
    ):
        flaws.append("permission is no list of the action tdm:mine")
    return flaws
