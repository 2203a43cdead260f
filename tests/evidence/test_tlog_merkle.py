"""Merkle trees and proofs against published vectors and against every mutation in small trees."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vorbehalt.evidence.tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_root,
    root_of,
    subtree_of,
    verify_consistency,
    verify_inclusion,
)

# Inputs and roots, sizes 1 to 8, of the reference tree of transparency-dev/merkle (testonly, Apache-2.0).
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(entry) for entry in INPUTS]
MANY = [leaf_hash(b"%d" % number) for number in range(40)]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_the_reference_tree(size: int) -> None:
    assert root_of(HASHES[:size]).hex() == ROOTS[size - 1]
    assert range_root(0, size, subtree_of(HASHES)).hex() == ROOTS[size - 1]


def test_the_empty_tree() -> None:
    assert root_of([]) == EMPTY_ROOT == Frontier().root()
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def naive_root(hashes: list[bytes]) -> bytes:
    if len(hashes) <= 1:
        return hashes[0] if hashes else EMPTY_ROOT
    middle = 1
    while middle * 2 < len(hashes):
        middle *= 2
    return node_hash(naive_root(hashes[:middle]), naive_root(hashes[middle:]))


@given(size=st.integers(0, 40))
def test_roots_follow_the_definition(size: int) -> None:
    assert root_of(MANY[:size]) == naive_root(MANY[:size]) == range_root(0, size, subtree_of(MANY))


@pytest.mark.parametrize("size", range(1, 25))
def test_inclusion_proofs_hold_for_their_leaf_only(size: int) -> None:
    root, subtree = root_of(MANY[:size]), subtree_of(MANY[:size])
    for index in range(size):
        proof = inclusion_proof(index, size, subtree)
        verify_inclusion(index, size, MANY[index], proof, root)
        for other in range(size):
            if other != index:
                with pytest.raises(ProofError):
                    verify_inclusion(other, size, MANY[index], proof, root)
                with pytest.raises(ProofError):
                    verify_inclusion(index, size, MANY[other], proof, root)
        for broken in ([*proof, MANY[0]], proof[:-1], [item[::-1] for item in proof]):
            if broken != proof:
                with pytest.raises(ProofError):
                    verify_inclusion(index, size, MANY[index], broken, root)


@pytest.mark.parametrize("new", range(1, 25))
def test_consistency_proofs_hold_for_their_sizes_only(new: int) -> None:
    root, subtree = root_of(MANY[:new]), subtree_of(MANY[:new])
    for old in range(1, new + 1):
        old_root = root_of(MANY[:old])
        proof = consistency_proof(old, new, subtree)
        verify_consistency(old, new, old_root, root, proof)
        for broken in ([*proof, MANY[0]], proof[:-1], [item[::-1] for item in proof]):
            if broken != proof:
                with pytest.raises(ProofError):
                    verify_consistency(old, new, old_root, root, broken)
        with pytest.raises(ProofError):
            verify_consistency(old, new, MANY[30], root, proof)
        if old != new:
            with pytest.raises(ProofError):
                verify_consistency(old, new, old_root, MANY[30], proof)


@settings(max_examples=50)
@given(data=st.data())
def test_a_rebuilt_tree_is_never_consistent(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 40))
    old = data.draw(st.integers(1, new))
    removed = data.draw(st.integers(0, old - 1))
    rebuilt = MANY[:removed] + MANY[removed + 1 : new] + [leaf_hash(b"filler")]
    proof = consistency_proof(old, new, subtree_of(rebuilt))
    with pytest.raises(ProofError):
        verify_consistency(old, new, root_of(MANY[:old]), root_of(rebuilt), proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5), (6, 5)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(index, size, subtree_of(MANY))
    with pytest.raises(ProofError):
        verify_inclusion(index, size, MANY[0], [], MANY[0])


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5), (0, 0)])
def test_there_is_no_consistency_proof_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        consistency_proof(old, new, subtree_of(MANY))
    with pytest.raises(ProofError):
        verify_consistency(old, new, EMPTY_ROOT, EMPTY_ROOT, [])


def test_an_edge_must_fit_its_size() -> None:
    with pytest.raises(ProofError):
        Frontier(3, [MANY[0]])


@pytest.mark.real("vectors")
def test_published_proofs_good_and_damaged() -> None:
    """All inclusion and consistency vectors of transparency-dev/merkle; subtree proofs are of no use here."""
    path = Path(os.environ["VORBEHALT_VECTORS"]) / "merkle.jsonl"
    seen = 0
    for line in path.read_text("utf-8").splitlines():
        case = json.loads(line)
        if case["kind"] not in ("inclusion", "consistency"):
            continue
        raw = {
            key: base64.b64decode(case[key]) for key in ("root", "leafHash", "root1", "root2") if key in case
        }
        proof = [base64.b64decode(item) for item in case["proof"] or []]
        failed = False
        try:
            if case["kind"] == "inclusion":
                verify_inclusion(case["leafIdx"], case["treeSize"], raw["leafHash"], proof, raw["root"])
            else:
                verify_consistency(case["size1"], case["size2"], raw["root1"], raw["root2"], proof)
        except ProofError:
            failed = True
        assert failed == case["wantErr"], case["name"]
        seen += 1
    assert seen > 150
