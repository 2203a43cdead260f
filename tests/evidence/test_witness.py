"""A second party as witness: what it cosigns and what not, over real HTTP, and what survives a restart."""

from __future__ import annotations

import http.client
import logging
import os
import stat
import threading
from pathlib import Path

import pytest

from anchor_support import NOW, SECOND, serving
from tlog_support import SIGNER, Log, Writer, leaves
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.anchor.post import post
from vorbehalt.evidence.anchor.witness_server import WitnessServer
from vorbehalt.evidence.anchor.witness_store import WitnessStore
from vorbehalt.evidence.tlog.cosignature import Cosigner, Witness
from vorbehalt.evidence.tlog.merkle import consistency_proof, leaf_hash, root_of, subtree_of
from vorbehalt.evidence.tlog.note import Checkpoint, Signer, open_checkpoint, split_note
from vorbehalt.evidence.tlog.witness import Refusal, Request, parse_answer, parse_request, write_request

NAME = "lawyers.example/witness"
TIME = 1_795_700_000


class Tree:
    """A log in memory that can also lie."""

    def __init__(self, count: int, signer: Signer = SIGNER) -> None:
        self.signer = signer
        self.hashes = [leaf_hash(b"%d" % number) for number in range(count)]

    def note(self, size: int, signer: Signer | None = None) -> bytes:
        body = Checkpoint(self.signer.name, size, root_of(self.hashes[:size])).body
        return (signer or self.signer).sign(body)

    def request(self, old: int, size: int) -> bytes:
        proof = consistency_proof(old, size, subtree_of(self.hashes[:size])) if 0 < old < size else []
        return write_request(Request(old, tuple(proof), self.note(size)))


@pytest.fixture
def store(tmp_path: Path) -> WitnessStore:
    return WitnessStore(tmp_path / "witness", NAME, {SIGNER.name: SIGNER.verifier}, clock=lambda: TIME)


def ask(store: WitnessStore, body: bytes) -> tuple[int, bytes]:
    """Ask over HTTP; returns status and body."""
    with serving(WitnessServer("127.0.0.1", 0, store)) as url:
        answer = post(f"{url}add-checkpoint", body, "text/plain")
    return answer.status, answer.body


def test_honest_growth_gets_200_and_a_cosignature_that_holds(store: WitnessStore) -> None:
    tree = Tree(900)
    for old, size in ((0, 600), (600, 900), (900, 900)):
        status, body = ask(store, tree.request(old, size))

        assert status == 200
        text = split_note(tree.note(size))[0]
        assert store.cosigner.witness.find(text, parse_answer(body)) == TIME
        # The log's note with the witness's line is a note that anybody may verify.
        assert open_checkpoint(tree.note(size) + body, SIGNER.verifier).size == size


def test_a_fork_gets_422(store: WitnessStore) -> None:
    honest, fork = Tree(900), Tree(900)
    del fork.hashes[500]
    assert ask(store, honest.request(0, 600))[0] == 200

    assert ask(store, fork.request(600, 899))[0] == 422
    assert ask(store, write_request(Request(600, (), honest.note(900))))[0] == 422
    assert ask(store, honest.request(600, 900))[0] == 200


def test_a_rollback_gets_409_and_the_size(store: WitnessStore) -> None:
    tree = Tree(900)
    assert ask(store, tree.request(0, 900))[0] == 200

    assert ask(store, tree.request(0, 400)) == (409, b"900\n")
    assert ask(store, tree.request(400, 400)) == (409, b"900\n")
    assert ask(store, tree.request(899, 900)) == (409, b"900\n")
    assert ask(store, write_request(Request(900, (), tree.note(400))))[0] == 400


def test_a_size_that_was_never_cosigned_gets_409_and_the_one_that_was(store: WitnessStore) -> None:
    tree = Tree(900)
    assert ask(store, tree.request(700, 900)) == (409, b"0\n")
    assert ask(store, tree.request(0, 600))[0] == 200

    assert ask(store, tree.request(700, 900)) == (409, b"600\n")


def test_another_tree_of_the_same_size_gets_409(store: WitnessStore) -> None:
    honest, fork = Tree(900), Tree(900)
    fork.hashes[500] = leaf_hash(b"edited")
    assert ask(store, honest.request(0, 900))[0] == 200

    assert ask(store, fork.request(900, 900)) == (409, b"900\n")


def test_what_contradicts_is_kept_as_the_log_signed_it(
    store: WitnessStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    honest, fork = Tree(900), Tree(900)
    fork.hashes[500] = leaf_hash(b"edited")
    # Another test may have let the ordinary lines of a server through.
    caplog.set_level(logging.WARNING, "vorbehalt.witness")
    ask(store, honest.request(0, 600))
    for body in (
        honest.request(0, 700),  # no contradiction: the client only did not know the size
        honest.request(0, 400),
        fork.request(600, 800),
        fork.request(600, 800),
        fork.request(600, 600),
    ):
        assert ask(store, body)[0] in (409, 422)

    kept = sorted((tmp_path / "witness").glob("*.contradicts"))
    assert [path.read_bytes() for path in kept] == [fork.note(600), fork.note(800)]
    assert len(caplog.records) == 2


def test_an_unknown_log_gets_404_and_a_foreign_signature_403(store: WitnessStore) -> None:
    stranger = Signer("stranger.example/log", bytes(32))
    forger = Signer(SIGNER.name, bytes(32))
    tree = Tree(5)

    assert ask(store, Tree(5, stranger).request(0, 5))[0] == 404
    assert ask(store, write_request(Request(0, (), tree.note(5, forger))))[0] == 403


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: body.replace(b"old 0", b"old 00"),
        lambda body: body.replace(b"old 0", b"old -1"),
        lambda body: body.replace(b"old 0", b"old"),
        lambda body: body.replace(b"old 0\n", b"old 0\nAAAA\n"),
        lambda body: body.replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"B\n"),
        lambda body: body.replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 64),
        lambda body: body.replace(b"\n\n", b"\n"),
        lambda body: body[:-1],
        lambda body: body.replace(b"\n5\n", b"\n05\n"),
    ],
)
def test_a_malformed_request_gets_400(spoil: object, store: WitnessStore) -> None:
    assert callable(spoil)
    assert ask(store, spoil(Tree(5).request(0, 5)))[0] == 400
    assert ask(store, Tree(5).request(0, 5))[0] == 200


def test_a_proof_from_nothing_is_refused(store: WitnessStore) -> None:
    request = Request(0, (bytes(32),), Tree(5).note(5))

    assert ask(store, write_request(request))[0] == 422


def test_what_was_seen_survives_a_restart(store: WitnessStore, tmp_path: Path) -> None:
    tree = Tree(900)
    assert ask(store, tree.request(0, 900))[0] == 200

    again = WitnessStore(tmp_path / "witness", NAME, {SIGNER.name: SIGNER.verifier})

    assert again.cosigner.witness == store.cosigner.witness
    assert ask(again, tree.request(0, 400)) == (409, b"900\n")
    kept = again.note_path(SIGNER.name).read_bytes()
    assert open_checkpoint(kept, SIGNER.verifier).size == 900
    assert again.cosigner.witness.find(split_note(kept)[0], split_note(kept)[1]) == TIME


def test_of_two_requests_at_once_from_one_size_only_one_is_cosigned(store: WitnessStore) -> None:
    """The race that the protocol warns of: the smaller one must not be stored after the larger."""
    tree = Tree(300)
    assert ask(store, tree.request(0, 100))[0] == 200
    results: list[int] = []
    start = threading.Barrier(8)

    def add(size: int) -> None:
        start.wait()
        answer = store.add(tree.request(100, size))
        results.append(answer.status if isinstance(answer, Refusal) else 200)

    threads = [threading.Thread(target=add, args=(101 + number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [200] + [409] * 7


def test_a_disk_that_fails_means_no_cosignature(store: WitnessStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    tree = Tree(5)
    with monkeypatch.context() as patch:
        patch.setattr(store._disk, "replace", full)
        assert ask(store, tree.request(0, 5))[0] == 500
    assert not store.note_path(SIGNER.name).exists()

    store.note_path(SIGNER.name).write_bytes(b"damaged")
    assert ask(store, tree.request(0, 5))[0] == 500


def test_the_key_is_secret_and_belongs_to_one_name(store: WitnessStore, tmp_path: Path) -> None:
    key = tmp_path / "witness/witness.key"

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(EvidenceError, match="belongs to the witness"):
        WitnessStore(tmp_path / "witness", "other.example/w", {})
    key.chmod(0o644)
    with pytest.raises(EvidenceError, match="can be read by other users"):
        WitnessStore(tmp_path / "witness", NAME, {})


def test_lines_of_strangers_are_not_kept(store: WitnessStore) -> None:
    tree = Tree(5)
    stranger = Cosigner("other.example/w", bytes(32)).cosign(split_note(tree.note(5))[0], TIME)

    assert ask(store, write_request(Request(0, (), tree.note(5) + stranger)))[0] == 200
    kept = split_note(store.note_path(SIGNER.name).read_bytes())[1]
    assert [line.name for line in kept] == [SIGNER.name, NAME]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/elsewhere", {"Content-Length": "0"}, 404),
        ("POST", "/add-checkpoint", {}, 411),
        ("POST", "/add-checkpoint", {"Content-Length": "x"}, 411),
        ("POST", "/add-checkpoint", {"Content-Length": "65537"}, 413),
        ("POST", "/add-checkpoint", {"Content-Length": "9" * 30}, 413),
        ("GET", "/add-checkpoint", {}, 404),
        ("GET", "/vkey", {}, 200),
    ],
)
def test_what_is_no_submission_is_refused(
    method: str, path: str, headers: dict[str, str], status: int, store: WitnessStore
) -> None:
    with serving(WitnessServer("127.0.0.1", 0, store)) as url:
        connection = http.client.HTTPConnection(url.split("/")[2], timeout=10)
        connection.putrequest(method, path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()

    assert answer.status == status
    if status == 200:
        assert Witness.from_vkey(body.decode().strip()) == store.cosigner.witness


def test_it_listens_on_ipv6_as_well(store: WitnessStore) -> None:
    with serving(WitnessServer("::1", 0, store)) as url:
        answer = post(
            f"{url.replace('127.0.0.1', '[::1]')}add-checkpoint", Tree(5).request(0, 5), "text/plain"
        )

    assert answer.status == 200


def test_requests_read_back_as_they_were_written() -> None:
    request = Request(7, (bytes(range(32)), bytes(32)), Tree(9).note(9))

    assert parse_request(write_request(request)) == request


def test_a_log_made_by_hand_is_no_other_log(tmp_path: Path) -> None:
    """A witness reads notes of any log in this form, not only of a running middleware."""
    log = Log(tmp_path / "log")
    log.seal(leaves(300, Writer()))
    store = WitnessStore(tmp_path / "w", NAME, {SIGNER.name: SIGNER.verifier}, clock=lambda: TIME)
    note = (log.directory / "log/checkpoint").read_bytes()

    answer = store.add(write_request(Request(0, (), note)))

    assert isinstance(answer, bytes)
    assert os.path.exists(store.note_path(SIGNER.name))
    assert NOW // SECOND == TIME
