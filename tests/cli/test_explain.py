"""`explain`: the verdict for a request that is described, or that was recorded, and why."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asgi_support import PageApp, call, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.cli.told_words import told_sentences

Cli = Callable[..., Any]
KEYS = [
    "action",
    "would",
    "enforced",
    "rule",
    "reasons",
    "identity",
    "findings",
    "score",
    "reservation",
    "work",
]
AGENT = ("-H", "User-Agent: GPTBot/1.2")


def test_json_has_the_keys_of_the_contract_in_their_order(cli: Cli, site: Path) -> None:
    found = cli("explain", "--json", "--ip", "203.0.113.9", *AGENT, "https://label.example/lyrics/1").json

    assert list(found) == KEYS
    assert list(found["identity"]) == ["token", "operator", "purpose", "standing", "how"]
    assert (found["action"], found["would"], found["enforced"]) == ("block", "block", True)
    assert (found["rule"], found["reasons"]) == ("training", ["training-reserved"])
    assert found["reservation"]["section"] == ""
    assert len(found["reservation"]["digest"]) == 64


def test_a_reader_is_no_identity(cli: Cli, site: Path) -> None:
    found = cli("explain", "--json", "-H", "User-Agent: Mozilla/5.0 Firefox/145.0", "/lyrics/1").json

    assert found["identity"] is None
    assert found["action"] == "allow"


@pytest.mark.parametrize(
    ("url", "section", "action"),
    [
        ("https://label.example/press/a", "press", "block"),
        ("HTTPS://label.example:443/press/a", "press", "block"),
        ("//label.example/press/a", "press", "block"),
        ("/press/a", "press", "block"),
        ("press/a", "press", "block"),
        ("label.example/press/a", "press", "block"),
        ("archive.example/press/a", "press", "allow"),
        ("https://archive.example", "", "allow"),
        ("https://user:word@archive.example/", "", "allow"),
        ("https://unknown.example/press/a", "press", "block"),
        ("/a/../press//./x", "press", "block"),
        ("/%70ress/x", "press", "block"),
        ("/press/?q=/lyrics#part", "press", "block"),
        ("/lyrics/?next=/press/", "", "block"),
        ("?q=1", "", "block"),
        ("", "", "block"),
        ("/robots.txt", "", "allow"),
        ("/.well-known/anything", "", "allow"),
    ],
)
def test_a_url_comes_with_or_without_its_origin(
    url: str, section: str, action: str, cli: Cli, site: Path
) -> None:
    found = cli("explain", "--json", *AGENT, url).json

    assert (found["reservation"]["section"], found["action"]) == (section, action)


def test_the_host_header_beats_the_url(cli: Cli, site: Path) -> None:
    found = cli(
        "explain", "--json", *AGENT, "-H", "Host: archive.example:8443", "https://label.example/"
    ).json

    assert (found["action"], found["would"], found["enforced"]) == ("allow", "block", False)


def test_the_time_decides_what_the_lists_prove(cli: Cli, site: Path) -> None:
    """One of Googlebot's addresses, as published in the list that is shipped."""
    asked = ("explain", "--json", "-H", "User-Agent: Googlebot/2.1", "--ip", "66.249.66.1", "/")

    listed = json.loads(_googlebot_list())
    then = cli(*asked, "--at", listed["fetched_at"]).json
    later = cli(*asked, "--at", "2031-01-01").json
    stranger = cli(*asked[:-2], "203.0.113.9", "/", "--at", listed["fetched_at"]).json

    assert then["identity"]["standing"] == "verified"
    assert later["identity"]["standing"] == "unknown"
    assert stranger["identity"]["standing"] != "verified"


def _googlebot_list() -> bytes:
    from vorbehalt.settings import load_rules

    return load_rules(None)[0]["ranges/google-googlebot.json"]


def test_headers_repeat_and_an_address_behind_a_proxy_is_found(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text() + '\n[network]\ntrusted_proxies = ["loopback"]\n')
    at = json.loads(_googlebot_list())["fetched_at"]
    asked = ("explain", "--json", "-H", "User-Agent: Googlebot/2.1", "--ip", "127.0.0.1", "--at", at)

    real = cli(*asked, "-H", "X-Forwarded-For: 192.0.2.1", "-H", "X-Forwarded-For: 66.249.66.1", "/").json
    forged = cli(*asked, "-H", "X-Forwarded-For: 66.249.66.1", "-H", "X-Forwarded-For: 192.0.2.1", "/").json

    assert real["identity"]["standing"] == "verified"
    assert forged["identity"]["standing"] != "verified"


def test_plain_words_name_action_rule_reason_and_identity(cli: Cli, site: Path) -> None:
    blocked = cli("explain", *AGENT, "--ip", "203.0.113.9", "/lyrics/1")
    observed = cli("explain", *AGENT, "https://archive.example/")
    reader = cli("explain", "/lyrics/1")
    tool = cli("explain", "-H", "User-Agent: curl/8", "/")

    assert blocked.out.splitlines()[:3] == [
        "action: block",
        "rule: training",
        "reason: training-reserved: The use of this site for AI training is reserved.",
    ]
    assert "identity: GPTBot of OpenAI, purpose training, claimed" in blocked.out
    assert "action: allow (observed only; would: block)" in observed.out
    assert "identity: no claim" in reader.out
    assert "it grants no permission" in reader.out
    assert "software that anybody can run" in tool.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either a URL, or --ref"),
        (["/", "--ref", "VB-1"], "give either a URL, or --ref"),
        (["/", "--ip", "nonsense\x1b"], '"nonsense\\x1b" is no network address'),
        (["/", "--at", "yesterday"], '"yesterday" is no time'),
        (["/", "-H", "no colon"], '"no colon" is not of the form "Name: value"'),
        (["/", "-H", ": x"], '": x" is not of the form'),
        (["/", "-H", "a b: x"], "is not of the form"),
        (["https:///path"], '"https:///path" names no host'),
        (["/", "-c", "nowhere.toml"], "nowhere.toml:0: V002"),
        (["/", "--nonsense"], "No such option"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exits_2(arguments: list[str], said: str, cli: Cli, site: Path) -> None:
    result = cli("explain", *arguments)

    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://[::1]:x/a", "/\x00\x1b[31m", "/%ff%fe", "http://%zz/%zz", "/" * 5000]
)
def test_odd_urls_are_judged_too(url: str, cli: Cli, site: Path) -> None:
    assert cli("explain", "--json", *AGENT, url).code == 0
    plain = cli("explain", *AGENT, url)
    assert plain.code == 0
    assert "\x1b" not in plain.out


@pytest.fixture
def refused(site: Path) -> str:
    """The reference of a request that a protected app has refused, sealed into the log."""
    middleware = VorbehaltMiddleware(PageApp(), config=site)
    got = asyncio.run(
        call(
            middleware,
            scope("/lyrics/1", query_string=b"key=secret", agent=b"GPTBot/1.2", client=("203.0.113.9", 1)),
        )
    )
    assert got.status == 403
    assert middleware.runtime is not None
    middleware.runtime.stop()
    return str(json.loads(got.body)["reference"])


def test_a_recorded_request_is_explained_in_the_same_form(refused: str, cli: Cli) -> None:
    recorded = cli("explain", "--json", "--ref", refused)
    again = cli("explain", "--json", *AGENT, "--ip", "203.0.113.9", "https://label.example/lyrics/1").json

    assert recorded.code == 0, recorded.err
    assert list(recorded.json) == KEYS
    assert recorded.json == again


def test_a_reader_may_quote_the_reference_carelessly(refused: str, cli: Cli) -> None:
    plain = cli("explain", "--ref", f" {refused.lower()} ")

    assert plain.code == 0
    assert "GET https://label.example/lyrics/1\n" in plain.out
    assert "action: block" in plain.out
    assert "203.0.113.9" not in plain.out


def test_what_it_was_told_before_is_said_in_sentences(refused: str, cli: Cli) -> None:
    plain = cli("explain", "--ref", refused).out
    version = cli("signals", "robots", "--json", "GPTBot", "/lyrics/1").json

    (none,) = re.findall("told: none since (.*) to GPTBot: (.*)\n", plain)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", none[0])
    assert sorted(none[1].split(", ")) == [
        "/.well-known/tdm-policy.json",
        "/.well-known/tdmrep.json",
        "/ai-policy",
        "/license.xml",
        "/robots.txt",
    ]
    assert (
        f"robots.txt: version {version['version'][:16]}: GPTBot may not fetch this:"
        f' line {version["number"]} "Disallow: /" for "GPTBot"\n'
    ) in plain
    assert "never" not in plain


def test_proof_claim_operator_and_older_version_have_sentences_of_their_own() -> None:
    at = 1_764_000_000 * 10**9
    fetch = {"version": "a" * 64, "at": str(at), "status": 200, "standing": "verified"}
    claim = {"version": "b" * 64, "at": str(at + 10**9), "status": 304, "standing": "claimed"}
    seen = {
        "claim": {"token": "GPTBot", "operator": "OpenAI"},
        "told": {
            "since": str(at - 10**9),
            "crawler": {"/robots.txt": {**fetch, "later": claim}, "/a": "none", "/b": "none"},
            "operator": {"/a": fetch},
        },
        "robots": {
            "version": "c" * 64,
            "allowed": False,
            "line": "Disallow: /",
            "number": 3,
            "agent": "*",
            "documented": False,
            "permission": "licence:V-1",
            "fetched": {"version": "a" * 64, "standing": "verified", "allowed": True, "line": None},
        },
    }
    unknown = {**seen, "told": {}, "robots": {"version": "c" * 64, "allowed": "unknown"}}

    assert told_sentences(seen) == [
        "told: /robots.txt: GPTBot last fetched version aaaaaaaaaaaaaaaa on 2025-11-24T16:00:00Z"
        " (verified, status 200)",
        "told: /robots.txt: later, on 2025-11-24T16:00:01Z, a client that bore this name fetched"
        " version bbbbbbbbbbbbbbbb (claimed, status 304)",
        "told: /a: OpenAI, with one of its crawlers, last fetched version aaaaaaaaaaaaaaaa on"
        " 2025-11-24T16:00:00Z (verified, status 200)",
        "told: none since 2025-11-24T15:59:59Z to GPTBot: /a, /b",
        'robots.txt: version cccccccccccccccc: GPTBot may not fetch this: line 3 "Disallow: /" for "*"',
        "robots.txt: GPTBot is not known to read it; asked for under this name",
        "robots.txt: overridden by licence:V-1: no violation",
        "robots.txt: version aaaaaaaaaaaaaaaa, which GPTBot had fetched: it may fetch this: no rule",
    ]
    assert told_sentences(unknown) == [
        "robots.txt: version cccccccccccccccc: GPTBot may or may not fetch this: unknown, the file is not"
        " at hand"
    ]
    assert told_sentences({"claim": None, "told": "cut", "robots": None}) == []


def test_an_unknown_reference_exits_1(refused: str, cli: Cli) -> None:
    result = cli("explain", "--ref", "VB-0000-0000-0000-0000")

    assert (result.code, result.out) == (1, "")
    assert "no request with the reference VB-0000-0000-0000-0000" in result.err


def test_where_nothing_was_recorded_a_sentence_says_so(cli: Cli, site: Path) -> None:
    nothing_yet = cli("explain", "--ref", "VB-1")
    site.write_text(site.read_text() + '\n[evidence]\ndirectory = "memory:"\n')
    nothing_ever = cli("explain", "--ref", "VB-1")

    assert (nothing_yet.code, nothing_ever.code) == (1, 2)
    assert "nothing has been recorded yet" in nothing_yet.err
    assert "no evidence is kept on disk" in nothing_ever.err
