"""A pause and a spare take effect in what runs: at once, recorded, and nothing else changes."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PageApp, ask, protect
from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.memory import MemoryEvidence
from vorbehalt.evidence.vault.vault import Keys
from vorbehalt.policy.overrides import Overrides, Pause, Spare, visitor_key
from vorbehalt.stores.overrides_file import change

REF = "VB-0000-1111-2222-3333"
HOUR = 3_600 * 10**9
CLOSED = {
    "may_refuse_search_engines": True,
    "rule": [{"name": "closed", "match": {"path": ["/closed/"]}, "action": "block"}],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "overrides.json"


@pytest.fixture
def site(tmp_path: Path) -> VorbehaltMiddleware:
    return protect(PageApp(), state={"directory": str(tmp_path / "state")}, policy=CLOSED)


def put(site: VorbehaltMiddleware, file: Path, overrides: Overrides) -> None:
    """Write the file and look at it, as the thread does by itself."""
    change(file, lambda _: overrides)
    assert site.runtime is not None
    site.runtime.overrides.look()


def records(site: VorbehaltMiddleware, kind: str) -> list[dict[str, Any]]:
    assert site.runtime is not None
    evidence = site.runtime.evidence
    assert isinstance(evidence, MemoryEvidence)
    return [leaf for leaf in evidence.leaves() if leaf["type"] == kind]


def statuses(site: VorbehaltMiddleware) -> list[int]:
    return [
        ask(site, agent=GPTBOT).status,
        ask(site, "/closed/a", agent=CHROME).status,
        ask(site, agent=CHROME).status,
    ]


def test_a_pause_drops_remembered_refusals_and_its_end_brings_them_back(
    site: VorbehaltMiddleware, file: Path
) -> None:
    for _ in range(2):
        assert statuses(site) == [403, 403, 200]

    put(site, file, Overrides((Pause(time.time_ns()),)))
    assert statuses(site) == [200, 200, 200]
    assert statuses(site) == [200, 200, 200]

    put(site, file, Overrides())
    assert statuses(site) == [403, 403, 200]


def test_a_pause_of_one_rule_leaves_the_others(site: VorbehaltMiddleware, file: Path) -> None:
    ask(site, agent=GPTBOT)
    put(site, file, Overrides((Pause(time.time_ns(), rule="closed"),)))

    assert statuses(site) == [403, 200, 200]


def test_a_pause_lifts_limits_too(tmp_path: Path, file: Path) -> None:
    rule = {"name": "slow", "match": {"token": ["GPTBot"]}, "action": "allow", "limit": "1/min per prefix"}
    site = protect(PageApp(), state={"directory": str(file.parent)}, policy={"rule": [rule]})
    address = ("8.8.8.8", 1)
    assert [ask(site, agent=GPTBOT, client=address).status for _ in range(2)] == [200, 429]

    put(site, file, Overrides((Pause(time.time_ns()),)))

    assert ask(site, agent=GPTBOT, client=address).status == 200


def test_while_paused_signals_and_records_go_on(site: VorbehaltMiddleware, file: Path) -> None:
    ask(site, agent=GPTBOT)
    put(site, file, Overrides((Pause(time.time_ns(), reason="a reader called"),)))

    page = ask(site, agent=GPTBOT)
    robots = ask(site, "/robots.txt", agent=GPTBOT)

    assert page.header(b"tdm-reservation") == b"1"
    assert b"Disallow: /" in robots.body
    decision = records(site, "request")[-1]["seen"]["decision"]
    assert (decision["action"], decision["would"], decision["enforced"]) == ("allow", "block", False)
    assert decision["reasons"] == ["training-reserved", "paused"]
    assert len(records(site, "signal-served")) == 1


def test_a_pause_runs_out_by_itself(
    site: VorbehaltMiddleware, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    ask(site, agent=GPTBOT)
    put(site, file, Overrides((Pause(now, now + HOUR),)))
    assert ask(site, agent=GPTBOT).status == 200

    for module in ("visits", "refusals"):
        monkeypatch.setattr(f"vorbehalt.edge.{module}.time_ns", lambda: now + HOUR)
    assert ask(site, agent=GPTBOT).status == 403


def test_begin_and_end_are_recorded_once(site: VorbehaltMiddleware, file: Path) -> None:
    now = time.time_ns()
    ask(site)
    first, second = Pause(now, now + HOUR, reason="checkout broken"), Pause(now, rule="closed")
    put(site, file, Overrides((first,)))
    put(site, file, Overrides((first, second)))
    assert site.runtime is not None
    site.runtime.overrides.look()
    put(site, file, Overrides((second,)))
    put(site, file, Overrides())

    assert [
        (r["seen"]["event"], r["seen"]["rule"], r["seen"]["until"], r["seen"]["reason"])
        for r in records(site, "pause")
    ] == [
        ("begin", None, str(now + HOUR), "checkout broken"),
        ("begin", "closed", None, ""),
        ("end", None, str(now + HOUR), "checkout broken"),
        ("end", "closed", None, ""),
    ]


def test_a_pause_that_ran_out_ends_in_the_evidence_when_it_did(
    site: VorbehaltMiddleware, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    ask(site)
    assert site.runtime is not None
    site.runtime.overrides.stop()
    put(site, file, Overrides((Pause(now, now + HOUR),)))
    monkeypatch.setattr("vorbehalt.edge.overriding.time.time_ns", lambda: now + HOUR + 7)
    site.runtime.overrides.look()

    last = records(site, "pause")[-1]
    assert (last["seen"]["event"], last["seen"]["cause"], last["at"]) == ("end", "ran out", str(now + HOUR))


def test_health_says_what_is_paused_and_until_when(site: VorbehaltMiddleware, file: Path) -> None:
    ask(site, client=("8.8.8.8", 1))
    assert site.runtime is not None
    assert (site.runtime.health()["state"], site.runtime.pauses.is_paused(time.time_ns())) == (
        "yellow",
        False,
    ), "the evidence of tests lies in memory"

    until = (time.time_ns() // 10**9 + 3600) * 10**9
    put(
        site,
        file,
        Overrides((Pause(time.time_ns(), until, reason="checkout broken"), Pause(1, rule="closed"))),
    )

    health = site.runtime.health()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until // 10**9))
    assert health["state"] == "yellow"
    assert health["reasons"] == [
        "evidence is kept in memory only",
        f"paused: nothing is enforced until {stamp} (checkout broken)",
        "paused: the rule closed is not enforced until the pause is ended",
    ]
    assert site.runtime.pauses.is_paused(time.time_ns())
    assert site.runtime.gauges().is_paused


def test_a_process_that_starts_while_paused_is_paused_from_its_first_request(
    site: VorbehaltMiddleware, file: Path
) -> None:
    change(file, lambda _: Overrides((Pause(1),)))

    assert ask(site, agent=GPTBOT).status == 200


def test_a_damaged_file_changes_nothing_and_is_said_once(
    site: VorbehaltMiddleware, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ask(site, agent=GPTBOT)
    put(site, file, Overrides((Pause(1),)))
    assert site.runtime is not None
    site.runtime.overrides.stop()
    file.write_bytes(b'{"format": 1')
    with caplog.at_level(logging.ERROR, "vorbehalt"):
        for _ in range(3):
            site.runtime.overrides.look()

    assert ask(site, agent=GPTBOT).status == 200
    assert "damaged" in str(site.runtime.health()["reasons"])
    assert len([record for record in caplog.records if "damaged" in record.getMessage()]) == 1
    file.unlink()
    site.runtime.overrides.look()
    assert "damaged" not in str(site.runtime.health()["reasons"])
    assert ask(site, agent=GPTBOT).status == 403


def test_a_pause_outlives_a_reload(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "vorbehalt.toml"
    text = (
        'format = 1\n[site]\norigin = "https://label.example"\nrobots = "none"\n'
        'contact = "mailto:a@label.example"\n'
        '[reservation]\ncapacity = "owner"\nrightsholder = "L"\n[evidence]\ndirectory = "memory:"\n'
        '[state]\ndirectory = "state"\n'
    )
    path.write_text(text)
    site = VorbehaltMiddleware(PageApp(), config=path)
    ask(site, agent=GPTBOT)
    put(site, file, Overrides((Pause(1),)))
    path.write_text(text + "[policy]\nopen_paths = ['/press/']\n")
    assert site.runtime is not None
    assert site.runtime.reload(force=True)

    assert ask(site, agent=GPTBOT).status == 200
    put(site, file, Overrides())
    assert ask(site, agent=GPTBOT).status == 403


def test_forward_auth_obeys_a_pause(file: Path) -> None:
    site = protect(
        PageApp(), state={"directory": str(file.parent)}, network={"trusted_proxies": ["loopback"]}
    )
    site._forward_auth = True
    asked: dict[str, Any] = {
        "agent": GPTBOT,
        "client": ("127.0.0.1", 1),
        "headers": [(b"x-forwarded-for", b"8.8.8.8"), (b"x-forwarded-uri", b"/page")],
    }
    assert ask(site, "/.vorbehalt/auth", **asked).status == 403

    put(site, file, Overrides((Pause(1),)))

    assert ask(site, "/.vorbehalt/auth", **asked).status == 204


def test_a_spare_lets_in_the_one_visitor_and_nobody_else(tmp_path: Path, file: Path) -> None:
    site = protect(
        PageApp(),
        state={"directory": str(file.parent)},
        policy=CLOSED,
        evidence={"directory": str(tmp_path / "evidence")},
    )
    here, there = ("203.0.113.9", 1), ("203.0.113.10", 1)
    for client in (here, there):
        assert [ask(site, "/closed/a", client=client).status for _ in range(2)] == [403, 403]
    key = Keys(tmp_path / "evidence").get_or_make("spares")
    now = time.time_ns()
    put(site, file, Overrides(spares=(Spare(REF, now, now + HOUR, visitor_key(key, "203.0.113.9")),)))

    assert [ask(site, "/closed/a", client=client).status for client in (here, there)] == [200, 403]
    assert ask(site, agent=GPTBOT, client=here).status == 403, "the spared visitor made no claim"
    assert site.runtime is not None
    assert b"203.0.113.9" not in file.read_bytes()
    Keys(tmp_path / "evidence").destroy("spares")
    put(site, file, Overrides(spares=(Spare(REF, now, now + 2 * HOUR, visitor_key(key, "203.0.113.9")),)))
    assert ask(site, "/closed/a", client=here).status == 403
    assert "nobody is spared" in json.dumps(site.runtime.health())


def test_a_crawlers_refusal_opens_no_closed_section_to_others() -> None:
    rules = [
        {"name": "ai", "match": {"purpose": ["training"]}, "action": "block"},
        {"name": "closed", "match": {"section": ["closed"]}, "action": "block"},
    ]
    site = protect(
        PageApp(),
        reservation={"section": [{"name": "closed", "paths": ["/closed/"], "training": "allow"}]},
        policy={"may_refuse_search_engines": True, "rule": rules},
    )
    assert ask(site, "/closed/a", agent=CHROME).status == 403
    assert ask(site, "/closed/a", agent=GPTBOT).status == 403

    assert ask(site, "/closed/a", agent=CHROME).status == 403
