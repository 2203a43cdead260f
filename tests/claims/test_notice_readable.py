"""What somebody who reads a letter would stumble over."""

from __future__ import annotations

import pytest

from letter_support import AT, party, text_of, traffic_of, writing
from vorbehalt.claims.ledger import Query, Tally
from vorbehalt.claims.notice.countries import country_line
from vorbehalt.claims.notice.kinds import LANGUAGES, Kind
from vorbehalt.claims.notice.letter import Workshop
from vorbehalt.claims.notice.traffic import Traffic
from vorbehalt.works.entry import Work


@pytest.mark.parametrize(
    ("language", "line"), [("en", "GERMANY"), ("de", "DEUTSCHLAND"), ("fr", "ALLEMAGNE")]
)
def test_an_address_ends_with_the_name_of_the_country(workshop: Workshop, language: str, line: str) -> None:
    one = writing(workshop, Kind.DECLARATION, language, to=party(country="DE"))

    assert f"\n{line}\n" in one.render("2026-0042").text.decode()


def test_a_country_without_a_name_here_stays_its_code() -> None:
    assert [country_line("ZW", language) for language in LANGUAGES] == ["ZW"] * 3


def test_two_works_with_one_title_are_counted_twice_and_named_once(workshop: Workshop) -> None:
    tally = Tally(Query("OpenAI"))
    for number in (1, 2):
        claim = {"token": "GPTBot", "operator": "OpenAI", "standing": "verified"}
        asked = {"method": "GET", "claim": claim, "decision": {"action": "allow"}, "work": f"own:{number}"}
        ended = {"claim": claim, "status": 200, "bytes": 9, "whole": True, "delivered": True}
        for kind, seen in (("request", asked), ("completion", ended)):
            tally.take({"type": kind, "ref": f"VB-{number}", "at": str(AT), "seen": seen})
    song = writing(
        workshop, Kind.FACTUAL, traffic=Traffic(tally.finish()), find_work=lambda id: Work((id,), "Kai")
    )

    text = text_of(song)

    assert "different works among what was answered with content: 2 " in text
    assert text.count("“Kai”") == 1


def test_a_list_of_titles_follows_its_announcement(workshop: Workshop) -> None:
    one = writing(
        workshop, Kind.FACTUAL, traffic=traffic_of("verified"), find_work=lambda id: Work((id,), "X")
    )

    assert "(listed in annex-works.csv), for example: “X”" in text_of(one)
