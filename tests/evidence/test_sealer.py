"""The log takes every durable record once, in order, whatever stops the sealer, and signs no lesser tree."""

from __future__ import annotations

import os
from typing import Any

import pytest

from sealer_support import Site
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.files import open_lock, try_lock
from vorbehalt.evidence.frames import scan_frames
from vorbehalt.evidence.sealing.sealer import seal_once


@pytest.fixture
def site(directory: EvidenceDirectory) -> Site:
    return Site(directory.path)


def test_an_empty_directory_has_a_signed_checkpoint_of_size_zero(site: Site) -> None:
    assert site.entries() == []
    assert seal_once(site.home).size == 0


def test_leaves_are_the_very_bytes_of_the_spool(site: Site) -> None:
    site.write(1, 3)
    (spool,) = (site.home / "spool").iterdir()
    payloads = scan_frames(spool.read_bytes()).payloads
    result = seal_once(site.home)

    assert (result.size, result.added) == (4, 4)
    assert site.entries() == payloads


def test_sealing_again_adds_nothing_and_writes_nothing(site: Site, disk: Any) -> None:
    site.write(1, 3)
    sealer = site.sealer(disk)
    first = sealer.seal()
    disk.calls.clear()

    assert (sealer.seal().root, sealer.seal().added) == (first.root, 0)
    assert disk.calls == []


def test_a_growing_spool_is_sealed_piece_by_piece_over_the_borders_of_tiles(site: Site) -> None:
    sealer = site.sealer()
    total = 1
    for count in (1, 253, 1, 1, 1, 255, 256, 257):
        site.write(1, count)
        total += count
        assert sealer.seal().size == total
        site.assert_all_once(total)


def test_the_spool_of_a_living_writer_stays_and_that_of_a_dead_one_goes(site: Site) -> None:
    site.write(1, 2)
    site.write(2, 2)
    site.close(2)
    seal_once(site.home)

    assert [path.name for path in (site.home / "spool").iterdir()] == [f"{1:016x}-00000000-1.0.spool"]
    site.assert_all_once(3, 4)


def test_state_forgets_writers_that_are_gone(site: Site) -> None:
    site.write(1, 2)
    site.close(1)
    site.write(2, 2)
    sealer = site.sealer()
    sealer.seal()
    sealer.seal()

    state = (site.home / "run" / "state.json").read_text()
    assert f"{1:016x}" not in state
    assert f"{2:016x}" in state


def test_without_the_signing_key_nothing_is_sealed(site: Site) -> None:
    (site.home / "keys" / "log.key").unlink()

    with pytest.raises(EvidenceError, match="signing key"):
        seal_once(site.home)


def test_only_one_sealer_at_a_time(site: Site) -> None:
    fd = open_lock(site.home / "run" / "sealer.lock")
    assert try_lock(fd)

    with pytest.raises(EvidenceError, match="another process is sealing"):
        seal_once(site.home)
    os.close(fd)
    assert seal_once(site.home).size == 0


def test_more_than_one_round_is_sealed_in_one_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vorbehalt.evidence.spool.intake._ROUND_BYTES", 20_000)
    site.write(1, 200, size=500)
    site.write(2, 200, size=500)
    site.close(2)

    assert seal_once(site.home).added == 201 + 202
    site.assert_all_once(201, 202)
