"""Go's x/mod sumdb packages read our logs: code that nobody here wrote, reading the files alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from anchor_support import Site, serving
from tlog_support import Log, Writer, leaves, prune
from vorbehalt.evidence.anchor.targets import WitnessTarget
from vorbehalt.evidence.anchor.witness_server import WitnessServer
from vorbehalt.evidence.anchor.witness_store import WitnessStore
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import prepare

pytestmark = [pytest.mark.real("go"), pytest.mark.real("go-x-mod")]

PROGRAM = r"""
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type reader struct{ folder string }

func (r reader) Height() int                          { return 8 }
func (r reader) SaveTiles([]tlog.Tile, [][]byte)       {}
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(r.folder + "/tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func open(path string, verifier note.Verifier) (int64, tlog.Hash) {
	data, err := os.ReadFile(path)
	must(err)
	opened, err := note.Open(data, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	hash, err := tlog.ParseHash(lines[2])
	must(err)
	if lines[0] != verifier.Name() {
		must(fmt.Errorf("origin %q", lines[0]))
	}
	return size, hash
}

func check(folder string) {
	vkey, err := os.ReadFile(folder + "/vkey")
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	must(err)
	size, root := open(folder+"/checkpoint", verifier)
	hashes := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, reader{folder})
	checked := 0
	minimum, _ := strconv.ParseInt(os.Getenv("MINIMUM"), 10, 64)
	for index := minimum; index < size; index++ {
		if size > 600 && index%(size/300) != 0 && index+2 < size {
			continue
		}
		tile := tlog.Tile{H: 8, L: 0, N: index / 256, W: 256}
		path := strings.Replace(tile.Path(), "tile/8/0/", "/tile/entries/", 1)
		if (index/256+1)*256 > size {
			path += fmt.Sprintf(".p/%d", size%256)
		}
		bundle, err := os.ReadFile(folder + path)
		must(err)
		var entry []byte
		for at := int64(0); at <= index%256; at++ {
			length := binary.BigEndian.Uint16(bundle)
			entry, bundle = bundle[2:2+length], bundle[2+length:]
		}
		proof, err := tlog.ProveRecord(size, index, hashes)
		must(err)
		must(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)))
		if tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(append(entry, 'x'))) == nil {
			must(fmt.Errorf("a changed entry passes"))
		}
		checked++
	}
	if old, err := os.Stat(folder + "/old"); err == nil && old.Size() > 0 {
		before, oldRoot := open(folder+"/old", verifier)
		if before > 0 {
			proof, err := tlog.ProveTree(size, before, hashes)
			must(err)
			must(tlog.CheckTree(proof, size, root, before, oldRoot))
		}
	}
	fmt.Println(size, checked)
}

func main() {
	for _, folder := range os.Args[1:] {
		check(folder)
	}
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("go")
    (folder / "main.go").write_text(PROGRAM)
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": os.environ.get("GOCACHE", str(folder / "cache")),
    }
    done = subprocess.run(
        ["go", "build", "-o", "reader", "main.go"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "reader"


def read(program: Path, *logs: Log) -> list[str]:
    folders = [str(log.directory / "log") for log in logs]
    done = subprocess.run([str(program), *folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout.split("\n")[:-1]


def grown(directory: Path, size: int) -> Log:
    """A log of `size` that was sealed twice; the first checkpoint is kept as `old`."""
    log, entries = Log(directory), leaves(size)
    old = log.seal(entries[: size // 3])
    log.seal(entries[size // 3 :], keep_partials=False)
    (directory / "log/old").write_bytes(old)
    return log


def test_go_reads_notes_inclusion_and_consistency(program: Path, tmp_path: Path) -> None:
    sizes = [0, 1, 2, 255, 256, 257, 1000]
    found = read(program, *[grown(tmp_path / str(size), size) for size in sizes])
    assert [int(line.split()[0]) for line in found] == sizes
    assert [int(line.split()[1]) for line in found][:6] == sizes[:6]


def test_go_reads_a_log_whose_beginning_was_pruned(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note, the proofs of what is left, and that it contains a checkpoint of before the pruning."""
    log = grown(tmp_path / "log", 590)
    prune(log, Writer("pruner"), 512)
    monkeypatch.setenv("MINIMUM", "512")
    assert read(program, log) == ["591 79"]
    monkeypatch.delenv("MINIMUM")
    done = subprocess.run([str(program), str(log.directory / "log")], capture_output=True, check=False)
    assert done.returncode == 1


def test_go_refuses_a_changed_tile(program: Path, tmp_path: Path) -> None:
    log = grown(tmp_path / "log", 300)
    tile = log.directory / "log/tile/0/001.p/44"
    data = tile.read_bytes()
    tile.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    done = subprocess.run([str(program), str(log.directory / "log")], capture_output=True, check=False)
    assert done.returncode == 1


def test_go_reads_a_log_with_anchors_and_a_cosigned_checkpoint(program: Path, tmp_path: Path) -> None:
    """The old checkpoint is one that a witness handed out: the log's line and its own."""
    site = Site(prepare(tmp_path / "evidence", "example.org/evidence"))
    store = WitnessStore(tmp_path / "w", "w.example/1", {site.at.verifier.name: site.at.verifier})
    with serving(WitnessServer("127.0.0.1", 0, store)) as url:
        site.record(300)
        (outcome,) = site.round(WitnessTarget("w", url, store.cosigner.witness.vkey))
    site.record(5)
    site.log.close()
    kept = store.note_path("example.org/evidence").read_bytes()
    assert (outcome.why, kept.count("\N{EM DASH} ".encode())) == ("", 2)
    (site.directory / "log/old").write_bytes(kept)

    done = subprocess.run(
        [str(program), str(site.directory / "log")], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.split()[0]) == (0, str(verify(site.directory).size))


@pytest.mark.drill
@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 70_000])
def test_go_reads_logs_with_a_third_level(program: Path, tmp_path: Path, size: int) -> None:
    (line,) = read(program, grown(tmp_path / "log", size))
    assert int(line.split()[0]) == size
