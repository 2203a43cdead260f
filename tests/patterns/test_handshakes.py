"""Finding 13 where requests come in: whose handshake is learnt, whose is looked at, whose word it is."""

from __future__ import annotations

import pytest

from conduct_support import BOOK, CHROME, NOW, visit
from pattern_support import captured_headers
from vorbehalt.facts import AddressSource, ClientAddress, Headers
from vorbehalt.patterns.circumstances import ORDINARY, Circumstances
from vorbehalt.patterns.score import Assessment
from vorbehalt.patterns.seen import NEEDS, Inputs
from vorbehalt.patterns.sketches import SECOND
from vorbehalt.patterns.watch import Watch

GENUINE = b"t13d1516h2_8daaf6152771_02713d6af862"
OTHER = b"t13d4312h1_c7886603b240_b26ce05bbdd6"
INPUTS = Inputs(frozenset(NEEDS) - {"order"}, tls_header=b"x-ja4")
CAPTURED: Headers = tuple(
    (name.lower().encode(), value.encode())
    for name, value in captured_headers("chromium-headful").items()
    if name.lower() not in ("host", "connection", "cookie", "user-agent", "sec-fetch-site")
)
PROVERS = 20


def ask(
    watch: Watch,
    address: str,
    ja4: bytes | None,
    *,
    path: str = "/",
    after: int = 0,
    cookie: bool = False,
    site: bytes = b"none",
    source: AddressSource = "proxy-asserted",
    more: Headers = (),
    beside: Circumstances = ORDINARY,
) -> Assessment:
    headers = (
        *CAPTURED,
        (b"sec-fetch-site", site),
        *(((b"cookie", b"sid=1"),) if cookie else ()),
        *(((b"x-ja4", ja4),) if ja4 is not None else ()),
        *more,
    )
    client = ClientAddress(address, source, True, "127.0.0.1")
    return watch.observe(visit(path, headers, at=NOW + after * SECOND, agent=CHROME, client=client), beside)


def prove(watch: Watch, number: int, ja4: bytes = GENUINE, source: AddressSource = "proxy-asserted") -> None:
    """A reader of a network of its own comes, is given a cookie and returns it."""
    ask(watch, f"5.6.{number}.7", ja4, source=source)
    ask(watch, f"5.6.{number}.7", ja4, path="/a", after=1, cookie=True, site=b"same-origin", source=source)


def taught(watch: Watch | None = None) -> Watch:
    watch = watch or Watch(BOOK, INPUTS)
    for number in range(PROVERS):
        prove(watch, number)
    return watch


def ids(found: Assessment) -> list[str]:
    return [finding.id for finding in found.findings]


def test_a_handshake_that_no_proven_reader_showed_contradicts_the_claim_on_the_first_page() -> None:
    watch = taught()

    found = ask(watch, "9.9.9.9", OTHER)

    assert (ids(found), found.score, found.level) == (["proto.tls_contradicts"], 30, "limit")
    assert found.findings[0].observed == f"claims chrome 156; JA4 {OTHER.decode()}"
    assert ids(ask(watch, "9.9.9.8", GENUINE)) == []
    assert watch.failures == 0


def test_nineteen_networks_prove_nothing_however_often_they_come() -> None:
    watch = Watch(BOOK, INPUTS)
    for number in range(PROVERS - 1):
        prove(watch, number)
        prove(watch, number)
    ask(watch, "5.6.3.200", GENUINE)
    ask(watch, "5.6.3.200", GENUINE, path="/a", after=1, cookie=True)

    assert ids(ask(watch, "9.9.9.9", OTHER)) == []


@pytest.mark.parametrize("source", ["untrusted", "direct", "none"])
def test_the_header_of_whoever_is_no_trusted_proxy_accuses_nobody(source: AddressSource) -> None:
    watch = taught()

    assert ids(ask(watch, "9.9.9.9", OTHER, source=source)) == []


@pytest.mark.parametrize("source", ["untrusted", "direct", "none"])
def test_the_header_of_whoever_is_no_trusted_proxy_teaches_nothing(source: AddressSource) -> None:
    watch = Watch(BOOK, INPUTS)
    for number in range(2 * PROVERS):
        prove(watch, number, source=source)

    assert (watch.handshakes.versions, ids(ask(watch, "9.9.9.9", OTHER))) == (0, [])


def test_a_header_that_comes_twice_says_nothing() -> None:
    watch = taught()

    assert ids(ask(watch, "9.9.9.9", OTHER, more=((b"x-ja4", GENUINE),))) == []
    assert ids(ask(watch, "9.9.9.9", None)) == []


def test_who_brings_a_cookie_on_the_first_page_proves_nothing() -> None:
    watch = Watch(BOOK, INPUTS)
    for number in range(2 * PROVERS):
        for at in (0, 1):
            ask(watch, f"5.6.{number}.7", GENUINE, path=f"/{at}", after=at, cookie=True, site=b"same-origin")

    assert watch.handshakes.versions == 0


def test_who_contradicts_itself_otherwise_teaches_nothing() -> None:
    watch = Watch(BOOK, INPUTS)
    for number in range(2 * PROVERS):
        for at in (0, 1):
            ask(
                watch,
                f"5.6.{number}.7",
                OTHER,
                path=f"/{at}",
                after=at,
                cookie=at == 1,
                more=((b"upgrade", b"h2c"),),
            )

    assert watch.handshakes.versions == 0


def test_a_program_that_says_what_it_is_is_not_asked_for_its_handshake() -> None:
    assert ids(ask(taught(), "9.9.9.9", OTHER, beside=Circumstances(is_declared=True))) == []


def test_where_no_header_is_agreed_on_nothing_is_learnt_and_nothing_found() -> None:
    watch = taught(Watch(BOOK, Inputs(INPUTS.given - {"tls"})))

    assert (watch.handshakes.versions, ids(ask(watch, "9.9.9.9", OTHER))) == (0, [])


def test_who_reads_like_a_person_under_another_handshake_makes_it_known() -> None:
    watch = taught()
    assert ids(ask(watch, "9.9.9.9", OTHER)) == ["proto.tls_contradicts"]
    client = ClientAddress("9.9.9.9", "proxy-asserted", True, "127.0.0.1")
    language = (b"accept-language", dict(CAPTURED)[b"accept-language"])
    picture = ((b"sec-fetch-dest", b"image"), (b"sec-fetch-mode", b"no-cors"), language)
    watch.observe(visit("/logo.png", picture, at=NOW + SECOND, agent=CHROME, client=client))

    found = ask(watch, "9.9.9.9", OTHER, path="/a", after=2, cookie=True, site=b"same-origin")

    assert (found.score, found.level) == (10, "observe")
    assert ids(ask(watch, "8.8.8.8", OTHER)) == []


def test_a_cookie_alone_does_not_make_a_contradicting_handshake_known() -> None:
    watch = taught()
    for at in range(3):
        ask(watch, "9.9.9.9", OTHER, path=f"/{at}", after=at, cookie=at > 0)

    assert ids(ask(watch, "8.8.8.8", OTHER)) == ["proto.tls_contradicts"]


def test_addresses_of_one_network_prove_once() -> None:
    watch = Watch(BOOK, INPUTS)
    for number in range(2 * PROVERS):
        for address in (f"5.6.7.{number}", f"2a00:1:2:{number}::9"):
            ask(watch, address, GENUINE)
            ask(watch, address, GENUINE, path="/a", after=1, cookie=True)

    assert (watch.handshakes.versions, ids(ask(watch, "9.9.9.9", OTHER))) == (1, [])
