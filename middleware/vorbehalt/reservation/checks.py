"""Terms that would contradict themselves, found before anything is served."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import combinations
from urllib.parse import urlsplit

from vorbehalt.reservation.path_pattern import PathPattern, document_form
from vorbehalt.reservation.scopes import by_path, is_everywhere
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Uses

_ORIGIN = re.compile(
    r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)
_MAIL = re.compile(r"mailto:[^@\s]+@[^@\s]+", re.IGNORECASE)
_DOCUMENT_PATH = re.compile(r"/[A-Za-z0-9._~!&'()+,;=:@/-]*")


def problems(terms: Terms) -> list[str]:
    """Says what keeps these terms from being served, one sentence each; empty if they are sound."""
    return [*_texts(terms), *_addresses(terms), *_documents(terms), *_sections(terms), *_ambiguities(terms)]


def remarks(terms: Terms) -> list[str]:
    """Says where a channel cannot express the terms and the most restrictive reading is served instead."""
    found = [*_coarse("the site", terms.uses)]
    for section in terms.sections:
        found += _coarse(f"section {section.name!r}", section.uses)
    found += _by_media(terms)
    if terms.origin.startswith("http://"):
        found.append("RSL readers accept a licence document over https only, and the origin is http")
    return found


def _coarse(place: str, uses: Uses) -> Iterator[str]:
    if uses.tdm == "allow" and uses.reserves_mining:
        yield (
            f"{place}: tdm is allowed while training or ai_input is reserved; TDMRep knows mining as a whole"
            " only, so tdm-reservation says 1"
        )
    if uses.tdm == "reserve" and "allow" in (uses.training, uses.ai_input):
        yield (
            f"{place}: training or ai_input is allowed while tdm is reserved; TDMRep and robots.txt cannot"
            " make that exception, so both keep the place closed"
        )
    elif uses.training != uses.ai_input:
        yield (
            f"{place}: training and ai_input differ; robots.txt has one rule for all refused crawlers,"
            " so it stays closed to them"
        )


def _by_media(terms: Terms) -> Iterator[str]:
    for section in terms.sections:
        if section.media:
            everywhere = any(map(is_everywhere, section.paths))
            where = "everywhere" if everywhere else f"on {', '.join(section.paths)}"
            yield (
                f"section {section.name!r}: robots.txt, tdmrep.json and the licence document know no media"
                f" types, so they say the most restrictive {where}; the headers of each answer are exact"
            )


def _texts(terms: Terms) -> Iterator[str]:
    texts = {
        name: getattr(terms, name)
        for name in ("origin", "operator", "contact", "rightsholder", "policy_url", "licence_contact")
    }
    for name, text in [*texts.items(), *(("on_behalf_of", text) for text in terms.on_behalf_of)]:
        if _breaks_a_line(text):
            yield f"{name}: line breaks and control characters are not allowed: {text!r}"
    for section in terms.sections:
        for text in (section.name, *section.paths):
            if _breaks_a_line(text):
                yield (
                    f"section {section.name!r}: line breaks and control characters are not allowed: {text!r}"
                )


def _addresses(terms: Terms) -> Iterator[str]:
    if not _ORIGIN.fullmatch(terms.origin):
        yield (
            f"origin: {terms.origin!r} is not scheme and host alone, such as https://label.example"
            " (no path, no final slash, non-ASCII names in their xn-- form)"
        )
    for name, uri in (("contact", terms.contact), ("licence_contact", terms.licence_contact)):
        if uri and not _is_contact(uri):
            yield f"{name}: {uri!r} is not a URI like mailto:rights@label.example or https://label.example/rights"
    if terms.policy_url and not _is_web_address(terms.policy_url):
        yield f"policy_url: {terms.policy_url!r} is not an absolute https: or http: URL"
    if terms.may_license and not (terms.licence_contact or terms.contact):
        yield "may_license: a licence is offered, but neither licence_contact nor contact says whom to ask"


def _documents(terms: Terms) -> Iterator[str]:
    names = ("robots_path", "tdmrep_path", "tdm_policy_path", "rsl_path", "page_path")
    seen: dict[str, str] = {}
    for name in names:
        path = getattr(terms, name)
        if not _DOCUMENT_PATH.fullmatch(path) or _is_folded(path):
            yield f"{name}: {path!r} is not a plain absolute path"
        if path in seen:
            yield f"{name}: {path!r} is the path of {seen[path]} too"
        seen[path] = name


def _sections(terms: Terms) -> Iterator[str]:
    names: set[str] = set()
    for section in terms.sections:
        if not section.name:
            yield "section: a name is missing"
        if section.name in names:
            yield f"section {section.name!r}: the name is given twice"
        names.add(section.name)
        if not section.paths:
            yield f"section {section.name!r}: no paths are given"
        for path in section.paths:
            reason = _unusable(path, bool(section.media))
            if reason:
                yield f"section {section.name!r}: {path!r} {reason}"


def _unusable(path: str, for_some_media: bool) -> str:
    """Why a pattern would mean different things to different readers; empty if it does not."""
    if not path.startswith("/"):
        return "does not begin with a slash"
    if path.rstrip("*$") == "/" and not path.startswith("/$") and not for_some_media:
        return "is the whole site: set its uses in [reservation]"
    if "?" in path or "#" in path:
        return "has a query or fragment, and a section is a matter of the path"
    if "$" in path[:-1]:
        return "has a $ before its end, which readers take differently: write %24 for the character"
    if _is_folded(path):
        return "has a // or a dot segment, which no request keeps"
    return ""


def _ambiguities(terms: Terms) -> Iterator[str]:
    narrowed = {section.name for section in terms.sections if section.media}
    patterns = [
        (section, path, PathPattern.of(document_form(path)))
        for section in by_path(terms).sections
        for path in section.paths
    ]
    for (one, path, pattern), (two, other_path, other) in combinations(patterns, 2):
        if one.uses == two.uses or not pattern.overlaps(other):
            continue
        if pattern.text == other.text and (one.name in narrowed) != (two.name in narrowed):
            # Whoever reads both lines takes the more restrictive, which is that of the one for some media.
            continue
        if (
            _order(pattern.priority, other.priority)
            != _order(pattern.longest_spelling, other.longest_spelling)
            or pattern.priority == other.priority
        ):
            yield (
                f"sections {one.name!r} and {two.name!r}: {path!r} and {other_path!r} match the same paths"
                " and neither is the longer one for every reader: make one of them more specific"
            )


def _order(one: int, two: int) -> int:
    return (one > two) - (one < two)


def _is_folded(path: str) -> bool:
    return "//" in path or any(segment.rstrip("$") in (".", "..") for segment in path.split("/"))


def _is_contact(uri: str) -> bool:
    return bool(_MAIL.fullmatch(uri)) or (uri.lower().startswith("https:") and _is_web_address(uri))


def _is_web_address(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s<>\"]", uri)
    except ValueError:
        return False


def _breaks_a_line(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)
