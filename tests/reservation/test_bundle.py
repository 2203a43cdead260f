"""The whole set: types, digests, determinism, and that no channel contradicts another."""

from __future__ import annotations

import dataclasses
import json
from hashlib import sha256
from itertools import product
from typing import Any, cast
from xml.etree import ElementTree

import http_sf
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from protego import Protego

from terms_support import Terms
from vorbehalt.reservation.bundle import Bundle, bundle_digest, render
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Stance, Uses

REFUSED = ("GPTBot", "ClaudeBot", "CCBot", "Google-Extended", "Applebot-Extended")
TERMS = Terms("https://label.example", "Label Example GmbH", "mailto:licensing@label.example")
OPEN = Uses("allow", "allow", "allow", "allow")
stances: list[Stance] = ["allow", "reserve"]
NS = "{https://rslstandard.org/rsl}"


def test_each_document_has_its_media_type() -> None:
    bundle = render(TERMS, None, REFUSED)
    assert {path: document.media_type for path, document in bundle.documents.items()} == {
        "/robots.txt": "text/plain; charset=utf-8",
        "/.well-known/tdmrep.json": "application/json",
        "/.well-known/tdm-policy.json": "application/ld+json",
        "/license.xml": "application/rsl+xml",
        "/ai-policy": "text/html; charset=utf-8",
    }
    assert [document.path for document in bundle.documents.values() if document.for_people] == ["/ai-policy"]


def test_etag_and_digest_follow_the_body() -> None:
    for document in render(TERMS, None, REFUSED).documents.values():
        digest = sha256(document.body).hexdigest()
        assert document.digest == digest
        assert document.etag == b'"' + digest[:32].encode() + b'"'


def test_the_page_has_every_language_the_default_first() -> None:
    page = render(dataclasses.replace(TERMS, languages=("it", "fr-CH")), None, ()).documents["/ai-policy"]
    assert [variant.language for variant in page.variants] == ["fr", "en", "de"]
    assert (page.body, page.etag, page.language) == (page.variants[0].body, page.variants[0].etag, "fr")
    assert len({variant.etag for variant in page.variants}) == 3
    for variant in page.variants:
        assert variant.digest == sha256(variant.body).hexdigest()
        assert variant.etag == b'"' + variant.digest[:32].encode() + b'"'
        assert (variant.path, variant.for_people, variant.variants) == ("/ai-policy", True, ())
        assert page.variant(variant.language) == variant
    assert page.variant("it") is page


def test_paths_are_configurable() -> None:
    terms = Terms("https://label.example", rsl_path="/rsl.xml", tdm_policy_path="/tdm.json", page_path="/ki")
    bundle = render(terms, None, ())
    assert {"/rsl.xml", "/tdm.json", "/ki"} <= set(bundle.documents)
    headers = dict(bundle.sections[""].headers)
    assert headers[b"tdm-policy"] == b"https://label.example/tdm.json"
    assert b"https://label.example/rsl.xml" in headers[b"link"]


def test_without_any_reservation_there_is_no_policy_to_ask_for() -> None:
    assert (
        "/.well-known/tdm-policy.json"
        not in render(Terms("https://a.example", uses=OPEN), None, ()).documents
    )


def test_the_same_terms_give_the_same_digest() -> None:
    assert render(TERMS, b"User-agent: *\n", REFUSED) == render(TERMS, b"User-agent: *\n", REFUSED)


def changed(bundle: Bundle) -> list[str]:
    """Digests after each smallest change of the set."""
    documents, sections = list(bundle.documents.values()), list(bundle.sections.values())
    body = documents[0].body
    (page,) = [document for document in documents if document.variants]
    others = [document for document in documents if document is not page]
    first, second, third = page.variants
    variants = [
        dataclasses.replace(documents[0], body=body + b" "),
        dataclasses.replace(documents[0], path=documents[0].path + "x"),
        dataclasses.replace(documents[0], media_type="text/plain"),
    ]
    return [
        *(bundle_digest([variant, *documents[1:]], sections) for variant in variants),
        bundle_digest(documents[1:], sections),
        bundle_digest(documents, []),
        *(
            bundle_digest([*others, dataclasses.replace(page, variants=variants)], sections)
            for variants in (
                (first, second),
                (first, third, second),
                (first, second, dataclasses.replace(third, body=third.body + b" ")),
                (first, second, dataclasses.replace(third, language="it")),
            )
        ),
        bundle_digest(documents, [dataclasses.replace(sections[0], name="x")]),
        bundle_digest(documents, [dataclasses.replace(sections[0], digest="x")]),
    ]


def test_the_digest_covers_every_part_and_no_order_of_arrival() -> None:
    bundle = render(TERMS, None, REFUSED)
    digests = changed(bundle)
    assert len({bundle.digest, *digests}) == 1 + len(digests)
    documents = reversed(list(bundle.documents.values()))
    assert bundle_digest(documents, bundle.sections.values()) == bundle.digest


def test_conflicts_with_the_sites_file_come_with_the_bundle() -> None:
    assert "GPTBot" in render(TERMS, b"User-agent: GPTBot\nAllow: /", REFUSED).conflicts[0]
    assert render(TERMS, None, REFUSED).conflicts == ()


@pytest.mark.parametrize("choice", list(product(stances, repeat=4)), ids=str)
def test_no_channel_permits_what_is_reserved(choice: tuple[Stance, Stance, Stance, Stance]) -> None:
    uses = Uses(*choice)
    terms = Terms("https://label.example", uses=OPEN, sections=(Section("part", ("/part/",), uses),))
    bundle = render(terms, None, REFUSED)
    headers = dict(bundle.sections["part"].headers)
    usage = cast(dict[str, Any], http_sf.parse(headers[b"content-usage"], tltype="dictionary"))
    rules = json.loads(bundle.documents["/.well-known/tdmrep.json"].body)
    root = ElementTree.fromstring(bundle.documents["/license.xml"].body)
    (content,) = [element for element in root if element.get("url") == "/part/"]
    permitted = (content.findtext(f"{NS}license/{NS}permits") or "").split()
    robots = Protego.parse(bundle.documents["/robots.txt"].body.decode())

    if uses.training == "reserve":
        assert str(usage["train-ai"][0]) == "n"
        assert "ai-train" not in permitted
        assert headers[b"x-robots-tag"] == b"noai, noimageai"
    if uses.ai_input == "reserve":
        assert str(usage["ai-use"][0]) == "n"
        assert "ai-input" not in permitted
    if uses.search == "reserve":
        assert str(usage["search"][0]) == "n"
        assert "search" not in permitted
    reserved = "reserve" in (uses.training, uses.ai_input, uses.tdm)
    assert headers[b"tdm-reservation"] == (b"1" if reserved else b"0")
    assert rules[0] == {
        "location": "/part/",
        "tdm-reservation": int(reserved),
        **({"tdm-policy": terms.tdm_policy_uri} if reserved else {}),
    }
    assert robots.can_fetch("https://label.example/part/x", "GPTBot") is ("reserve" not in choice)
    assert robots.can_fetch("https://label.example/x", "GPTBot")


@pytest.mark.parametrize("paths", [("/a*c/", "/ab*/"), ("/abc/", "/abc/")], ids=["equally-long", "the-same"])
@pytest.mark.parametrize("open_first", [True, False])
def test_where_sections_tie_every_channel_says_reserved(paths: tuple[str, str], open_first: bool) -> None:
    uses = (OPEN, Uses()) if open_first else (Uses(), OPEN)
    sections = tuple(Section(part, (path,), here) for part, path, here in zip("xy", paths, uses, strict=True))
    bundle = render(Terms("https://label.example", uses=OPEN, sections=sections), None, REFUSED)
    robots = bundle.documents["/robots.txt"].body.decode()
    assert not Protego.parse(robots).can_fetch("https://label.example/abc/", "GPTBot")
    assert Protego.parse(robots).can_fetch("https://label.example/x", "GPTBot")
    rules = json.loads(bundle.documents["/.well-known/tdmrep.json"].body)
    assert rules[0]["tdm-reservation"] == 1
    (content, *_) = [
        element
        for element in ElementTree.fromstring(bundle.documents["/license.xml"].body)
        if element.get("url") == paths[uses.index(Uses())]
    ]
    assert content.findtext(f"{NS}license/{NS}prohibits") == "ai-train ai-input"
    if paths[0] == paths[1]:
        lines = [line for line in robots.splitlines() if line.startswith("Content-Usage: /abc/")]
        assert lines[0] == "Content-Usage: /abc/ train-ai=n, ai-use=n, search=y"


@settings(max_examples=50)
@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_site_file_and_any_text_render(body: bytes, text: str) -> None:
    # A search engine of that name would be let in.
    assume("gptbot" not in text.casefold())
    terms = Terms(
        "https://label.example", text, text, rightsholder=text, licence_contact=text, may_license=True
    )
    bundle = render(terms, body, (text, "GPTBot"), (text,), asof=text)
    assert not Protego.parse(bundle.documents["/robots.txt"].body.decode("utf-8", "replace")).can_fetch(
        "https://label.example/a", "GPTBot"
    )
