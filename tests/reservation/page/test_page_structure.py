"""The page for people: strict HTML, its languages and links, and no way in for markup."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from page_support import TERMS, VARIETY, Page, text_of
from terms_support import Terms
from vorbehalt.reservation import page
from vorbehalt.reservation.page.languages import PAGE_WORDS
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses
from vorbehalt.reservation.wording import default_language

FIELDS = list(type(PAGE_WORDS["en"]).__dataclass_fields__)


@pytest.mark.parametrize("language", page.LANGUAGES)
@pytest.mark.parametrize("name", VARIETY)
def test_every_variant_is_strict_html_with_landmarks_and_headings_in_order(name: str, language: str) -> None:
    seen = Page(VARIETY[name], language)
    assert seen.root.get("lang") == language
    for tag in ("header", "nav", "main", "footer", "h1", "title"):
        assert len(seen.all(tag)) == 1, tag
    levels = [int(e.tag[1]) for e in seen.root.iter() if e.tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert {cell.get("scope") for cell in seen.all("th")} == {"col", "row"}
    foreign = [e.tag for e in seen.root.iter() if e.tag in ("script", "img", "iframe", "object", "form")]
    assert foreign == []
    assert [e for e in seen.root.iter() for key in e.keys() if key.startswith("on")] == []  # noqa: SIM118


@pytest.mark.parametrize("language", page.LANGUAGES)
def test_no_language_borrows_a_sentence_of_another(language: str) -> None:
    # Short words may be the same in two languages, such as those for `open`; sentences are not.
    said = {getattr(PAGE_WORDS[language], f) for f in FIELDS if len(getattr(PAGE_WORDS[language], f)) > 40}
    for other in set(page.LANGUAGES) - {language}:
        assert said & {getattr(PAGE_WORDS[other], f) for f in FIELDS} == set()


@pytest.mark.parametrize("language", page.LANGUAGES)
def test_placeholders_of_sentences_are_the_same_in_every_language(language: str) -> None:
    for field in FIELDS:
        ours, english = getattr(PAGE_WORDS[language], field), getattr(PAGE_WORDS["en"], field)
        assert ours.count("{}") == english.count("{}"), field
        assert ours.strip() == ours, field
        assert ours, field


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        (("en",), "en"),
        (("de",), "de"),
        (("de-AT", "en"), "de"),
        (("fr",), "fr"),
        (("it", "FR-ch", "de"), "fr"),
        (("it",), "en"),
        (("den",), "en"),
        ((), "en"),
    ],
)
def test_the_default_is_the_first_language_of_the_site_that_we_speak(
    asked: tuple[str, ...], spoken: str
) -> None:
    assert default_language(replace(TERMS, languages=asked)) == spoken


@pytest.mark.parametrize("language", page.LANGUAGES)
def test_the_other_languages_are_linked_in_themselves(language: str) -> None:
    seen = Page(TERMS, language)
    (nav,) = seen.all("nav")
    found = {(a.get("hreflang"), a.get("lang"), a.get("href")) for a in nav.iter("a")}
    others = set(page.LANGUAGES) - {language}
    assert found == {(other, other, f"ai-policy?lang={other}") for other in others}
    assert [text_of(span) for span in nav.iter("span")] == [PAGE_WORDS[language].language]
    assert {link.get("hreflang"): link.get("href") for link in seen.all("link")} == {
        each: f"https://label.example/ai-policy?lang={each}" for each in page.LANGUAGES
    }


@pytest.mark.parametrize(
    ("path", "file", "link"),
    [
        ("/ai-policy", "/ai-policy.de.html", "ai-policy.de.html"),
        ("/terms/ai.html", "/terms/ai.de.html", "ai.de.html"),
        ("/ki/", "/ki.de.html", "ki.de.html"),
    ],
)
def test_static_files_link_to_one_another(path: str, file: str, link: str) -> None:
    terms = replace(TERMS, page_path=path)
    assert page.static_address(terms, "de") == file
    seen = Page(terms, "en", is_static=True)
    assert link in seen.links
    assert f"https://label.example{file}" in [e.get("href") for e in seen.all("link")]
    assert "?lang=" not in seen.text_of_file


@pytest.mark.parametrize("name", ["default", "licensee"])
def test_every_address_can_be_read_without_following_the_link(name: str) -> None:
    seen = Page(VARIETY[name])
    (nav,) = seen.all("nav")
    for link in set(seen.all("a")) - set(nav.iter("a")):
        target = link.get("href", "").removeprefix("mailto:")
        assert text_of(link) == (f"https://label.example{target}" if target.startswith("/") else target)


@pytest.mark.parametrize("contact", ["javascript:alert(1)", "data:text/html,x", "someone"])
def test_only_mail_and_web_addresses_become_links(contact: str) -> None:
    seen = Page(replace(TERMS, contact=contact, policy_url=contact))
    assert contact in seen.text
    assert contact not in seen.links


@pytest.mark.parametrize("language", page.LANGUAGES)
def test_markup_and_control_characters_in_the_terms_stay_harmlesstext_of(language: str) -> None:
    seen = Page(VARIETY["hostile"], language)
    assert "<script>" in seen.text
    assert not {"\x00", "\x1b", "\u202e"} & set(seen.text_of_file)
    assert '"></bdi><script>alert(1)</script> [2J evil' in [text_of(bdi) for bdi in seen.all("bdi")]


def test_a_name_keeps_its_own_writing_direction() -> None:
    assert "فرقة الموسيقى" in [text_of(bdi) for bdi in Page(VARIETY["licensee"]).all("bdi")]


@settings(max_examples=60)
@given(st.text(max_size=40), st.sampled_from(page.LANGUAGES))
def test_any_name_gives_a_page(text: str, language: str) -> None:
    Page(
        Terms(
            "https://label.example",
            text,
            text,
            capacity="mandated",
            on_behalf_of=(text,),
            policy_url=text,
            licence_contact=text,
            may_license=True,
            sections=(Section(text, ("/" + text,), Uses()),),
        ),
        language,
    )
