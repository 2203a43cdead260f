"""The index: what a catalogue says is found again, by path and by work, and contradictions are named."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.stores import works_file
from vorbehalt.stores.works_file import Busy, Sources, build_index, open_index
from vorbehalt.works.builder import Builder
from vorbehalt.works.entry import Entry, Notes, Place, Work
from vorbehalt.works.index import IndexUnusable, WorksIndex, parts_of
from vorbehalt.works.pattern import UrlPattern
from works_support import entries_of, flaws_of, index_of

HEAD = "path,id,title,right,share,territory\n"


def built(text: str, **more: object) -> tuple[Builder, Notes]:
    entries, notes = entries_of("works.csv", text)
    builder = Builder(notes, **more)  # type: ignore[arg-type]
    builder.take(entries)
    return builder, notes


def test_a_path_may_hold_several_works_and_a_work_several_paths_and_rights(tmp_path: Path) -> None:
    index = index_of(
        tmp_path,
        f"{HEAD}/a,own:1,One,lyrics,,\n/a,own:2,Two,,,\n"
        "/b,own:1,,composition,50,DE\n/b,own:1,,composition,50,AT\n",
    )
    assert index.works_at("x", "/a") == ("own:1", "own:2")
    assert index.works_at("x", "/b") == ("own:1",)
    assert index.works_at("x", "/c") == ()
    work = index.work("own:1")
    assert work is not None
    assert (work.title, [(r.right, r.territory) for r in work.rights]) == (
        "One",
        [("lyrics", ()), ("composition", ("DE",)), ("composition", ("AT",))],
    )
    assert index.work("own:3") is None
    assert sorted(index.ids()) == ["own:1", "own:2"]
    assert (index.counts.rows, index.counts.works, index.counts.places) == (4, 2, 2)


def test_a_url_counts_for_its_host_only_and_a_path_for_all(tmp_path: Path) -> None:
    index = index_of(tmp_path, "url,id\nhttps://A.example/x,own:1\n/x,own:2\n/y*/z$,own:3\n/y*,own:4\n")
    assert index.works_at("a.example", "/x") == ("own:1", "own:2")
    assert index.works_at("b.example", "/x") == ("own:2",)
    assert index.works_at("b.example", "/y1/z") == ("own:3", "own:4")
    assert index.works_at("b.example", "/y1/z/") == ("own:4",)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("/a,own:1,A,,,\n/b,own:1,B,,,\n", ["3: the title of own:1 is 'B' here and 'A' in line 2"]),
        (
            "/a,own:1,,lyrics,60,DE\n/a,own:1,,lyrics,50,\n",
            ["3: the shares in lyrics of own:1 that overlap come to 110 % with line 2"],
        ),
        ("/a,own:1,,lyrics,60,DE\n/a,own:1,,lyrics,40,DE\n/a,own:1,,lyrics,60,AT\n", []),
        (
            "".join(f"/a,own:{number},,,,\n" for number in range(65)),
            ["66: '/a' would hold more than 64 works"],
        ),
        ("".join(f"/a,own:{number},,,,\n" for number in range(64)), []),
    ],
)
def test_contradictions_are_named_with_both_lines(rows: str, says: list[str]) -> None:
    assert flaws_of(built(HEAD + rows)[1]) == says


def test_the_same_row_again_is_remarked_and_changes_nothing() -> None:
    builder, notes = built(HEAD + "/a,own:1,A,lyrics,,\n/b,own:1,A,lyrics,,\n/a,own:1,A,lyrics,,\n")
    assert [(r.line, r.message) for r in notes.remarks] == [(4, "the row says the same as line 2")]
    assert (builder.works.count, builder.places.count) == (1, 2)


def test_beyond_its_limit_a_catalogue_is_refused_with_what_to_do() -> None:
    _, notes = built(HEAD + "/a,own:1,,,,\n/b,own:2,,,,\n/c,own:3,,,,\n", max_rows=2)
    assert [flaw[:46] for flaw in flaws_of(notes)] == ["4: a catalogue holds at most 2 rows; the rest "]


def test_a_host_that_is_not_the_sites_is_remarked() -> None:
    _, notes = built("url,id\nhttps://other.example/,own:1\nhttps://label.example/,own:2\n",
                     hosts=frozenset({"label.example"}))  # fmt: skip
    assert [(r.line, r.message.split(" is ")[0]) for r in notes.remarks] == [(2, "other.example")]


@given(st.dictionaries(st.text(max_size=8), st.lists(st.integers(0, 30), max_size=5), max_size=60))
def test_the_index_says_what_a_dictionary_would(said: dict[str, list[int]]) -> None:
    builder = Builder(Notes())
    builder.take(
        Entry(1, Work((f"own:{number}",)), (Place("/" + path.strip("*$"), ""),))
        for path, numbers in said.items()
        for number in numbers
    )
    index = WorksIndex(memoryview(b"".join(parts_of(builder, {}))))
    expected: dict[str, dict[str, None]] = {}
    for path, numbers in said.items():
        expected.setdefault("/" + path.strip("*$"), {}).update({f"own:{number}": None for number in numbers})
    assert {path: index.works_at("", path) for path in expected} == {
        path: tuple(found) for path, found in expected.items()
    }
    assert sorted(index.ids()) == sorted({f"own:{n}" for numbers in said.values() for n in numbers})


def test_tables_and_records_grow_without_losing_anything() -> None:
    builder = Builder(Notes())
    builder.take(Entry(n, Work((f"own:{n}",), "T" * (n % 90)), (Place(f"/{n}", ""),)) for n in range(1, 5000))
    index = WorksIndex(memoryview(b"".join(parts_of(builder, {}))))
    assert all(index.works_at("", f"/{n}") == (f"own:{n}",) for n in range(1, 5000))
    assert {len(work.title) for n in range(1, 5000) if (work := index.work(f"own:{n}"))} == {*range(90)}


@pytest.mark.parametrize("text", ["/lyrics/{id}", "/l/{isrc}.html", "/x-{isbn}"])
def test_a_url_pattern_finds_one_work_in_one_segment(text: str) -> None:
    pattern = UrlPattern.of(text)
    values = {"{id}": "7", "{isrc}": "de-um7-26-00001", "{isbn}": "0306406152"}
    name = next(name for name in values if name in text)
    found = pattern.work_at(text.replace(name, values[name]))
    assert found in ("own:7", "isrc:DEUM72600001", "isbn:9780306406157")
    assert pattern.work_at(text.replace(name, "a/b")) is None
    assert pattern.work_at(text.replace(name, values[name]) + "/") is None
    if name != "{id}":
        assert pattern.work_at(text.replace(name, "0000")) is None


def test_the_file_is_read_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "works.csv"
    path.write_text("path,id\n/a,own:1\n")
    sources = Sources((str(path),))
    state = tmp_path / "state"
    assert open_index(sources, state) is None
    build_index(sources, state)
    opened = open_index(sources, state)
    assert opened is not None
    assert (opened[1], opened[0].works_at("", "/a")) == (True, ("own:1",))
    path.write_text("path,id\n/a,isbn:1\n")
    again = open_index(sources, state)
    assert again is not None
    assert again[1] is False
    failed = build_index(sources, state)
    assert (failed.index, [problem.line for problem in failed.problems]) == (None, [2])
    kept = open_index(sources, state)
    assert kept is not None
    assert kept[0].works_at("", "/a") == ("own:1",)
    assert sorted(name.rpartition(".")[2] for name in os.listdir(state)) == ["lock", "works"]


@pytest.mark.parametrize("cut", [0, 7, 100, 4096, -1])
def test_a_file_that_was_cut_is_not_used_and_is_built_again(tmp_path: Path, cut: int) -> None:
    index_of(tmp_path, "path,id\n/a,own:1\n")
    sources = Sources((str(tmp_path / "works.csv"),))
    file = tmp_path / "state" / sources.name
    body = file.read_bytes()
    file.unlink()
    file.write_bytes(body[:cut])
    assert open_index(sources, tmp_path / "state") is None
    rebuilt = build_index(sources, tmp_path / "state").index
    assert rebuilt is not None
    assert rebuilt.works_at("", "/a") == ("own:1",)


def test_bytes_of_another_kind_are_no_index() -> None:
    with pytest.raises(IndexUnusable):
        WorksIndex(memoryview(b"x" * 5000))


def test_who_does_not_wait_leaves_the_building_to_another(tmp_path: Path) -> None:
    path = tmp_path / "works.csv"
    path.write_text("path,id\n/a,own:1\n")
    sources = Sources((str(path),))
    with works_file._locked(_made(tmp_path / "state") / f"{sources.name}.lock", True), pytest.raises(Busy):
        build_index(sources, tmp_path / "state", wait=False)


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def _find(file: str, state: str, found: multiprocessing.SimpleQueue[tuple[str, ...]]) -> None:
    built = build_index(Sources((file,)), Path(state))
    assert built.index is not None
    found.put(built.index.works_at("", "/a"))


def test_several_processes_make_one_file_and_share_it(tmp_path: Path) -> None:
    path = tmp_path / "works.csv"
    path.write_text("path,id\n/a,own:1\n")
    context = multiprocessing.get_context("spawn")
    found = context.SimpleQueue()
    workers = [
        context.Process(target=_find, args=(str(path), str(tmp_path / "state"), found)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [found.get() for _ in workers] == [("own:1",)] * 3
    assert len(list((tmp_path / "state").glob("*.works"))) == 1
