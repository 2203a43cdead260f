"""What is remembered for speed ends when signals, rules or knowledge change."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, call, protect, scope
from caches_support import GOOGLE
from vorbehalt import VorbehaltMiddleware
from vorbehalt.facts import Standing
from vorbehalt.identify.identity import Identity


def test_signals_that_change_are_named_in_the_next_refusal(tmp_path: Path) -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    plan = site.runtime.live.engine.default

    for _ in range(2):
        asyncio.run(call(site, scope(agent=GPTBOT)))
        asyncio.run(call(site, scope(agent=CHROME)))
    before = plan.bundle.digest
    site.runtime.set_site_robots(plan, b"User-agent: *\nDisallow: /private/\n")
    got = asyncio.run(call(site, scope(agent=GPTBOT)))

    assert got.status == 403
    assert plan.bundle.digest != before
    records = [r for r in site.runtime.evidence.leaves() if r["type"] == "request"]  # type: ignore[attr-defined]
    signals = [record["seen"]["reservation"]["signals"] for record in records]
    assert signals == [before, before, plan.bundle.digest]
    app = site.app
    assert isinstance(app, PageApp)
    asyncio.run(call(site, scope(agent=CHROME)))
    assert app.scopes[-1]["vorbehalt"].reservation == plan.bundle.digest


def test_what_was_worked_out_from_old_signals_is_not_kept_after_they_changed() -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    kept = site.runtime.live
    cache, plan = kept.default, kept.engine.default

    class Slow:
        def reader_verdict(self, section: str, digest: str) -> Any:
            found = policy.reader_verdict(section, digest)
            site.runtime.set_site_robots(plan, b"User-agent: *\nDisallow: /private/\n")  # type: ignore[union-attr]
            return found

    policy, plan.policy = plan.policy, Slow()  # type: ignore[assignment]
    old = kept.learn_reader(cache, "/page", "/page")

    plan.policy = policy
    assert old is not None
    assert old.verdict.reservation != plan.bundle.digest
    assert cache.paths == {}
    assert cache.readers == {}


def test_requests_and_reloads_at_once_never_fail(tmp_path: Path) -> None:
    file = tmp_path / "vorbehalt.toml"
    text = (
        'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        '[evidence]\ndirectory = "memory:"\n'
    )
    file.write_text(text)
    site = VorbehaltMiddleware(PageApp(), config=file)
    assert asyncio.run(call(site, scope())).status == 200
    runtime = site.runtime
    assert runtime is not None
    stop = threading.Event()
    failures: list[BaseException] = []

    def reload() -> None:
        try:
            for number in itertools.count():
                if stop.is_set():
                    return
                runtime.reload(force=True)
                plan = runtime.live.engine.default
                runtime.set_site_robots(plan, b"User-agent: *\nDisallow: /p%d/\n" % number)
        except BaseException as error:
            failures.append(error)

    def ask() -> None:
        async def many() -> None:
            for number in range(300):
                for agent, status in ((CHROME, 200), (GPTBOT, 403), (PERPLEXITY, 200)):
                    got = await call(site, scope(f"/page/{number % 50}", agent=agent))
                    assert got.status == status
                    assert got.header(b"tdm-reservation") == b"1"

        try:
            asyncio.run(many())
        except BaseException as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=target) for target in (reload, ask, ask)]
        for thread in threads:
            thread.start()
        for thread in threads[1:]:
            thread.join(60)
        stop.set()
        threads[0].join(60)
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
    assert runtime.counters.snapshot().get(("vorbehalt_internal_errors_total", ()), 0) == 0
    assert runtime.live.engine.default.bundle.digest
    for cache in runtime.live.caches.values():
        digest = cache.plan.bundle.digest
        assert {reader.verdict.reservation for reader in cache.paths.values()} <= {digest}
        assert {known.verdict.reservation for known in cache.refusals.values()} <= {digest}


def test_a_refusal_judged_before_more_was_known_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    kept = site.runtime.live
    judge = kept.engine.judge

    def and_then_an_answer_comes(visit: Any) -> Any:
        verdict = judge(visit)
        kept.forget_refusals()
        return verdict

    monkeypatch.setattr(kept.engine, "judge", and_then_an_answer_comes)
    assert asyncio.run(call(site, scope(agent=GPTBOT))).status == 403
    assert kept.default.refusals == {}
    monkeypatch.setattr(kept.engine, "judge", judge)
    assert asyncio.run(call(site, scope(agent=GPTBOT))).status == 403
    assert len(kept.default.refusals) == 1


def test_contradicted_search_engines_are_judged_one_by_one_so_that_the_rule_can_disarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    made = site.runtime.live.engine
    google = made.settings.registry.find("Googlebot")
    assert google is not None
    impostor = Identity(google, Standing.CONTRADICTED, "two fresh negatives")
    monkeypatch.setattr(made, "identify", lambda visit: impostor)
    request = scope(agent=GOOGLE, client=("8.8.8.8", 1))

    statuses = [asyncio.run(call(site, request)).status for _ in range(25)]

    assert statuses[0] == 403
    assert statuses[-1] == 200
    assert site.runtime.live.default.refusals == {}


def test_other_impostors_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    assert site.runtime is not None
    made = site.runtime.live.engine
    gptbot = made.settings.registry.find("GPTBot")
    assert gptbot is not None
    impostor = Identity(gptbot, Standing.CONTRADICTED, "a fresh negative")
    monkeypatch.setattr(made, "identify", lambda visit: impostor)

    assert asyncio.run(call(site, scope(agent=GPTBOT))).status == 403

    (known,) = site.runtime.live.default.refusals.values()
    assert known.verdict.identity is impostor
