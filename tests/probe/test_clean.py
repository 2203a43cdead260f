"""A site that says everything right makes no finding, and everything was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vorbehalt.probe.finding import IDS

Probe = Callable[..., Any]


@pytest.mark.parametrize("settings", [None, True])
def test_a_clean_site_has_no_finding(settings: object, probing: Probe) -> None:
    report = probing(settings=settings)

    assert report.ledger.findings == []
    assert report.ok
    assert report.ledger.passed > 100


def test_every_kind_of_content_is_asked_for_in_every_way(probing: Probe) -> None:
    asked = {(one.kind, one.variant) for one in probing().gathered.exchanges}

    for kind in (
        "robots",
        "tdmrep",
        "policy",
        "rsl",
        "terms",
        "page",
        "image",
        "media",
        "style",
        "feed",
        "pdf",
    ):
        assert {(kind, "plain"), (kind, "fresh")} <= asked
    for kind in ("robots", "tdmrep", "policy", "rsl", "terms"):
        assert {(kind, "head"), (kind, "conditional")} <= asked
    assert {("missing", "plain"), ("page", "head"), ("page", "options"), ("page", "conditional")} <= asked
    assert {("media", "part"), ("style", "compressed"), ("robots", "browser"), ("page", "again")} <= asked


def test_nothing_unsafe_is_asked_and_only_what_is_needed(probing: Probe, site: Any) -> None:
    report = probing()

    assert {request.method for request in site.seen} == {"GET", "HEAD", "OPTIONS"}
    assert len(site.seen) == len(report.gathered.exchanges) <= 60
    assert all(request.headers["user-agent"] for request in site.seen)
    assert not any("cookie" in request.headers for request in site.seen)


def test_what_robots_txt_closes_is_left_alone_but_asked_when_named(probing: Probe, site: Any) -> None:
    def closed(request: Any, answer: Any) -> Any:
        if request.path == "/robots.txt":
            return answer.saying(answer.body.replace(b"Allow: /\n", b"Allow: /\nDisallow: /audio/\n"))
        return answer

    probing(closed)
    alone = [request.path for request in site.seen]
    site.seen.clear()
    probing(closed, paths=("/audio/1.mp3",))

    assert "/audio/1.mp3" not in alone
    assert "/audio/1.mp3" in [request.path for request in site.seen]


def test_the_same_answers_give_the_same_questions(probing: Probe, site: Any) -> None:
    probing()
    first = [(request.method, request.path) for request in site.seen]
    site.seen.clear()
    probing()

    assert [(request.method, request.path) for request in site.seen] == first


def test_the_public_form_has_these_keys(probing: Probe) -> None:
    public = probing().as_json()

    assert list(public) == ["url", "ok", "requests", "checks", "findings", "exchanges", "warc", "record"]
    assert list(public["checks"]) == ["passed", "failed", "warnings"]
    assert list(public["exchanges"][0]) == [
        "method", "path", "status", "kind", "variant", "headers_missing", "fault"
    ]  # fmt: skip
    assert public["requests"] == len(public["exchanges"])


def test_every_id_is_explained_in_the_document() -> None:
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "probe.md").read_text("utf-8")

    assert [id for id in IDS if f"`{id}`" not in text] == []
