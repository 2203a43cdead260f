"""Forward auth: each proxy describes the request in its own way, and only a trusted one is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.forward_auth import forwarded_visits, limit_status
from vorbehalt.facts import Visit

PROXIES = AddressResolver(["10.0.0.0/8"])
STRANGERS = AddressResolver([])


def asked(
    *headers: tuple[bytes, bytes],
    target: bytes = b"/.vorbehalt/auth",
    method: str = "GET",
    addresses: AddressResolver = PROXIES,
) -> Visit:
    pairs = ((b"host", b"auth.internal"), (b"user-agent", b"GPTBot"), *headers)
    return Visit(
        received_at=7,
        method=method,
        scheme="http",
        host="auth.internal",
        path="/.vorbehalt/auth",
        target=target,
        http_version="1.0",
        headers=pairs,
        client=addresses.resolve(("10.0.0.1", 1), pairs),
    )


CADDY = (
    (b"x-forwarded-method", b"POST"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"Label.example:443"),
    (b"x-forwarded-uri", b"/lyrics//1%20a?x=%zz"),
    (b"x-forwarded-for", b"8.8.8.8"),
)


@pytest.mark.parametrize(
    ("question", "method", "scheme", "host", "path", "target"),
    [
        (asked(*CADDY), "POST", "https", "label.example", "/lyrics/1 a", b"/lyrics//1%20a?x=%zz"),
        (
            asked((b"x-original-method", b"HEAD"), (b"x-original-uri", b"/a?b")),
            "HEAD",
            "http",
            "auth.internal",
            "/a",
            b"/a?b",
        ),
        (
            asked((b"x-original-url", b"https://label.example/a?b=/c")),
            "GET",
            "https",
            "label.example",
            "/a",
            b"/a?b=/c",
        ),
        (asked((b"x-original-url", b"HTTP://label.example")), "GET", "http", "label.example", "/", b"/"),
        (
            asked(target=b"/.vorbehalt/auth/lyrics/1?x=1", method="PUT"),
            "PUT",
            "http",
            "auth.internal",
            "/lyrics/1",
            b"/lyrics/1?x=1",
        ),
        (asked(target=b"/.vorbehalt/auth?limit=429"), "GET", "http", "auth.internal", "/", b"/"),
        (
            asked((b"x-forwarded-host", b"evil.example, label.example")),
            "GET",
            "http",
            "label.example",
            "/",
            b"/",
        ),
    ],
)
def test_each_proxy_is_understood(
    question: Visit, method: str, scheme: str, host: str, path: str, target: bytes
) -> None:
    (visit,) = forwarded_visits(question, PROXIES)
    assert (visit.method, visit.scheme, visit.host, visit.path, visit.target) == (
        method,
        scheme,
        host,
        path,
        target,
    )
    assert visit.vantage == "forward-auth"
    assert visit.headers == question.headers


def test_the_client_is_the_one_that_the_proxy_names() -> None:
    client = forwarded_visits(asked(*CADDY), PROXIES)[0].client
    assert (client.text, client.source) == ("8.8.8.8", "proxy-asserted")


def test_a_stranger_is_not_believed_but_judged_by_its_user_agent() -> None:
    (visit,) = forwarded_visits(asked(*CADDY, addresses=STRANGERS), STRANGERS)
    assert (visit.method, visit.host, visit.path, visit.target) == ("GET", "auth.internal", "/", b"/")
    assert visit.header(b"user-agent") == b"GPTBot"
    assert visit.client.source == "untrusted"


@pytest.mark.parametrize(
    "headers",
    [
        ((b"x-forwarded-method", b"GET /x"),),
        ((b"x-forwarded-method", b"\xff"),),
        ((b"x-forwarded-uri", b"no-slash"),),
        ((b"x-forwarded-proto", b"javascript"),),
        ((b"x-original-url", b"ftp://a/b"),),
    ],
)
def test_nonsense_is_left_out(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    (visit,) = forwarded_visits(asked(*headers), PROXIES)
    assert (visit.method, visit.scheme, visit.host, visit.target) == ("GET", "http", "auth.internal", b"/")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/.vorbehalt/auth", 403),
        (b"/.vorbehalt/auth?limit=429", 429),
        (b"/.vorbehalt/auth?limit=200", 403),
        (b"/.vorbehalt/auth?limit=429&limit=200", 403),
        (b"/.vorbehalt/auth?" + b"&" * 100_000, 403),
    ],
)
def test_a_proxy_says_whether_it_can_handle_429(target: bytes, status: int) -> None:
    assert limit_status(asked(target=target)) == status


NAMES = [
    b"x-forwarded-method",
    b"x-forwarded-uri",
    b"x-original-url",
    b"x-forwarded-host",
    b"x-forwarded-proto",
]


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=80)), max_size=5), st.binary(max_size=80)
)
def test_no_bytes_raise(headers: list[tuple[bytes, bytes]], target: bytes) -> None:
    for visit in forwarded_visits(asked(*headers, target=target), PROXIES):
        assert visit.path.startswith("/")
        assert visit.target.startswith(b"/")
    assert limit_status(asked(target=target)) in (403, 429)
