"""Channels that contradict one another, path by path."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

Probe = Callable[..., Any]
TDMREP = "/.well-known/tdmrep.json"


def with_headers(path: str, *pairs: tuple[str, str]) -> Callable[[Any, Any], Any]:
    return lambda request, answer: answer.with_(*pairs) if request.path == path else answer


def instead(path: str, old: bytes, new: bytes) -> Callable[[Any, Any], Any]:
    def spoil(request: Any, answer: Any) -> Any:
        if request.path == path and answer.status == 200:
            lines = answer.body.split(b"\n")
            # Without the line that states the digest, as a file of somebody else's.
            body = b"\n".join(line for line in lines if not line.startswith(b"# sha256"))
            assert request.method == "HEAD" or old in body, body
            return answer.saying(body.replace(old, new))
        return answer

    return spoil


def file_rule(location: str, value: int) -> Callable[[Any, Any], Any]:
    body = json.dumps([{"location": location, "tdm-reservation": value}]).encode()
    return lambda request, answer: (
        answer.saying(body) if request.path == TDMREP and answer.status == 200 else answer
    )


HOME = b"<!doctype html><html><head>%s<title>A label</title></head><body><img src=/images/a.png>"


def meta(tag: bytes) -> Callable[[Any, Any], Any]:
    return lambda request, answer: (
        answer.saying(HOME % tag) if request.path == "/" and answer.status == 200
        and "content-encoding" not in dict(answer.headers) else answer
    )  # fmt: skip


CASES = [
    ("channels-disagree", with_headers("/songs/1", ("tdm-reservation", "0")), "/songs/1", "tdmrep.json"),
    ("channels-disagree", file_rule("/", 0), "/songs/1", "tdmrep.json allows mining"),
    ("channels-disagree", file_rule("/press/", 1), "/press/", "tdmrep.json reserves it"),
    (
        "channels-disagree", with_headers("/songs/1", ("content-usage", "train-ai=y, ai-use=n, search=y")),
        "/songs/1", "the Content-Usage header allows training",
    ),
    (
        "channels-disagree",
        instead("/robots.txt", b"Signal: search=yes, ai-input=no", b"Signal: search=yes, ai-input=yes"),
        "/songs/1", "Content-Signal in robots.txt allows input to AI answers",
    ),
    (
        "channels-disagree", instead("/robots.txt", b"Usage: train-ai=n", b"Usage: train-ai=y"),
        "/songs/1", "Content-Usage in robots.txt allows training",
    ),
    ("channels-disagree", with_headers("/press/", ("x-robots-tag", "noai")), "/press/", "X-Robots-Tag"),
    ("channels-disagree", meta(b'<meta name="tdm-reservation" content="0">'), "/", "HTML"),
    (
        "content-signal-header", with_headers("/songs/1", ("content-signal", "ai-train=yes")),
        "/songs/1", "says yes to training",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("id", "spoil", "path", "words"), CASES, ids=[case[3] for case in CASES])
def test_a_contradiction_is_named_with_both_sides(
    id: str, spoil: Any, path: str, words: str, probing: Probe
) -> None:
    findings = [one for one in probing(spoil).ledger.findings if one.id == id]

    assert any(path in one.where and words in one.message for one in findings), findings
    assert all(one.severity == "error" for one in findings)


def test_a_licence_that_grants_what_headers_reserve_is_named(probing: Probe) -> None:
    def spoil(request: Any, answer: Any) -> Any:
        if request.path != "/license.xml" or answer.status != 200:
            return answer
        body = answer.body.replace(b'<prohibits type="usage">ai-train ai-input</prohibits>', b"")
        return answer.saying(body.replace(b'usage">search</permits>', b'usage">search ai-train</permits>'))

    findings = [one for one in probing(spoil).ledger.findings if one.id == "channels-disagree"]

    assert any("RSL allows training" in one.message and "/songs/1" in one.where for one in findings)


def test_a_zero_that_no_other_mining_channel_corrects_is_named(probing: Probe, found: Any) -> None:
    def zero(request: Any, answer: Any) -> Any:
        if request.path == TDMREP:
            return replace(answer, status=404)
        if dict(answer.headers).get("tdm-reservation") == "1":
            return answer.with_(("tdm-reservation", "0")).without("tdm-policy")
        return answer

    finding = found(probing(zero), "reservation-zero")

    assert "/songs/1" in finding.where
    assert "permits all mining" in finding.message


def test_a_content_signal_header_that_says_no_is_fine(probing: Probe) -> None:
    report = probing(with_headers("/songs/1", ("content-signal", "search=yes, ai-train=no")))

    assert report.ledger.findings == []


def test_an_html_mark_that_says_the_same_is_fine(probing: Probe) -> None:
    tags = b'<meta name="tdm-reservation" content="1"><meta name="robots" content="noai">'

    assert probing(meta(tags)).ledger.findings == []


def test_robots_that_name_a_crawler_and_let_it_in_are_an_error(probing: Probe, found: Any) -> None:
    group = b"User-agent: GPTBot\nAllow: /\n\nUser-agent: *\n"
    finding = found(probing(instead("/robots.txt", b"User-agent: *\n", group)), "robots-lets-in")

    assert finding.severity == "error"
    assert finding.message.startswith("robots.txt lets GPTBot in by a group of their own")


def test_robots_that_close_nothing_to_anybody_are_a_warning(probing: Probe, found: Any) -> None:
    def open_to_all(request: Any, answer: Any) -> Any:
        if request.path == "/robots.txt" and answer.status == 200:
            return answer.saying(b"User-agent: *\nAllow: /\n")
        return answer

    finding = found(probing(open_to_all), "robots-lets-in")

    assert finding.severity == "warning"
    assert "by naming none of them" in finding.message


def test_nothing_at_all_is_one_error(probing: Probe, found: Any) -> None:
    def nothing(request: Any, answer: Any) -> Any:
        bare = answer.without("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")
        if request.path == "/robots.txt":
            return bare.saying(b"User-agent: *\nAllow: /\n") if answer.status == 200 else bare
        return replace(bare, status=404) if ".well-known" in request.path else bare

    report = probing(nothing)

    assert found(report, "no-reservation").severity == "error"
    assert not report.ok


def by_media(site: Any) -> None:
    """Sound is reserved, all else is open: documents know no media type and say the stricter."""
    mapping = site.configuration(training="allow", ai_input="allow", tdm="allow")
    sound = {"name": "sound", "paths": ["/*"], "media": ["audio/*"], "training": "reserve", "tdm": "reserve"}
    mapping["reservation"]["section"] = [{**sound, "ai_input": "reserve"}]
    site.configure(mapping)


def test_terms_by_media_type_are_what_the_configuration_says(probing: Probe, site: Any, ids: Any) -> None:
    by_media(site)

    report = probing(settings=True)

    assert ids(report) == set()
    sound = next(one for one in report.gathered.exchanges if one.path == "/audio/1.mp3")
    page = next(one for one in report.gathered.exchanges if one.path == "/songs/1")
    assert (sound.text(b"tdm-reservation"), page.text(b"tdm-reservation")) == ("1", "0")


def test_terms_by_media_type_are_a_warning_without_the_configuration(
    probing: Probe, site: Any, ids: Any
) -> None:
    by_media(site)

    report = probing()

    assert ids(report) == {"channels-disagree"}
    assert report.ok
    assert all("media types" in one.message for one in report.ledger.findings)
    assert all("/audio/1.mp3" not in one.where for one in report.ledger.findings)


def test_headers_that_are_looser_everywhere_are_no_matter_of_media_types(probing: Probe, found: Any) -> None:
    def loose(request: Any, answer: Any) -> Any:
        open_ = (("tdm-reservation", "0"), ("content-usage", "train-ai=y, ai-use=y, search=y"))
        return answer.without("x-robots-tag", "tdm-policy").with_(*open_)

    findings = [one for one in probing(loose).ledger.findings if one.id == "channels-disagree"]

    assert {one.severity for one in findings} == {"error"}
    assert not any("media types" in one.message for one in findings)
