"""Signed notes: bit-exact with the C2SP specification, strict about what no signature covers."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog_support import SIGNER
from vorbehalt.evidence.tlog.note import (
    Checkpoint,
    NoteError,
    Signer,
    Verifier,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    split_note,
)

# From the documentation of golang.org/x/mod/sumdb/note (package example, BSD-3-Clause).
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = (
    b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
SIGNATURE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR"
    "Zb6KE6RyyBwJnAM="
)
NOTE = TEXT + b"\n" + SIGNATURE.encode() + b"\n"
BODY = Checkpoint(SIGNER.name, 5, bytes(32)).body
SIGNED = SIGNER.sign(BODY)


def test_the_published_note_opens_and_is_signed_again_bit_for_bit() -> None:
    assert open_note(NOTE, [Verifier.from_vkey(VKEY)]).body == TEXT
    signer = Signer.from_skey(SKEY)
    assert (signer.vkey, signer.skey) == (VKEY, SKEY)
    assert signer.sign(TEXT) == NOTE


def test_unknown_keys_are_ignored_and_known_ones_must_hold() -> None:
    other = Signer("witness.example/w", bytes(32))
    both = SIGNED + other.sign(BODY).partition(b"\n\n")[2]
    opened = open_note(both, [SIGNER.verifier])
    assert (opened.names, opened.signatures) == ((SIGNER.name,), 2)
    assert open_note(both, [SIGNER.verifier, other.verifier]).names == (SIGNER.name, other.name)
    wrong = SIGNED + other.sign(BODY + b"x\n").rpartition(b"\n\n")[2]
    assert open_note(wrong, [SIGNER.verifier])
    with pytest.raises(NoteError, match="does not hold"):
        open_note(wrong, [SIGNER.verifier, other.verifier])
    with pytest.raises(NoteError, match="no known key"):
        open_note(SIGNED, [other.verifier])


def test_a_key_of_the_same_name_is_another_key() -> None:
    with pytest.raises(NoteError, match="no known key"):
        open_note(SIGNED, [Signer(SIGNER.name, bytes(32)).verifier])


@given(at=st.integers(0, len(SIGNED) - 1), bit=st.integers(0, 7))
def test_no_bit_of_a_note_can_be_flipped(at: int, bit: int) -> None:
    data = bytearray(SIGNED)
    data[at] ^= 1 << bit
    with pytest.raises(NoteError):
        open_checkpoint(bytes(data), SIGNER.verifier)


@given(at=st.integers(0, len(SIGNER.vkey) - 1), bit=st.integers(0, 6))
def test_no_bit_of_a_verifier_key_can_be_flipped(at: int, bit: int) -> None:
    data = bytearray(SIGNER.vkey.encode())
    data[at] ^= 1 << bit
    with pytest.raises(NoteError):
        Verifier.from_vkey(data.decode("ascii"))


def test_base64_must_reencode_to_itself() -> None:
    # 68 bytes leave unused bits in the last character before the padding; other decoders ignore them.
    assert SIGNED.endswith(b"=\n")
    last = SIGNED[-3:-2]
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    sibling = alphabet[alphabet.index(last) ^ 1 : (alphabet.index(last) ^ 1) + 1]
    loose = SIGNED[:-3] + sibling + SIGNED[-2:]
    assert base64.b64decode(loose.split(b" ")[-1]) == base64.b64decode(SIGNED.split(b" ")[-1])
    with pytest.raises(NoteError, match="stray bits"):
        open_note(loose, [SIGNER.verifier])


def test_at_most_a_hundred_signature_lines() -> None:
    line = SIGNED.partition(b"\n\n")[2]
    stranger = Signer("x.example", bytes(32)).sign(BODY).partition(b"\n\n")[2]
    assert open_note(SIGNED + stranger * 99, [SIGNER.verifier]).signatures == 100
    with pytest.raises(NoteError, match="100"):
        open_note(BODY + b"\n" + stranger * 100 + line, [SIGNER.verifier])


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        BODY,
        BODY + b"\n",
        SIGNED[:-1],
        SIGNED + b"\n",
        SIGNED.replace(b"\n", b"\r\n"),
        SIGNED.replace("\u2014".encode(), b"-"),
        SIGNED.replace("\u2014 ".encode(), "\u2014  ".encode()),
        SIGNED.replace(b"example", b"exa\xffple"),
        SIGNED.replace(b"example", b"exa\x00ple"),
        BODY + b"\n" + "\u2014 a+b AAAAAAAA\n".encode(),
        BODY + b"\n" + "\u2014 name AAAA\n".encode(),
    ],
)
def test_malformed_notes_are_refused(note: bytes) -> None:
    with pytest.raises(NoteError):
        open_note(note, [SIGNER.verifier])


@given(note=st.binary(max_size=300))
def test_garbage_is_refused_without_any_other_error(note: bytes) -> None:
    with pytest.raises(NoteError):
        split_note(note)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\tb"])
def test_names_that_would_break_a_signature_line_are_refused(name: str) -> None:
    with pytest.raises(NoteError):
        Signer(name, bytes(32))


@pytest.mark.parametrize(
    "body",
    [
        b"o\n5\nAAAA\n",
        b"o\n05\n" + base64.b64encode(bytes(32)) + b"\n",
        b"o\n-1\n" + base64.b64encode(bytes(32)) + b"\n",
        b"o\n5\n" + base64.b64encode(bytes(31)) + b"\n",
        b"o\n5\n" + base64.b64encode(bytes(33)) + b"\n",
        b"\n5\n" + base64.b64encode(bytes(32)) + b"\n",
        b"o\n5\n" + base64.b64encode(bytes(32)),
        b"o\n5\n" + base64.b64encode(bytes(32)) + b"\n\n",
    ],
)
def test_malformed_checkpoints_are_refused(body: bytes) -> None:
    with pytest.raises(NoteError):
        parse_checkpoint(body)


def test_a_checkpoint_of_another_origin_is_refused() -> None:
    foreign = SIGNER.sign(Checkpoint("other.example/log", 5, bytes(32)).body)
    with pytest.raises(NoteError, match="another log"):
        open_checkpoint(foreign, SIGNER.verifier)


def test_extension_lines_survive() -> None:
    checkpoint = Checkpoint(SIGNER.name, 5, bytes(32), ("more",))
    assert open_checkpoint(SIGNER.sign(checkpoint.body), SIGNER.verifier) == checkpoint


def test_the_private_key_shows_in_no_message() -> None:
    skey = SIGNER.skey
    assert base64.b64encode(b"\x01" + SIGNER.seed).decode() not in repr(SIGNER)
    for broken in (skey[:-1], skey.replace("+A", "+B"), skey[12:]):
        with pytest.raises(NoteError) as caught:
            Signer.from_skey(broken)
        assert skey[-20:-2] not in str(caught.value)


@pytest.mark.real("openssl")
def test_openssl_checks_a_checkpoint(tmp_path: Path) -> None:
    line = split_note(SIGNED)[1][0]
    files = {
        "k.der": bytes.fromhex("302a300506032b6570032100") + SIGNER.verifier.public,
        "body": BODY,
        "sig": line.signature,
        "other": BODY.replace(b"\n5\n", b"\n6\n"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "k.der", "-rawin"]
    for body, code in (("body", 0), ("other", 1)):
        done = subprocess.run(
            [*command, "-in", body, "-sigfile", "sig"], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == code
