"""The history is told by the records: since when, until when, by whom seen, and from where brought in."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from terms_support import Terms
from tlog_support import START, Log, Writer, frame, put
from vorbehalt.errors import EvidenceError, TamperError
from vorbehalt.evidence.history.history import History, Version, read_history
from vorbehalt.evidence.history.in_force import InForce
from vorbehalt.evidence.history.manifest import (
    Manifest,
    Part,
    Place,
    canonical,
    changed_parts,
    changed_terms,
    header_lines,
    read_header_lines,
    read_manifest,
)
from vorbehalt.evidence.history.records import Imported
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.reservation.bundle import place, render
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

SECOND = 10**9
OTHER = "8e95c070770b6c54-0b1c2d3e-2"


class Past:
    """An evidence directory whose records stand at chosen times, in seconds after START."""

    def __init__(self, directory: Path) -> None:
        self.log = Log(directory)
        self.writers: dict[str, Writer] = {}
        self.waiting: list[bytes] = []

    def set(
        self,
        at: float,
        robots: str,
        *,
        writer: str = "",
        hosts: tuple[str, ...] = (),
        cause: str = "reload",
        pending: tuple[str, ...] = (),
        terms: dict[str, Any] | None = None,
        reservation: str = "1",
    ) -> Manifest:
        """A set came into force; returns its manifest."""
        body = self.log.put_object(robots.encode())
        headers = self.log.put_object(f"tdm-reservation: {reservation}\n".encode())
        manifest = Manifest(
            hosts=hosts,
            origin="https://label.example",
            signals=body,
            terms=self.log.put_object(
                canonical({"format": 1, "terms": terms or {"uses": {"tdm": "reserve"}}})
            ),
            documents={"/robots.txt": Part(body, "text/plain")},
            headers={"": headers},
        )
        named = self.log.put_object(manifest.encode())
        seen = {"manifest": named, "config": "c" * 64, "cause": cause, "pending": list(pending)}
        self.leaf("policy-active", at, writer, seen=seen, objects=[named, manifest.terms, body, headers])
        return manifest

    def brought(self, robots: str, start: float, end: float | None, **more: Any) -> Imported:
        """A file was imported, valid from and until."""
        item = Imported(
            index=-1,
            hosts=(),
            host="label.example",
            document="/robots.txt",
            digest=self.log.put_object(robots.encode()),
            media_type="text/plain",
            valid_from=time_of(start),
            valid_until=None if end is None else time_of(end),
            how="file",
            source="the archive",
            custodian="",
            imported_at=time_of(900),
        )
        item = replace(item, **more)
        seen = item.seen()
        self.leaf("imported", 900, "0000000000000000-00000000-9", objects=seen.pop("objects"), seen=seen)
        return item

    def leaf(self, kind: str, at: float, writer: str = "", **more: Any) -> None:
        name = writer or "9f86d081884c7d65-1a2b3c4d-1"
        found = self.writers.setdefault(name, Writer(name))
        self.waiting.append(found.leaf(kind, **{"at": str(time_of(at)), **more}))

    def read(self) -> History:
        self.log.seal(self.waiting)
        self.waiting = []
        return read_history(self.log.directory)


def time_of(seconds: float) -> int:
    return START + int(seconds * SECOND)


def told(
    past: Past | History, host: str = "", named: Iterable[str] = ()
) -> list[tuple[float, float | None, str]]:
    """Each version's beginning and end in seconds after START, and the body of its robots.txt."""
    history = past if isinstance(past, History) else past.read()
    return [
        (
            (version.span.start - START) / SECOND,
            None if version.span.end is None else (version.span.end - START) / SECOND,
            history.read(version.documents["/robots.txt"], version.record).decode(),
        )
        for version in history.versions(host, frozenset(named))
    ]


def found(version: Version | None) -> Version:
    assert version is not None
    return version


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path / "evidence")


def test_a_version_holds_until_the_next_one(past: Past) -> None:
    past.set(0, "one")
    past.set(10, "two")

    assert told(past) == [(0, 10, "one"), (10, None, "two")]


def test_the_instant_of_valid_from_belongs_to_the_new_version_to_the_nanosecond(past: Past) -> None:
    past.set(0, "one")
    past.set(10, "two")
    history = past.read()

    def at(moment: int) -> str:
        return found(history.at(moment)[0]).digest

    one, two = (version.digest for version in history.versions())
    assert at(time_of(10) - 1) == one
    assert at(time_of(10)) == two
    assert at(time_of(0)) == one
    assert history.at(time_of(0) - 1)[0] is None


def test_workers_that_say_the_same_make_one_version(past: Past) -> None:
    past.set(0, "one")
    past.set(0.5, "one", writer=OTHER)
    past.set(10, "two", writer=OTHER)
    past.set(10.5, "two")

    assert told(past) == [(0, 10, "one"), (10, None, "two")]


def test_a_set_that_comes_back_is_a_version_again(past: Past) -> None:
    past.set(0, "one")
    past.set(1, "two")
    past.set(2, "one")

    assert [body for _, _, body in told(past)] == ["one", "two", "one"]


def test_records_count_by_their_time_not_by_their_place_in_the_log(past: Past) -> None:
    past.set(10, "two", writer=OTHER)
    past.set(0, "one")

    assert told(past) == [(0, 10, "one"), (10, None, "two")]


def test_a_document_that_nobody_was_served_yet_makes_no_version(past: Past) -> None:
    past.set(0, "with the site's rules", cause="site-robots")
    past.set(10, "without", cause="start", pending=("/robots.txt",), writer=OTHER)
    past.set(20, "with the site's rules", cause="site-robots", writer=OTHER)

    assert told(past) == [(0, None, "with the site's rules")]


def test_a_pending_document_is_named_until_it_was_asked_for(past: Past) -> None:
    past.set(0, "without", cause="start", pending=("/robots.txt",))
    past.set(10, "without", cause="site-robots")
    version = past.read().versions()[0]

    assert version.pending_at(time_of(10) - 1) == ["/robots.txt"]
    assert version.pending_at(time_of(10)) == []


def test_what_is_pending_beside_another_change_is_a_version(past: Past) -> None:
    past.set(0, "one", cause="site-robots")
    past.set(10, "two", cause="start", pending=("/robots.txt",), reservation="0")

    assert [start for start, _, _ in told(past)] == [0, 10]


def test_a_host_has_its_own_history_and_falls_back_when_its_entry_goes(past: Past) -> None:
    past.set(0, "default", cause="start")
    past.set(0, "archive", hosts=("archive.example",), cause="start")
    past.set(5, "default 2", cause="site-robots")
    past.set(10, "default 3")
    past.set(20, "default 4")
    past.set(20, "archive 2", hosts=("archive.example", "old.example"))

    assert told(past, "archive.example") == [
        (0, 10, "archive"),
        (10, 20, "default 3"),
        (20, None, "archive 2"),
    ]
    assert told(past, "old.example")[-2:] == [(10, 20, "default 3"), (20, None, "archive 2")]
    assert [body for _, _, body in told(past)] == ["default", "default 2", "default 3", "default 4"]
    assert told(past, "nobody.example") == told(past)


def test_observed_is_a_run_from_its_first_set_to_its_close(past: Past) -> None:
    past.leaf("writer-open", 0)
    past.set(1, "one")
    past.leaf("writer-close", 10, seen={"count": "2"})
    past.leaf("writer-open", 20, OTHER)
    past.set(20, "one", writer=OTHER)
    past.leaf("request", 30, OTHER)
    history = past.read()

    seen = {at: history.is_observed(time_of(at)) for at in (0.5, 1, 10, 10.1, 19.9, 20, 30, 30.1)}
    assert seen == {0.5: False, 1: True, 10: True, 10.1: False, 19.9: False, 20: True, 30: True, 30.1: False}


def test_a_writer_that_serves_nobody_observes_nothing(past: Past) -> None:
    past.leaf("writer-open", 0)
    past.leaf("writer-close", 100)

    assert not past.read().is_observed(time_of(50))


def test_a_process_that_runs_observes_until_now(past: Past) -> None:
    past.set(0, "one")
    past.read()
    path = past.log.directory / "spool" / "9f86d081884c7d65-1a2b3c4d-1.0.spool"
    put(path, b"")
    lock = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read_history(past.log.directory).is_observed(time_of(10**6))
    finally:
        os.close(lock)
    assert not read_history(past.log.directory).is_observed(time_of(10**6))


def test_what_is_not_sealed_is_left_out_and_said(past: Past) -> None:
    past.set(0, "one")
    assert past.read().is_all_sealed
    past.set(10, "two")
    put(past.log.directory / "spool" / f"{OTHER}.0.spool", frame(past.waiting.pop()))

    history = read_history(past.log.directory)
    assert not history.is_all_sealed
    assert told(history) == [(0, None, "one")]
    put(
        past.log.directory / "run" / "state.json",
        json.dumps({"size": 1, "root": "", "writers": {}, "spools": {f"{OTHER}.0.spool": 10**6}}).encode(),
    )
    assert read_history(past.log.directory).is_all_sealed


def test_imports_tell_the_time_before_us(past: Past) -> None:
    past.brought("old", -20, -10)
    past.brought("newer", -10, None)
    past.set(0, "ours")

    assert told(past) == [(-20, -10, "old"), (-10, 0, "newer"), (0, None, "ours")]
    assert [version.is_imported for version in past.read().versions()] == [True, True, False]


def test_where_we_were_observing_our_own_set_wins(past: Past) -> None:
    past.set(0, "ours")
    past.leaf("writer-close", 10)
    past.brought("theirs", 5, 30)
    past.set(40, "ours", writer=OTHER, cause="start")

    versions = told(past)
    assert versions[0] == (0, 10 + 1e-9, "ours")
    assert versions[1:] == [(10 + 1e-9, 30, "theirs"), (30, None, "ours")]


def test_an_import_that_began_before_our_last_set_never_follows_it(past: Past) -> None:
    past.brought("older", -10, None)
    past.set(0, "ours")
    past.leaf("writer-close", 10)

    assert told(past) == [(-10, 0, "older"), (0, None, "ours")]


def test_an_import_ends_where_it_says_and_then_nothing_is_known(past: Past) -> None:
    past.brought("old", -20, -10)
    past.set(0, "ours")
    history = past.read()

    assert found(history.at(time_of(-10) - 1)[0]).is_imported
    assert history.at(time_of(-10))[0] is None
    assert history.at(time_of(-1))[0] is None


def test_what_is_imported_again_with_an_end_replaces_what_it_was(past: Past) -> None:
    past.brought("old", -20, None)
    past.brought("old", -20, -10)

    assert told(past) == [(-20, -10, "old")]


def test_the_import_that_began_last_holds_and_the_one_around_it_comes_back(past: Past) -> None:
    past.brought("long", -20, None)
    past.brought("short", -15, -10)
    past.set(0, "ours")

    assert [body for _, _, body in told(past)] == ["long", "short", "long", "ours"]


def test_a_hosts_imports_are_its_own(past: Past) -> None:
    past.brought("default", -20, None)
    past.brought("archive", -20, None, hosts=("archive.example",), host="archive.example")

    assert [body for _, _, body in told(past)] == ["default"]
    assert [body for _, _, body in told(past, "archive.example")] == ["archive"]
    assert told(past, "third.example", named=["third.example"]) == []
    assert [body for _, _, body in told(past, "label.example")] == ["default"]


@pytest.mark.parametrize("how", ["missing", "changed"])
def test_a_manifest_that_does_not_hold_is_named_with_its_record(past: Past, how: str) -> None:
    manifest = past.set(0, "one")
    digest = past.log.put_object(manifest.encode())
    path = past.log.directory / "objects" / "sha256" / digest[:2] / digest
    path.unlink() if how == "missing" else path.write_bytes(b"{}")

    with pytest.raises(TamperError, match=f"record 0 names an object that does not hold: object {digest}"):
        past.read()


def test_a_document_that_does_not_hold_is_named_when_it_is_read(past: Past) -> None:
    past.set(0, "one")
    history = past.read()
    digest = history.versions()[0].documents["/robots.txt"]
    (past.log.directory / "objects" / "sha256" / digest[:2] / digest).write_bytes(b"two")

    with pytest.raises(TamperError, match="was changed"):
        history.read(digest, 0)


def test_other_records_that_speak_of_sets_are_no_sets(past: Past) -> None:
    past.leaf("request", 0, seen={"path": '"type":"policy-active"', "type": "policy-active"})
    past.leaf("imported", 1, seen={"kind": "logs"})
    past.leaf("policy-active", 2, seen={"signals": "an older form"})
    history = past.read()

    assert (history.size, history.sets, history.imports, history.older) == (3, [], [], 1)


def test_changes_name_documents_headers_and_terms(past: Past) -> None:
    past.set(0, "one", terms={"uses": {"tdm": "reserve"}, "contact": ""})
    past.set(1, "two", terms={"uses": {"tdm": "allow"}, "contact": ""})
    history = past.read()
    one, two = history.versions()

    assert history.changes(None, one) is None
    assert history.changes(one, two) == {
        "documents": ["/robots.txt"],
        "headers": [],
        "terms": [{"term": "uses.tdm", "from": "reserve", "to": "allow"}],
        "more_terms": 0,
    }


def test_a_record_of_the_answer_is_proven_against_the_signed_tree(past: Past) -> None:
    past.set(0, "one")
    past.set(1, "two")
    history = past.read()
    history.prove(1)

    bundle = past.log.directory / "log" / "tile" / "entries" / "000.p" / "2"
    bundle.write_bytes(bundle.read_bytes().replace(b"cccc", b"dddd"))
    with pytest.raises(TamperError):
        history.prove(1)


def test_sections_of_that_day_decide_whose_headers_a_path_had() -> None:
    sections = (
        Section("press", ("/press/", "/a*/x%20y$"), Uses(tdm="allow")),
        Section("deep", ("/press/deep/",), Uses()),
        Section("umlaut", ("/müll/",), Uses()),
        Section("audio", ("/", "/press/deep/a"), Uses(search="reserve"), media=("audio/*",)),
        Section("images", ("/press/",), Uses(), media=("image/png", "image/gif")),
    )
    terms = Terms("https://label.example", sections=sections)
    index = SectionIndex(terms)
    bundle = render(terms, None, ())
    manifest = Manifest(
        (), "o", "0" * 64, "0" * 64, {},
        headers={n: ObjectStore.digest(header_lines(found.headers)) for n, found in bundle.sections.items()},
        places=index.places,
        reserved={name: found.uses.reserved for name, found in bundle.sections.items()},
    )  # fmt: skip
    again = read_manifest(manifest.encode())

    for path in ("/", "/press", "/press/a", "/press/deep/a", "/abc/x y", "/abc/x yz", "/müll/1", "/x"):
        section, narrowed = again.sections_of(path)
        assert (section, narrowed) == (index.find(path), index.refinements(path)), path
        told = place(bundle, section, narrowed)
        known = again.unseen((section, *narrowed)) if narrowed else section
        assert again.headers[known] == ObjectStore.digest(header_lines(told.headers)), path
    assert again.media_of("images") == ("image/png", "image/gif")
    assert again == manifest
    assert again.encode() == manifest.encode()


def test_a_section_that_covers_other_paths_has_changed() -> None:
    places: tuple[Place, ...] = (("/press/", "press", ()),)
    before = Manifest((), "o", "0" * 64, "0" * 64, {}, {"press": "1" * 64}, places)

    for other in (("/p/", "press", ()), ("/press/", "press", ("audio/*",))):
        assert changed_parts(before, replace(before, places=(other,)))["headers"] == ["press"]


def test_changed_terms_go_by_name_and_are_bounded() -> None:
    before = {"sections": [{"name": "press", "uses": {"tdm": "allow"}}], "list": ["a"]}
    after = {"sections": [{"name": "press", "uses": {"tdm": "reserve"}}], "list": ["a", "b"], "new": 1}

    assert changed_terms(before, after) == (
        [
            {"term": "list", "from": ["a"], "to": ["a", "b"]},
            {"term": "new", "from": None, "to": 1},
            {"term": "sections.press.uses.tdm", "from": "allow", "to": "reserve"},
        ],
        0,
    )
    many, more = changed_terms({}, {f"term{number}": "x" * 500 for number in range(90)})
    assert 0 < len(many) < 50
    assert len(many) + more == 90
    assert len(canonical(many)) <= 3_100


def test_header_lines_come_back_as_they_were() -> None:
    headers = ((b"tdm-reservation", b"1"), (b"link", b'<https://a.example/x>; rel="license": yes'))

    assert read_header_lines(header_lines(headers)) == [
        [name.decode(), value.decode()] for name, value in headers
    ]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"format":2}', b'{"format":1,"hosts":1}', b"\xff", b"[" * 5000], ids=repr
)
def test_what_is_no_manifest_is_said(body: bytes) -> None:
    with pytest.raises(EvidenceError, match="manifest"):
        read_manifest(body)


def test_what_was_in_force_survives_a_restart_and_is_never_trusted(past: Past) -> None:
    directory = past.log.directory
    (directory / "run").mkdir()
    manifest = past.set(0, "one")
    past.log.put_object(manifest.encode())
    terms = {"uses": {"tdm": "reserve"}}
    InForce(directory).note("", manifest, terms)
    hint = directory / "run" / "in-force.json"

    assert InForce(directory).before("") == (manifest, terms)
    assert InForce(directory).before("other.example") is None
    for damage in (b"", b"[]", b'{"hosts":[]}', b'{"hosts":{"":1}}', b'{"hosts":{"":"../../../etc/passwd"}}'):
        hint.write_bytes(damage)
        assert InForce(directory).before("") is None
        InForce(directory).note("", manifest, terms)
        assert InForce(directory).before("") == (manifest, terms)
    digest = past.log.put_object(manifest.encode())
    (directory / "objects" / "sha256" / digest[:2] / digest).write_bytes(b"changed")
    assert InForce(directory).before("") is None
    hint.unlink()
    assert InForce(directory).before("") is None


def test_without_a_directory_the_process_itself_remembers() -> None:
    manifest = Manifest((), "o", "0" * 64, "0" * 64, {}, {})
    in_force = InForce()
    in_force.note("a", manifest, {})

    assert in_force.before("a") == (manifest, {})
    assert in_force.before("b") is None


@pytest.mark.drill
def test_a_million_records_are_answered_in_seconds(past: Past) -> None:
    past.set(0, "one")
    for _ in range(40):
        writer = past.writers["9f86d081884c7d65-1a2b3c4d-1"]
        past.waiting += [
            writer.leaf("request", seen={"path": "/song", "headers": "x" * 700}) for _ in range(25_000)
        ]
        past.log.seal(past.waiting, keep_partials=False)
        past.waiting = []
    past.set(2_000_000, "two")
    past.log.seal(past.waiting)
    began = time.perf_counter()

    history = read_history(past.log.directory)

    seconds = time.perf_counter() - began
    assert [len(history.versions()), history.size] == [2, 1_000_002]
    print(f"{history.size} records in {seconds:.1f} s")
    assert seconds < 30
