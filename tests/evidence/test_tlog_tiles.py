"""Tiles: paths, bundles, growth, and proofs read from tiles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlog_support import SIGNER
from vorbehalt.evidence.tlog.merkle import ProofError, inclusion_proof, leaf_hash, root_of, verify_inclusion
from vorbehalt.evidence.tlog.note import Checkpoint, NoteError, Signer
from vorbehalt.evidence.tlog.proof import Proof, parse_proof, verify_proof, write_proof
from vorbehalt.evidence.tlog.tiles import (
    ENTRIES,
    Levels,
    TileError,
    TileName,
    bundle_name,
    decode_bundle,
    encode_bundle,
    entries_path,
    grow,
    parse_tile_path,
    read_entries,
    read_hashes,
    tile_path,
    tile_subtree,
    tiles_of,
)

NOTHING: dict[str, bytes] = {}


def entries(count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(count)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (tile_path(0, 0), "tile/0/000"),
        (tile_path(0, 67), "tile/0/067"),
        (tile_path(1, 999, 5), "tile/1/999.p/5"),
        (tile_path(0, 1000), "tile/0/x001/000"),
        (tile_path(3, 1234067), "tile/3/x001/x234/067"),
        (entries_path(1234067, 255), "tile/entries/x001/x234/067.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(path: str, expected: str) -> None:
    assert path == expected


@given(level=st.integers(-1, 5), index=st.integers(0, 10**12), width=st.integers(1, 256))
def test_each_path_names_one_tile(level: int, index: int, width: int) -> None:
    name = TileName(level, index, width)
    assert parse_tile_path(name.path) == name


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x000/001",
        "tile/6/000",
        "tile/00/000",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/999",
        "tile/0/000.p/1/",
        "tile/0/000.p",
        "tile/0/../000",
        "tile/entries/x001",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "checkpoint",
        "",
    ],
)
def test_other_spellings_are_no_tiles(path: str) -> None:
    assert parse_tile_path(path) is None


@given(items=st.lists(st.binary(max_size=40), max_size=256))
def test_bundles_come_back(items: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(items)) == items


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01ab", b"\xff\xff", b"\x00\x00" * 257])
def test_broken_bundles_are_refused(data: bytes) -> None:
    with pytest.raises(TileError):
        decode_bundle(data)


def test_entries_that_no_bundle_can_hold_are_refused() -> None:
    assert decode_bundle(encode_bundle([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(TileError):
        encode_bundle([bytes(65_536)])
    with pytest.raises(TileError):
        encode_bundle([b""] * 257)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.sampled_from([0, 1, 2, 5, 254, 255, 256, 257, 600]), max_size=6), keep=st.booleans())
def test_growth_in_any_steps_gives_the_same_log(steps: list[int], keep: bool) -> None:
    everything = entries(sum(steps))
    files: dict[str, bytes] = {}
    size = 0
    for step in steps:
        growth = grow(files.__getitem__, size, everything[size : size + step])
        assert growth.old_root == root_of([leaf_hash(entry) for entry in everything[:size]])
        size += step
        assert growth.size == size
        assert growth.root == root_of([leaf_hash(entry) for entry in everything[:size]])
        assert not any(path in files and files[path] != data for path, data in growth.files.items())
        files |= growth.files
        assert all(name.path in files for name in tiles_of(size))
        if not keep:
            gone = tuple(f"{folder}/" for folder in growth.obsolete)
            files = (
                {path: data for path, data in files.items() if not path.startswith(gone)} if gone else files
            )
            assert set(files) >= {name.path for name in tiles_of(size)}
    at_once = grow(NOTHING.__getitem__, 0, everything)
    assert {path: files[path] for path in at_once.files} == at_once.files
    if not keep and len(steps) <= 1:
        assert set(files) == set(at_once.files)


def test_entries_are_written_before_the_hashes_over_them() -> None:
    order = [parse_tile_path(path) for path in grow(NOTHING.__getitem__, 0, entries(600)).files]
    levels = [name.level for name in order if name is not None]
    assert len(levels) == len(order)
    assert levels == sorted(levels)
    assert levels[0] == ENTRIES


def test_partial_tiles_are_obsolete_only_once_the_full_one_is_written() -> None:
    files = dict(grow(NOTHING.__getitem__, 0, entries(100)).files)
    step = grow(files.__getitem__, 100, entries(255)[100:])
    assert step.obsolete == ()
    files |= step.files
    assert set(grow(files.__getitem__, 255, [b"x"]).obsolete) == {"tile/0/000.p", "tile/entries/000.p"}


@pytest.mark.parametrize("path", ["tile/0/000.p/44", "tile/entries/000.p/44"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_growth_refuses_a_damaged_edge(path: str, damage: str) -> None:
    files = dict(grow(NOTHING.__getitem__, 0, entries(44)).files)
    if damage == "remove":
        del files[path]
    else:
        data = files[path]
        files[path] = data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(TileError):
        grow(files.__getitem__, 44, [b"next"])


def test_a_damaged_upper_tile_shows_in_the_old_root() -> None:
    growth = grow(NOTHING.__getitem__, 0, entries(300))
    files = dict(growth.files)
    files["tile/1/000.p/1"] = bytes(32)
    assert grow(files.__getitem__, 300, [b"next"]).old_root != growth.root


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    files = grow(NOTHING.__getitem__, 0, entries(256)).files
    assert read_entries(files.__getitem__, bundle_name(3, 10)) == entries(10)
    assert read_hashes(files.__getitem__, TileName(0, 0, 2)) == b"".join(map(leaf_hash, entries(2)))
    with pytest.raises(TileError, match="missing"):
        read_hashes(files.__getitem__, TileName(0, 1, 2))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_levels_in_memory_agree_with_the_tiles(size: int) -> None:
    growth = grow(NOTHING.__getitem__, 0, entries(size))
    levels = Levels()
    for first in range(0, size, 256):
        levels.extend(b"".join(map(leaf_hash, entries(size)[first : first + 256])))
    assert levels.size == size
    for name in tiles_of(size):
        if name.level != ENTRIES:
            assert levels.tile(name) == growth.files[name.path]
    assert levels.tile(TileName(0, size // 256, 256)) is None
    assert levels.root(size) == growth.root
    for old in (0, 1, size // 2, size - 1):
        assert levels.root(old) == root_of([leaf_hash(entry) for entry in entries(old)])


@settings(deadline=None, max_examples=20)
@given(size=st.integers(1, 700), data=st.data())
def test_proof_files_hold_for_their_entry_only(size: int, data: st.DataObject) -> None:
    growth = grow(NOTHING.__getitem__, 0, entries(size))
    index = data.draw(st.integers(0, size - 1))
    hashes = inclusion_proof(index, size, tile_subtree(growth.files.__getitem__, size))
    verify_inclusion(index, size, leaf_hash(entries(size)[index]), hashes, growth.root)
    note = SIGNER.sign(Checkpoint(SIGNER.name, size, growth.root).body)
    proof = Proof(index, tuple(hashes), note, data.draw(st.none() | st.binary(max_size=10)))
    written = write_proof(proof)
    assert written.startswith(b"c2sp.org/tlog-proof@v1\n")
    assert parse_proof(written) == proof
    assert verify_proof(proof, entries(size)[index], SIGNER.verifier).size == size
    with pytest.raises(ProofError):
        verify_proof(proof, b"another entry", SIGNER.verifier)
    with pytest.raises(NoteError):
        verify_proof(proof, entries(size)[index], Signer("other.example", bytes(32)).verifier)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"c2sp.org/tlog-proof@v1\n\n",
        b"c2sp.org/tlog-proof@v2\nindex 0\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 00\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex -1\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 0\n!\n\nnote",
        b"c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 0",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63 + b"\nnote",
        "c2sp.org/tlog-proof@v1\nindex ٣\n\nnote".encode(),
    ],
)
def test_malformed_proof_files_are_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        parse_proof(data)
