"""The engine alone: who is asking, what is decided, and what is never judged. No framework, no server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PERPLEXITY, config
from terms_support import Terms
from vorbehalt.engine import (
    OPEN_RULE,
    Engine,
    breaks_robots,
    reserved_purposes,
    robots_closes,
)
from vorbehalt.facts import Action, ClientAddress, Purpose, Standing, Visit
from vorbehalt.identify.networks import NetworkSet
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

MINUTE = 60_000_000_000
GOOGLE = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GOOGLE_EXTENDED = b"Mozilla/5.0 (compatible; Google-Extended/1.0)"
DIRECT = ClientAddress("198.51.7.1", "direct", True, "198.51.7.1")
UNUSABLE = (
    ClientAddress(None, "none"),
    ClientAddress("10.0.0.1", "direct", False, "10.0.0.1"),
    ClientAddress("127.0.0.1", "proxy-asserted", False, "127.0.0.1"),
    ClientAddress("8.8.4.4", "untrusted", True, "8.8.4.4"),
    ClientAddress(None, "untrusted", False, "10.0.0.1"),
)


def engine(**sections: Any) -> Engine:
    return Engine(load(config(**sections)), MemoryLimits())


def fresh(made: Engine) -> int:
    """A time at which every list is an hour old."""
    newest = max(ranges.fetched_at for ranges in made.ranges.values())
    made.ranges = {name: replace(ranges, fetched_at=newest) for name, ranges in made.ranges.items()}
    return newest + 60 * MINUTE


def visit(agent: bytes, at: int, client: ClientAddress = DIRECT, path: str = "/page", **more: Any) -> Visit:
    base = Visit(
        received_at=at,
        method="GET",
        scheme="https",
        host="label.example",
        path=path,
        target=path.encode(),
        http_version="1.1",
        headers=((b"host", b"label.example"), (b"user-agent", agent)),
        client=client,
    )
    return replace(base, **more)


@pytest.mark.parametrize("client", UNUSABLE, ids=lambda client: f"{client.text}-{client.source}")
@pytest.mark.parametrize("agent", [GPTBOT, PERPLEXITY, GOOGLE])
def test_an_address_that_cannot_be_used_gives_no_more_than_a_claim(
    client: ClientAddress, agent: bytes
) -> None:
    made = engine()
    at = fresh(made)

    identity = made.identify(visit(agent, at, client))

    assert identity is not None
    assert identity.standing is Standing.CLAIMED


@pytest.mark.parametrize("client", UNUSABLE, ids=lambda client: f"{client.text}-{client.source}")
def test_an_address_that_cannot_be_used_is_no_key_of_a_limit_but_a_training_crawler_is_refused(
    client: ClientAddress,
) -> None:
    made = engine()
    at = fresh(made)

    assert {made.judge(visit(PERPLEXITY, at, client)).action for _ in range(100)} == {Action.ALLOW}
    assert made.judge(visit(GPTBOT, at, client)).action is Action.BLOCK
    assert len(made.limits) == 0  # type: ignore[arg-type]


def test_a_usable_address_is_the_key_of_a_limit() -> None:
    made = engine()
    at = fresh(made) + 1000 * 24 * 60 * MINUTE
    actions = [made.judge(visit(PERPLEXITY, at)).action for _ in range(31)]

    assert actions == [Action.ALLOW] * 30 + [Action.LIMIT]
    assert made.judge(visit(PERPLEXITY, at, replace(DIRECT, text="198.51.9.1"))).action is Action.ALLOW


def test_what_was_established_holds_for_the_minute_and_for_this_address_alone() -> None:
    made = engine()
    at = fresh(made) // MINUTE * MINUTE
    gptbot = made.settings.registry.find("GPTBot")
    assert gptbot is not None
    name = next(means.list for means in gptbot.verify if means.method == "ranges")
    first = made.identify(visit(GPTBOT, at))

    assert made.identify(visit(GPTBOT, at + MINUTE - 1)) is first
    assert made.identify(visit(GPTBOT, at + MINUTE)) is not first
    assert made.identify(visit(GPTBOT, at, replace(DIRECT, text="198.51.9.1"))) is not first
    assert made.identify(visit(GPTBOT, at, replace(DIRECT, source="untrusted"))) is not first
    assert first is not None
    assert first.standing is Standing.CONTRADICTED
    made.ranges = {**made.ranges, name: replace(made.ranges[name], networks=NetworkSet(["198.51.7.0/24"]))}
    later = made.identify(visit(GPTBOT, at + MINUTE * 2))
    assert later is not None
    assert later.standing is Standing.VERIFIED


def test_the_memory_of_identities_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from vorbehalt.engine import judging as module

    monkeypatch.setattr(module, "_IDENTITIES", 50)
    made = engine()
    for number in range(500):
        client = replace(DIRECT, text=f"198.51.{number // 250}.{number % 250}")
        made.identify(visit(GPTBOT, MINUTE * number, client))
        assert 0 < len(made._identities) <= 50


@pytest.mark.parametrize(
    "path",
    [
        "/robots.txt",
        "/.well-known/tdmrep.json",
        "/.well-known/tdm-policy.json",
        "/license.xml",
        "/ai-policy",
        "/.well-known/anything",
        "/.well-known/",
        "/ads.txt",
        "/app-ads.txt",
        "/favicon.ico",
        "/favicon.svg",
        "/favicon.png",
        "/apple-touch-icon.png",
        "/hooks/pay",
        "/a/b.hook",
    ],
)
def test_some_paths_are_never_judged_and_charge_no_quota(path: str) -> None:
    made = engine(policy={"preset": "reserve-all", "open_paths": ["/hooks/", "/*.hook$"]})

    verdict = made.judge(visit(GPTBOT, MINUTE, path=path))

    assert (verdict.action, verdict.would, verdict.rule) == (Action.ALLOW, Action.ALLOW, OPEN_RULE)
    assert verdict.identity is not None
    assert verdict.reservation == made.default.bundle.digest
    assert len(made.limits) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "/page",
        "/robots.txt/",
        "/robots.txt.bak",
        "/.well-known",
        "/x/.well-known/a",
        "/favicon.ico/a",
        "/ads.txt2",
    ],
)
def test_paths_that_only_look_open_are_judged(path: str) -> None:
    assert engine().judge(visit(GPTBOT, MINUTE, path=path)).action is Action.BLOCK


def test_hosts_have_plans_of_their_own_and_unknown_ones_get_the_default() -> None:
    made = engine(host=[{"names": ["a.example", "b.example"], "site": {"origin": "https://a.example"}}])

    assert made.plan("a.example") is made.plan("b.example")
    assert made.plan("c.example") is made.default is made.plan("")
    assert made.plans() == (made.default, made.plan("a.example"))
    assert made.plan("a.example").bundle.digest != made.default.bundle.digest


def test_a_section_without_headers_of_its_own_gets_those_of_the_site() -> None:
    plan = engine().default

    assert plan.headers("/a", "no such section") is plan.headers("/a", "")


def test_a_visit_without_user_agent_claims_nothing() -> None:
    made = engine()

    assert made.identify(visit(b"", MINUTE)) is None
    assert made.identify(visit(CHROME, MINUTE)) is None
    assert made.judge(visit(b"", MINUTE)).identity is None
    nothing = replace(visit(b"", MINUTE), headers=())
    assert made.judge(nothing).action is Action.ALLOW


UNTIL = datetime(2035, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("offset", "action"), [(-1, Action.ALLOW), (0, Action.BLOCK), (1, Action.BLOCK)])
def test_a_rule_ends_at_its_moment(offset: int, action: Action) -> None:
    rule = {"name": "guest", "match": {"token": ["GPTBot"]}, "action": "allow", "until": UNTIL}
    made = engine(policy={"rule": [rule]})

    assert made.judge(visit(GPTBOT, int(UNTIL.timestamp()) * 10**9 + offset)).action is action


@pytest.mark.parametrize(
    ("uses", "section", "purposes"),
    [
        (Uses(), None, {Purpose.TRAINING, Purpose.DATASET}),
        (Uses(training="allow"), None, set()),
        (Uses(training="allow", search="reserve"), None, {Purpose.SEARCH}),
        (Uses(search="reserve"), None, {Purpose.TRAINING, Purpose.DATASET, Purpose.SEARCH}),
        (Uses(training="allow", ai_input="reserve", tdm="reserve"), None, set()),
        (Uses(training="allow"), Uses(training="reserve"), {Purpose.TRAINING, Purpose.DATASET}),
    ],
)
def test_robots_txt_refuses_those_whose_use_is_reserved_somewhere(
    uses: Uses, section: Uses | None, purposes: set[Purpose]
) -> None:
    sections = () if section is None else (Section("press", ("/press/",), section),)

    assert reserved_purposes(Terms("https://label.example", uses=uses, sections=sections)) == purposes


def test_lists_are_read_once_and_again_when_they_change() -> None:
    settings = load(config())
    first, second = Engine(settings, MemoryLimits()), Engine(load(config()), MemoryLimits())
    fewer = {k: v for k, v in settings.rules_documents.items() if k != "ranges/openai-gptbot.json"}

    changed = Engine(replace(settings, rules_documents=fewer), MemoryLimits())

    assert second.ranges is first.ranges
    assert len(changed.ranges) == len(first.ranges) - 1
    assert Engine(settings, MemoryLimits()).ranges.keys() == first.ranges.keys()


def with_robots(body: bytes, **sections: Any) -> Engine:
    made = engine(**sections)
    made.default.take(made.render(made.settings.default_host, body))
    return made


def test_signals_that_are_put_in_force_are_those_that_are_asked() -> None:
    made = engine()
    before = made.default.bundle.digest

    made.default.take(made.render(made.settings.default_host, b"User-agent: *\nDisallow: /private/\n"))

    google = made.identify(visit(GOOGLE, MINUTE))
    assert made.default.bundle.digest != before
    assert made.judge(visit(GOOGLE, MINUTE)).reservation == made.default.bundle.digest
    assert breaks_robots(made.default, google, b"/private/a")


@pytest.mark.parametrize(
    ("rules", "closed"),
    [
        (b"", False),
        (b"Allow: /\n", False),
        (b"Disallow:\n", False),
        (b"Disallow: /\n", True),
        (b"Disallow: /*\n", True),
        (b"Disallow: /a\nDisallow: /\n", True),
        (b"Disallow: /\nAllow: /press/\n", None),
        (b"Disallow: /a\n", None),
    ],
)
def test_whether_robots_txt_closes_all_none_or_some_of_the_site(rules: bytes, closed: bool | None) -> None:
    made = with_robots(b"User-agent: Googlebot\n" + rules, reservation={"training": "allow", "tdm": "allow"})

    assert robots_closes(made.default, made.identify(visit(GOOGLE, MINUTE))) is closed


@pytest.mark.parametrize(
    ("target", "breaks"),
    [
        (b"/private/a", True),
        (b"/private", False),
        (b"/private/open/a", False),
        (b"/page?draft=1", True),
        (b"/page?d", False),
        (b"/caf%C3%A9/a", True),
        ("/café/a".encode(), True),
        (b"http://label.example/private/a", True),
        (b"/robots.txt", False),
        (b"", False),
    ],
)
def test_a_target_is_asked_as_robots_txt_means_it(target: bytes, breaks: bool) -> None:
    made = with_robots(
        b"User-agent: *\nDisallow: /private/\nAllow: /private/open/\nDisallow: /*?draft=\n"
        + "Disallow: /café/\n".encode()
    )

    assert breaks_robots(made.default, made.identify(visit(GOOGLE, MINUTE)), target) is breaks


@pytest.mark.parametrize("number", [499, 500, 501])
def test_up_to_five_hundred_rules_are_asked(number: int) -> None:
    made = with_robots(b"User-agent: *\n" + b"".join(b"Disallow: /p%d/\n" % n for n in range(number)))

    assert breaks_robots(made.default, made.identify(visit(GOOGLE, MINUTE)), b"/p1/x") is (number <= 500)


def test_nobody_is_blamed_without_a_claim_by_a_contradicted_one_or_as_a_tool() -> None:
    made = with_robots(b"User-agent: *\nDisallow: /\n")

    assert not breaks_robots(made.default, None, b"/page")
    for agent in (GOOGLE_EXTENDED, b"curl/8.5.0"):
        identity = made.identify(visit(agent, MINUTE))
        assert identity is not None
        assert not breaks_robots(made.default, identity, b"/page")
    google = made.identify(visit(GOOGLE, MINUTE))
    assert google is not None
    assert breaks_robots(made.default, google, b"/page")
    assert not breaks_robots(made.default, replace(google, standing=Standing.CONTRADICTED), b"/page")
    tool, nameless = replace(google.crawler, kind="tool"), replace(google.crawler, robots_tokens=())
    assert not breaks_robots(made.default, replace(google, crawler=tool), b"/page")
    assert not breaks_robots(made.default, replace(google, crawler=nameless), b"/page")


def test_a_crawler_of_several_tokens_is_in_the_right_if_one_lets_it_in() -> None:
    made = with_robots(b"User-agent: One\nDisallow: /\n\nUser-agent: Two\nDisallow: /private/\n")
    google = made.identify(visit(GOOGLE, MINUTE))
    assert google is not None
    both = replace(google, crawler=replace(google.crawler, robots_tokens=("One", "Two")))

    assert not breaks_robots(made.default, both, b"/page")
    assert breaks_robots(made.default, both, b"/private/x")
    assert breaks_robots(
        made.default, replace(google, crawler=replace(google.crawler, robots_tokens=("One",))), b"/page"
    )
