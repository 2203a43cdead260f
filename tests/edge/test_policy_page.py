"""The page for people goes out in the language that is asked for, and caches can tell."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest

from asgi_support import PERPLEXITY, Got, PageApp, ask, call, config, protect, scope, watched
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.announcing import Announcement, announce
from vorbehalt.evidence.history.in_force import InForce

GERMAN_FIRST = {"site": {"languages": ["de-DE", "en"]}}


@pytest.fixture
def site() -> VorbehaltMiddleware:
    return protect(PageApp(404), **GERMAN_FIRST)


def page(site: Any, wish: str | None = None, query: bytes = b"", **more: Any) -> Got:
    headers = [*more.pop("headers", ()), *([(b"accept-language", wish.encode())] if wish is not None else [])]
    return ask(site, "/ai-policy", headers=headers, query_string=query, **more)


def language(got: Got) -> tuple[bytes | None, str]:
    """What the answer says of its language, and what the page itself says."""
    found = re.search(rb'<html lang="(..)">', got.body)
    return got.header(b"content-language"), found[1].decode() if found else ""


@pytest.mark.parametrize(
    ("wish", "query", "spoken"),
    [
        (None, b"", "de"),
        ("", b"", "de"),
        ("*", b"", "de"),
        ("it,pl", b"", "de"),
        ("en", b"", "en"),
        ("fr-CA,fr;q=0.8,en;q=0.6", b"", "fr"),
        ("it, fr;q=0.4, EN-us;q=0.5", b"", "en"),
        ("en;q=0, fr;q=0.1", b"", "fr"),
        ("fr;q=nonsense, en;q=0.2", b"", "en"),
        ("en", b"lang=fr", "fr"),
        ("en", b"lang=FR-ca", "fr"),
        ("en", b"a=b&lang=de&lang=fr", "de"),
        ("en", b"lang=it", "en"),
        ("fr", b"lang=", "fr"),
        ("en", b"lang=%64%65", "de"),
        ("en", b"language=fr", "en"),
        ("en", b"&" * 5000 + b"lang=fr", "en"),
        ("en", b"\xff%ff;&&=lang=%", "en"),
    ],
)
def test_the_query_decides_then_accept_language_then_the_site(
    wish: str | None, query: bytes, spoken: str, site: VorbehaltMiddleware
) -> None:
    got = page(site, wish, query)
    assert got.status == 200
    assert language(got) == (spoken.encode(), spoken)
    assert got.header(b"vary") == b"Accept-Language"
    assert got.header(b"content-length") == str(len(got.body)).encode()


def test_several_lines_of_wishes_are_one_list(site: VorbehaltMiddleware) -> None:
    got = page(site, "en;q=0.5", headers=[(b"accept-language", b"it")])
    assert language(got) == (b"en", "en")


def test_head_says_what_get_says(site: VorbehaltMiddleware) -> None:
    got, head = page(site, "fr"), page(site, "fr", method="HEAD")
    assert head.body == b""
    assert head.start["headers"] == got.start["headers"]


def test_each_language_has_its_own_etag_and_304_means_that_one(site: VorbehaltMiddleware) -> None:
    etags = {wish: page(site, wish).header(b"etag") or b"" for wish in ("de", "en", "fr")}
    assert len(set(etags.values())) == 3
    for known, etag in etags.items():
        for wish in etags:
            got = page(site, wish, headers=[(b"if-none-match", etag)])
            assert got.status == (304 if wish == known else 200), (wish, known)
            assert got.header(b"etag") == etags[wish]
            assert got.header(b"vary") == b"Accept-Language"
            assert (got.body == b"") == (wish == known)


def test_only_the_page_varies_and_only_it_has_a_language(site: VorbehaltMiddleware) -> None:
    for path in ("/robots.txt", "/license.xml", "/.well-known/tdmrep.json"):
        got = ask(site, path, headers=[(b"accept-language", b"fr")], query_string=b"lang=fr")
        assert (got.header(b"vary"), got.header(b"content-language")) == (None, None)
        assert got.header(b"content-security-policy") is None


def test_the_policy_admits_the_style_that_is_there_and_nothing_else(site: VorbehaltMiddleware) -> None:
    got = page(site)
    style = re.search(rb"<style>(.*?)</style>", got.body, re.S)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert (got.header(b"content-security-policy") or b"").decode() == (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'"
    )


def test_other_methods_are_told_which_ones_there_are(site: VorbehaltMiddleware) -> None:
    assert page(site, "fr", method="POST").status == 405


def test_the_sites_own_page_wins_in_every_language() -> None:
    async def own(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"our own words"})

    got = page(protect(own, **GERMAN_FIRST), "fr", b"lang=fr")
    assert got.body == b"our own words"
    assert (got.header(b"vary"), got.header(b"content-language")) == (None, None)


def test_a_crawlers_record_names_the_language_it_got_and_that_text_is_kept() -> None:
    async def main() -> None:
        durable = asyncio.Event()
        durable.set()
        site, evidence = watched(PageApp(404), durable, **GERMAN_FIRST)
        assert site.runtime is not None
        bodies: list[bytes] = []
        evidence.put_object = lambda body: bodies.append(body) or hashlib.sha256(body).hexdigest()  # type: ignore[method-assign, func-returns-value]
        got = await call(site, scope("/ai-policy", agent=PERPLEXITY, headers=[(b"accept-language", b"fr")]))
        (record,) = evidence.of("signal-served")
        assert record.seen["digest"] == hashlib.sha256(got.body).hexdigest()
        assert record.seen["document"] == "/ai-policy"

        plan = site.runtime.live.engine.default
        announce(evidence, InForce(), Announcement(plan.settings, plan.bundle, "start", 1, {}))
        seen = evidence.of("policy-active")[-1].seen
        documents: Any = seen["documents"]
        assert documents["/ai-policy?lang=fr"] == record.seen["digest"]
        assert documents["/ai-policy"] == documents["/ai-policy?lang=de"]
        objects: Any = seen["objects"]
        assert record.seen["digest"] in objects
        assert got.body in bodies

    asyncio.run(main())


def test_a_changed_frame_is_served_and_a_broken_one_is_not(tmp_path: Path) -> None:
    frame = tmp_path / "page.html"
    needed = "<main>$declaration $parts $contacts</main>"
    frame.write_text("<p>one</p>" + needed)
    (tmp_path / "vorbehalt.toml").write_text(
        'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        '[reservation]\npage_template = "file:page.html"\n[evidence]\ndirectory = "memory:"\n'
    )
    site = VorbehaltMiddleware(PageApp(404), config=tmp_path / "vorbehalt.toml")
    assert site.runtime is not None
    first = page(site)
    assert b"<p>one</p>" in first.body
    assert b"script-src 'none'" in (first.header(b"content-security-policy") or b"")
    digest = site.runtime.live.engine.default.bundle.digest

    assert not site.runtime.reload()
    _rewrite(frame, "<p>two</p>" + needed)
    assert site.runtime.reload()
    assert b"<p>two</p>" in page(site).body
    assert site.runtime.live.engine.default.bundle.digest != digest

    _rewrite(frame, "<p>three</p>")
    assert not site.runtime.reload()
    assert b"<p>two</p>" in page(site).body
    _rewrite(frame, "<p>four</p>" + needed)
    assert site.runtime.reload()
    assert b"<p>four</p>" in page(site).body


def _rewrite(path: Path, text: str) -> None:
    """Write a file as at another time, however coarse the clock of the file system is."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_hosts_speak_their_own_default(site: VorbehaltMiddleware) -> None:
    two = VorbehaltMiddleware(
        PageApp(404),
        config=config(**GERMAN_FIRST, host=[{"names": ["fr.example"], "site": {"languages": ["fr"]}}]),
    )
    request = scope("/ai-policy")
    request["headers"][0] = (b"host", b"fr.example")
    assert language(asyncio.run(call(two, request))) == (b"fr", "fr")
    assert language(page(two)) == (b"de", "de")
