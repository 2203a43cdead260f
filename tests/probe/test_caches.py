"""Caches that serve what was said before, and refusals that they keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

Probe = Callable[..., Any]
AGED = (("age", "3600"), ("x-cache", "HIT"))


def cached(path: str, change: Callable[[Any], Any], *signs: tuple[str, str]) -> Callable[[Any, Any], Any]:
    """What a cache does that keeps answers by their address: only a query of its own gets past it."""

    def spoil(request: Any, answer: Any) -> Any:
        is_kept = request.path == path and not request.query and answer.status in (200, 304)
        return change(answer).plus(*signs) if is_kept else answer

    return spoil


@pytest.mark.parametrize("settings", [None, True])
def test_old_headers_from_a_cache_are_named_with_its_age(
    settings: object, probing: Probe, found: Any, ids: Any
) -> None:
    spoil = cached("/images/a.png", lambda answer: answer.without("link", "x-robots-tag"), *AGED)

    report = probing(spoil, settings=settings)
    finding = found(report, "cache-stale")

    assert ids(report) == {"cache-stale"}
    assert finding.where == ("/images/a.png",)
    assert finding.severity == "error"
    assert "a cache (3,600 s old, x-cache: HIT) serves without x-robots-tag, link" in finding.message
    assert "purge it" in finding.message


def test_old_terms_from_a_cache_are_named_by_what_they_say(probing: Probe, found: Any, ids: Any) -> None:
    spoil = cached("/songs/1", lambda answer: answer.with_(("tdm-reservation", "0")), *AGED)

    compared = probing(spoil, settings=True)

    assert "tdm-reservation: 0" in found(probing(spoil), "cache-stale").message
    assert "tdm-reservation: 0" in found(compared, "cache-stale").message
    assert "header-differs" not in ids(compared), "said twice"


@pytest.mark.parametrize(
    ("settings", "signs", "severity"),
    [(None, AGED, "error"), (None, (), "warning"), (True, (), "error"), (True, AGED, "error")],
)
def test_an_old_document_from_a_cache_is_named(
    settings: object, signs: Any, severity: str, probing: Probe, found: Any, ids: Any
) -> None:
    def older(answer: Any) -> Any:
        return answer.saying(answer.body.replace(b"\n", b" \n"))

    report = probing(cached("/license.xml", older, *signs), settings=settings)
    finding = found(report, "cache-stale")

    assert ids(report) == {"cache-stale"}
    assert (finding.where, finding.severity) == (("/license.xml",), severity)
    assert "an older document" in finding.message


def test_a_cache_that_serves_what_holds_is_no_finding(probing: Probe) -> None:
    report = probing(
        lambda request, answer: answer.plus(*AGED) if answer.status == 200 else answer, settings=True
    )

    assert report.ledger.findings == []


def test_a_cache_that_keeps_everything_is_found_by_the_configuration(probing: Probe, found: Any) -> None:
    def old(request: Any, answer: Any) -> Any:
        if request.path == "/license.xml" and answer.status == 200:
            return answer.saying(answer.body + b"<!-- older -->").plus(*AGED)
        return answer

    assert "another version of the RSL licence is served from a cache (3,600 s old" in (
        found(probing(old, settings=True), "document-outdated").message
    )


def test_a_refusal_from_a_cache_is_named(probing: Probe, found: Any) -> None:
    def refused(request: Any, answer: Any) -> Any:
        return replace(answer, status=403).plus(*AGED) if request.path == "/songs/1" else answer

    finding = found(probing(refused), "refusal-cached")

    assert finding.where == ("/songs/1",)
    assert "403" in finding.observed


def test_a_document_known_from_the_evidence_is_called_so(
    probing: Probe, found: Any, site: Any, tmp_path: Any
) -> None:
    from vorbehalt.evidence.log import open_evidence
    from vorbehalt.settings import load

    older = b"<rsl xmlns='https://rslstandard.org/rsl'><content url='/'/></rsl>"
    mapping = {**site.configuration(), "evidence": {"directory": str(tmp_path / "evidence")}}
    settings = load(mapping, environ={})
    evidence = open_evidence(settings.evidence.directory, settings.evidence.origin, {})
    evidence.put_object(older)
    evidence.close()

    def old(request: Any, answer: Any) -> Any:
        is_kept = request.path == "/license.xml" and answer.status == 200
        return answer.saying(older) if is_kept else answer

    assert found(probing(old, settings=settings), "document-outdated").message.startswith(
        "an older version of the RSL licence is served"
    )


def test_a_document_that_holds_is_not_stale_whatever_a_query_gives(probing: Probe, ids: Any) -> None:
    def by_query(request: Any, answer: Any) -> Any:
        is_other = request.path == "/license.xml" and request.query and answer.status == 200
        return answer.saying(answer.body + b" ") if is_other else answer

    assert ids(probing(by_query, settings=True)) == set()


def test_a_reply_to_a_query_is_no_error_reply(probing: Probe, ids: Any) -> None:
    def by_query(request: Any, answer: Any) -> Any:
        return answer.without("link") if request.path == "/songs/1" and request.query else answer

    assert "headers-missing-on-errors" not in ids(probing(by_query))
