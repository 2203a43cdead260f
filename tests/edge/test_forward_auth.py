"""Forward auth: each proxy describes the request in its own way, and only a trusted one is believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.forward_auth import allowed_status, forwarded_visits, limit_status
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


SECRET = b"k2v7h4s9d1f6g3j8"
KNOWING = AddressResolver([], "", SECRET.decode())


def from_afar(*headers: tuple[bytes, bytes], peer: str = "203.0.113.9") -> Visit:
    visit = asked(*headers, addresses=KNOWING)
    return replace(visit, client=KNOWING.resolve((peer, 1), visit.headers))


@pytest.mark.parametrize(
    ("secret", "target", "address"),
    [
        (SECRET, b"/lyrics//1%20a?x=%zz", ("8.8.8.8", "proxy-asserted")),
        (SECRET[:-1], b"/", ("203.0.113.9", "untrusted")),
        (SECRET + b"x", b"/", ("203.0.113.9", "untrusted")),
        (b"", b"/", ("203.0.113.9", "untrusted")),
    ],
)
def test_who_knows_the_secret_is_believed_wherever_it_comes_from(
    secret: bytes, target: bytes, address: tuple[str, str]
) -> None:
    (visit,) = forwarded_visits(from_afar(*CADDY, (b"x-vorbehalt-secret", secret)), KNOWING)

    assert (visit.target, (visit.client.text, visit.client.source)) == (target, address)
    assert visit.header(b"x-vorbehalt-secret") == b""


def test_without_a_secret_in_the_configuration_none_is_right() -> None:
    question = from_afar(*CADDY, (b"x-vorbehalt-secret", b""))

    assert forwarded_visits(question, AddressResolver([], "", None))[0].target == b"/"
    assert forwarded_visits(question, AddressResolver([], "", ""))[0].target == b"/"


def test_a_proxy_that_knows_the_secret_and_names_nobody_is_no_visitor_itself() -> None:
    addresses = AddressResolver([], "", SECRET.decode())
    client = addresses.resolve(("8.8.4.4", 1), ((b"x-vorbehalt-secret", SECRET),))

    assert (client.text, client.is_usable) == (None, False)
    assert list(addresses.notes) == ["proxy-hides-visitors"]


def test_a_peer_on_a_unix_socket_is_believed_if_it_is_named() -> None:
    for trusted, target in (["unix"], b"/lyrics//1%20a?x=%zz"), ([], b"/"):
        addresses = AddressResolver(trusted)
        question = replace(asked(*CADDY), client=addresses.resolve(None, asked(*CADDY).headers))
        assert forwarded_visits(question, addresses)[0].target == target


@pytest.mark.parametrize(
    ("headers", "targets"),
    [
        ([(b"x-forwarded-uri", b"/a"), (b"x-original-uri", b"/b")], [b"/a", b"/b"]),
        ([(b"x-forwarded-uri", b"/a"), (b"x-original-url", b"https://label.example/b")], [b"/a", b"/b"]),
        ([(b"x-forwarded-uri", b"/a"), (b"x-original-uri", b"/a")], [b"/a"]),
        ([(b"x-forwarded-uri", b"/a")], [b"/a"]),
        ([(b"x-original-uri", b"/b"), (b"x-forwarded-method", b"HEAD")], [b"/b"]),
    ],
)
def test_two_forms_that_contradict_each_other_are_both_judged(
    headers: list[tuple[bytes, bytes]], targets: list[bytes]
) -> None:
    assert [visit.target for visit in forwarded_visits(asked(*headers), PROXIES)] == targets


def test_two_methods_that_contradict_each_other_are_both_judged() -> None:
    headers = [
        (b"x-forwarded-method", b"OPTIONS"),
        (b"x-original-method", b"GET"),
        (b"x-original-uri", b"/b"),
    ]
    visits = forwarded_visits(asked(*headers), PROXIES)

    assert [(visit.method, visit.target) for visit in visits] == [("OPTIONS", b"/b"), ("GET", b"/b")]


def test_behind_envoys_prefix_no_header_names_another_request() -> None:
    headers = [
        (b"x-forwarded-uri", b"/favicon.ico"),
        (b"x-forwarded-method", b"OPTIONS"),
        (b"x-forwarded-host", b"e"),
    ]
    (visit,) = forwarded_visits(asked(*headers, target=b"/.vorbehalt/auth/lyrics/1?limit=403"), PROXIES)

    assert (visit.method, visit.host, visit.target) == ("GET", "auth.internal", b"/lyrics/1?limit=403")


@pytest.mark.parametrize(
    ("target", "allowed", "limited"),
    [
        (b"/.vorbehalt/auth", 204, 403),
        (b"/.vorbehalt/auth/", 200, 429),
        (b"/.vorbehalt/auth/a?limit=403", 200, 429),
    ],
)
def test_envoy_takes_200_alone_for_a_yes(target: bytes, allowed: int, limited: int) -> None:
    assert (allowed_status(asked(target=target)), limit_status(asked(target=target))) == (allowed, limited)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"8f3c-A.b_9", "8f3c-A.b_9"),
        (b"x" * 64, "x" * 64),
        (b"x" * 65, ""),
        (b"", ""),
        (b"a b", ""),
        (b"a\n", ""),
        (b"a,b", ""),
        (b"\xff", ""),
    ],
)
def test_a_request_id_is_kept_if_it_is_one(said: bytes, kept: str) -> None:
    assert forwarded_visits(asked((b"x-request-id", said)), PROXIES)[0].request_id == kept
    stranger = asked((b"x-request-id", said), addresses=STRANGERS)
    assert forwarded_visits(stranger, STRANGERS)[0].request_id == ""
