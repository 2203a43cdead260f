"""The site as a whole: refusals, redirects elsewhere, llms.txt, limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

Probe = Callable[..., Any]


def refused(request: Any, answer: Any) -> Any:
    is_content = request.path.startswith(("/songs", "/images")) or request.path == "/"
    return replace(answer, status=403) if is_content else answer


def test_a_site_that_refuses_the_probe_is_told_so(probing: Probe, found: Any, ids: Any) -> None:
    report = probing(refused)

    assert found(report, "sample-refused").severity == "warning"
    assert "was not checked" in found(report, "sample-refused").message
    assert ids(report) == {"sample-refused"}


def test_who_asks_as_a_crawler_may_be_refused(probing: Probe) -> None:
    assert probing(refused, user_agent="Mozilla/5.0 (compatible; GPTBot/1.2)").ledger.findings == []


def test_a_site_that_is_elsewhere_is_named(probing: Probe, found: Any) -> None:
    def moved(request: Any, answer: Any) -> Any:
        if request.path == "/":
            return replace(answer, status=301, body=b"").plus(("location", "https://www.label.example/"))
        return answer

    finding = found(probing(moved), "site-elsewhere")

    assert finding.where == ("/",)
    assert "https://www.label.example, which was not asked" in finding.message


def test_llms_txt_is_a_warning_and_a_page_in_its_place_is_not(probing: Probe, found: Any, ids: Any) -> None:
    def served(media_type: str) -> Callable[[Any, Any], Any]:
        def spoil(request: Any, answer: Any) -> Any:
            if request.path == "/llms-full.txt":
                return replace(answer.with_(("content-type", media_type)), status=200, body=b"# All")
            return answer

        return spoil

    finding = found(probing(served("text/plain")), "llms-txt")
    assert (finding.where, finding.severity) == (("/llms-full.txt",), "warning")
    assert ids(probing(served("text/html"))) == set()


def test_the_limit_of_requests_is_kept_and_told(probing: Probe, site: Any, found: Any) -> None:
    report = probing(most_requests=20)

    assert len(site.seen) == 20
    assert found(report, "not-all-asked").severity == "warning"


def test_the_limit_of_time_is_kept_and_told(probing: Probe, site: Any, ids: Any) -> None:
    times = iter(range(0, 10_000, 4))

    report = probing(now=lambda: float(next(times)), total_seconds=100.0, timeout_seconds=60.0)

    assert 3 < len(site.seen) < 30
    assert "not-all-asked" in ids(report)
