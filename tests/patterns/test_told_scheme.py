"""Who comes over https where something in front ends TLS: the word of a trusted proxy, and of nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pattern_support import SECURE, UA, visit
from vorbehalt.facts import AddressSource, ClientAddress, Headers
from vorbehalt.patterns.seen import Inputs, seen

BROWSER = [("user-agent", UA.format(156)), ("accept", "text/html")]


def is_secure(*told: bytes, source: AddressSource = "proxy-asserted", inputs: Inputs = SECURE) -> bool:
    headers: Headers = tuple((b"x-forwarded-proto", value) for value in told)
    one = visit(BROWSER, scheme="http")
    client = ClientAddress("9.9.9.9", source, True, "127.0.0.1")
    looked = seen(replace(one, headers=(*one.headers, *headers), client=client), inputs)
    assert ("secure" in looked.needs) == looked.secure
    return looked.secure


@pytest.mark.parametrize("told", [b"https", b"HTTPS", b"https, https", b"wss"])
def test_a_trusted_proxy_says_that_the_visitor_came_over_https(told: bytes) -> None:
    assert is_secure(told)


@pytest.mark.parametrize("told", [b"http", b"", b"https, http", b"http, https", b"on", b"https,"])
def test_where_the_chain_does_not_agree_it_was_plain_http(told: bytes) -> None:
    assert not is_secure(told)


def test_of_two_headers_both_have_to_say_it() -> None:
    assert (is_secure(b"https", b"https"), is_secure(b"http", b"https"), is_secure()) == (True, False, False)


@pytest.mark.parametrize("source", ["direct", "untrusted", "none"])
def test_what_a_visitor_says_of_its_scheme_is_not_believed(source: AddressSource) -> None:
    assert not is_secure(b"https", source=source)


def test_where_the_scheme_is_not_to_be_believed_nobody_is_secure() -> None:
    assert not is_secure(b"https", inputs=Inputs(SECURE.given - {"secure"}))
