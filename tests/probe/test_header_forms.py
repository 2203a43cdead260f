"""Reservation headers: each once, of the right type, in the words of its readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Probe = Callable[..., Any]


def on_songs(*pairs: tuple[str, str]) -> Callable[[Any, Any], Any]:
    return lambda request, answer: answer.with_(*pairs) if request.path == "/songs/1" else answer


CASES = [
    ("header-malformed", ("tdm-reservation", '"1"'), "only 1 and 0 are understood"),
    ("header-malformed", ("tdm-reservation", "true"), "'true'"),
    ("header-malformed", ("tdm-policy", "/policy.json"), "no absolute URL"),
    ("header-malformed", ("content-usage", "Train-AI=n"), "does not parse"),
    ("header-malformed", ("content-usage", "train-ai=n search=y"), "does not parse"),
    ("header-malformed", ("content-usage", 'train-ai="n", search=y'), "neither the token y nor n"),
    ("header-malformed", ("content-usage", "train-ai=no, search=y"), "neither the token y nor n"),
    ("header-vocabulary", ("content-usage", "ai-train=n, search=y"), "here it is train-ai"),
    ("header-vocabulary", ("content-usage", "bots=n"), "an older draft"),
    ("header-vocabulary", ("content-usage", "nothing=n"), "names no use"),
]


@pytest.mark.parametrize(("id", "header", "words"), CASES, ids=[f"{c[1][0]}: {c[1][1]}" for c in CASES])
def test_a_header_that_readers_do_not_understand_is_named(
    id: str, header: tuple[str, str], words: str, probing: Probe
) -> None:
    findings = [one for one in probing(on_songs(header)).ledger.findings if one.id == id]

    assert findings
    assert all(one.where == ("/songs/1",) for one in findings)
    assert any(words in one.message for one in findings)
    assert all(one.severity == "error" for one in findings)


def test_a_licence_of_the_wrong_type_is_named(probing: Probe) -> None:
    link = ("link", '<https://label.example/license.xml>; rel="license"; type="text/xml"')

    findings = probing(on_songs(link)).ledger.findings

    assert any(one.id == "header-malformed" and "text/xml" in one.message for one in findings)


@pytest.mark.parametrize(("name", "value"), [("tdm-reservation", "1"), ("content-usage", "train-ai=n")])
def test_a_header_that_two_places_set_is_named(name: str, value: str, probing: Probe, found: Any) -> None:
    report = probing(
        lambda request, answer: answer.plus((name, value)) if request.path == "/images/a.png" else answer
    )
    finding = found(report, "header-repeated")

    assert finding.where == ("/images/a.png",)
    assert f"{name} stands 2 times" in finding.message


def test_the_same_licence_twice_is_a_warning_and_two_licences_an_error(probing: Probe, found: Any) -> None:
    def twice(target: str) -> Callable[[Any, Any], Any]:
        def spoil(request: Any, answer: Any) -> Any:
            given = dict(answer.headers).get("link", "")
            pair = ("link", given.replace("/license.xml", target))
            return answer.plus(pair) if request.path == "/songs/1" else answer

        return spoil

    assert found(probing(twice("/license.xml")), "header-repeated").severity == "warning"
    assert found(probing(twice("/other.xml")), "header-repeated").severity == "error"


def test_links_of_the_site_itself_are_no_second_licence(probing: Probe) -> None:
    report = probing(
        lambda request, answer: answer.plus(
            ("link", '</style.css>; rel=preload, <https://creativecommons.example/by>; rel="license"'),
            ("x-robots-tag", "max-snippet:50"),
        )
    )

    assert report.ledger.findings == []


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (("tdm-policy", "https://other.example/policy.json"), "tdm-policy: "),
        (("content-usage", "train-ai=n, ai-use=n, search=n"), "content-usage: "),
        (("link", '<https://other.example/l.xml>; rel="license"; type="application/rsl+xml"'), "link: "),
    ],
)
def test_another_value_than_the_configurations_is_named(
    pair: tuple[str, str], expected: str, probing: Probe, found: Any
) -> None:
    finding = found(probing(on_songs(pair), settings=True), "header-differs")

    assert finding.where == ("/songs/1",)
    assert finding.expected.startswith(expected)
    assert finding.observed == pair[1]


def test_a_header_where_the_configuration_has_none_is_named(probing: Probe, found: Any) -> None:
    report = probing(
        lambda request, answer: (
            answer.plus(("x-robots-tag", "noai")) if request.path == "/press/" else answer
        ),
        settings=True,
    )

    assert found(report, "header-differs").expected == "no x-robots-tag"
