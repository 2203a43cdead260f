"""The languages in which the report is written."""

from __future__ import annotations

from vorbehalt.claims.report.words_de import GERMAN
from vorbehalt.claims.report.words_en import ENGLISH
from vorbehalt.claims.report.words_fr import FRENCH

WORDS = {"de": GERMAN, "en": ENGLISH, "fr": FRENCH}
