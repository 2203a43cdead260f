"""What a proxy is answered, what the visitor can read afterwards, and what is recorded of it: each once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, Got, PageApp, WatchedEvidence, call, config, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.reverse_proxy.headers import request_headers
from vorbehalt.evidence.leaf.record import build_leaf

SECRET = "k2v7h4s9d1f6g3j8"
PROXY = ("192.0.2.1", 1)
Made = tuple[VorbehaltMiddleware, WatchedEvidence]


def sidecar(**sections: Any) -> Made:
    sections = {"network": {"trusted_proxies": ["192.0.2.1"]}, **sections}
    site = VorbehaltMiddleware(PageApp(), config=config(**sections), forward_auth=True)
    evidence = WatchedEvidence(None)
    assert site.runtime is not None
    site.runtime.evidence = evidence
    return site, evidence


def question(
    site: VorbehaltMiddleware,
    agent: bytes,
    *headers: tuple[bytes, bytes],
    client: Any = PROXY,
    at: str = "",
    **more: Any,
) -> Got:
    told = [(b"x-forwarded-for", b"8.8.8.8"), *headers]
    request = scope(f"/.vorbehalt/auth{at}", agent=agent, headers=told, client=client, **more)
    return asyncio.run(call(site, request))


def page(site: VorbehaltMiddleware, reference: bytes, status: int = 403) -> Got:
    request = scope(
        f"/.vorbehalt/refusal/{reference.decode()}", client=PROXY, query_string=b"status=%d" % status
    )
    return asyncio.run(call(site, request))


def test_the_page_of_a_refusal_is_handed_out_once_and_neither_judged_nor_recorded_again() -> None:
    site, evidence = sidecar()
    refused = question(site, GPTBOT, (b"accept", b"text/html"))
    reference = refused.header(b"x-vorbehalt-reference")
    assert reference == evidence.of("request")[0].ref.encode()

    first, second = page(site, reference), page(site, reference)

    assert (first.status, first.body, first.header(b"content-type")) == (
        403,
        refused.body,
        b"text/html; charset=utf-8",
    )
    assert reference in first.body
    assert (second.status, second.body) == (403, b"Rights are reserved here.\n")
    for answer in (first, second):
        assert answer.header(b"cache-control") == b"no-store"
        assert answer.header(b"tdm-reservation") == b"1"
        assert [name for name, _ in answer.start["headers"] if name.startswith(b"x-vorbehalt")] == []
    assert len(evidence.of("request")) == 1


def test_who_is_allowed_and_recorded_is_told_by_the_reference_of_the_record() -> None:
    site, evidence = sidecar(patterns={"thresholds": {"limit": 90, "challenge": 95, "block": 99}})
    crawler = question(site, PERPLEXITY)
    again, person = question(site, PERPLEXITY), question(site, CHROME)

    references = [draft.ref.encode() for draft in evidence.of("request")]
    assert [crawler.header(b"x-vorbehalt-reference"), again.header(b"x-vorbehalt-reference")] == references
    assert (crawler.status, again.status, person.status) == (204, 204, 204)
    assert person.header(b"x-vorbehalt-reference") is None, "there is no record"


def test_a_limit_is_403_to_nginx_and_429_to_the_visitor() -> None:
    site, _ = sidecar()
    answers = [question(site, PERPLEXITY) for _ in range(60)]
    limited = [answer for answer in answers if answer.status != 204]
    reference = limited[0].header(b"x-vorbehalt-reference")
    assert reference is not None

    read = page(site, reference, 429)

    assert {(answer.status, answer.header(b"x-vorbehalt-status")) for answer in limited} == {(403, b"429")}
    assert (read.status, json.loads(read.body)["status"]) == (429, 429)
    assert read.header(b"retry-after") == limited[0].header(b"retry-after")
    assert (page(site, reference, 429).status, page(site, b"VB-0", 403).status) == (429, 403)


def test_no_more_than_512_pages_are_kept() -> None:
    site, _ = sidecar()
    references = [question(site, GPTBOT).header(b"x-vorbehalt-reference") or b"" for _ in range(513)]

    assert json.loads(page(site, references[1]).body)["reference"] == references[1].decode()
    assert page(site, references[0]).body == b"Rights are reserved here.\n"


def test_only_a_sidecar_has_pages_to_hand_out() -> None:
    app = PageApp()
    site = VorbehaltMiddleware(app, config=config())

    assert page(site, b"VB-0").body == b"a page"


def test_envoy_hears_200_with_an_empty_body() -> None:
    site, _ = sidecar()
    got = question(site, CHROME, at="/lyrics/1")

    assert (got.status, got.body, got.header(b"content-length")) == (200, b"", b"0")
    assert got.header(b"tdm-reservation") == b"1"


@pytest.mark.parametrize(
    "headers", [((b"x-forwarded-uri", b"/favicon.ico"), (b"x-original-uri", b"/lyrics/1"))]
)
def test_a_visitor_that_adds_the_other_form_is_refused_all_the_same(
    headers: tuple[tuple[bytes, bytes], ...],
) -> None:
    site, evidence = sidecar()

    assert question(site, GPTBOT, headers[0]).status == 204, "favicons are open to everybody"
    assert question(site, GPTBOT, *headers).status == 403
    assert question(site, CHROME, *headers).status == 204
    assert [draft.seen["path"] for draft in evidence.of("request")] == ["/favicon.ico", "/lyrics/1"]


def test_the_secret_is_believed_and_stands_nowhere() -> None:
    site, evidence = sidecar(network={}, sidecar={"secret": SECRET})
    told = ((b"x-forwarded-uri", b"/press/1"), (b"x-request-id", b"abc-1"))
    said = (b"x-vorbehalt-secret", SECRET.encode())

    believed = question(site, GPTBOT, *told, said, client=("198.51.100.7", 1))
    stranger = question(site, GPTBOT, *told, (said[0], b"wrong"), client=("198.51.100.7", 1))

    assert (believed.status, stranger.status) == (403, 403)
    first, second = evidence.of("request")
    assert (first.seen["path"], first.seen["request_id"], first.client) == ("/press/1", "abc-1", "8.8.8.8")
    assert (second.seen["path"], second.client) == ("/", "198.51.100.7")
    assert "request_id" not in second.seen
    leaf = build_leaf(first, writer="w", sequence=0, previous="", private={}, vault_key="")
    assert (
        SECRET.encode()
        not in leaf + b"".join(first.private.values()) + believed.body + repr(believed.start).encode()
    )


def test_the_secret_is_not_passed_on_to_the_site() -> None:
    received = [(b"host", b"label.example"), (b"x-vorbehalt-secret", SECRET.encode()), (b"accept", b"*/*")]

    for trusted in (True, False):
        passed = request_headers(received, peer="192.0.2.1", scheme="https", trusted=trusted)
        assert (b"accept", b"*/*") in passed
        assert [name for name, _ in passed if name == b"x-vorbehalt-secret"] == []


def test_a_remembered_refusal_is_nobodys_who_says_a_secret() -> None:
    """In front of a site, too: the same visitor with and without the secret is judged each time."""
    site = VorbehaltMiddleware(PageApp(), config=config(sidecar={"secret": SECRET}))
    evidence = WatchedEvidence(None)
    assert site.runtime is not None
    site.runtime.evidence = evidence
    told = [(b"x-forwarded-for", b"8.8.8.8")]
    for headers in (told, told, [*told, (b"x-vorbehalt-secret", SECRET.encode())]):
        assert asyncio.run(call(site, scope(agent=GPTBOT, headers=headers))).status == 403

    drafts = evidence.of("request")
    for draft in drafts:
        draft.fill()
    assert [draft.seen["source"] for draft in drafts] == ["untrusted", "untrusted", "proxy-asserted"]
