"""Headers that do not arrive: which, where, and in words that lead to the cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

Probe = Callable[..., Any]
ALL = ("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")


def losing(when: Callable[[Any], bool], *names: str) -> Callable[[Any, Any], Any]:
    return lambda request, answer: answer.without(*names) if when(request) else answer


@pytest.mark.parametrize("settings", [None, True])
def test_a_folder_that_loses_two_headers_is_named_with_them(
    settings: object, probing: Probe, found: Any
) -> None:
    spoil = losing(lambda request: request.path.startswith("/images/"), "x-robots-tag", "link")

    finding = found(probing(spoil, settings=settings), "headers-missing")

    assert finding.severity == "error"
    assert finding.where == ("/images/a.png", "/images/b.png")
    assert finding.expected == "x-robots-tag and link"
    assert finding.message.startswith(
        "x-robots-tag and link are missing on /images/a.png, /images/b.png (everything below /images/): in"
        " nginx one add_header inside a location drops all inherited ones: include the snippet there too"
    )


def test_a_single_header_that_is_taken_away_is_named_alone(probing: Probe, found: Any) -> None:
    spoil = losing(lambda request: request.path == "/audio/1.mp3", "link")

    finding = found(probing(spoil), "headers-missing")

    assert (finding.where, finding.expected) == (("/audio/1.mp3",), "link")
    assert "everything below /audio/" in finding.message
    assert "proxy_hide_header" in finding.message


def test_an_ending_is_named_where_the_folder_is_not_the_reason(probing: Probe, found: Any, site: Any) -> None:
    spoil = losing(lambda request: request.path.endswith(".pdf"), *ALL)

    finding = found(probing(spoil, paths=("/papers/",)), "headers-missing")

    assert finding.where == ("/papers/contract.pdf",)
    assert finding.expected == "tdm-reservation, tdm-policy, content-usage, x-robots-tag and link"


def test_headers_on_html_only_are_said_so(probing: Probe, found: Any) -> None:
    def html_only(request: Any, answer: Any) -> Any:
        return answer if dict(answer.headers).get("content-type", "").startswith("text/html") else (
            answer.without("x-robots-tag")
        )  # fmt: skip

    finding = found(probing(html_only), "headers-missing")

    assert "everything but HTML pages" in finding.message


def test_two_places_with_different_losses_are_two_findings(probing: Probe) -> None:
    def two(request: Any, answer: Any) -> Any:
        if request.path.startswith("/images/"):
            return answer.without("link")
        return answer.without("x-robots-tag") if request.path.startswith("/audio/") else answer

    findings = [one for one in probing(two).ledger.findings if one.id == "headers-missing"]

    assert {(one.where, one.expected) for one in findings} == {
        (("/images/a.png", "/images/b.png"), "link"),
        (("/audio/1.mp3",), "x-robots-tag"),
    }


def answers_with(status: int) -> Callable[[Any, Any], Any]:
    return lambda request, answer: answer.without(*ALL) if answer.status == status else answer


WAYS: list[tuple[str, Callable[[Any, Any], Any], str, str]] = [
    ("headers-missing-on-errors", answers_with(404), "always", "/vorbehalt-probe/there-is-no-such-page"),
    ("headers-missing-on-304", answers_with(304), "on 304 replies", "/"),
    ("headers-missing-on-parts", answers_with(206), "206", "/audio/1.mp3"),
    ("headers-missing-on-options", losing(lambda r: r.method == "OPTIONS", *ALL), "OPTIONS", "/"),
    ("headers-missing-on-head", losing(lambda r: r.method == "HEAD", *ALL), "HEAD", "/"),
    (
        "headers-missing-when-compressed",
        losing(lambda r: "gzip" in r.headers.get("accept-encoding", ""), *ALL),
        "compressed",
        "/style.css",
    ),
    (
        "headers-missing-for-markdown",
        losing(lambda r: r.headers.get("accept") == "text/markdown", *ALL),
        "Markdown",
        "/",
    ),
]


@pytest.mark.parametrize("settings", [None, True])
@pytest.mark.parametrize(("id", "spoil", "words", "where"), WAYS, ids=[way[0] for way in WAYS])
def test_a_way_of_asking_that_loses_headers_is_named(
    id: str, spoil: Any, words: str, where: str, settings: object, probing: Probe, found: Any, ids: Any
) -> None:
    report = probing(spoil, settings=settings)
    finding = found(report, id)

    assert ids(report) == {id}
    assert where in finding.where
    assert words in finding.message
    assert finding.expected == "tdm-reservation, tdm-policy, content-usage, x-robots-tag and link"


def test_redirects_that_lose_headers_are_named(probing: Probe, found: Any) -> None:
    def moved(request: Any, answer: Any) -> Any:
        if request.path == "/songs/1":
            return replace(answer, status=301, body=b"").without(*ALL).plus(("location", "/press/"))
        return answer

    report = probing(moved)

    assert found(report, "headers-missing-on-redirects").where == ("/songs/1",)


def test_a_section_that_reserves_nothing_needs_fewer_headers(probing: Probe, site: Any) -> None:
    exchange = next(one for one in probing().gathered.exchanges if one.path == "/press/")

    assert {"tdm-policy", "x-robots-tag"}.isdisjoint(name.decode() for name, _ in exchange.headers)


def test_a_header_that_is_sent_nowhere_is_a_warning(probing: Probe, found: Any, ids: Any) -> None:
    report = probing(losing(lambda request: True, "content-usage"))

    assert found(report, "header-not-used").expected == "content-usage"
    assert ids(report) == {"header-not-used"}
    assert report.ok


def test_a_header_that_is_sent_nowhere_is_an_error_where_the_configuration_has_it(
    probing: Probe, found: Any
) -> None:
    finding = found(probing(losing(lambda request: True, "content-usage"), settings=True), "headers-missing")

    assert "/" in finding.where
    assert "/press/" in finding.where
    assert "everything that was asked" in finding.message


def test_what_each_reply_lacks_stands_in_the_exchanges(probing: Probe) -> None:
    public = probing(losing(lambda request: request.path == "/audio/1.mp3", "link")).as_json()

    lacking = {
        (one["path"], tuple(one["headers_missing"])) for one in public["exchanges"] if one["headers_missing"]
    }
    assert lacking == {("/audio/1.mp3", ("link",))}
