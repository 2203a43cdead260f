"""No rendered set permits a reserved use in any channel, judged by readers that were not written here."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from channel_readers import everything_permitted, permitted_by_headers
from terms_support import Terms
from vorbehalt.facts import Headers
from vorbehalt.reservation import checks
from vorbehalt.reservation.bundle import Bundle, place, render
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import USES, Stance, Use, Uses

Reader = Callable[[bytes, str, str], bool]

TRAINERS = ("GPTBot", "Google-Extended")
INDEXES = ("OAI-SearchBot",)
ENGINES = ("Googlebot", "Bingbot")
MEDIA = ("audio/mpeg", "image/png", "text/html; charset=utf-8", "")

stances: st.SearchStrategy[Stance] = st.sampled_from(get_args(Stance))
uses = st.one_of(st.just(Uses("allow", "allow", "allow", "allow")), st.builds(Uses, *[stances] * 4))
section_paths = st.from_regex(r"/[ab]{0,2}(\*[ab])?/?\$?", fullmatch=True)
media = st.lists(st.sampled_from(["audio/*", "image/png", "text/html"]), max_size=2, unique=True).map(tuple)
sections = st.lists(st.tuples(st.lists(section_paths, min_size=1, max_size=2), uses, media), max_size=4).map(
    lambda found: tuple(
        Section(f"s{number}", tuple(paths), own, media=types)
        for number, (paths, own, types) in enumerate(found)
    )
)
all_terms = st.builds(
    lambda rest, parts, offers: Terms(
        "https://label.example",
        "Label Example GmbH",
        "mailto:licensing@label.example",
        uses=rest,
        sections=parts,
        may_license=offers,
        licence_contact="https://label.example/licence",
    ),
    uses,
    sections,
    st.booleans(),
)
paths = st.text("ab/.", max_size=6).map(lambda text: "/" + text)
lines = st.lists(
    st.sampled_from(
        [
            "User-agent: *",
            "User-agent: GPTBot",
            "User-agent: Googlebot",
            "Allow: /",
            "Disallow: /a",
            "Allow: /a/b",
            "Content-Signal: ai-train=yes, search=yes",
            "Content-Usage: train-ai=y",
            "Content-Usage: /a train-ai=y, search=y",
            "Content-Usage: /*b\ttrain-ai=y, ai-use=y",
            "Content-Signal: /a ai-train=yes",
        ]
    ),
    max_size=8,
).map(lambda found: "\n".join(found).encode())


def rendered(terms: Terms, site: bytes | None = None) -> Bundle:
    refused = [
        *(TRAINERS if any(part.training == "reserve" for part in terms.all_uses) else ()),
        *(INDEXES if any(part.search == "reserve" for part in terms.all_uses) else ()),
    ]
    return render(terms, site, refused, ENGINES)


def reserved(terms: Terms, path: str, content_type: str) -> tuple[Headers, set[Use]]:
    """The headers of an answer, and what is reserved for it by the plain reading of the terms."""
    index = SectionIndex(terms)
    headers = [(b"content-type", content_type.encode())] if content_type else []
    found = place(rendered(terms), index.find(path), index.refinements(path)).for_answer(headers)
    return found.headers, {use for use in USES if in_words(terms, path, content_type).of(use) == "reserve"}


def in_words(terms: Terms, path: str, content_type: str) -> Uses:
    """Longest pattern first, a section for some media before one for all, the rest at the end."""
    kind = content_type.partition(";")[0]
    candidates = sorted(
        (
            (
                -PathPattern.of_decoded(pattern).priority,
                not section.media,
                -section.uses.reserved_count,
                number,
            )
            for number, section in enumerate(terms.sections)
            for pattern in section.paths
            if PathPattern.of_decoded(pattern).matches(path)
        ),
    )
    unseen: list[Uses] = []
    for *_, number in candidates:
        section = terms.sections[number]
        if not section.media or (kind and any(covers(one, kind) for one in section.media)):
            return section.uses if kind or not unseen else combine([*unseen, section.uses])
        unseen += [] if kind else [section.uses]
    return combine([*unseen, terms.uses])


def covers(media_type: str, kind: str) -> bool:
    return media_type == kind or (media_type.endswith("/*") and kind.startswith(media_type[:-1]))


def combine(found: list[Uses]) -> Uses:
    return Uses(*("reserve" if "reserve" in {one.of(use) for one in found} else "allow" for use in USES))


AUDIO = Section("audio", ("/",), Uses(search="reserve"), media=("audio/*",))
OPEN = Section("open", ("/a",), Uses("allow", "allow", "allow", "allow"))
PART = Terms("https://label.example", uses=OPEN.uses, sections=(Section("part", ("/a",), Uses()),))
NARROW = Section("narrow", ("/a", "/ab"), Uses(search="reserve"), media=("audio/*",))


@settings(max_examples=400, deadline=None)
@given(all_terms, paths)
@example(Terms("https://label.example", sections=(AUDIO, OPEN)), "/a")
@example(Terms("https://label.example", uses=OPEN.uses, sections=(NARROW,)), "/ab")
def test_no_header_permits_what_is_reserved(terms: Terms, path: str) -> None:
    for content_type in MEDIA:
        headers, here = reserved(terms, path, content_type)
        for name, permitted in permitted_by_headers(headers).items():
            assert permitted & here == set(), (name, path, content_type)
        if "training" in here:
            assert (b"x-robots-tag", b"noai, noimageai") in headers


@settings(max_examples=400, deadline=None)
@given(all_terms, paths, st.one_of(st.none(), lines))
@example(Terms("https://label.example", uses=OPEN.uses, sections=(AUDIO, OPEN)), "/b", None)
@example(Terms("https://label.example", uses=OPEN.uses, sections=(NARROW, OPEN)), "/ab", None)
@example(PART, "/a", b"Content-Usage: train-ai=y")
@example(PART, "/a", b"User-agent: x\nContent-Signal: ai-train=yes")
@example(PART, "/ab", b"User-agent: x\nContent-Usage: /*b\ttrain-ai=y")
def test_no_file_permits_what_is_reserved_for_any_media(terms: Terms, path: str, site: bytes | None) -> None:
    assume(not checks.problems(terms))
    bundle = rendered(terms, site)
    for content_type in MEDIA[:3]:
        _, here = reserved(terms, path, content_type)
        for channel, permitted in everything_permitted(bundle, path).items():
            assert permitted & here == set(), (channel, path, content_type)


@settings(max_examples=300, deadline=None)
@given(all_terms, paths, st.one_of(st.none(), lines))
@example(Terms("https://label.example", uses=OPEN.uses, sections=(NARROW,)), "/ab", None)
def test_robots_lets_nobody_in_for_a_reserved_use_and_search_engines_as_before(
    reader: Reader, terms: Terms, path: str, site: bytes | None
) -> None:
    assume(not checks.problems(terms))
    body = rendered(terms, site).documents["/robots.txt"].body
    here = set().union(*(reserved(terms, path, content_type)[1] for content_type in MEDIA[:3]))
    for token, use in [
        *((token, "training") for token in TRAINERS),
        *((token, "search") for token in INDEXES),
    ]:
        if use in here:
            assert not reader(body, token, path), (token, body.decode())
    for token in ENGINES:
        assert reader(body, token, path) is reader(site or b"", token, path), (token, body.decode())
