"""Signal documents: there, for everybody, readable, and what the configuration renders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

Probe = Callable[..., Any]
Change = Callable[[Any], Any]
TDMREP = "/.well-known/tdmrep.json"
POLICY = "/.well-known/tdm-policy.json"


def at(
    path: str, change: Change, when: Callable[[Any], bool] = lambda request: True
) -> Callable[[Any, Any], Any]:
    return lambda request, answer: change(answer) if request.path == path and when(request) else answer


def says(body: bytes) -> Change:
    return lambda answer: answer.saying(body) if answer.status == 200 else answer


def status(code: int) -> Change:
    return lambda answer: replace(answer, status=code)


def typed(media_type: str) -> Change:
    return lambda answer: answer.with_(("content-type", media_type))


def rules(*entries: object) -> bytes:
    return json.dumps(list(entries)).encode()


def added(text: bytes) -> Change:
    def change(answer: Any) -> Any:
        # Without the line that states the digest, as a file of somebody else's.
        return answer.saying(answer.body.partition(b"\n")[2] + text) if answer.status == 200 else answer

    return change


def rule(location: str, value: object) -> dict[str, object]:
    return {"location": location, "tdm-reservation": value}


CHALLENGE = b"<html><head><title>Just a moment...</title></head><body></body></html>"
HTML = b"<!doctype html><html><body>hello"
CASES: list[tuple[str, str, str, Change, str]] = [
    ("document-missing", "error", "/robots.txt", status(404), "robots.txt is not there (404)"),
    ("document-missing", "error", "/license.xml", status(410), "Link or License names it"),
    ("document-missing", "error", POLICY, status(404), "tdm-policy names it"),
    ("document-missing", "warning", TDMREP, status(404), "tdmrep.json is not there"),
    ("document-refused", "error", "/robots.txt", status(403), "takes a refused robots.txt for permission"),
    ("document-refused", "error", TDMREP, status(429), "429"),
    ("document-refused", "error", "/license.xml", status(503), "503"),
    (
        "document-refused", "error", "/robots.txt",
        lambda answer: answer.with_(("content-type", "text/html")).saying(CHALLENGE), "with a challenge",
    ),
    ("document-broken", "error", "/robots.txt", status(500), "the server fails"),
    (
        "document-broken", "error", "/license.xml",
        lambda answer: answer.plus(("content-length", "99999")), "before its Content-Length",
    ),
    ("document-media-type", "error", "/robots.txt", typed("application/octet-stream"), "text/plain"),
    ("document-media-type", "error", TDMREP, typed("text/html"), "application/json"),
    ("document-media-type", "error", "/license.xml", typed("text/xml"), "application/rsl+xml"),
    ("document-media-type", "error", POLICY, typed("text/plain"), "application/ld+json"),
    ("document-no-validators", "warning", "/license.xml", lambda a: a.without("etag"), "neither ETag"),
    ("robots-form", "error", "/robots.txt", says(HTML), "is an HTML page"),
    ("robots-form", "error", "/robots.txt", says(b"User-agent: *\n" + b"# \n" * 180_000), "larger than"),
    ("robots-form", "error", "/robots.txt", says(b"User-agent: *\n" + b"# \n" * 400_000), "readers stop"),
    ("robots-altered", "error", "/robots.txt", lambda a: a.saying(a.body + b"# by a CDN\n"), "changed it on"),
    (
        "robots-managed", "warning", "/robots.txt",
        added(b"# BEGIN Cloudflare Managed content\nUser-agent: *\nAllow: /\n"), "CDN adds a block",
    ),
    ("tdmrep-form", "error", TDMREP, says(b'{"location": "/", "tdm-reservation": 1}'), "it is an object"),
    ("tdmrep-form", "error", TDMREP, says(rules(rule("/", "1"))), '"1" instead of the number'),
    ("tdmrep-form", "error", TDMREP, says(rules(rule("/", True))), "tdm-reservation true"),
    ("tdmrep-form", "error", TDMREP, says(rules(rule("/", 2))), "tdm-reservation 2"),
    ("tdmrep-form", "error", TDMREP, says(rules({"tdm-reservation": 1})), "has no location"),
    ("tdmrep-form", "error", TDMREP, says(b"nonsense"), "it is no JSON"),
    ("tdmrep-form", "error", TDMREP, says(b"[" * 100_000), "it is no JSON"),
    ("tdmrep-form", "error", TDMREP, says(b"[]"), "it has no rule"),
    (
        "tdmrep-form", "error", TDMREP,
        says(rules({**rule("/", 1), "tdm-policy": "/policy"})), "no absolute URL",
    ),
    ("tdmrep-order", "error", TDMREP, says(rules(rule("/", 1), rule("/press/", 0))), "'/' before '/press/'"),
    ("policy-form", "error", POLICY, says(b'{"@type": "Set"}'), '@type is not "Offer"'),
    ("policy-form", "error", POLICY, says(b"[]"), "no JSON object"),
    ("rsl-form", "error", "/license.xml", says(b"no XML"), "it is no XML"),
    ("rsl-form", "error", "/license.xml", says(b"<rsl><content/></rsl>"), "not rsl in the namespace"),
    (
        "rsl-form", "error", "/license.xml",
        says(b'<!DOCTYPE x [<!ENTITY a "b">]><rsl xmlns="https://rslstandard.org/rsl">&a;</rsl>'),
        "document type declaration",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("id", "severity", "path", "change", "words"), CASES, ids=[f"{case[0]} {case[4][:40]}" for case in CASES]
)
def test_what_is_wrong_with_a_document_is_named(
    id: str, severity: str, path: str, change: Change, words: str, probing: Probe
) -> None:
    findings = [one for one in probing(at(path, change)).ledger.findings if one.id == id]

    assert [one.where for one in findings] == [(path,)]
    assert words in findings[0].message
    assert findings[0].severity == severity


@pytest.mark.parametrize(
    ("id", "change", "when"),
    [
        ("document-head-differs", status(405), lambda request: request.method == "HEAD"),
        ("document-no-304", lambda a: replace(a, status=200), lambda r: "if-none-match" in r.headers),
        (
            "document-by-user-agent",
            lambda answer: answer.saying(b"User-agent: *\nAllow: /\n"),
            lambda request: "Firefox" in request.headers["user-agent"],
        ),
    ],
)
def test_another_answer_to_another_question_is_named(
    id: str, change: Change, when: Callable[[Any], bool], probing: Probe, found: Any
) -> None:
    assert found(probing(at("/robots.txt", change, when)), id).where == ("/robots.txt",)


def moved(target: str) -> Change:
    return lambda answer: replace(answer, status=302, body=b"").plus(("location", target))


def test_a_redirect_within_the_site_is_followed_and_a_warning(probing: Probe, found: Any) -> None:
    def elsewhere(request: Any, answer: Any) -> Any:
        return moved("/ai-policy/../.well-known/moved.json")(answer) if request.path == TDMREP else answer

    report = probing(elsewhere)

    finding = found(report, "document-redirected")
    assert finding.severity == "warning"
    assert "/.well-known/moved.json" in [one.path for one in report.gathered.exchanges]


@pytest.mark.parametrize("path", ["/robots.txt", TDMREP])
def test_a_redirect_to_another_host_is_an_error_and_not_followed(
    path: str, probing: Probe, found: Any
) -> None:
    report = probing(at(path, moved("http://elsewhere.invalid/x")))

    finding = found(report, "document-redirected")
    assert finding.severity == "error"
    assert "to another host: http://elsewhere.invalid/x" in finding.message
    assert not [one for one in report.gathered.exchanges if "elsewhere" in one.url]


def test_a_redirect_to_https_is_called_so(probing: Probe, found: Any, site: Any) -> None:
    target = site.origin.replace("http:", "https:") + "/robots.txt"

    finding = found(probing(at("/robots.txt", moved(target))), "document-redirected")

    assert finding.severity == "error"
    assert f"to another scheme or port: {target}" in finding.message


def test_a_policy_on_another_host_is_asked_for_there(probing: Probe) -> None:
    report = probing(lambda request, answer: (
        answer.with_(("tdm-policy", "http://localhost:1/policy.json"))
        if "tdm-policy" in dict(answer.headers) else answer
    ))  # fmt: skip

    asked = [one for one in report.gathered.exchanges if one.kind == "policy"]
    assert [one.url for one in asked] == ["http://localhost:1/policy.json"]
    assert any(one.id == "document-broken" for one in report.ledger.findings)


def test_a_circle_of_redirects_ends(probing: Probe, found: Any) -> None:
    report = probing(at("/license.xml", moved("/license.xml")))

    assert "in a circle" in found(report, "document-redirected").message
    assert len([one for one in report.gathered.exchanges if one.kind == "rsl"]) == 6


@pytest.mark.parametrize("path", ["/license.xml", TDMREP, POLICY])
def test_a_document_that_is_not_the_configurations_is_named(path: str, probing: Probe, found: Any) -> None:
    report = probing(at(path, lambda answer: answer.saying(answer.body + b" ")), settings=True)

    finding = found(report, "document-outdated")
    assert finding.where == (path,)
    assert finding.expected != finding.observed
    assert finding.expected.startswith("SHA-256 ")


def test_a_page_of_the_sites_own_is_meant_so(probing: Probe) -> None:
    report = probing(at("/ai-policy", says(b"<title>Our terms</title>")), settings=True)

    assert report.ledger.findings == []


def test_the_sites_own_rules_are_no_difference_but_a_lost_one_of_ours_is(
    probing: Probe, site: Any, found: Any, ids: Any
) -> None:
    from vorbehalt.settings import load

    mapping = site.configuration()
    mapping["site"]["robots"] = "app"
    own = load(mapping, environ={})
    merged = added(b"\nUser-agent: AhrefsBot\nDisallow: /audio/\n")
    let_in = lambda answer: answer.saying(answer.body.partition(b"\n")[2].replace(b"Disallow: /\n", b""))  # noqa: E731

    assert ids(probing(at("/robots.txt", merged), settings=own)) == set()
    lost = found(probing(at("/robots.txt", let_in), settings=own), "document-outdated")
    assert "Disallow for" in lost.observed
