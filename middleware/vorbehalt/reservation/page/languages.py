"""The languages in which the page for people is written."""

from __future__ import annotations

from vorbehalt.reservation.page.words_de import GERMAN
from vorbehalt.reservation.page.words_en import ENGLISH
from vorbehalt.reservation.page.words_fr import FRENCH

PAGE_WORDS = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH}
