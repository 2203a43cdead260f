"""Cosignatures of witnesses, byte for byte as tlog-cosignature says."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vorbehalt.evidence.tlog.cosignature import Cosigner, Witness
from vorbehalt.evidence.tlog.note import NoteError, SignatureLine, Signer
from vorbehalt.evidence.tlog.witness import parse_answer

COSIGNER = Cosigner("witness.example.com/w1", bytes(range(32)))
BODY = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
TIME = 1679315147


def line(name: str, data: bytes) -> SignatureLine:
    return SignatureLine(name, data[:4], data[4:])


def cosigned(cosigner: Cosigner = COSIGNER, seconds: int = TIME, body: bytes = BODY) -> SignatureLine:
    (found,) = parse_answer(cosigner.cosign(body, seconds))
    return found


def test_the_line_is_name_key_id_time_and_signature_over_header_time_and_text() -> None:
    text = COSIGNER.cosign(BODY, TIME).decode()
    dash, name, encoded = text.removesuffix("\n").split(" ")
    data = base64.b64decode(encoded)
    public = COSIGNER.witness.public

    assert (dash, name) == ("\u2014", "witness.example.com/w1")
    assert data[:4] == sha256(b"witness.example.com/w1\n\x04" + public).digest()[:4]
    assert data[4:12] == bytes.fromhex("00000000641850cb")
    message = b"cosignature/v1\ntime 1679315147\n" + BODY
    Ed25519PublicKey.from_public_bytes(public).verify(data[12:], message)


def test_the_example_of_the_specification_is_read() -> None:
    """Its key is not published with it; name, key id and time are."""
    (found,) = parse_answer(
        "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2"
        "oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n".encode()
    )

    assert (found.name, found.key_id.hex()) == ("witness.example.com/w1", "8d66cf3f")
    assert int.from_bytes(found.signature[:8], "big") == TIME
    assert len(found.signature) == 72


def test_a_cosignature_says_when() -> None:
    assert COSIGNER.witness.find(BODY, [cosigned()]) == TIME
    assert COSIGNER.witness.find(BODY, [cosigned(), cosigned(seconds=TIME + 5)]) == TIME + 5


@pytest.mark.parametrize("seconds", [0, 2**63])
def test_a_time_that_is_none_is_refused_though_the_signature_holds(seconds: int) -> None:
    with pytest.raises(NoteError, match="bears no time"):
        COSIGNER.witness.find(BODY, [cosigned(seconds=seconds)])


def test_the_last_second_that_can_be_is_taken() -> None:
    assert COSIGNER.witness.find(BODY, [cosigned(seconds=2**63 - 1)]) == 2**63 - 1


@pytest.mark.parametrize("at", [4, 11, 12, 75])
def test_any_changed_byte_is_refused(at: int) -> None:
    found = cosigned()
    data = bytearray(found.key_id + found.signature)
    data[at] ^= 1

    with pytest.raises(NoteError):
        COSIGNER.witness.find(BODY, [line(found.name, bytes(data))])


def test_another_text_another_length_and_no_line_are_refused() -> None:
    found = cosigned()

    for body, lines, why in (
        (BODY + b"extension\n", [found], "does not hold"),
        (BODY, [line(found.name, found.key_id + found.signature[:-1])], "71 bytes"),
        (BODY, [], "no cosignature"),
        (BODY, [cosigned(Cosigner(COSIGNER.name, bytes(32)))], "no cosignature"),
        (BODY, [cosigned(Cosigner("other.example", bytes(range(32))))], "no cosignature"),
        (BODY, [found, line(found.name, found.key_id + bytes(72))], "bears no time"),
    ):
        with pytest.raises(NoteError, match=why):
            COSIGNER.witness.find(body, lines)


def test_keys_have_one_spelling() -> None:
    vkey = COSIGNER.witness.vkey
    name, ident, key = vkey.split("+", 2)
    assert Witness.from_vkey(vkey) == COSIGNER.witness

    for wrong in (
        Signer(COSIGNER.name, COSIGNER.seed).vkey,  # a log's key, type 0x01
        f"{name}+00000000+{key}",
        f"{name}+{ident.upper()}+{key}" if ident.upper() != ident else f"{name}+{ident}x+{key}",
        f"{name}+{ident}+{key[:-4]}",
        f"other+{ident}+{key}",
        f" {vkey}",
        "",
    ):
        with pytest.raises(NoteError):
            Witness.from_vkey(wrong)


def test_a_witness_needs_a_name_that_a_note_can_bear() -> None:
    with pytest.raises(NoteError):
        Cosigner("a name", bytes(32))
