"""Terms that contradict themselves are found, sound ones are not troubled."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms_support import Terms
from vorbehalt.reservation.checks import problems, remarks
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

OPEN = Uses("allow", "allow", "allow", "allow")
SOUND = Terms(
    "https://label.example",
    "Läbel Example GmbH & Co. KG",
    "mailto:licensing@label.example",
    sections=(
        Section("press", ("/press/", "/presse/*.zip$"), OPEN),
        Section("embargo", ("/press/embargo/",), Uses()),
        Section("front", ("/$",), OPEN),
    ),
    policy_url="https://label.example/terms?x=1",
)


@pytest.mark.parametrize(
    "terms",
    [
        SOUND,
        Terms("http://127.0.0.1:8000"),
        Terms("https://[2001:db8::1]"),
        Terms("https://xn--lbel-moa.example:8443", contact="https://label.example/rights"),
    ],
    ids=lambda terms: terms.origin,
)
def test_sound_terms_have_no_problems(terms: Terms) -> None:
    assert problems(terms) == []


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "label.example",
        "https://label.example/",
        "https://a.example/x",
        "ftp://a.example",
        "https://ä.example",
        "https://a@b.example",
        "https://a.example?x",
        "https://a.example\n",
        "https://",
        "https://a b",
    ],
)
def test_an_origin_that_is_no_origin_is_a_problem(origin: str) -> None:
    assert any(problem.startswith("origin") for problem in problems(replace(SOUND, origin=origin)))


@pytest.mark.parametrize(
    "contact",
    [
        "licensing@label.example",
        "mailto:nobody",
        "http://x.example",
        "https:///x",
        "x",
        "mailto:a@b c",
        "https://[",
        'https://a.example/">',
    ],
)
@pytest.mark.parametrize("name", ["contact", "licence_contact"])
def test_a_contact_that_is_no_uri_is_a_problem(name: str, contact: str) -> None:
    changes: dict[str, str] = {name: contact}
    assert any(problem.startswith(name) for problem in problems(replace(SOUND, **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["operator", "contact", "rightsholder", "policy_url", "licence_contact", "origin"]
)
@pytest.mark.parametrize("character", ["\n", "\r", "\x00", "\x85", "\u2028", "\x1b"])
def test_control_characters_are_a_problem(name: str, character: str) -> None:
    changes: dict[str, str] = {name: f"https://a{character}b"}
    found = problems(replace(SOUND, **changes))  # type: ignore[arg-type]
    assert any(problem.startswith(name) and "control" in problem for problem in found)


def test_control_characters_in_lists_are_a_problem() -> None:
    assert "on_behalf_of" in problems(replace(SOUND, on_behalf_of=("a\nb",)))[0]
    assert any("control" in p for p in problems(replace(SOUND, sections=(Section("a\nb", ("/a",), OPEN),))))
    assert any("control" in p for p in problems(replace(SOUND, sections=(Section("a", ("/a\n",), OPEN),))))


@pytest.mark.parametrize(
    "path",
    ["press/", "*.zip", "/", "/*", "/**", "/*$", "/a?b", "/a#b", "/a$b", "/a//b", "/a/../b", "/a/.", ""],
)
def test_a_pattern_that_readers_take_differently_is_a_problem(path: str) -> None:
    (problem,) = problems(replace(SOUND, sections=(Section("s", (path,), OPEN),)))
    assert problem.startswith("section 's'")


@pytest.mark.parametrize(
    ("one", "two", "ambiguous"),
    [
        ("/a*c/", "/ab*/", True),
        ("/same/", "/same/", True),
        ("/caf%C3%A9", "/café", True),
        ("/a/", "/b/", False),
        ("/a/", "/a/b/", False),
        ("/a,,,/", "/a*bcde", True),
        ("/a,,,/", "/a*bcdefghijk", False),
        ("/a,,", "/a*/b/", True),
    ],
)
def test_overlapping_patterns_without_a_common_order_are_a_problem(
    one: str, two: str, ambiguous: bool
) -> None:
    different = (Section("one", (one,), OPEN), Section("two", (two,), Uses()))
    assert bool(problems(replace(SOUND, sections=different))) is ambiguous
    same = (Section("one", (one,), OPEN), Section("two", (two,), OPEN))
    assert problems(replace(SOUND, sections=same)) == []


def test_sections_need_names_of_their_own_and_paths() -> None:
    twice = replace(SOUND, sections=(Section("a", ("/a",), OPEN), Section("a", ("/b",), OPEN)))
    assert "twice" in problems(twice)[0]
    assert "name is missing" in problems(replace(SOUND, sections=(Section("", ("/a",), OPEN),)))[0]
    assert "no paths" in problems(replace(SOUND, sections=(Section("a", (), OPEN),)))[0]


@pytest.mark.parametrize("path", ["robots.txt", "/a b", "/a?x", "/a//b", "/../a", "/ä", ""])
def test_a_document_path_must_be_plain(path: str) -> None:
    assert any(problem.startswith("rsl_path") for problem in problems(replace(SOUND, rsl_path=path)))


def test_two_documents_cannot_share_a_path() -> None:
    assert "is the path of robots_path too" in problems(replace(SOUND, page_path="/robots.txt"))[0]


def test_an_offer_needs_somebody_to_ask() -> None:
    offering = replace(SOUND, may_license=True)
    assert problems(offering) == []
    assert "may_license" in problems(replace(offering, contact=""))[0]


def test_a_policy_url_must_be_absolute() -> None:
    assert "policy_url" in problems(replace(SOUND, policy_url="/terms"))[0]


def test_a_coarse_channel_is_remarked_upon() -> None:
    assert remarks(SOUND) == []
    found = [
        remarks(replace(SOUND, uses=uses))
        for uses in (Uses(tdm="allow"), Uses(training="allow"), Uses(training="allow", tdm="allow"))
    ]
    assert [len(sentences) for sentences in found] == [1, 1, 2]
    assert "tdm-reservation says 1" in found[0][0]
    assert remarks(replace(SOUND, uses=OPEN)) == []
    assert len(remarks(Terms("http://label.example"))) == 1


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_judged_and_never_raises(origin: str, contact: str, path: str) -> None:
    terms = Terms(origin, contact=contact, sections=(Section(path, (path, "/" + path), Uses()),))
    problems(terms)
    remarks(terms)
