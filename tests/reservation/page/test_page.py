"""The page for people: what it says of the reservation, and to whom it sends those who ask."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from page_support import EVERYTHING, OPEN, PRESS, TERMS, VARIETY, Page, text_of
from terms_support import Terms
from vorbehalt.reservation.page.languages import PAGE_WORDS
from vorbehalt.reservation.terms import Capacity, Section
from vorbehalt.reservation.uses import Stance, Uses

STANCES: list[Stance] = ["allow", "reserve"]


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


@pytest.mark.parametrize(
    ("uses", "stances"),
    [
        (Uses(), ["open", "reserved", "reserved", "reserved"]),
        (EVERYTHING, ["reserved", "reserved", "reserved", "reserved"]),
        (OPEN, ["open", "open", "open", "open"]),
        (
            Uses(training="allow"),
            ["open", "reserved", "open", "reserved (except for the training of AI models)"],
        ),
        (
            Uses(tdm="allow", training="allow"),
            ["open", "reserved", "open", "open (except for input to AI systems)"],
        ),
        (
            Uses(training="allow", ai_input="allow"),
            [
                "open",
                "open",
                "open",
                "reserved (except for the training of AI models; except for input to AI systems)",
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
        listed = [text_of(item) for item in seen.all("li") if text_of(item).startswith(of)]
        assert bool(listed) == stance.startswith("reserved"), use
    assert ("beyond what the law itself reserves" in declared) == (set(choice) == {"allow"})
    assert ("Reserved by" in declared) == (set(choice) != {"allow"})


def test_parts_are_named_with_their_addresses_and_parts_alike_share_a_table() -> None:
    demo = Section("demo", ("/demo/*.mp3$",), Uses(training="allow"))
    other = Section("blog", ("/blog/",), OPEN)
    seen = Page(replace(TERMS, sections=(PRESS, demo, other)))
    assert [text_of(e) for e in seen.all("h3")] == [
        "The rest of the site",
        "2 parts with the same terms",
        "The part “demo”",
    ]
    assert [[stance for _, stance in table] for table in seen.tables()] == [
        ["open", "reserved", "reserved", "reserved"],
        ["open", "open", "open", "open"],
        ["open", "reserved", "open", "reserved (except for the training of AI models)"],
    ]
    assert "press: /press/, /presse/" in seen.part("parts")
    assert "unless this page says otherwise for a part of it" in seen.part("declaration")
    assert Page(TERMS).part("parts").startswith("Use by use The whole site")


@pytest.mark.parametrize("parts", [1, 2], ids=["alone", "one-of-two"])
def test_a_part_says_which_files_which_works_and_whose_they_are(parts: int) -> None:
    (section,) = VARIETY["media"].sections
    others = (replace(section, name="other", paths=("/",), media=("image/*",), works=(), rightsholder=""),)
    seen = Page(replace(TERMS, sections=(section, *others[: parts - 1])))
    said = seen.part("parts")
    assert "/listen/" in said
    assert "Only for these kinds of file: audio, video, application/ogg" in said
    assert "Works: ISRC DEUM72600001, own-7" in said
    assert "Rightsholder: Ann Beispiel" in said
    assert ("other: The whole site Only for these kinds of file: images" in said) == (parts == 2)
    assert "Only for" not in Page(replace(TERMS, sections=(PRESS,))).text


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
    assert "stricter value" in Page(VARIETY["media"]).text
    assert "stricter value" in Page(replace(TERMS, uses=Uses(training="allow"))).text
