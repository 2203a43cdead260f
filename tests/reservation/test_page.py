"""The page for people: structure, languages, and no way in for markup."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

import pytest

from terms_support import Terms
from vorbehalt.reservation import page
from vorbehalt.reservation.terms import Section, Uses

VOID = {"meta", "link", "br"}


class Outline(HTMLParser):
    """Collects what stands on the page and checks that elements close in order."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.languages: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(body.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag in ("html", "article"):
            self.languages.append(given.get("lang") or "")
        if tag == "a":
            self.links.append(given.get("href") or "")
        assert tag != "script"
        assert not [name for name in given if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(terms: Terms) -> Outline:
    return Outline(page.render(terms))


TERMS = Terms("https://label.example", "Label Example GmbH", "mailto:licensing@label.example")


def test_the_page_says_what_is_reserved_by_whom_on_what_basis_and_whom_to_ask() -> None:
    seen = outline(TERMS)
    for part in (
        "text and data mining of any kind",
        "training of AI models",
        "Label Example GmbH",
        "Article 4(3) of Directive (EU) 2019/790",
        "44b(3)",
        "grants no licence",
    ):
        assert part in seen.text
    assert "mailto:licensing@label.example" in seen.links


def test_headings_go_down_step_by_step() -> None:
    seen = outline(Terms("https://label.example", languages=("en", "de")))
    assert seen.headings[0] == "h1"
    assert seen.headings.count("h1") == 1
    levels = [int(heading[1]) for heading in seen.headings]
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        (("en",), ["en", "en"]),
        (("de",), ["de", "de"]),
        (("de-AT", "en"), ["de", "de", "en"]),
        (("fr",), ["en", "en"]),
        (("en", "EN", "de"), ["en", "en", "de"]),
        ((), ["en", "en"]),
    ],
)
def test_the_languages_asked_for_are_spoken_in_that_order(asked: tuple[str, ...], spoken: list[str]) -> None:
    assert outline(Terms("https://label.example", languages=asked)).languages == spoken


def test_german_speaks_german() -> None:
    seen = outline(Terms("https://label.example", languages=("de",)))
    assert "§ 44b Absatz 3 UrhG" in seen.text
    assert "reserved" not in seen.text


@pytest.mark.parametrize("contact", ["javascript:alert(1)", "data:text/html,x", "someone"])
def test_only_mail_and_web_addresses_become_links(contact: str) -> None:
    seen = outline(Terms("https://label.example", contact=contact))
    assert contact in seen.text
    assert contact not in seen.links


def test_markup_in_the_terms_stays_text() -> None:
    nasty = '"><script>alert(1)</script>'
    seen = outline(
        Terms(
            "https://label.example",
            nasty,
            f"https://x.example/{nasty}",
            rightsholder=nasty,
            policy_url=nasty,
            capacity="licensee",
            on_behalf_of=(nasty,),
            sections=(Section(nasty, ("/" + nasty,), Uses()),),
        )
    )
    assert "<script>" in seen.text


def test_a_licensee_speaks_for_those_it_may_speak_for() -> None:
    terms = Terms("https://label.example", "Agency", capacity="licensee", on_behalf_of=("Ann", "Ben"))
    assert "as licensee, where so entitled, on behalf of Ann, Ben" in outline(terms).text
    nobody = Terms("https://label.example", "Agency", capacity="mandated")
    assert "under mandate, where so entitled, on behalf of the rightsholders" in outline(nobody).text


def test_an_open_section_is_said_to_be_open() -> None:
    terms = Terms(
        "https://label.example",
        sections=(Section("press", ("/press/",), Uses("allow", "allow", "allow", "allow")),),
    )
    seen = outline(terms)
    assert "/press/" in seen.text
    assert "Nothing is reserved for this part." in seen.text


def test_what_is_excepted_from_mining_is_said() -> None:
    seen = outline(Terms("https://label.example", uses=Uses(training="allow", ai_input="allow")))
    assert "of any other kind than: training of AI models" in seen.text
    assert "; training" not in seen.text


def test_the_licence_contact_appears_only_with_may_license() -> None:
    def links(may_license: bool) -> list[str]:
        return outline(
            Terms(
                "https://label.example", licence_contact="mailto:licence@x.example", may_license=may_license
            )
        ).links

    assert "mailto:licence@x.example" in links(True)
    assert "mailto:licence@x.example" not in links(False)
