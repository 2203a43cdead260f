"""Web Bot Auth: what verifies, what does not, and that nothing is verified by mistake."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.facts import ClientAddress, Headers, Visit
from vorbehalt.identify.answers import SignatureAnswer
from vorbehalt.identify.signature_keys import MISSING, Key, Missing, canonical_jwk, read_directory, verify
from vorbehalt.identify.signatures import check_terms, judge_signature, read_signatures

NOW = 1_795_330_100
AT = NOW * 1_000_000_000
AGENT = "https://crawler.example"
HOSTS = frozenset({"site.example"})
DIRECT = ClientAddress("66.249.66.1", "direct", True, "66.249.66.1")


def b64u(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Signer:
    """Signs without any code of ours: the base is spelled out by hand."""

    def __init__(self, seed: bytes = b"agent") -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed).digest())
        x = b64u(self.private.public_key().public_bytes_raw())
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": x}
        canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
        self.name = b64u(hashlib.sha256(canonical.encode()).digest())

    def key(self, **more: Any) -> Key:
        return Key(canonical_jwk(self.jwk), self.name, fetched_at=AT - 60_000_000_000, **more)

    def sign(self, base: str) -> str:
        return f":{b64encode(self.private.sign(base.encode())).decode()}:"


@dataclass
class Book:
    keys: dict[tuple[str, str], Key | Missing] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def peek(self, agent_origin: str, thumbprint: str) -> Key | Missing | None:
        self.asked.append((agent_origin, thumbprint))
        return self.keys.get((agent_origin, thumbprint))


class Nonces:
    def __init__(self) -> None:
        self.known: set[tuple[str, str]] = set()

    def __call__(self, agent: str, nonce: str, expires: int, now: int) -> bool | None:
        assert expires > now
        was = (agent, nonce) in self.known
        self.known.add((agent, nonce))
        return was


SIGNER = Signer()
BOOK = Book({(AGENT, SIGNER.name): SIGNER.key()})
MEMBER = '"signature-agent";key="sig1"'


def visit(headers: Headers, /, **changes: Any) -> Visit:
    whole = Visit(
        received_at=AT,
        method="GET",
        scheme="https",
        host="site.example",
        path="/works/1",
        target=b"/works/1?page=2",
        http_version="1.1",
        headers=((b"host", b"site.example"), *headers),
        client=DIRECT,
    )
    return replace(whole, **changes)


def signed(
    lines: dict[str, str] | None = None,
    *,
    terms: str | None = None,
    agent: str | None = f'sig1="{AGENT}"',
    label: str = "sig1",
    signer: Signer = SIGNER,
    nonce: str = "",
) -> Headers:
    """The three headers of a request signed over these lines of the base (component -> value)."""
    lines = {'"@authority"': "site.example", MEMBER: f'"{AGENT}"'} if lines is None else lines
    if terms is None:
        terms = (
            f';created={NOW - 10};expires={NOW + 290};keyid="{signer.name}";alg="ed25519";tag="web-bot-auth"'
        )
        terms += f';nonce="{nonce}"' if nonce else ""
    parameters = f"({' '.join(lines)}){terms}"
    base = "".join(f"{name}: {value}\n" for name, value in lines.items())
    signature = signer.sign(f'{base}"@signature-params": {parameters}')
    headers = [
        (b"signature-input", f"{label}={parameters}".encode()),
        (b"signature", f"{label}={signature}".encode()),
    ]
    if agent is not None:
        headers.append((b"signature-agent", agent.encode()))
    return tuple(headers)


def judge(
    of: Visit | Headers, book: Book = BOOK, nonces: Callable[..., bool | None] | None = None, at: int = AT
) -> SignatureAnswer:
    seen = of if isinstance(of, Visit) else visit(of)
    answer = judge_signature(seen, book, at, nonces or Nonces(), own_hosts=HOSTS)
    assert answer is not None
    return answer


def terms(**changes: Any) -> str:
    values: dict[str, Any] = {
        "created": NOW - 10,
        "expires": NOW + 290,
        "keyid": f'"{SIGNER.name}"',
        "tag": '"web-bot-auth"',
        **changes,
    }
    return "".join(f";{name}={value}" for name, value in values.items() if value is not None)


def test_a_signature_of_the_agents_key_verifies_and_can_be_checked_again_by_anybody() -> None:
    answer = judge(signed(nonce="n1"))
    assert (answer.outcome, answer.agent, answer.thumbprint) == ("verified", AGENT, SIGNER.name)
    assert "nonce not seen before" in answer.how
    assert "directory fetched 1 min before" in answer.how
    assert json.loads(answer.jwk) == SIGNER.jwk
    # With nothing but what is kept for the record.
    SIGNER.private.public_key().verify(answer.signature, answer.base)
    assert verify(answer.base, answer.signature, json.loads(answer.jwk))
    assert not verify(answer.base + b"\n", answer.signature, json.loads(answer.jwk))


def test_no_signature_says_nothing() -> None:
    assert judge_signature(visit(()), BOOK, AT, Nonces(), own_hosts=HOSTS) is None
    assert (
        read_signatures(((b"signature", b"sig1=:aaaa:"), (b"signature-agent", b'"https://a.example"'))) == ()
    )


@pytest.mark.parametrize("tag", [None, '"other"', "web-bot-auth", "1"])
def test_a_signature_without_our_tag_is_none_of_ours(tag: str | None) -> None:
    headers = signed(terms=terms(tag=tag))
    assert judge_signature(visit(headers), BOOK, AT, Nonces(), own_hosts=HOSTS) is None


def test_the_legacy_string_form_verifies() -> None:
    lines = {'"@authority"': "site.example", '"signature-agent"': f'"{AGENT}"'}
    answer = judge(signed(lines, agent=f'"{AGENT}"', label="anything"))
    assert (answer.outcome, answer.agent) == ("verified", AGENT)


def test_everything_a_signature_may_cover_is_rebuilt() -> None:
    lines = {
        '"@method"': "GET",
        '"@authority"': "site.example",
        '"@scheme"': "https",
        '"@path"': "/works/1",
        '"@query"': "?page=2",
        '"@target-uri"': "https://site.example/works/1?page=2",
        '"@request-target"': "/works/1?page=2",
        '"@query-param";name="page"': "2",
        '"user-agent"': "Crawler/1.0",
        MEMBER: f'"{AGENT}"',
    }
    headers = (*signed(lines), (b"user-agent", b" Crawler/1.0 "))
    assert judge(headers).outcome == "verified"


CHANGES: dict[str, dict[str, Any]] = {
    "method": {"method": "POST"},
    "path": {"target": b"/works/2?page=2"},
    "query": {"target": b"/works/1?page=3"},
    "no query": {"target": b"/works/1"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_changing_what_is_covered_breaks_it(change: str) -> None:
    lines = {
        '"@method"': "GET",
        '"@target-uri"': "https://site.example/works/1?page=2",
        MEMBER: f'"{AGENT}"',
    }
    whole = visit(signed(lines))
    assert judge(whole).outcome == "verified"
    answer = judge(replace(whole, **CHANGES[change]))
    assert (answer.outcome, answer.agent) == ("invalid", AGENT)
    assert "does not hold for this request" in answer.how


@pytest.mark.parametrize("part", ['"@authority"', '"@path"', '"@query"', '"user-agent"', '"@method"'])
def test_a_base_with_one_other_line_is_not_ours(part: str) -> None:
    lines = {
        '"@authority"': "site.example",
        '"@method"': "GET",
        '"@path"': "/works/1",
        '"@query"': "?page=2",
        '"user-agent"': "Crawler/1.0",
        MEMBER: f'"{AGENT}"',
    }
    agent = (b"user-agent", b"Crawler/1.0")
    assert judge((*signed(lines), agent)).outcome == "verified"
    assert judge((*signed(lines | {part: "x"}), agent)).outcome == "invalid"


def test_a_signature_made_for_another_site_is_nobodys_here() -> None:
    """Whoever gets an agent to visit his own site holds a good signature, and may send any Host with it."""
    lines = {'"@authority"': "evil.example", MEMBER: f'"{AGENT}"'}
    at_home = visit(signed(lines))
    assert judge(at_home).outcome == "invalid"
    with_its_host = replace(
        at_home, host="evil.example", headers=((b"host", b"evil.example"), *signed(lines))
    )
    answer = judge(with_its_host)
    assert answer.outcome == "unverified"
    assert "none of this site's" in answer.how
    known = judge_signature(with_its_host, BOOK, AT, Nonces(), own_hosts={"evil.example"})
    assert known is not None
    assert known.outcome == "verified"


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        (b"Site.Example", "site.example"),
        (b"site.example:443", "site.example"),
        (b"site.example:8443", "site.example:8443"),
    ],
)
def test_the_authority_is_lower_case_without_default_port(host: bytes, authority: str) -> None:
    headers = signed({'"@authority"': authority, MEMBER: f'"{AGENT}"'})
    assert judge(visit(headers, headers=((b"host", host), *headers))).outcome == "verified"


def test_only_what_came_over_tls_counts() -> None:
    headers = signed()
    plain = visit(headers, scheme="http")
    answer = judge(plain)
    assert answer.outcome == "unverified"
    assert "TLS" in answer.how
    ended = (*plain.headers, (b"x-forwarded-proto", b"https"))
    # A visitor's own header is not believed, a trusted proxy's is.
    assert judge(replace(plain, headers=ended)).outcome == "unverified"
    behind = replace(DIRECT, source="proxy-asserted")
    assert judge(replace(plain, headers=ended, client=behind)).outcome == "verified"
    opened = (*plain.headers, (b"x-forwarded-proto", b"http"))
    assert judge(replace(plain, scheme="https", headers=opened, client=behind)).outcome == "unverified"


def test_behind_forward_auth_the_host_is_the_one_that_was_asked_for() -> None:
    headers = signed({'"@authority"': "site.example:8443", MEMBER: f'"{AGENT}"'})
    asked = ((b"host", b"auth.internal"), (b"x-forwarded-host", b"site.example:8443"), *headers)
    assert judge(visit(headers, headers=asked, vantage="forward-auth")).outcome == "verified"
    # Anywhere else that header is the visitor's.
    assert judge(visit(headers, headers=asked)).outcome == "invalid"


TERMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "expired": ({"created": NOW - 300, "expires": NOW}, "invalid", "expired 0 s ago"),
    "created in the future": ({"created": NOW + 31, "expires": NOW + 60}, "invalid", "in the future"),
    "too long": ({"created": NOW - 10, "expires": NOW - 10 + 86_401}, "invalid", "at most 86400"),
    "ends before it begins": ({"created": NOW + 20, "expires": NOW + 10}, "invalid", "made for -10 s"),
    "no created": ({"created": None}, "invalid", "missing"),
    "no expires": ({"expires": None}, "invalid", "missing"),
    "expires is true": ({"expires": "?1"}, "invalid", "no whole number"),
    "expires is a decimal": ({"expires": f"{NOW + 100}.5"}, "invalid", "no whole number"),
    "no keyid": ({"keyid": None}, "unverified", "no thumbprint"),
    "keyid is a name": ({"keyid": '"my-key"'}, "unverified", "no thumbprint"),
    "shared secret": ({"alg": '"hmac-sha256"'}, "invalid", "shared secret"),
    "other algorithm": ({"alg": '"rsa-pss-sha512"'}, "unverified", "not checked here"),
    "algorithm in capitals": ({"alg": '"Ed25519"'}, "unverified", "not checked here"),
    "algorithm is no string": ({"alg": "ed25519"}, "unverified", "not checked here"),
}


@pytest.mark.parametrize("case", TERMS)
def test_terms_that_do_not_hold(case: str) -> None:
    changes, outcome, words = TERMS[case]
    answer = judge(signed(terms=terms(**changes)))
    assert answer.outcome == outcome
    assert words in answer.how


def test_times_at_their_edges_hold() -> None:
    for created, expires in [(NOW + 30, NOW + 60), (NOW - 100, NOW + 1), (NOW - 86_399, NOW + 1)]:
        assert judge(signed(terms=terms(created=created, expires=expires))).outcome == "verified"


def test_the_limits_of_time_are_arguments() -> None:
    (claim,) = read_signatures(signed(terms=terms(created=NOW + 40, expires=NOW + 100)))
    assert check_terms(claim, AT) is not None
    assert check_terms(claim, AT, max_skew_seconds=40) is None
    fault = check_terms(claim, AT, max_skew_seconds=40, max_age_seconds=59)
    assert fault is not None
    assert "at most 59" in fault.how


def test_a_signature_that_covers_no_host_or_no_agent_is_invalid() -> None:
    no_host = judge(signed({'"@path"': "/works/1", MEMBER: f'"{AGENT}"'}))
    assert (no_host.outcome, "neither @authority" in no_host.how) == ("invalid", True)
    no_agent = judge(signed({'"@authority"': "site.example"}))
    assert (no_agent.outcome, no_agent.agent) == ("invalid", "")
    other = judge(signed({'"@authority"': "site.example", '"signature-agent";key="b"': f'"{AGENT}"'}))
    assert (other.outcome, other.agent) == ("invalid", "")


def test_without_signature_agent_nobody_is_named() -> None:
    answer = judge(signed({'"@authority"': "site.example"}, agent=None))
    assert (answer.outcome, answer.agent) == ("unverified", "")


AGENTS = {
    "port": ('sig1="https://Crawler.Example:443/"', AGENT),
    "other port": ('sig1="https://crawler.example:8443"', "https://crawler.example:8443"),
    "type directory": ('sig1="https://crawler.example";type=directory', AGENT),
    "path": ('sig1="https://crawler.example/keys"', ""),
    "http": ('sig1="http://crawler.example"', ""),
    "user": ('sig1="https://a@crawler.example"', ""),
    "jwks_uri": ('sig1="https://crawler.example";type=jwks_uri', ""),
    "cimd": ('sig1="https://crawler.example/card";type=cimd', ""),
    "unknown type": ('sig1="https://crawler.example";type=magic', ""),
    "type as string": ('sig1="https://crawler.example";type="directory"', ""),
    "data": ('sig1="data:application/json,{}"', ""),
    "empty": ('sig1=""', ""),
}


@pytest.mark.parametrize("case", AGENTS)
def test_the_agent_is_the_origin_of_a_directory(case: str) -> None:
    header, agent = AGENTS[case]
    (claim,) = read_signatures(signed(agent=header))
    assert claim.agent == agent
    assert (claim.fault is None) == bool(agent)
    if claim.fault:
        assert claim.fault.outcome == "unverified"


def test_the_covered_member_names_the_agent_not_any_other() -> None:
    header = f'evil="https://evil.example", sig1="{AGENT}"'
    assert judge(signed(agent=header)).agent == AGENT
    # An intermediary may rename the signature but not the member that it covers (RFC 9421 section 7.2.5).
    assert judge(signed(agent=header, label="renamed")).agent == AGENT
    both = {'"@authority"': "site.example", '"signature-agent";key="evil"': "x", MEMBER: f'"{AGENT}"'}
    (claim,) = read_signatures(signed(both, agent=header, label="renamed"))
    assert claim.agent == ""
    (claim,) = read_signatures(signed(both, agent=header))
    assert claim.agent == AGENT


def test_a_key_counts_for_the_agent_that_publishes_it_only() -> None:
    header = 'sig1="https://victim.example"'
    lines = {'"@authority"': "site.example", MEMBER: '"https://victim.example"'}
    book = Book({(AGENT, SIGNER.name): SIGNER.key()})
    answer = judge(signed(lines, agent=header), book)
    assert (answer.outcome, answer.agent) == ("unverified", "https://victim.example")
    assert book.asked == [("https://victim.example", SIGNER.name)]


def test_a_key_not_known_yet_leaves_what_is_needed_to_check_later() -> None:
    answer = judge(signed(), Book())
    assert (answer.outcome, answer.thumbprint, answer.jwk) == ("unverified", SIGNER.name, "")
    assert answer.base.startswith(b'"@authority": site.example\n')
    assert "not known yet" in answer.how


def test_a_key_that_the_directory_lacks_is_said_to_be_lacking() -> None:
    answer = judge(signed(), Book({(AGENT, SIGNER.name): MISSING}))
    assert answer.outcome == "unverified"
    assert "does not hold this key" in answer.how


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"not_after": NOW + 1}, "verified"),
        ({"not_after": NOW}, "unverified"),
        ({"not_before": NOW}, "verified"),
        ({"not_before": NOW + 1}, "unverified"),
    ],
)
def test_a_key_counts_within_the_time_its_directory_gives(more: dict[str, int], outcome: str) -> None:
    assert judge(signed(), Book({(AGENT, SIGNER.name): SIGNER.key(**more)})).outcome == outcome


def test_another_key_under_the_same_name_does_not_verify() -> None:
    forger = Signer(b"forger")
    headers = signed(terms=terms(), signer=forger)
    assert judge(headers).outcome == "invalid"


def test_the_key_printed_in_the_standard_is_refused_even_if_a_directory_holds_it() -> None:
    test_key = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}
    name = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"
    book = Book({(AGENT, name): Key(canonical_jwk(test_key), name)})
    answer = judge(signed(terms=terms(keyid=f'"{name}"')), book)
    assert (answer.outcome, "test key" in answer.how) == ("invalid", True)
    assert book.asked == []
    assert read_directory(json.dumps({"keys": [test_key, SIGNER.jwk]}).encode()).keys() == {SIGNER.name}


def test_a_nonce_counts_once_and_only_of_a_signature_that_holds() -> None:
    nonces = Nonces()
    forged = signed(signer=Signer(b"forger"), terms=terms(nonce='"n1"'))
    assert judge(forged, nonces=nonces).outcome == "invalid"
    assert judge(signed(nonce="n1"), nonces=nonces).outcome == "verified"
    again = judge(signed(nonce="n1"), nonces=nonces)
    assert (again.outcome, "seen before" in again.how) == ("unverified", True)
    assert judge(signed(nonce="n2"), nonces=nonces).outcome == "verified"


def test_what_could_not_be_checked_for_replay_says_so() -> None:
    def full(*_: object) -> None:
        return None

    answer = judge(signed(nonce="n1"), nonces=full)
    assert (answer.outcome, answer.how.endswith("; replay not checked")) == ("verified", True)
    assert judge(signed()).how.endswith("no nonce, replay not checked")


def test_of_several_signatures_a_verified_one_counts() -> None:
    good, bad = signed(), signed(label="bad", terms=terms(expires=NOW - 1))
    unknown = signed(
        {'"@authority"': "site.example", '"signature-agent";key="other"': '"https://other.example"'},
        label="other",
        signer=Signer(b"other"),
    )
    agents = (b"signature-agent", f'sig1="{AGENT}", other="https://other.example"'.encode())
    answer = judge((*bad[:2], *unknown[:2], *good[:2], agents))
    assert (answer.outcome, answer.agent) == ("verified", AGENT)
    answer = judge((*bad[:2], *unknown[:2], agents))
    assert (answer.outcome, answer.agent) == ("unverified", "https://other.example")
    assert judge((*bad[:2], agents)).outcome == "invalid"


def test_more_signatures_than_four_are_not_looked_at() -> None:
    many = [header for number in range(5) for header in signed(label=f"s{number}")[:2]]
    agents = (b"signature-agent", f'sig1="{AGENT}"'.encode())
    assert "more than 4" in judge((*many, agents)).how
    assert judge((*many[:8], agents)).outcome == "verified"


@pytest.mark.parametrize("name", [b"signature-input", b"signature", b"signature-agent"])
def test_oversized_headers_are_not_looked_at(name: bytes) -> None:
    headers = (*signed(), (name, b"x=1;y=" + b"1" * 4096))
    answer = judge(headers)
    assert (answer.outcome, answer.agent) == ("unverified", "")
    assert "longer than 4096" in answer.how


def test_many_components_are_not_looked_at() -> None:
    lines = {f'"x-{number}"': "1" for number in range(32)} | {'"@authority"': "site.example"}
    assert "more than 32" in judge(signed(lines)).how


@pytest.mark.parametrize("more", [b";b" * 201, b', a="1"' * 101, b", c=(" + b"1 " * 201 + b")"])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_headers_of_thousands_of_parts_are_not_taken_apart(more: bytes, which: int) -> None:
    headers = list(signed())
    name, value = headers[which]
    headers[which] = (name, value + more)
    answer = judge(tuple(headers))
    assert (answer.outcome, "more than 200 parts" in answer.how) == ("unverified", True)


MALFORMED: dict[str, dict[bytes, bytes]] = {
    "input": {b"signature-input": b'sig1=("@authority" "web-bot-auth"'},
    "signature": {b"signature": b"sig1=:x"},
    "agent": {b"signature-agent": b"sig1=https://crawler.example"},
    "agent twice": {b"signature-agent": b'"https://crawler.example", "https://crawler.example"'},
    "agent is a list": {b"signature-agent": b'sig1=("https://crawler.example")'},
    "agent is true": {b"signature-agent": b"sig1"},
    "signature of another label": {b"signature": b"sig2=:" + b64encode(bytes(64)) + b":"},
    "signature is a string": {b"signature": b'sig1="x"'},
    "short signature": {b"signature": b"sig1=:aGVsbG8=:"},
    "empty signature": {b"signature": b"sig1=::"},
    "zeros": {b"signature": b"sig1=:" + b64encode(bytes(64)) + b":"},
    "covered twice": {b"signature-input": f'sig1=("@authority" "@authority" {MEMBER}){terms()}'.encode()},
    "covers numbers": {b"signature-input": f'sig1=("@authority" 7 {MEMBER}){terms()}'.encode()},
    "covers capitals": {b"signature-input": f'sig1=("@authority" "Host" {MEMBER}){terms()}'.encode()},
    "covers what is absent": {b"signature-input": f'sig1=("@authority" "x-a" {MEMBER}){terms()}'.encode()},
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_headers_are_invalid(case: str) -> None:
    headers = tuple((name, MALFORMED[case].get(name, value)) for name, value in signed())
    assert judge(headers).outcome == "invalid"


@pytest.mark.parametrize(
    "component", ['"@status"', '"@authority";req', '"host";tr', '"host";sf', '"@query-param"', '"@new"']
)
def test_a_component_that_cannot_be_rebuilt_says_nothing(component: str) -> None:
    lines = {'"@authority"': "site.example", component: "1", MEMBER: f'"{AGENT}"'}
    assert judge(signed(lines)).outcome == "unverified"


def test_repeated_fields_are_joined_and_of_repeated_labels_the_last_counts() -> None:
    input_, signature, agent = signed()
    other = (b"signature-input", b'other=("@method");created=1')
    assert judge((other, input_, (b"signature", b"other=:aaaa:"), signature, agent)).outcome == "verified"
    false = (b"signature", b"sig1=:" + b64encode(bytes(64)) + b":")
    assert judge((input_, false, signature, agent)).outcome == "verified"
    assert judge((input_, signature, false, agent)).outcome == "invalid"


def test_how_never_grows_with_what_was_sent() -> None:
    lines = {'"@authority"': "site.example", f'"{"x" * 3000}"': "1", MEMBER: f'"{AGENT}"'}
    assert len(judge(signed(lines)).how) <= 300


names = st.sampled_from([b"signature-input", b"signature", b"signature-agent", b"host"])


@given(st.lists(st.tuples(names, st.binary(max_size=80)), max_size=5))
def test_no_bytes_raise_and_none_verify(headers: list[tuple[bytes, bytes]]) -> None:
    answer = judge_signature(visit(tuple(headers)), BOOK, AT, Nonces(), own_hosts=HOSTS)
    assert answer is None or answer.outcome != "verified"


GENUINE = signed(nonce="n1")
GENUINE_BASE = judge(GENUINE).base


@given(st.integers(0, 2), st.integers(0, 400), st.binary(max_size=2), st.integers(0, 2))
def test_no_change_of_a_byte_verifies_another_statement(which: int, at: int, new: bytes, drop: int) -> None:
    headers = list(GENUINE)
    name, value = headers[which]
    headers[which] = (name, value[:at] + new + value[at + drop :])
    answer = judge_signature(visit(tuple(headers)), BOOK, AT, Nonces(), own_hosts=HOSTS)
    if answer is not None and answer.outcome == "verified":
        # White space and labels may differ: what was signed may not.
        assert answer.base == GENUINE_BASE
