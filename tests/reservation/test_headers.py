"""The response headers: exact values, size, and what happens to the app's own."""

from __future__ import annotations

from itertools import product

import pytest

from terms_support import Terms
from vorbehalt.reservation.bundle import render
from vorbehalt.reservation.headers import (
    APPENDED,
    REPLACED,
    SectionHeaders,
    apply,
    headers_digest,
    reservation_headers,
    size,
)
from vorbehalt.reservation.uses import Stance, Uses

TERMS = Terms("https://label.example")
stances: list[Stance] = ["allow", "reserve"]


def section(uses: Uses) -> SectionHeaders:
    headers = reservation_headers(TERMS, uses)
    return SectionHeaders("", uses, headers, headers_digest(headers))


def test_the_default_headers_are_exact_and_in_order() -> None:
    assert reservation_headers(TERMS, Uses()) == (
        (b"tdm-reservation", b"1"),
        (b"tdm-policy", b"https://label.example/.well-known/tdm-policy.json"),
        (b"content-usage", b"train-ai=n, ai-use=n, search=y"),
        (b"x-robots-tag", b"noai, noimageai"),
        (b"link", b'<https://label.example/license.xml>; rel="license"; type="application/rsl+xml"'),
    )


def test_where_nothing_is_reserved_the_headers_say_so() -> None:
    assert dict(reservation_headers(TERMS, Uses("allow", "allow", "allow", "allow"))) == {
        b"tdm-reservation": b"0",
        b"content-usage": b"train-ai=y, ai-use=y, search=y",
        b"link": b'<https://label.example/license.xml>; rel="license"; type="application/rsl+xml"',
    }


def test_noai_follows_training_alone() -> None:
    names = [name for name, _ in reservation_headers(TERMS, Uses(training="allow"))]
    assert b"x-robots-tag" not in names
    assert b"tdm-policy" in names


@pytest.mark.parametrize("choice", list(product(stances, repeat=4)), ids=str)
def test_headers_are_lower_case_single_and_within_the_budget(
    choice: tuple[Stance, Stance, Stance, Stance],
) -> None:
    headers = reservation_headers(TERMS, Uses(*choice))
    names = [name for name, _ in headers]
    assert len(names) == len(set(names))
    assert set(names) <= APPENDED | REPLACED
    assert all(name == name.lower() for name in names)
    assert size(headers) <= 260 + 2 * len(TERMS.origin)


def test_an_odd_origin_cannot_break_a_header() -> None:
    for _, value in reservation_headers(Terms("https://lä\r\nx: y\u2028"), Uses()):
        assert not set(value) & {10, 13}


def test_the_apps_own_statements_are_replaced_and_the_rest_is_kept_in_order() -> None:
    own = [
        (b"content-type", b"text/html"),
        (b"tdm-reservation", b"0"),
        (b"link", b"</style.css>; rel=preload"),
        (b"TDM-Policy", b"https://elsewhere.example"),
        (b"x-robots-tag", b"noindex"),
        (b"Content-Usage", b"train-ai=y"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
    before = list(own)
    ours = section(Uses())
    applied = apply(own, ours)
    assert own == before
    assert applied is not own
    assert applied == [own[0], own[2], own[4], own[6], own[7], *ours.headers]


def test_applying_never_changes_the_section() -> None:
    ours = section(Uses())
    before = ours.headers
    apply([], ours).append((b"x", b"y"))
    assert apply([], ours) == list(before)


def test_the_digest_depends_on_order_and_on_where_name_and_value_part() -> None:
    first, second = (b"ab", b"c"), (b"a", b"bc")
    digests = {headers_digest(found) for found in ([first], [second], [first, second], [second, first], [])}
    assert len(digests) == 5


def test_every_section_of_a_bundle_has_its_own_headers() -> None:
    bundle = render(TERMS, None, ())
    assert bundle.sections[""].headers == reservation_headers(TERMS, TERMS.uses)
    assert bundle.sections[""].digest == headers_digest(bundle.sections[""].headers)
