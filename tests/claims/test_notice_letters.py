"""What each letter says in each language, and on what it rests."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO

import pytest

from letter_support import (
    ALL_STANDINGS,
    AT,
    EVERY_LETTER,
    SENDER,
    letter_sent,
    party,
    text_of,
    traffic_of,
    writing,
)
from vorbehalt.claims.notice.counsel import Counsel, is_person, read_counsel
from vorbehalt.claims.notice.kinds import LANGUAGES, RESTS_ON, SPEAKS_OF_ARTICLE_4, Kind, refusal
from vorbehalt.claims.notice.letter import Workshop
from vorbehalt.claims.register import Letter, Step
from vorbehalt.errors import ClaimError
from vorbehalt.facts import Standing

DAY = 86_400 * 10**9


NATURE = {
    "en": ("a declaration and a request for information", "no warning notice (Abmahnung) under section 97a",
           "it demands no undertaking"),
    "de": ("eine Erklärung und eine Bitte um Auskunft", "keine Abmahnung im Sinne von § 97a UrhG",
           "es verlangt keinerlei Unterlassungs- oder Verpflichtungserklärung"),
    "fr": ("une déclaration et une demande d’information", "l’article 97a", "elle n’exige aucun engagement"),
}  # fmt: skip


ARTICLE_4 = re.compile(r"Art(?:icle|\.)? ?4\b|44b|L\. ?122-5-3|article 4", re.I)


DATES = {
    "en": ("26 November 2026", "17 December 2026"), "de": ("26. November 2026", "17. Dezember 2026"),
    "fr": ("26 novembre 2026", "17 décembre 2026"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "language"), EVERY_LETTER)
def test_every_letter_says_what_it_is_in_whole_sentences(
    workshop: Workshop, kind: Kind, language: str
) -> None:
    text = text_of(writing(workshop, kind, language))
    for sentence in NATURE[language]:
        assert sentence in text.replace("\u00a0", " ")
    assert DATES[language][0] in text
    assert (DATES[language][1] in text) == (kind is not Kind.IMPOSTOR_REPORT)
    assert "2026-0042" in text
    assert "Label Example GmbH" in text
    assert "None" not in text
    assert not re.search(r"\{[{%]|[%}]\}|\b(?:p|h|li|annex|sign|meta): ", text)


@pytest.mark.parametrize(("kind", "language"), EVERY_LETTER)
@pytest.mark.parametrize("addressee", ["research", "heritage"])
def test_research_and_heritage_never_get_the_wording_of_article_4(
    workshop: Workshop, kind: Kind, language: str, addressee: str
) -> None:
    one = writing(workshop, kind, language, to=party(kind=addressee))
    if kind in SPEAKS_OF_ARTICLE_4:
        assert [p.id for p in one.problems("a.csv")] == ["V134"]
        return
    text = text_of(one)
    assert not ARTICLE_4.search(text)
    assert "53(1)" not in text
    assert ("60d UrhG" in text) == (kind is not Kind.IMPOSTOR_REPORT)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_is_told_the_legal_bases_and_where_and_since_when(
    workshop: Workshop, language: str
) -> None:
    text = text_of(writing(workshop, Kind.DECLARATION, language))
    assert ARTICLE_4.search(text)
    assert "44b" in text
    assert "https://label.example/robots.txt (SHA-256 " + "e" * 64 + ")" in text
    assert {"en": "25 August 2026", "de": "25. August 2026", "fr": "25 août 2026"}[language] in text


@pytest.mark.parametrize(
    ("kind", "standings", "requests"),
    [
        (Kind.FACTUAL, "signed verified", 2),
        (Kind.GPAI_COMPLAINT, "signed verified", 2),
        (Kind.INQUIRY, "consistent claimed unknown", 3),
        (Kind.IMPOSTOR_REPORT, "contradicted", 1),
    ],
)
def test_only_the_standings_of_a_kind_are_counted(
    workshop: Workshop, kind: Kind, standings: str, requests: int
) -> None:
    rendered = writing(workshop, kind).render("2026-0042")
    table = list(csv.DictReader(StringIO(rendered.files["annex-requests.csv"].decode())))
    assert sorted(one["standing"] for one in table) == sorted(standings.split())
    assert sum(int(one["requested"]) for one in table) == requests
    assert f"- requests: {requests}\n" in rendered.text.decode()
    assert f"({requests},000 bytes)" in rendered.text.decode()


ALLOWED: Mapping[str, set[Kind]] = {
    "signed": {Kind.FACTUAL, Kind.GPAI_COMPLAINT},
    "verified": {Kind.FACTUAL, Kind.GPAI_COMPLAINT},
    "consistent": {Kind.INQUIRY},
    "claimed": {Kind.INQUIRY},
    "unknown": {Kind.INQUIRY},
    "contradicted": {Kind.IMPOSTOR_REPORT},
}


@pytest.mark.parametrize("standing", ALL_STANDINGS)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_letter_rests_on_its_own_standings_or_is_refused_with_what_is_allowed(
    standing: str, kind: Kind
) -> None:
    why = refusal(kind, traffic_of(standing).ledger)
    if kind not in RESTS_ON or kind in ALLOWED[standing]:
        assert why is None
    else:
        assert why is not None
        assert {Kind(word) for word in why.partition("allowed: ")[2].split(", ")} == {
            *ALLOWED[standing], Kind.DECLARATION, Kind.PRESERVATION,
        }  # fmt: skip


@pytest.mark.parametrize("kind", list(RESTS_ON))
def test_without_traffic_nothing_is_said_of_any(kind: Kind) -> None:
    for ledger in (None, traffic_of().ledger):
        why = refusal(kind, ledger)
        assert why is not None
        assert "holds no request" in why


def test_an_operator_that_the_rules_do_not_know_is_named(workshop: Workshop) -> None:
    (known,) = writing(workshop, Kind.FACTUAL, traffic=traffic_of()).problems("a.csv")
    (unknown,) = writing(workshop, Kind.FACTUAL, to=party(operator="Nobody AI")).problems("a.csv")
    assert "the rules know no operator" not in known.message
    assert unknown.message.endswith('(the rules know no operator "Nobody AI")')


def test_the_inquiry_does_not_say_that_requests_were_theirs(workshop: Workshop) -> None:
    text = text_of(writing(workshop, Kind.INQUIRY))
    assert "requests that described themselves as OpenAI" in text
    assert "We do not say that they were yours" in text
    assert "Please say whether these requests were yours" in text


def test_the_factual_letter_names_impostors_as_somebody_elses(workshop: Workshop) -> None:
    text = text_of(writing(workshop, Kind.FACTUAL))
    assert "although they came from elsewhere: 1. They are not counted here" in text
    assert "although they came from elsewhere" not in text_of(
        writing(workshop, Kind.FACTUAL, traffic=traffic_of("signed"))
    )


def test_a_reminder_names_the_earlier_letter_and_what_came_since(workshop: Workshop) -> None:
    one = writing(workshop, Kind.REMINDER, traffic=traffic_of("signed", "claimed"))
    text = text_of(one)
    assert "On 1 November 2026 we sent you our letter 2026-0007, dated 30 October 2026, and asked" in text
    assert "by 20 November 2026" in text
    assert "from its published network: 1." in text
    assert one.about == "2026-0007"
    assert "published network" not in text_of(writing(workshop, Kind.REMINDER, traffic=traffic_of("claimed")))


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        (replace(letter_sent(), operator="Meta"), "the register holds no letter to OpenAI"),
        (replace(letter_sent(), to="Somebody Else Ltd"), "the register holds no letter to OpenAI"),
        (replace(letter_sent(), steps=letter_sent().steps[:1]), "letter 2026-0007 has not been sent"),
        (replace(letter_sent(), due=None), "letter 2026-0007 set no deadline that could have passed"),
        (letter_sent("2026-11-26"), "the deadline of letter 2026-0007, 2026-11-26, has not passed"),
        (replace(letter_sent(), steps=(*letter_sent().steps, Step("answered", AT, "2026-11-02"))),
         "letter 2026-0007 was answered"),
        (replace(letter_sent(), steps=(*letter_sent().steps, Step("closed", AT, "2026-11-02"))),
         "letter 2026-0007 is closed"),
    ],
)  # fmt: skip
def test_there_must_be_something_to_remind_of(workshop: Workshop, letter: Letter, why: str) -> None:
    problems = writing(workshop, Kind.REMINDER, letter=letter).problems("a.csv")
    assert [p.message[: len(why)] for p in problems] == [why]


@pytest.mark.parametrize("word", ["stolen", "illegal", "Urheberrechtsverletzung", "contrefaçon"])
def test_the_renderer_refuses_accusing_words_outside_text_of_counsel(workshop: Workshop, word: str) -> None:
    accusing = replace(SENDER, letterhead=("Label", f"against {word} copies"))
    one = writing(workshop, Kind.DECLARATION, sender=accusing)
    assert [p.id for p in one.problems("a.csv")] == ["V135"]
    with pytest.raises(ClaimError, match="which accuses"):
        one.render("2026-0042")
    counsel = Counsel("Rika Weber", (f"Our client calls it {word}.",))
    text = text_of(writing(workshop, Kind.DECLARATION, counsel=counsel))
    assert f"Text of counsel Rika Weber {'-' * 26} | Our client calls it {word}." in text


def test_a_name_that_accuses_stops_the_letter_of_its_row_only(workshop: Workshop) -> None:
    named = writing(workshop, Kind.DECLARATION, to=party(legal_name="Stolen Songs Ltd"))
    assert [(p.line, p.id) for p in named.problems("a.csv")] == [(2, "V135")]
    assert 'the letter would say "stolen", which accuses' in named.problems("a.csv")[0].message
    assert writing(workshop, Kind.DECLARATION).problems("a.csv") == []


def test_a_placeholder_in_what_the_configuration_says_stops_the_letter(workshop: Workshop) -> None:
    one = writing(workshop, Kind.DECLARATION, sender=replace(SENDER, name="Label [NAME]"))
    assert [(p.id, p.message) for p in one.problems("a.csv")] == [
        ("V135", "the letter still holds a placeholder: [NAME]")
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "c.txt:1: V135 the first line must name who answers"),
        (b"Some text\n\nmore", "c.txt:1: V135 the first line must name who answers"),
        (b"Counsel: legal\n\ntext", "c.txt:1: V135 the first line must name who answers"),
        (b"Counsel: Rika Weber\n\n", "c.txt:1: V135 there is no text"),
        (b"Counsel: Rika Weber\n\npay by [DATE]", "c.txt:3: V135 the text still holds a placeholder: [DATE]"),
        (b"Counsel: Rika Weber\n\n\xff", "c.txt:0: V135 the text is not UTF-8"),
    ],
)
def test_text_of_counsel_names_who_answers_for_it(data: bytes, message: str) -> None:
    counsel, problems = read_counsel("c.txt", data)
    assert counsel is None
    assert str(problems[0]).startswith(message)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Jane Roe", True), ("Jane", False), ("Jane 2", False), ("1 2", False), ("Jane\tRoe", False),
        ("J " + "R" * 198, True), ("J " + "R" * 199, False), ("Jane [NAME]", False), ("", False),
    ],
)  # fmt: skip
def test_a_person_has_two_names_with_letters(name: str, is_one: bool) -> None:
    assert is_person(name) is is_one


@pytest.mark.parametrize(("size", "is_read"), [(64 * 1024, True), (64 * 1024 + 1, False)])
def test_text_of_counsel_is_64_kibibytes_at_most(size: int, is_read: bool) -> None:
    counsel, problems = read_counsel("c.txt", b"Counsel: Rika Weber\n\n".ljust(size, b"a"))
    assert (counsel is not None) is is_read
    assert list(map(str, problems)) == ([] if is_read else ["c.txt:0: V135 the text is larger than 64 KiB"])


def test_gaps_rollups_and_what_is_not_known_stand_in_the_annex(workshop: Workshop) -> None:
    traffic = traffic_of("verified", "verified")
    traffic.ledger.gaps, traffic.ledger.cut = 3, 2
    traffic.licensed["verified"], traffic.disallowed["verified"] = 1, 1
    rollup = traffic.ledger.rollups.at(AT, Standing.VERIFIED)
    traffic.ledger.rollups.add(rollup, "requested", 17)
    text = text_of(writing(workshop, Kind.FACTUAL, traffic=traffic))
    for sentence in (
        "The log is not complete in this period: gaps recorded in it: 3.",
        "that were too long to say who asked: 2.",
        "which our records name: 1.",
        '(rows "rollup"): 17.',
        "disallowed to the crawler: 1.",
        "its times rest on: time stamps of others",
    ):
        assert sentence in text
    assert "not complete" not in text_of(writing(workshop, Kind.FACTUAL, traffic=traffic_of("verified")))
