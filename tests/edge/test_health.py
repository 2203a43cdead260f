"""Health: what makes it yellow, what red, and that it is told to whoever may ask."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PageApp, ask, protect
from vorbehalt import VorbehaltMiddleware


def health(site: VorbehaltMiddleware) -> Any:
    return json.loads(ask(site, "/.vorbehalt/health", client=("8.8.8.8", 1)).body)


class Evidence:
    """Evidence in a given state."""

    def __init__(self, state: str, *reasons: str) -> None:
        self.told: dict[str, object] = {"state": state, "reasons": list(reasons)}

    def health(self) -> dict[str, object]:
        return self.told


@pytest.mark.parametrize("state", ["green", "yellow", "red"])
def test_the_state_of_the_evidence_is_told(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    ask(site, client=("8.8.8.8", 1))
    reasons = [] if state == "green" else ["the disk is full"]
    assert site.runtime is not None
    monkeypatch.setattr(site.runtime.evidence, "health", Evidence(state, *reasons).health)

    told = health(site)

    assert (told["state"], told["reasons"]) == (state, reasons)
    assert list(told) == ["state", "reasons", "conflicts", "campaigns"]


def test_any_reason_of_our_own_makes_green_yellow(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    ask(site, client=("8.8.8.8", 1))
    assert site.runtime is not None
    monkeypatch.setattr(site.runtime.evidence, "health", Evidence("green").health)
    site.runtime.reasons["config"] = "the changed configuration is wrong"

    assert health(site)["state"] == "yellow"


def test_a_site_that_judges_nobody_is_red_until_it_judges_again(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    ask(site, client=("8.8.8.8", 1))
    assert site.runtime is not None
    monkeypatch.setattr(site.runtime.evidence, "health", Evidence("green").health)

    def broken(visit: Any) -> Any:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(site.runtime.live.engine, "judge", broken)
        for number in range(1, 4):
            assert ask(site, agent=GPTBOT).status == 200, "a fault of ours lets pass"
            told = health(site)
            assert told["state"] == ("red" if number >= 3 else "yellow")
            assert f"{number} requests passed unjudged" in told["reasons"][0]
    assert health(site)["reasons"][0].startswith("not protected")

    assert ask(site, agent=GPTBOT).status == 403
    told = health(site)
    assert (told["state"], told["reasons"][0][:10]) == ("yellow", "3 requests")


def test_health_is_200_whatever_the_state_and_has_a_head() -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    site.runtime.live.unjudged = site.runtime.live.unjudged_in_a_row = 9
    for method in ("GET", "HEAD"):
        got = ask(site, "/.vorbehalt/health", agent=CHROME, method=method)
        assert (got.status, got.header(b"cache-control")) == (200, b"no-store")
        assert bool(got.body) is (method == "GET")
        assert int(got.header(b"content-length") or 0) > 0
