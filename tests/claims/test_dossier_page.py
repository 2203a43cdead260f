"""The report of a dossier as HTML: its order, its numbers, whom they speak of, and hostile words in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest

from dossier_page_support import SAMPLES, empty, full
from page_support import text_of
from vorbehalt.claims.dossier.contents_told import (
    Fault,
)
from vorbehalt.claims.dossier.page import LANGUAGES, pages
from vorbehalt.claims.dossier.page.chart import Bar, Legend, Mark, by_day
from vorbehalt.claims.dossier.page.marks import marks_of
from vorbehalt.claims.dossier.page.say import Say
from vorbehalt.errors import EvidenceError

EVERY = [(name, language) for name in SAMPLES for language in LANGUAGES]
ACCUSING = re.compile(
    r"theft|thie[fv]|steal|stole|illegal|unlawful|infring|pirat|violat|guilty|crime|criminal|looted"
    r"|diebstahl|gestohlen|stehlen|rechtswidrig|verletz|raub|verstoß|straftat|schuldig|illegal",
    re.I,
)
MONEY = re.compile(
    r"€|\bEUR\b|\bUSD\b|\bprice|\bcosts?\b|\bfee\b|damages|\bPreis|\bKosten\b|Schadensersatz", re.I
)


@cache
def made(name: str, language: str) -> dict[str, bytes]:
    return pages(SAMPLES[name](language))


@cache
def root(name: str, language: str = "en") -> Element:
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    parsed: Element = parser.parse(made(name, language)["report.html"].decode())
    return parsed


def section(page: Element, number: str) -> Element:
    (found,) = [part for part in page.iter("section") if part.get("id") == f"s{number}"]
    return found


def looked_up(name: str, found: Any) -> Any:
    for part in name.split("."):
        found = found[int(part) if isinstance(found, list) else part]
    return found


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_page_parses_strictly_and_needs_nothing_from_outside(name: str, language: str) -> None:
    page = root(name, language)

    tags = {element.tag.rpartition("}")[2] for element in page.iter() if isinstance(element.tag, str)}
    assert (
        tags & {"script", "link", "img", "image", "iframe", "object", "a", "form", "use", "foreignObject"}
        == set()
    )
    for element in page.iter():
        for attribute, value in element.attrib.items():
            plain = attribute.rpartition("}")[2]
            assert plain not in ("src", "href", "style", "action"), (element.tag, attribute)
            assert not plain.startswith("on"), (element.tag, attribute)
            if "url(" in value:
                assert re.fullmatch(r"url\(#(gap|refused)-(days|annex|work)\)", value), value
    (policy,) = [
        meta.get("content")
        for meta in page.iter("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_all_sections_stand_in_order_and_the_annex_last(name: str, language: str) -> None:
    say = Say(language)

    found = [part.get("id") for part in root(name, language).iter("section")]

    assert found == [f"s{number}" for number in [*range(15), "A", "B"]]
    annex = section(root(name, language), "A").find("h2")
    assert annex is not None
    assert text_of(annex) == f"A {say('section.annex')}"


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_every_number_has_a_name_that_contents_json_knows(name: str, language: str) -> None:
    told = json.loads(SAMPLES[name](language).encode())
    page = root(name, language)
    named = list(page.iter("data"))

    assert len(named) > 10
    for item in named:
        value = looked_up(item.get("data-name", ""), told)
        assert item.get("value") == str(value), item.get("data-name")
    ids = [item.get("id") for item in page.iter() if item.get("id")]
    assert len(ids) == len(set(ids))
    for cell in page.iter("td"):
        if cell.get("class") == "n" and text_of(cell) != "–":
            assert cell.find("data") is not None, text_of(cell)


@pytest.mark.parametrize("name", SAMPLES)
def test_main_sections_count_only_what_is_attributed(name: str) -> None:
    contents = SAMPLES[name]("en")
    attributed = ("signed", "verified")
    checks: dict[str, Any] = {
        "traffic.days": lambda at: contents.traffic.days[at].standing in attributed,
        "traffic.rollups": lambda at: contents.traffic.rollups[at].standing in attributed,
        "attribution": lambda at: contents.attribution[at].standing in attributed,
        "robots.rows": lambda at: contents.robots.rows[at].group == "attributed",
        "conduct.after_refusal": lambda at: contents.conduct.after_refusal[at].group == "attributed",
        "conduct.returns": lambda at: contents.conduct.returns[at].group == "attributed",
        "reservation.served": lambda at: contents.reservation.served[at].standing in attributed,
    }
    seen = 0
    for number in range(15):
        for item in section(root(name), str(number)).iter("data"):
            place = item.get("data-name", "")
            assert not re.search(r"described|impostor", place), place
            assert not re.match(
                r"traffic\.(hosts|vantage|sections)\.\d+\.2|conduct\.decisions\.\d+\.4", place
            ), place
            for start, is_fine in checks.items():
                if found := re.match(rf"{re.escape(start)}\.(\d+)\.", place):
                    seen += 1
                    assert is_fine(int(found[1])), place

    assert (seen > 50) == (name not in ("empty", "impostors"))


def test_what_only_bore_the_name_stands_in_the_annex() -> None:
    annex = section(root("full"), "A")
    names = {item.get("data-name") for item in annex.iter("data")}

    assert {
        "summary.described.requested",
        "exculpatory.impostors.requested",
        "notice.described.requested",
    } <= names
    assert not [name for name in names if name and ("summary.attributed" in name or "violations" in name)]


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_no_word_accuses_and_none_speaks_of_money(name: str, language: str) -> None:
    page = root(name, language)
    texts = [text for element in page.iter() if element.tag not in ("style", "pre")
             and element.get("class") != "name" for text in (element.text, element.tail) if text]  # fmt: skip
    drafts = [data.decode() for file, data in made(name, language).items() if file.endswith((".md", ".txt"))]

    for text in [*texts, *drafts]:
        plain = re.sub(r"`[^`]*`", "", text)
        assert ACCUSING.findall(plain) == [], plain[:200]
        assert MONEY.findall(plain) == [], plain[:200]


@pytest.mark.parametrize(
    ("name", "language"), [(n, lang) for n in ("failed", "hostile") for lang in LANGUAGES]
)
def test_a_failed_verification_is_said_in_a_box_on_the_first_page(name: str, language: str) -> None:
    first = section(root(name, language), "0")
    (box,) = [part for part in first.iter("div") if part.get("class") == "box"]

    assert Say(language)("summary.fails") in text_of(box)
    assert Say(language)("summary.whole") not in text_of(first)
    readme = made(name, language)["README.txt"].decode()
    assert Say(language)("summary.fails") in readme


def test_gaps_and_clock_faults_are_said_on_the_first_page_and_marked_in_the_chart() -> None:
    first, traffic = section(root("full"), "0"), section(root("full"), "4")

    assert "Gaps that the log names, where records were lost or late: 2." in text_of(first)
    assert "Records that say that the clock was set or not synchronised: 2." in text_of(first)
    (chart, _) = list(traffic.iter("figure"))
    assert "Dotted areas under a triangle" in text_of(chart)
    assert "gap in the log" in text_of(chart)
    assert "clock not sure" in text_of(chart)


def test_a_whole_log_says_so_and_a_log_without_traffic_too() -> None:
    assert "No request in this period is attributed to OpenAI" in text_of(section(root("empty"), "0"))
    assert "No request in this period is attributed to OpenAI" in text_of(section(root("impostors"), "0"))
    assert "812" in text_of(section(root("impostors"), "A"))
    assert "812" not in "".join(text_of(section(root("impostors"), str(number))) for number in range(10))


def test_the_chart_of_a_main_section_draws_nothing_of_impostors() -> None:
    def drawn(name: str) -> list[dict[str, str]]:
        chart = next(section(root(name), "4").iter("figure"))
        return [dict(part.attrib) for part in chart.iter() if str(part.tag).endswith("rect")]

    assert drawn("impostors") == drawn("empty")
    assert len(drawn("full")) > 60 * 2
    assert "Works most asked for by attributed requests: 15 of 80." in text_of(section(root("full"), "4"))


def test_long_tables_are_cut_and_say_where_the_rest_is() -> None:
    whole = pages(full(), {"works.scheduled": "ledger.csv"})["report.html"].decode()

    assert "50 more in ledger.csv" in whole
    assert "50 more in contents.json (works.scheduled)" in made("full", "en")["report.html"].decode()


def test_hostile_words_are_shown_and_do_nothing() -> None:
    text = made("hostile", "en")["report.html"].decode()
    shown = "".join(root("hostile").itertext())

    assert (
        re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", text) == []
    )
    assert '"></bdi><script>alert(1)</script>' in shown
    assert "\\u202eevil\\u200f" in shown
    assert "{{ 7*7 }} {% raw %} {0}" in shown
    assert "日本語" in shown
    assert "w" * 1_001 not in text
    assert max(len(word) for word in shown.split()) <= 1_000
    assert len(text) < 1_000_000


def test_the_style_sheet_is_not_left_by_a_name() -> None:
    style = next(root("hostile").iter("style")).text or ""

    assert "</" not in style
    assert '"\\44 ossier' not in style
    assert "alert\\28 1\\29 " in style


def test_the_same_contents_give_the_same_bytes() -> None:
    assert pages(full("de")) == pages(full("de"))


def test_an_unknown_language_is_refused_with_a_sentence() -> None:
    with pytest.raises(EvidenceError, match="no dossier in the language 'fr': there are en, de"):
        pages(full("fr"))


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vorbehalt.claims.dossier.page.find_spec", lambda name: None)

    with pytest.raises(EvidenceError, match=r"needs jinja2 and typst: pip install 'vorbehalt\[claims\]'"):
        pages(full())


def test_both_languages_have_the_same_words() -> None:
    one, two = (Say(language)._words for language in LANGUAGES)

    assert {group: set(words) for group, words in one.items()} == {
        group: set(words) for group, words in two.items()
    }
    for group, words in one.items():
        for key, text in words.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", two[group][key])), (
                group,
                key,
            )


def test_a_chart_marks_gaps_and_clocks_on_their_days_and_nowhere_else() -> None:
    legend = Legend("delivered", "refused", "other", "gap", "clock")
    days = (date(2026, 1, 1), date(2026, 1, 10))
    bars = [(date(2026, 1, 2), Bar(10, 4, 5)), (date(2025, 12, 31), Bar(99, 0, 99))]
    marks = [Mark(date(2026, 1, 5), date(2026, 1, 6), True), Mark(date(2026, 1, 9), date(2026, 1, 9), False),
             Mark(date(2026, 2, 1), date(2026, 2, 2), True)]  # fmt: skip

    svg = by_day(bars, days, marks, legend, str)

    wide = 616 / 10
    assert f'<rect x="{58 + 4 * wide:.2f}" y="30.00" width="{2 * wide:.2f}"' in svg
    assert f"M{58 + 8.5 * wide:.2f} 30V200" in svg
    assert svg.count('fill="url(#gap-day)"') == 2, "one gap, and the key"
    columns = re.findall(r'<rect x="[\d.]+" y="([\d.]+)" width="60.40" height="([\d.]+)"', svg)
    assert columns == [("115.00", "85.00"), ("47.00", "68.00"), ("30.00", "17.00")]


def test_gaps_of_following_days_are_one_mark_and_hostile_times_none_of_today() -> None:
    def gap(first: str, last: str, at: str = "2026-01-09T00:00:00Z") -> Fault:
        return Fault(1, at, "gap", (("first_at", first), ("last_at", last)))

    day = 86_400 * 10**9
    start = 20_454 * day  # 2026-01-01
    gaps = (
        gap(str(start + 3 * day), str(start + 4 * day), "2026-01-05T00:00:00Z"),
        gap(str(start), str(start), "2026-01-01T00:00:00Z"),
        gap(str(start + day), str(start + day), "2026-01-02T00:00:00Z"),
        gap("9" * 40, "never"),
    )
    clocks = (
        Fault(2, "2026-01-03T01:00:00Z", "clock", (("event", "step-back"),)),
        Fault(3, "2026-01-03T02:00:00Z", "clock", (("event", "state"), ("synchronised", "false"))),
        Fault(4, "2026-01-04T02:00:00Z", "clock", (("event", "state"), ("synchronised", "true"))),
    )
    contents = replace(empty(), limitations=replace(empty().limitations, gaps=gaps, clocks=clocks))

    assert marks_of(contents) == [
        Mark(date(2026, 1, 1), date(2026, 1, 2), True),
        Mark(date(2026, 1, 4), date(2026, 1, 5), True),
        Mark(date(2026, 1, 9), date(2026, 1, 9), True),
        Mark(date(2026, 1, 3), date(2026, 1, 3), False),
    ]


def test_a_chart_without_requests_is_a_chart() -> None:
    day = date(2026, 1, 1)
    svg = by_day([], (day, day), [], Legend("a", "b", "c", "d", "e"), str)

    assert svg.count("2026-01-01") == 1
    assert "clock" not in svg
