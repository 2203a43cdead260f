"""Findings 11 to 13: order of headers, what no browser does, the handshake."""

from __future__ import annotations

from typing import Any

import pytest

from pattern_support import DIRECT, book, clients, visit
from vorbehalt.facts import ClientAddress, Finding
from vorbehalt.patterns.browser import Browser, claimed_browser
from vorbehalt.patterns.handshakes import Handshakes
from vorbehalt.patterns.in_request import find_in_request
from vorbehalt.patterns.seen import Inputs, seen

Pairs = list[tuple[str, str]]

CHROME: Pairs = [(name, value) for name, value in clients()["chromium-headful"].requests[0]["headers"]]
FIREFOX: Pairs = [(name, value) for name, value in clients()["firefox-headless-cli"].requests[0]["headers"]]


ALL = Inputs(DIRECT)


def findings(pairs: Pairs, inputs: Inputs = ALL, **more: Any) -> dict[str, Finding]:
    one = seen(visit(pairs, **more), inputs)
    return {finding.id: finding for finding in find_in_request(one, book())}


def moved(pairs: Pairs, name: str, after: str) -> Pairs:
    """The same headers with one of them behind another."""
    pair = next(pair for pair in pairs if pair[0] == name)
    rest = [one for one in pairs if one[0] != name]
    place = next(index for index, one in enumerate(rest) if one[0] == after) + 1
    return [*rest[:place], pair, *rest[place:]]


@pytest.mark.parametrize(
    ("pairs", "name", "after", "expected"),
    [
        (CHROME, "user-agent", "accept", True),
        (CHROME, "accept-language", "accept", False),
        (CHROME, "accept-language", "user-agent", True),
        (CHROME, "accept-encoding", "accept-language", False),
        (CHROME, "accept-encoding", "sec-fetch-mode", True),
        (CHROME, "sec-fetch-site", "sec-fetch-dest", True),
        (CHROME, "sec-ch-ua", "accept-language", True),
        (CHROME, "host", "accept-language", False),
        (CHROME, "connection", "accept-language", False),
        (FIREFOX, "accept-language", "accept-encoding", True),
        (FIREFOX, "user-agent", "accept", True),
        (FIREFOX, "upgrade-insecure-requests", "sec-fetch-site", True),
        (FIREFOX, "connection", "upgrade-insecure-requests", False),
        (FIREFOX, "priority", "host", False),
    ],
)
def test_the_order_of_the_engine_is_kept(pairs: Pairs, name: str, after: str, expected: bool) -> None:
    assert ("proto.header_order" in findings(moved(pairs, name, after))) is expected


def test_after_a_redirect_chromium_writes_its_hints_behind_fetch_metadata_and_is_not_blamed() -> None:
    pairs = CHROME
    for hint, after in (
        ("sec-ch-ua", "sec-fetch-dest"),
        ("sec-ch-ua-mobile", "sec-ch-ua"),
        ("sec-ch-ua-platform", "sec-ch-ua-mobile"),
    ):
        pairs = moved(pairs, hint, after)
    assert findings(pairs) == {}


def test_a_relative_that_writes_its_language_before_fetch_metadata_is_not_blamed() -> None:
    assert findings([*moved(CHROME, "accept-language", "accept"), ("sec-gpc", "1")]) == {}


def test_the_order_says_what_stood_where() -> None:
    finding = findings(moved(FIREFOX, "accept-language", "accept-encoding"))["proto.header_order"]
    assert finding.observed == (
        "accept-encoding before accept-language (user-agent, accept, accept-encoding, accept-language,"
        " upgrade-insecure-requests, sec-fetch-dest, sec-fetch-mode, sec-fetch-site)"
    )


@pytest.mark.parametrize(
    ("changed", "more", "inputs"),
    [
        ([("sec-purpose", "prefetch")], {}, Inputs(DIRECT)),
        ([], {"method": "POST"}, Inputs(DIRECT)),
        ([], {}, Inputs(DIRECT - {"order"})),
    ],
)
def test_prefetch_forms_and_mapped_headers_have_no_order_to_judge(
    changed: Pairs, more: dict[str, Any], inputs: Inputs
) -> None:
    wrong = moved(CHROME, "user-agent", "accept")
    assert "proto.header_order" in findings(wrong)
    assert "proto.header_order" not in findings([*wrong, *changed], inputs, **more)


def test_the_order_of_a_version_before_the_table_is_unknown() -> None:
    def with_major(major: int) -> Pairs:
        agent = dict(CHROME)["user-agent"].replace("156", str(major))
        pairs = [(name, agent if name == "user-agent" else value) for name, value in CHROME]
        return moved(pairs, "user-agent", "accept")

    assert "proto.header_order" not in findings(with_major(89))
    assert "proto.header_order" in findings(with_major(90))


@pytest.mark.parametrize(
    ("changed", "more", "observed"),
    [
        ([("upgrade", "h2c")], {}, "an offer to upgrade to HTTP/2 over cleartext"),
        ([("http2-settings", "AAEAAQ")], {}, "an offer to upgrade to HTTP/2 over cleartext"),
        ([("upgrade", "websocket")], {}, None),
        ([("content-length", "0")], {}, "a GET with the length of a body"),
        ([("transfer-encoding", "chunked")], {}, "a GET with the length of a body"),
        ([("content-length", "3")], {"method": "POST"}, None),
        ([], {"http": "1.0"}, "HTTP/1.0"),
        ([], {"http": "1.1"}, None),
        ([], {"http": "2"}, "connection in HTTP/2"),
        ([("upgrade", "websocket")], {"http": "2"}, None),
    ],
)
def test_what_no_browser_does(changed: Pairs, more: dict[str, Any], observed: str | None) -> None:
    finding = findings([*CHROME, *changed], **more).get("proto.impossible")
    assert (finding and finding.observed) == (f"claims chrome 156; {observed}" if observed else None)


def test_http_2_without_headers_of_a_connection_is_what_browsers_do() -> None:
    pairs = [pair for pair in CHROME if pair[0] != "connection"]
    assert findings(pairs, http="2") == findings(pairs, http="3") == {}


def test_the_version_between_a_proxy_and_us_says_nothing_of_the_client() -> None:
    assert findings(CHROME, Inputs(DIRECT - {"http-version"}), http="1.0") == {}
    assert findings([*CHROME, ("upgrade", "h2c")], Inputs(DIRECT - {"connection"})) == {}


def test_programs_that_claim_no_browser_may_do_as_they_like() -> None:
    for agent in (
        "Lynx/2.9",
        "check_http/v2.3.3",
        "Mozilla/5.0 (compatible; Reader/1.0; +https://r.example)",
    ):
        assert (
            findings([("user-agent", agent), ("content-length", "0"), ("upgrade", "h2c")], http="1.0") == {}
        )


def browser() -> Browser:
    claimed = claimed_browser(dict(CHROME)["user-agent"].encode())
    assert claimed is not None
    return claimed


def at(address: str) -> ClientAddress:
    return ClientAddress(address, "proxy-asserted", True)


TLS = Inputs(DIRECT | {"tls"}, tls_header=b"x-ja4")


def handshake(ja4: str, learnt: Handshakes, inputs: Inputs = TLS) -> list[str]:
    one = seen(visit([*CHROME, ("x-ja4", ja4)]), inputs)
    return [finding.observed for finding in find_in_request(one, book(), learnt)]


def test_a_handshake_contradicts_only_what_twenty_proven_clients_showed() -> None:
    learnt = Handshakes()
    for number in range(19):
        learnt.learn(browser(), b"t13d1516h2_8daaf6152771_02713d6af862", at(f"5.5.{number}.1"))
    learnt.learn(browser(), b"t13d1516h2_8daaf6152771_02713d6af862", at("5.5.0.77"))
    assert handshake("t13d4312h1_c7886603b240_b26ce05bbdd6", learnt) == []
    learnt.learn(browser(), b"t13d1516h2_8daaf6152771_02713d6af862", at("2a00:1:2:3::9"))
    assert handshake("t13d4312h1_c7886603b240_b26ce05bbdd6", learnt) == [
        "claims chrome 156; JA4 t13d4312h1_c7886603b240_b26ce05bbdd6"
    ]
    assert handshake("t13d1516h2_8daaf6152771_02713d6af862", learnt) == []
    assert handshake("t13d4312h1_c7886603b240_b26ce05bbdd6", learnt, Inputs(DIRECT)) == []
    assert handshake("", learnt) == []
    alone = Inputs(frozenset({"tls"}), tls_header=b"x-ja4")
    assert len(handshake("t13d4312h1_c7886603b240_b26ce05bbdd6", learnt, alone)) == 1


def test_what_is_learnt_of_handshakes_is_bounded_and_too_much_variety_accuses_nobody() -> None:
    learnt = Handshakes()
    for number in range(1000):
        learnt.learn(browser()._replace(version=(number, 0)), b"known", at("5.5.5.5"))
    assert learnt.versions == 512
    for number in range(100):
        learnt.learn(browser(), b"t%d" % number, at(f"5.{number}.5.5"))
    assert handshake("never-seen", learnt) == []
