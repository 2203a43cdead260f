"""A conclusion names the record that it is about, wherever there is one."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from asgi_support import PageApp, call, config, scope
from outside_support import FETCHED, GOOGLE, GOOGLEBOT, SETTINGS, ScriptedDns, visit
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.outside import Outside
from vorbehalt.evidence.receipt import Draft
from vorbehalt.identify.answers import SignatureAnswer

SECOND = 10**9
SIGNED = SignatureAnswer("verified", "https://agent.example", "thumb", "how", b"base", "{}", "", b"sig")


class Kept:
    """The drafts that were appended."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []

    def append(self, draft: Draft) -> None:
        self.drafts.append(draft)

    @property
    def of(self) -> list[object]:
        return [draft.seen.get("of") for draft in self.drafts]


def outside_of(kept: Kept) -> Outside:
    return Outside(SETTINGS, lambda: kept, on_answer=lambda: None, on_lists=lambda _: None)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(("kind", "count"), [("full", 1), ("rollup", 0)])
def test_what_a_look_up_concludes_names_the_request_that_asked_for_it(kind: str, count: int) -> None:
    site = VorbehaltMiddleware(
        PageApp(), config=config(evidence={"directory": "memory:", "record": {"search-engine": kind}})
    )
    assert site.runtime is not None
    runtime, dns = site.runtime, ScriptedDns()
    outside = Outside(
        runtime.settings,
        lambda: runtime.evidence,
        on_answer=lambda: None,
        on_lists=lambda _: None,
        dns=dns,  # type: ignore[arg-type]
    )
    runtime.outside = runtime.live.engine._outside = outside
    for _ in range(2):
        asyncio.run(call(site, scope(agent=GOOGLEBOT, client=(GOOGLE, 50_000))))
    dns.answer(GOOGLE, "closed", "crawl-66-249-66-1.googlebot.com", at=time.time_ns())
    leaves: list[dict[str, Any]] = runtime.evidence.leaves()  # type: ignore[attr-defined]
    requests = [leaf["ref"] for leaf in leaves if leaf["type"] == "request"]
    (concluded,) = [leaf["seen"] for leaf in leaves if leaf["type"] == "attribution"]
    assert (concluded.get("of"), len(requests)) == ((requests[0], 2) if count else (None, 0))


def test_what_a_signature_shows_is_appended_before_its_request_and_names_it() -> None:
    kept = Kept()
    outside, asked = outside_of(kept), visit(GOOGLEBOT, GOOGLE)
    outside._note_signature(asked, SIGNED)
    assert kept.drafts == []
    outside.refer(asked, "VB-1")
    assert (kept.of, kept.drafts[0].seen["method"]) == (["VB-1"], "web-bot-auth")
    outside.refer(asked, "VB-2")
    assert kept.of == ["VB-1"]


def test_a_signature_of_a_visit_without_a_record_is_kept_without_a_reference() -> None:
    kept = Kept()
    outside, asked = outside_of(kept), visit(GOOGLEBOT, GOOGLE)
    outside._note_signature(asked, SIGNED)
    outside.refer(asked, "")
    assert kept.of == [None]


def test_a_signature_that_nobody_refers_to_is_kept_with_the_next_one_or_at_the_end() -> None:
    kept = Kept()
    outside = outside_of(kept)
    outside._note_signature(visit(GOOGLEBOT, GOOGLE, FETCHED), SIGNED)
    outside._note_signature(visit(GOOGLEBOT, GOOGLE, FETCHED + 1 * SECOND), SIGNED)
    assert kept.drafts == []
    outside._note_signature(visit(GOOGLEBOT, GOOGLE, FETCHED + 3 * SECOND), SIGNED)
    assert [draft.at for draft in kept.drafts] == [FETCHED]
    outside.stop()
    assert len(kept.drafts) == 3
