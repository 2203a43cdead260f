"""Time stamps by a real openssl authority: what counts, and what does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from anchor_support import POLICY, Authority
from vorbehalt.evidence.anchor import checking
from vorbehalt.evidence.anchor.checking import check_response
from vorbehalt.evidence.anchor.token import TokenError, read_response

pytestmark = pytest.mark.real("openssl")

DATA = b"label.example/evidence\n3\n" + b"A" * 43 + b"=\n"
GRANTED, MODIFIED = b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01\x01"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "ec", chain=True)


@pytest.fixture(scope="module")
def response(authority: Authority) -> bytes:
    return authority.stamp(DATA)


@pytest.fixture
def no_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)


@pytest.mark.parametrize("key", ["ec", "rsa"])
@pytest.mark.parametrize("chain", [False, True])
def test_check_19_a_good_token_holds_whatever_its_key_and_certificates(
    key: str, chain: bool, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "tsa", key=key, chain=chain)

    checked = check_response(authority.stamp(DATA), DATA, authority.root_pem)

    assert checked.by == "rfc3161-client"
    assert checked.token is not None
    assert (checked.token.policy, checked.token.accuracy) == (POLICY, 10**9)


def test_check_19_an_unsorted_certificate_set_is_read_as_cms_permits(
    authority: Authority, response: bytes, no_openssl: None
) -> None:
    token = read_response(response)

    assert token.cms != token.sorted_cms
    assert sorted(token.cms) == sorted(token.sorted_cms)
    assert check_response(response, DATA, authority.root_pem).by == "rfc3161-client"


def test_what_the_library_cannot_read_goes_to_openssl(
    authority: Authority, response: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_by_library", lambda *args: False)

    checked = check_response(response, DATA, authority.root_pem)

    assert (checked.by, checked.time) == ("openssl", read_response(response).time)
    with pytest.raises(TokenError, match="imprint"):
        check_response(response, DATA + b"\n", authority.root_pem)


def test_what_nothing_here_can_check_is_not_dropped_and_does_not_count(
    authority: Authority, response: bytes, monkeypatch: pytest.MonkeyPatch, no_openssl: None
) -> None:
    monkeypatch.setattr(checking, "_by_library", lambda *args: False)

    assert check_response(response, DATA, authority.root_pem).by == ""


@pytest.mark.parametrize("means", ["library", "openssl", "openssl alone"])
def test_check_19_an_unknown_root_is_refused(
    means: str, response: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authority(tmp_path / "other")
    _only(means, monkeypatch)

    with pytest.raises(TokenError, match="pinned roots"):
        check_response(response, DATA, other.root_pem)


@pytest.mark.parametrize("means", ["library", "openssl", "openssl alone"])
def test_a_token_over_something_else_is_refused(
    means: str, authority: Authority, response: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(means, monkeypatch)

    with pytest.raises(TokenError):
        check_response(response, DATA + b"x", authority.root_pem)


def _only(means: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if means == "openssl":
        monkeypatch.setattr(checking, "_by_library", lambda *args: False)
    elif means == "openssl alone":

        def missing(response: bytes) -> None:
            raise ImportError

        monkeypatch.setattr(checking, "read_response", missing)


def test_the_pinned_root_may_be_one_of_several(authority: Authority, response: bytes, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    roots = other.root_pem + authority.root_pem + authority.root_pem

    assert check_response(response, DATA, roots).by == "rfc3161-client"


def test_check_19_granted_with_modifications_counts_if_all_that_was_asked_is_there(
    authority: Authority, response: bytes
) -> None:
    modified = response.replace(GRANTED, MODIFIED, 1)

    checked = check_response(modified, DATA, authority.root_pem, policy=POLICY)

    assert checked.by == "rfc3161-client"
    assert checked.token is not None
    assert checked.token.is_modified
    with pytest.raises(TokenError, match="policy"):
        check_response(modified, DATA, authority.root_pem, policy="1.2.3.5")


@pytest.mark.parametrize("status", range(2, 6))
def test_any_other_status_is_refused_even_with_a_token(
    status: int, authority: Authority, response: bytes
) -> None:
    refused = response.replace(GRANTED, GRANTED[:-1] + bytes([status]), 1)

    with pytest.raises(TokenError, match="did not grant"):
        check_response(refused, DATA, authority.root_pem)


def test_check_19_a_rejection_says_why(authority: Authority) -> None:
    rejection = authority.reply(authority.query(DATA, "-sha512"))

    with pytest.raises(TokenError, match=r"did not grant it: rejection.*bad_alg"):
        read_response(rejection)


def test_check_19_the_nonce_must_be_that_of_the_question(authority: Authority, response: bytes) -> None:
    nonce = read_response(response).nonce
    assert nonce is not None

    assert check_response(response, DATA, authority.root_pem, nonce=nonce).by
    with pytest.raises(TokenError, match="nonce"):
        check_response(response, DATA, authority.root_pem, nonce=nonce + 1)


@pytest.mark.real("faketime")
@pytest.mark.parametrize("means", ["library", "openssl", "openssl alone"])
def test_check_19_a_token_still_holds_when_its_certificate_has_expired(
    means: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = Authority(tmp_path / "past", chain=True, at="2021-05-06 07:08:09")
    past.at = "2021-05-06 09:00:00"
    response = past.stamp(DATA)
    _only(means, monkeypatch)

    assert check_response(response, DATA, past.root_pem).time // 10**9 == pytest.approx(1_620_291_600, abs=60)


@pytest.mark.real("faketime")
@pytest.mark.parametrize("means", ["library", "openssl", "openssl alone"])
def test_a_token_made_after_its_certificate_expired_is_refused(
    means: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = Authority(tmp_path / "past", at="2021-05-06 07:08:09")
    past.at = "2022-05-06 07:08:09"
    response = past.stamp(DATA)
    _only(means, monkeypatch)

    with pytest.raises(TokenError, match="pinned roots"):
        check_response(response, DATA, past.root_pem)


def test_any_changed_bit_is_noticed(authority: Authority, response: bytes, no_openssl: None) -> None:
    """Bits of the unsigned wrapping may change nothing that is read; then the token is the same."""
    good = check_response(response, DATA, authority.root_pem)
    for at in range(0, len(response), 3):
        changed = bytearray(response)
        changed[at] ^= 1
        try:
            found = check_response(bytes(changed), DATA, authority.root_pem)
        except TokenError:
            continue
        assert found.by == "" or found.time == good.time, at


@pytest.mark.parametrize(
    "body",
    [b"", b"<!doctype html><title>504</title>", b"\x30\x80", b"\x30\x03\x02\x01\x00", GRANTED, b"\xff" * 99],
)
def test_what_is_no_response_at_all_is_refused(body: bytes, authority: Authority) -> None:
    with pytest.raises(TokenError):
        read_response(body)
    with pytest.raises(TokenError):
        check_response(body, DATA, authority.root_pem)


def test_openssl_agrees_with_what_we_accept(authority: Authority, response: bytes, tmp_path: Path) -> None:
    assert shutil.which("openssl")
    (authority.folder / "tsr").write_bytes(response)
    (authority.folder / "data").write_bytes(DATA)

    shown = authority.openssl("ts", "-verify", "-in", "tsr", "-data", "data", "-CAfile", "root.pem")

    assert b"Verification: OK" in shown


@pytest.mark.parametrize("digits", [3, 6])
def test_a_time_with_fractions_is_the_same_for_every_reader(
    digits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path / "tsa", digits=digits)
    responses = [authority.stamp(DATA) for _ in range(3)]
    times = [check_response(response, DATA, authority.root_pem).time for response in responses]
    assert any(moment % 10**9 for moment in times)

    _only("openssl alone", monkeypatch)

    assert [check_response(response, DATA, authority.root_pem).time for response in responses] == times


def test_contents_are_compared_even_where_no_signature_can_be(
    authority: Authority, response: bytes, monkeypatch: pytest.MonkeyPatch, no_openssl: None
) -> None:
    monkeypatch.setattr(checking, "_by_library", lambda *args: False)

    with pytest.raises(TokenError, match="imprint"):
        check_response(response, DATA + b"x", authority.root_pem)
