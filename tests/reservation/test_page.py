"""The page for people: what it says in each language, its structure, and no way in for markup."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vorbehalt.reservation import page
from vorbehalt.reservation.page_languages import PAGE_WORDS
from vorbehalt.reservation.terms import Capacity, Section, Stance, Terms, Uses
from vorbehalt.reservation.wording import default_language

TERMS = Terms("https://label.example", "Label Example GmbH", "mailto:licensing@label.example")
OPEN = Uses("allow", "allow", "allow", "allow")
EVERYTHING = Uses(search="reserve")
PRESS = Section("press", ("/press/", "/presse/"), OPEN)
FIELDS = list(type(PAGE_WORDS["en"]).__dataclass_fields__)
STANCES: list[Stance] = ["allow", "reserve"]
HOSTILE = '"></bdi><script>alert(1)</script>\x00\x1b[2J\n\u202eevil'


class Page:
    """A page as a browser reads it; parsing is strict, so anything that is no HTML raises."""

    def __init__(self, terms: Terms, language: str = "en", *, is_static: bool = False) -> None:
        self.text_of_file = page.render(terms, language, is_static=is_static).decode()
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        self.root: Element = parser.parse(self.text_of_file)

    def all(self, tag: str) -> list[Element]:
        return list(self.root.iter(tag))

    @property
    def text(self) -> str:
        return _text(self.all("body")[0])

    @property
    def links(self) -> list[str]:
        return [link.get("href", "") for link in self.all("a")]

    def part(self, name: str) -> str:
        (found,) = [section for section in self.all("section") if section.get("data-part") == name]
        return _text(found)

    def tables(self) -> list[list[tuple[str, str]]]:
        return [
            [(_text(row[0]), _text(row[1])) for row in table.iter("tr")][1:] for table in self.all("table")
        ]


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).replace("\u00ad", "").replace("\u00a0", " ").split())


VARIETY = {
    "default": TERMS,
    "everything": replace(TERMS, uses=EVERYTHING),
    "nothing": replace(TERMS, uses=OPEN),
    "press": replace(TERMS, sections=(PRESS,)),
    "parts-only": replace(TERMS, uses=OPEN, sections=(Section("lyrics", ("/lyrics/",), Uses()),)),
    "licensee": replace(
        TERMS,
        capacity="licensee",
        on_behalf_of=("Ann Beispiel", "فرقة الموسيقى", "Ben Muster"),
        licence_contact="https://label.example/licence",
        may_license=True,
        policy_url="https://label.example/terms",
    ),
    "nobody-named": Terms("https://label.example"),
    "hostile": Terms(
        "https://label.example",
        HOSTILE,
        f"https://x.example/{HOSTILE}",
        rightsholder=HOSTILE,
        policy_url=HOSTILE,
        capacity="licensee",
        on_behalf_of=(HOSTILE,),
        sections=(Section(HOSTILE, ("/" + HOSTILE,), Uses()),),
    ),
    "many": replace(
        TERMS,
        sections=tuple(Section(f"part-{n}", (f"/part-{n}/",), (OPEN, EVERYTHING)[n % 2]) for n in range(200)),
    ),
}


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


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "text and data mining of any kind",
                "training of AI models",
                "Reserved by Label Example GmbH for its own rights, including database rights.",
                "Article 4(3) of Directive (EU) 2019/790",
                "section 44b(3) of the Copyright Act (UrhG)",
                "Article L. 122-5-3, III",
                "does not affect text and data mining for scientific research under Article 3",
                "section 60d UrhG",
                "grants no licence and is no consent",
                "It is no licence either",
                "Use under a contract or a written permission is another matter",
                "you may read this site, link to it, and quote",
            ],
        ),
        (
            "de",
            [
                "Text und Data Mining jeder Art",
                "Den Vorbehalt erklärt Label Example GmbH für die eigenen Rechte",
                "Artikel 4 Absatz 3 der Richtlinie (EU) 2019/790",
                "§ 44b Absatz 3 UrhG",
                "Zwecke der wissenschaftlichen Forschung nach Artikel 3 der Richtlinie (§ 60d UrhG",
                "keine Lizenz und keine Einwilligung",
                "Für Menschen ändert sich nichts",
            ],
        ),
        (
            "fr",
            [
                "la fouille de textes et de données de toute nature",
                "La réserve est déclarée par Label Example GmbH pour ses propres droits",
                "l'article 4, paragraphe 3, de la directive (UE) 2019/790",
                "l'article L. 122-5-3, III, du code de la propriété intellectuelle",
                "recherche scientifique au titre de l'article 3 de la directive",
                "n'accorde aucune licence et ne vaut pas consentement",
                "Rien ne change pour les personnes",
            ],
        ),
    ],
)
def test_the_page_says_what_is_reserved_by_whom_on_what_basis_and_what_allow_is_not(
    language: str, said: list[str]
) -> None:
    seen = Page(TERMS, language)
    assert [part for part in said if part not in seen.text] == []
    assert "mailto:licensing@label.example" in seen.links


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
    assert [_text(span) for span in nav.iter("span")] == [PAGE_WORDS[language].language]
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


@pytest.mark.parametrize(
    ("uses", "stances"),
    [
        (Uses(), ["open", "reserved", "reserved", "reserved"]),
        (EVERYTHING, ["reserved", "reserved", "reserved", "reserved"]),
        (OPEN, ["open", "open", "open", "open"]),
        (
            Uses(training="allow"),
            ["open", "reserved", "open", "reserved, except for the training of AI models"],
        ),
        (
            Uses(tdm="allow", training="allow"),
            ["open", "reserved", "open", "open, except for input to AI systems"],
        ),
        (
            Uses(training="allow", ai_input="allow"),
            [
                "open",
                "open",
                "open",
                "reserved, except for the training of AI models, except for input to AI systems",
            ],
        ),
    ],
)
def test_the_table_says_use_by_use_what_is_reserved_and_what_is_open(uses: Uses, stances: list[str]) -> None:
    (table,) = Page(replace(TERMS, uses=uses)).tables()
    words = PAGE_WORDS["en"]
    assert table == list(zip((words.search, words.ai_input, words.training, words.tdm), stances, strict=True))


@pytest.mark.parametrize("choice", list(product(STANCES, repeat=4)), ids=str)
def test_the_declaration_and_the_table_agree(choice: tuple[Stance, Stance, Stance, Stance]) -> None:
    seen = Page(replace(TERMS, uses=Uses(*choice)))
    (table,) = seen.tables()
    declared = seen.part("declaration")
    for (use, stance), of in zip(
        table, ("indexing for", "input to AI", "training of AI", "text and data mining of"), strict=True
    ):
        listed = [_text(item) for item in seen.all("li") if _text(item).startswith(of)]
        assert bool(listed) == stance.startswith("reserved"), use
    assert ("beyond what the law itself reserves" in declared) == (set(choice) == {"allow"})
    assert ("Reserved by" in declared) == (set(choice) != {"allow"})


def test_parts_are_named_with_their_addresses_and_parts_alike_share_a_table() -> None:
    demo = Section("demo", ("/demo/*.mp3$",), Uses(training="allow"))
    other = Section("blog", ("/blog/",), OPEN)
    seen = Page(replace(TERMS, sections=(PRESS, demo, other)))
    assert [_text(e) for e in seen.all("h3")] == [
        "The rest of the site",
        "2 parts with the same terms",
        "The part “demo”",
    ]
    assert [[stance for _, stance in table] for table in seen.tables()] == [
        ["open", "reserved", "reserved", "reserved"],
        ["open", "open", "open", "open"],
        ["open", "reserved", "open", "reserved, except for the training of AI models"],
    ]
    assert "press: /press/, /presse/" in seen.part("parts")
    assert "unless this page says otherwise for a part of it" in seen.part("declaration")
    assert Page(TERMS).part("parts").startswith("Use by use The whole site")


def test_a_reservation_of_parts_alone_is_still_declared_by_somebody() -> None:
    declared = Page(VARIETY["parts-only"]).part("declaration")
    assert "Nothing is reserved for this site as a whole." in declared
    assert "Reserved by Label Example GmbH" in declared


def test_where_nothing_is_reserved_the_page_says_so_and_claims_no_legal_basis() -> None:
    seen = Page(VARIETY["nothing"])
    assert "Nothing is reserved on this site beyond what the law itself reserves." in seen.text
    assert "No reservation under Article 4(3)" in seen.part("legal-basis")
    assert "Ask for permission before" not in seen.text
    assert "/.well-known/tdm-policy.json" not in seen.links


def test_a_reserved_search_alone_is_no_reservation_of_mining() -> None:
    seen = Page(replace(TERMS, uses=Uses("reserve", "allow", "allow", "allow")))
    assert "Article 4(3)" not in seen.part("legal-basis")
    assert "needs permission as far as copyright" in seen.part("legal-basis")


@pytest.mark.parametrize(
    ("capacity", "language", "said"),
    [
        ("licensee", "en", "and as licensee, where so entitled, on behalf of Ann, Ben."),
        ("mandated", "en", "and under mandate, where so entitled, on behalf of Ann, Ben."),
        ("licensee", "de", "sowie als Lizenznehmer, soweit dazu berechtigt, für Ann, Ben."),
        ("mandated", "fr", "et en vertu d'un mandat, dans la mesure de ses pouvoirs, pour Ann, Ben."),
    ],
)
def test_who_speaks_for_others_says_in_which_capacity(capacity: Capacity, language: str, said: str) -> None:
    terms = Terms("https://label.example", "Agency", capacity=capacity, on_behalf_of=("Ann", "Ben"))
    assert said in Page(terms, language).part("declaration")


def test_unnamed_rightsholders_are_spoken_for_as_such() -> None:
    nobody = Terms("https://label.example", "Agency", capacity="mandated")
    assert "on behalf of the rightsholders of the works shown" in Page(nobody).text


def test_the_licence_contact_appears_only_with_may_license() -> None:
    def links(may_license: bool) -> list[str]:
        return Page(replace(TERMS, licence_contact="mailto:licence@x.example", may_license=may_license)).links

    assert "mailto:licence@x.example" in links(True)
    assert "mailto:licence@x.example" not in links(False)


def test_where_nobody_is_named_that_is_said_and_the_sites_own_terms_are_linked() -> None:
    assert "No contact has been named." in Page(VARIETY["nobody-named"]).part("contacts")
    assert "No contact has been named." not in Page(TERMS).text
    assert "https://label.example/terms" in Page(VARIETY["licensee"]).links


@pytest.mark.parametrize("name", ["default", "licensee"])
def test_every_address_can_be_read_without_following_the_link(name: str) -> None:
    seen = Page(VARIETY[name])
    (nav,) = seen.all("nav")
    for link in set(seen.all("a")) - set(nav.iter("a")):
        target = link.get("href", "").removeprefix("mailto:")
        assert _text(link) == (f"https://label.example{target}" if target.startswith("/") else target)


def test_machines_find_the_same_where_the_page_says() -> None:
    seen = Page(TERMS)
    assert [link for link in seen.links if link.startswith("/")] == [
        "/robots.txt",
        "/.well-known/tdmrep.json",
        "/.well-known/tdm-policy.json",
        "/license.xml",
        "/ai-policy",
    ]
    assert "tdm-reservation, tdm-policy, Content-Usage, X-Robots-Tag, Link" in seen.part("machines")


def test_forms_that_cannot_make_a_distinction_are_said_to_be_stricter() -> None:
    assert "stricter value" not in Page(TERMS).text
    assert "stricter value" not in Page(VARIETY["nothing"]).text
    assert "stricter value" in Page(replace(TERMS, uses=Uses(training="allow"))).text


@pytest.mark.parametrize("contact", ["javascript:alert(1)", "data:text/html,x", "someone"])
def test_only_mail_and_web_addresses_become_links(contact: str) -> None:
    seen = Page(replace(TERMS, contact=contact, policy_url=contact))
    assert contact in seen.text
    assert contact not in seen.links


@pytest.mark.parametrize("language", page.LANGUAGES)
def test_markup_and_control_characters_in_the_terms_stay_harmless_text(language: str) -> None:
    seen = Page(VARIETY["hostile"], language)
    assert "<script>" in seen.text
    assert not {"\x00", "\x1b", "\u202e"} & set(seen.text_of_file)
    assert '"></bdi><script>alert(1)</script> [2J evil' in [_text(bdi) for bdi in seen.all("bdi")]


def test_a_name_keeps_its_own_writing_direction() -> None:
    assert "فرقة الموسيقى" in [_text(bdi) for bdi in Page(VARIETY["licensee"]).all("bdi")]


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
