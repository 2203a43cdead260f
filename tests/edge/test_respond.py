"""What a refused visitor gets: in the form it asked for, with a reference, and nothing of it in a cache."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms_support import Terms
from vorbehalt.edge import words
from vorbehalt.edge.negotiate import best_language, prefers_html
from vorbehalt.edge.respond import (
    document_messages,
    limit_headers,
    new_reference,
    reason_kind,
    refusal_messages,
    refusal_status,
)
from vorbehalt.facts import Action, ClientAddress, Headers, Purpose, Standing, Vantage, Visit
from vorbehalt.identify.identity import Identity
from vorbehalt.identify.registry import Crawler, Party
from vorbehalt.policy.verdict import Allowance, Verdict
from vorbehalt.reservation.bundle import Document
from vorbehalt.reservation.uses import Uses

BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
REFERENCE = "VB-0123-4567-89AB-CDEF"
TERMS = Terms(origin="https://label.example", operator="Label & Söhne", contact="mailto:rights@label.example")
SIGNALS: Headers = (
    (b"tdm-reservation", b"1"),
    (b"link", b"<https://label.example/license.xml>; rel=license"),
)
SPENT = Allowance(False, 60, 0, 60, 7, 60)


def visit(*headers: tuple[bytes, bytes], method: str = "GET", vantage: Vantage = "app") -> Visit:
    return Visit(
        received_at=0,
        method=method,
        scheme="https",
        host="label.example",
        path="/",
        target=b"/",
        http_version="1.1",
        headers=headers,
        client=ClientAddress(None, "none"),
        vantage=vantage,
    )


def identity(purpose: Purpose, standing: Standing = Standing.CLAIMED) -> Identity:
    crawler = Crawler("ExampleBot", Party("example", "Example", True), "crawler", purpose, "operator")
    return Identity(crawler, standing, "")


def verdict(
    action: Action = Action.BLOCK, who: Identity | None = None, allowance: Allowance | None = None
) -> Verdict:
    return Verdict(action, action, True, "a-rule", ("training-reserved",), who, allowance=allowance)


BLOCK = verdict(who=identity(Purpose.TRAINING))
LIMIT = verdict(Action.LIMIT, identity(Purpose.FEED), SPENT)


def refuse(
    seen: Visit, judged: Verdict = BLOCK, terms: Terms = TERMS, **more: Any
) -> tuple[int, dict[bytes, bytes], bytes]:
    start, body = refusal_messages(seen, judged, REFERENCE, terms, SIGNALS, **more)
    assert start["type"] == "http.response.start"
    names = [name for name, _ in start["headers"]]
    assert len(names) == len(set(names))
    return start["status"], dict(start["headers"]), body["body"]


def test_a_machine_reads_problem_details() -> None:
    status, headers, body = refuse(visit((b"accept", b"*/*")))
    problem = json.loads(body)
    assert status == problem["status"] == 403
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"content-length"] == b"%d" % len(body)
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"tdm-reservation"] == b"1"
    assert problem["type"] == "about:blank"
    assert problem["reason"] == "training-reserved"
    assert problem["reference"] == REFERENCE
    assert problem["contact"] == "mailto:rights@label.example"
    assert problem["policy"] == "https://label.example/ai-policy"
    assert "training of AI models" in problem["reservation"]
    assert "search indexing" not in problem["reservation"]


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_person_reads_a_page_with_reference_contact_and_terms() -> None:
    status, headers, body = refuse(
        visit((b"accept", BROWSER), (b"accept-language", b"de-AT,de;q=0.9,en;q=0.5"))
    )
    page = Page(body.decode())
    assert status == 403
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert headers[b"content-length"] == b"%d" % len(body)
    assert headers[b"content-language"] == b"de"
    assert ("html", {"lang": "de"}) in page.tags
    assert ("a", {"href": "mailto:rights@label.example"}) in page.tags
    assert ("a", {"href": "https://label.example/ai-policy"}) in page.tags
    assert {"main", "h1", "title"} <= {tag for tag, _ in page.tags}
    assert "script" not in {tag for tag, _ in page.tags}
    assert REFERENCE in page.words
    assert "Label & Söhne" in page.words
    assert "Zugriff abgelehnt" in page.words


def test_what_the_operator_writes_is_escaped_and_never_runs() -> None:
    evil = Terms(
        origin="https://a.example",
        operator="<script>alert(1)</script>",
        contact="javascript:alert(1)",
        policy_url='https://a.example/"><script>',
    )
    _, headers, body = refuse(visit((b"accept", b"text/html")), terms=evil)
    page = Page(body.decode())
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any((attributes.get("href") or "").startswith("javascript") for _, attributes in page.tags)
    assert b"default-src 'none'" in headers[b"content-security-policy"]


def test_a_limit_says_when_to_come_back() -> None:
    status, headers, body = refuse(visit(), LIMIT)
    problem = json.loads(body)
    assert status == problem["status"] == 429
    assert headers[b"retry-after"] == b"7"
    assert headers[b"ratelimit"] == b'"requests";r=0;t=7'
    assert headers[b"ratelimit-policy"] == b'"requests";q=60;w=60'
    assert problem["type"].endswith("#quota-exceeded")
    assert problem["violated-policies"] == ["requests"]


def test_a_limit_never_lacks_retry_after() -> None:
    assert refuse(visit(), verdict(Action.LIMIT))[1][b"retry-after"] == b"60"
    assert (b"retry-after", b"1") in limit_headers(replace(SPENT, retry_after_seconds=0))
    assert b"retry-after" not in dict(limit_headers(replace(SPENT, admitted=True, remaining=3)))


def test_head_has_the_length_and_no_body() -> None:
    whole = refuse(visit())
    _, headers, body = refuse(visit(method="HEAD"))
    assert body == b""
    assert headers[b"content-length"] == b"%d" % len(whole[2])


def test_forward_auth_says_403_to_a_limit_because_nginx_makes_500_of_429() -> None:
    seen = visit(vantage="forward-auth", method="HEAD")
    status, headers, body = refuse(seen, LIMIT)
    assert (status, headers[b"x-vorbehalt-status"], headers[b"retry-after"]) == (403, b"429", b"7")
    assert headers[b"content-length"] == b"%d" % len(body)
    assert refuse(seen, LIMIT, auth_limit_status=429)[0] == 429
    status, headers, _ = refuse(seen)
    assert (status, headers[b"x-vorbehalt-status"]) == (403, b"403")
    assert b"x-vorbehalt-status" not in refuse(visit())[1]


def test_terms_that_change_change_the_refusal() -> None:
    first = refuse(visit())
    for number in range(20):
        terms = Terms(
            origin=f"https://{number}.example", uses=Uses(tdm="allow", training="allow", ai_input="allow")
        )
        problem = json.loads(refuse(visit(), terms=terms)[2])
        assert problem["policy"] == f"https://{number}.example/ai-policy"
        assert problem["reservation"] == words.RESERVED["en"]["none"]
        assert "contact" not in problem
    assert refuse(visit()) == first


@pytest.mark.parametrize(
    ("judged", "kind", "status"),
    [
        (BLOCK, "training", 403),
        (verdict(who=identity(Purpose.DATASET)), "training", 403),
        (verdict(who=identity(Purpose.AGENT)), "ai", 403),
        (verdict(who=identity(Purpose.SEO)), "automated", 403),
        (verdict(who=identity(Purpose.TRAINING, Standing.CONTRADICTED)), "contradicted", 403),
        (verdict(), "rule", 403),
        (verdict(Action.LIMIT, identity(Purpose.TRAINING)), "limit", 429),
    ],
)
def test_the_sentence_says_no_more_than_is_known(judged: Verdict, kind: str, status: int) -> None:
    assert reason_kind(judged) == kind
    assert refusal_status(judged) == status
    assert json.loads(refuse(visit(), judged)[2])["detail"] == words.SENTENCES["en"][kind]


def test_every_language_has_every_sentence() -> None:
    for table in (words.TITLES, words.SENTENCES, words.RESERVED, words.LABELS):
        assert set(table) == set(words.LANGUAGES)
        assert all(set(table[language]) == set(table["en"]) for language in words.LANGUAGES)


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (b"", False),
        (b"*/*", False),
        (BROWSER, True),
        (b"text/html", True),
        (b"text/*;q=0.3", True),
        (b"application/json", False),
        (b"application/json, text/html;q=0.9", False),
        (b"text/html;q=0.5, application/problem+json;q=0.4", True),
        (b"text/html;q=0, */*", False),
        (b"image/webp,*/*;q=0.8", False),
        (b"TEXT/HTML; charset=utf-8", True),
        (b"text/html;q=nonsense", False),
    ],
)
def test_accept_decides_the_form(accept: bytes, html: bool) -> None:
    assert prefers_html(accept) is html


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        (b"", "en"),
        (b"de", "de"),
        (b"fr-CA, en;q=0.9", "fr"),
        (b"es, de;q=0.2", "de"),
        (b"und", "en"),
        (b"de;q=0", "en"),
        (b"en;q=0.3, fr;q=0.4", "fr"),
    ],
)
def test_accept_language_decides_the_language(wish: bytes, language: str) -> None:
    assert best_language(wish, ("en", "de", "fr"), "en") == language


def test_without_a_wish_the_site_s_language_is_used() -> None:
    assert refuse(visit(), terms=replace(TERMS, languages=("fr-FR", "en")))[1][b"content-language"] == b"fr"


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_no_header_bytes_raise(accept: bytes, language: bytes) -> None:
    status, headers, body = refuse(visit((b"accept", accept), (b"accept-language", language)))
    assert status == 403
    assert headers[b"content-length"] == b"%d" % len(body)
    assert REFERENCE.encode() in body


def test_references_are_random_readable_and_unlike() -> None:
    references = {new_reference() for _ in range(2000)}
    assert len(references) == 2000
    assert all(re.fullmatch(r"VB(-[0-9A-HJKMNP-TV-Z]{4}){4}", reference) for reference in references)
    for place in (3, 11, 21):
        assert {reference[place] for reference in references} == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


DOCUMENT = Document("/robots.txt", "text/plain; charset=utf-8", b"User-agent: *\n", b'"abc"', "0" * 64)


@pytest.mark.parametrize(
    ("method", "condition", "status", "body"),
    [
        ("GET", b"", 200, DOCUMENT.body),
        ("HEAD", b"", 200, b""),
        ("GET", b'"abc"', 304, b""),
        ("GET", b'"x", W/"abc"', 304, b""),
        ("GET", b"*", 304, b""),
        ("GET", b'"other"', 200, DOCUMENT.body),
        ("HEAD", b'"abc"', 304, b""),
    ],
)
def test_a_signal_document_is_served(method: str, condition: bytes, status: int, body: bytes) -> None:
    start, message = document_messages(DOCUMENT, SIGNALS, method, condition)
    headers = dict(start["headers"])
    assert (start["status"], message["body"]) == (status, body)
    assert headers[b"etag"] == b'"abc"'
    assert headers[b"cache-control"] == b"public, max-age=3600"
    assert headers[b"tdm-reservation"] == b"1"
    if status == 200:
        assert headers[b"content-length"] == b"%d" % len(DOCUMENT.body)
        assert headers[b"content-type"] == b"text/plain; charset=utf-8"
    else:
        assert b"content-length" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", "BREW"])
def test_other_methods_are_told_which_ones_there_are(method: str) -> None:
    start, message = document_messages(DOCUMENT, SIGNALS, method, b'"abc"')
    headers = dict(start["headers"])
    assert start["status"] == 405
    assert headers[b"allow"] == b"GET, HEAD"
    assert headers[b"content-length"] == b"%d" % len(message["body"])
