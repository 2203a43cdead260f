"""What others say about a client: never waited for, heard with the next request, kept apart."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PageApp, call, config, scope
from outside_support import (
    BYTESPIDER,
    DAY,
    FETCHED,
    FRESH,
    GOOGLE,
    GOOGLEBOT,
    OPENAI,
    SETTINGS,
    STRANGER,
    ScriptedDns,
    visit,
)
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.outside import Outside
from vorbehalt.engine import Engine
from vorbehalt.facts import Standing, Visit
from vorbehalt.identify.networks import RangeList
from vorbehalt.stores.memory import MemoryLimits


def engine(dns: ScriptedDns | None = None, lists: dict[str, RangeList] | None = None) -> Engine:
    outside = None
    if dns is not None:
        outside = Outside(SETTINGS, lambda: None, on_answer=lambda: None, on_lists=lambda _: None, dns=dns)  # type: ignore[arg-type,return-value]
        dns.on_answer = None
    return Engine(SETTINGS, MemoryLimits(), outside=outside, ranges=lists)


def seen(judge: Engine, agent: bytes, address: str, **more: Any) -> tuple[str, str]:
    verdict = judge.judge(visit(agent, address, **more))
    assert verdict.identity is not None
    return verdict.identity.standing.value, verdict.action.value


def test_with_a_list_of_that_day() -> None:
    judge = engine()

    assert seen(judge, GPTBOT, OPENAI) == ("verified", "block")
    assert seen(judge, GPTBOT, STRANGER) == ("contradicted", "block")
    assert seen(judge, GPTBOT, STRANGER, at=FETCHED + 3 * DAY) == ("unknown", "block")
    assert seen(judge, GPTBOT, OPENAI, at=FETCHED + 40 * DAY) == ("unknown", "block")
    assert seen(judge, BYTESPIDER, STRANGER) == ("claimed", "allow")


def test_a_forged_search_engine_needs_two_negatives() -> None:
    dns = ScriptedDns()
    judge = engine(dns, FRESH)

    assert seen(judge, GOOGLEBOT, STRANGER) == ("unknown", "allow")
    assert dns.asked == [STRANGER]
    dns.answer(STRANGER, "absent")
    assert seen(judge, GOOGLEBOT, STRANGER) == ("contradicted", "block")


def test_a_genuine_search_engine_is_verified_by_either() -> None:
    dns = ScriptedDns()
    judge = engine(dns, lists={})

    assert seen(judge, GOOGLEBOT, GOOGLE) == ("claimed", "allow")
    dns.answer(GOOGLE, "closed", "crawl-66-249-66-1.googlebot.com")
    assert seen(judge, GOOGLEBOT, GOOGLE) == ("verified", "allow")
    assert seen(engine(), GOOGLEBOT, GOOGLE) == ("verified", "allow")


@pytest.mark.parametrize("source", ["untrusted", "none"])
def test_an_address_that_cannot_be_trusted_is_neither_asked_nor_held_against_anybody(source: str) -> None:
    dns = ScriptedDns()
    judge = engine(dns)

    assert seen(judge, GOOGLEBOT, STRANGER, source=source) == ("claimed", "allow")
    assert seen(judge, GPTBOT, OPENAI, source=source) == ("claimed", "block")
    assert dns.asked == []


def test_a_decision_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a decision asked the network")

    judge = engine(ScriptedDns())
    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, forbidden)

    for agent in (GPTBOT, GOOGLEBOT, BYTESPIDER, CHROME):
        judge.judge(visit(agent, STRANGER))


def test_the_impostor_rule_disarms_itself_before_it_hurts_a_search_engine() -> None:
    dns = ScriptedDns()
    judge = engine(dns, FRESH)
    actions = []
    for number in range(30):
        address = f"203.0.114.{number + 1}"
        dns.answer(address, "absent")
        actions.append(seen(judge, GOOGLEBOT, address)[1])

    assert actions[0] == "block"
    assert actions[-1] == "allow"
    verdict = judge.judge(visit(GOOGLEBOT, "203.0.114.1"))
    assert "impostor-rule-disarmed" in verdict.reasons
    assert not verdict.enforced


def test_an_answer_is_kept_as_an_attribution_without_the_address() -> None:
    site = VorbehaltMiddleware(PageApp(), config=config())
    assert site.runtime is not None
    runtime = site.runtime
    dns = ScriptedDns()
    outside = Outside(
        runtime.settings,
        lambda: runtime.evidence,
        on_answer=runtime.live.forget_refusals,
        on_lists=lambda _: None,
        dns=dns,  # type: ignore[arg-type]
    )
    runtime.outside = outside
    runtime.live.engine._outside = outside

    def ask() -> int:
        return asyncio.run(call(site, scope(agent=GOOGLEBOT, client=(GOOGLE, 50_000)))).status

    assert ask() == 200
    dns.answer(GOOGLE, "closed", "crawl-66-249-66-1.googlebot.com", at=time.time_ns())
    assert ask() == 200
    leaves = runtime.evidence.leaves()  # type: ignore[attr-defined]
    (record,) = [leaf for leaf in leaves if leaf["type"] == "attribution"]
    assert record["seen"]["method"] == "rdns"
    assert record["seen"]["outcome"] == "closed"
    assert record["seen"]["claims"] == [{"token": "Googlebot", "operator": "Google", "says": "proof"}]
    assert record["seen"]["versions"]["rules"] == runtime.settings.registry.version
    assert set(record["private"]) == {"address", "names"}
    assert "66.249" not in str(record)
    assert "66-249" not in str(record)
    counted = runtime.counters.snapshot()
    labels = [key[1][3] for key in counted if key[0] == "vorbehalt_crawler_requests_total"]
    assert labels[-1] == Standing.VERIFIED.value


def test_a_remembered_refusal_gives_way_to_what_is_known_since() -> None:
    site = VorbehaltMiddleware(PageApp(), config=config())
    assert site.runtime is not None
    runtime = site.runtime

    def ask() -> None:
        assert asyncio.run(call(site, scope(agent=GPTBOT, client=(OPENAI, 50_000)))).status == 403

    ask()
    ask()
    fresh = {
        name: replace(ranges, fetched_at=visit(GPTBOT, OPENAI).received_at)
        for name, ranges in runtime.live.engine.ranges.items()
    }
    runtime._take_lists(fresh)
    ask()
    assert runtime.live.engine.ranges == fresh


def test_a_signed_request_never_takes_the_short_way() -> None:
    app = PageApp()
    site = VorbehaltMiddleware(app, config=config())
    signed = [(b"signature-input", b'sig1=("@authority")'), (b"signature", b"sig1=:AA==:")]
    for _ in range(2):
        asyncio.run(call(site, scope(agent=CHROME)))
    asked: list[Visit] = []

    class Listening:
        asks_nobody = False

        def answers(self, claim: Any, visit: Visit) -> Any:
            from vorbehalt.identify.answers import NO_ANSWERS

            asked.append(visit)
            return NO_ANSWERS

    assert site.runtime is not None
    site.runtime.live.engine._outside = Listening()
    asyncio.run(call(site, scope(agent=CHROME)))
    assert asked == []
    assert asyncio.run(call(site, scope(agent=CHROME, headers=signed))).status == 200
    assert len(asked) == 1
