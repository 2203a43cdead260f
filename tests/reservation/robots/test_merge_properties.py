"""What the merge with a site's robots.txt never changes, judged by readers that were not written here."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from terms_support import Terms
from vorbehalt.reservation.robots.merge import merge
from vorbehalt.reservation.robots.said import what_robots_said
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Stance, Uses

Reader = Callable[[bytes, str, str], bool]

OPEN = Uses("allow", "allow", "allow", "allow")
TERMS = Terms("https://label.example", "Label Example GmbH", "mailto:licensing@label.example")
REFUSED = ("GPTBot", "ClaudeBot", "Google-Extended")
OTHERS = ("Googlebot", "Bingbot", "OAI-SearchBot", "somebody")

agents = st.sampled_from([*REFUSED, *OTHERS, "*", "gptbot/1.0", "", "* all", "Bingbot"])
rule_paths = st.text("ab/*$.", max_size=6).map(lambda text: "/" + text)
lines = st.one_of(
    agents.map(lambda agent: f"User-agent: {agent}"),
    st.tuples(st.sampled_from(["Allow", "Disallow", "disalow"]), rule_paths).map(": ".join),
    st.sampled_from(
        [
            "Disallow:",
            "Disallow: /",
            "Allow: /",
            "Crawl-delay: 3",
            "Sitemap: https://label.example/s.xml",
            "# note",
            "",
            "Allow: /a/index.html",
            "Content-Signal: ai-train=yes",
            "Content-Usage: train-ai=y",
        ]
    ),
)
files = st.tuples(st.lists(lines, max_size=14), st.sampled_from(["\n", "\r\n", "\r"])).map(
    lambda parts: parts[1].join(parts[0]).encode()
)
paths = st.text("ab/.", max_size=7).map(lambda text: "/" + text)
stances: st.SearchStrategy[Stance] = st.sampled_from(["allow", "reserve"])
uses = st.one_of(st.just(OPEN), st.builds(Uses, stances, stances, stances, stances))
# One of the readers takes what follows `//` for a host.
section_paths = st.from_regex(r"/[ab]{0,2}(\*[ab])?/?\$?", fullmatch=True).filter(
    lambda path: not path.startswith("//")
)
sections = st.lists(st.tuples(section_paths, uses), max_size=3).map(
    lambda found: tuple(
        Section(f"s{number}", (path,), section_uses) for number, (path, section_uses) in enumerate(found)
    )
)
terms_of_all_kinds = st.builds(
    lambda rest, parts: Terms("https://label.example", uses=rest, sections=parts), uses, sections
)


@settings(max_examples=300)
@given(files, st.lists(paths, min_size=1, max_size=4), terms_of_all_kinds)
@example(b"User-agent: Bingbot\nCrawl-delay: 3\nUser-agent: GPTBot\nDisallow: /a", ["/a"], TERMS)
@example(b"User-agent: Bingbot", ["/a"], TERMS)
@example(b"Allow: /\nUser-agent: *\nDisallow: /", ["/a"], TERMS)
def test_nothing_changes_for_a_crawler_that_is_not_refused(
    reader: Reader, body: bytes, paths: list[str], terms: Terms
) -> None:
    merged = merge(terms, body, REFUSED, OTHERS).body
    for token in (*OTHERS, "unheard-of"):
        for path in paths:
            assert reader(merged, token, path) is reader(body, token, path), (token, path, merged.decode())


@settings(max_examples=200)
@given(files, paths)
@example(b"User-agent: GPTBot\nAllow: /\n\nAllow: /a", "/a")
@example(b"Allow: /\nAllow: /a", "/a")
def test_everything_is_closed_to_a_refused_crawler(reader: Reader, body: bytes, path: str) -> None:
    merged = merge(TERMS, body, REFUSED, OTHERS).body
    assert [token for token in REFUSED if reader(merged, token, path)] == []


@settings(max_examples=400)
@given(files, paths, terms_of_all_kinds)
@example(b"User-agent: *\nDisallow: /*.a", "/a/b.a", Terms("", sections=(Section("open", ("/a/",), OPEN),)))
@example(b"User-agent: *\nDisallow: /a", "/a/b", Terms("", sections=(Section("open", ("/a/b",), OPEN),)))
@example(b"User-agent: *\nDisallow: /a", "/a/b", Terms("", uses=OPEN))
def test_a_refused_crawler_gets_only_what_is_open_and_was_open_before(
    reader: Reader, body: bytes, path: str, terms: Terms
) -> None:
    merged = merge(terms, body, REFUSED, OTHERS).body
    section = SectionIndex(terms).find(path)
    here = next((part.uses for part in terms.sections if part.name == section), terms.uses)
    for token in REFUSED:
        if reader(merged, token, path):
            assert here.is_open, merged.decode()
            assert reader(body, token, path), merged.decode()


@given(paths)
def test_our_own_matcher_agrees_about_the_merged_file(path: str) -> None:
    merged = merge(TERMS, b"User-agent: *\nDisallow: /a", REFUSED).body
    said = what_robots_said(merged, ("GPTBot",), path.encode())
    assert (said.allowed, said.line, said.agent) == (False, "Disallow: /", "GPTBot")
