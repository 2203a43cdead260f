"""What letters never say, and how each language writes days, figures and the text of strangers."""

from __future__ import annotations

from datetime import date

import pytest

from vorbehalt.claims.notice.wording import figure, long_day, one_line
from vorbehalt.claims.notice.words import accusing


@pytest.mark.parametrize(
    "text",
    [
        "theft", "Thieves", "they STEAL", "stole", "stolen", "stealing", "illegal", "illegally", "unlawful",
        "infringe", "infringed", "infringing", "infringement", "pirate", "pirated", "piracy", "violated",
        "misappropriation", "fraudulent", "crime", "robbery", "unauthorised copies", "wrongfully",
        "Diebstahl", "Datendiebstahl", "Diebstähle", "Diebstaehle", "Dieb", "gestohlen", "stiehlt", "stehlen",
        "stahlen", "illegale", "rechtswidrig", "urheberrechtswidrige", "widerrechtlich", "unrechtmäßig",
        "Verletzung", "Urheberrechtsverletzungen", "verletzt", "Raubkopie", "Piraterie", "Musikpiraterie",
        "Betrug", "betrügerisch", "kriminell", "Straftat", "entwendet", "unerlaubt", "Missbrauch",
        "volé", "VOLÉES", "vole", "voleurs", "dérobé", "illégal", "illégaux", "illicite", "contrefaçon",
        "contrefait", "piraté", "enfreint", "délit", "pillage", "spoliation", "criminelle", "frauduleux",
        "infr\u00adinged", "st\u200bolen", "ｓｔｏｌｅｎ", "vole\u0301",
    ],
)  # fmt: skip
def test_a_word_that_accuses_is_found_in_every_form_and_language(text: str) -> None:
    for language in ("de", "en", "fr"):
        assert accusing(f"You {text}, we say.", language) != ()


@pytest.mark.parametrize(
    "text",
    [
        "inspiration", "expiration", "Inspiration", "steel", "Stahlwerk", "Edelstahl", "aspirateur", "volume",
        "Vol. 2", "voluntary", "volonté", "violin", "Violine", "violet", "robots.txt", "Robert", "probe",
        "legal", "rechtlich", "law", "Verletzbar".replace("letzbar", "trag"), "criterion", "beträgt".replace(
            "ä", "a"), "stele", "delivered", "dieses", "die", "Beschwerde", "complaint", "claims",
    ],
)  # fmt: skip
def test_words_that_only_look_alike_pass(text: str) -> None:
    assert [accusing(text, language) for language in ("de", "en", "fr")] == [(), (), ()]


def test_words_with_a_harmless_meaning_elsewhere_are_only_refused_in_their_language() -> None:
    assert accusing("un vol de données", "fr") == ("vol",)
    assert accusing("Vol de Nuit Ltd", "en") == ()


def test_each_language_writes_days_and_figures_its_own_way() -> None:
    first, last = date(2026, 5, 1), date(2026, 12, 31)
    assert [long_day(first, language) for language in ("de", "en", "fr")] == [
        "1. Mai 2026", "1 May 2026", "1er mai 2026",
    ]  # fmt: skip
    assert [long_day(last, language) for language in ("de", "en", "fr")] == [
        "31. Dezember 2026", "31 December 2026", "31 décembre 2026",
    ]  # fmt: skip
    assert [figure(1234567, language) for language in ("de", "en", "fr")] == [
        "1.234.567", "1,234,567", "1\u00a0234\u00a0567",
    ]  # fmt: skip
    assert {len(long_day(date(2026, month, 2), "fr").split()) for month in range(1, 13)} == {3}


def test_text_of_strangers_becomes_one_harmless_line() -> None:
    assert one_line(" a\u00a0 b\tc ") == "a b c"
    assert one_line("a\r\nBcc: x@y.example\u202e\x1b[31m") == r"a\r\nBcc: x@y.example\u202e\x1b[31m"
