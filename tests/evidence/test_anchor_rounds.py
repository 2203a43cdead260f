"""A round of anchoring: who is asked, what is kept, what counts (check 19 of a hostile tester)."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anchor_support import NOW, SECOND, Answering, Authority, Site, answering, stamper, time_stamp
from tlog_support import run_script
from vorbehalt.evidence.anchor import checking
from vorbehalt.evidence.anchor.rounds import Round
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.reading.query import Filters, show

pytestmark = pytest.mark.real("openssl")

MINUTE = 60 * SECOND


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "ec", chain=True)


@pytest.fixture
def site(directory: EvidenceDirectory) -> Iterator[Site]:
    made = Site(directory)
    yield made
    made.log.close()


def records(site: Site, kind: str) -> list[dict[str, Any]]:
    return list(show(site.directory, Filters(type=kind)))


def both_hold(site: Site, *args: str) -> tuple[bool, int]:
    script = Path(checking.__file__).parents[1] / "verify.py"
    return verify(site.directory).ok, run_script(script, str(site.directory), *args).returncode


def test_the_checkpoint_is_stamped_as_it_was_issued_and_the_answer_kept_unmodified(
    site: Site, authority: Authority
) -> None:
    answers: list[bytes] = []

    def answer(query: bytes) -> tuple[int, str, bytes]:
        answers.append(authority.reply(query))
        return time_stamp(answers[-1])

    site.record(3)
    issued = (site.directory / "log/checkpoint").read_bytes()
    size = int(issued.split(b"\n")[1])
    with answering(answer) as url:
        (outcome,) = site.round(stamper(url, authority))

    (frozen,), (token,) = site.anchor_files(".checkpoint"), site.anchor_files(".tsr")
    assert (outcome.size, outcome.why) == (size, "")
    assert (frozen.name, frozen.read_bytes()) == (f"{size}.checkpoint", issued)
    assert [token.read_bytes()] == answers
    assert not list((site.directory / "spool/anchors").iterdir())
    (leaf,) = records(site, "anchor")
    seen = leaf["seen"]
    assert [item["name"] for item in seen["files"]] == [frozen.name, token.name]
    assert (seen["verified"], seen["size"], seen["qualified"]) == ("rfc3161-client", size, False)
    assert seen["time"] == str(outcome.time)
    (authority.folder / "root.check").write_text(authority.root_pem)
    assert both_hold(site) == (True, 0)
    assert both_hold(site, "--tsa-root", str(authority.folder / "root.check")) == (True, 0)


def test_several_authorities_stamp_the_same_checkpoint(
    site: Site, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other", key="rsa")
    site.record()
    with (
        answering(lambda query: time_stamp(authority.reply(query))) as one,
        answering(lambda query: time_stamp(other.reply(query))) as two,
    ):
        site.round(stamper(one, authority), stamper(two, other, name="second", qualified=True))

    assert len(site.anchor_files(".checkpoint")) == 1
    assert len(site.anchor_files(".tsr")) == 2
    report = verify(site.directory)
    assert (report.ok, report.assurance, report.unanchored_since) == (True, "qualified", None)
    (tmp_path / "roots").write_text(authority.root_pem + other.root_pem)
    assert both_hold(site, "--tsa-root", str(tmp_path / "roots")) == (True, 0)
    assert both_hold(site, "--tsa-root", str(other.folder / "root.pem")) == (True, 1)


WRONG: dict[str, str] = {
    "wrong imprint": "something else",
    "wrong nonce": "another question",
    "status rejection": "did not grant it: rejection",
    "html": "no time stamp response",
    "error page": "answered 503",
    "unknown root": "pinned roots",
    "empty": "no time stamp response",
}


@pytest.mark.parametrize("fault", WRONG)
def test_check_19_a_wrong_answer_is_kept_recorded_and_does_not_count(
    fault: str, site: Site, authority: Authority, tmp_path: Path
) -> None:
    site.record(2)
    checkpoint = (site.directory / "log/checkpoint").read_bytes()
    wrong: dict[str, Callable[[bytes], bytes]] = {
        "wrong imprint": lambda query: authority.stamp(b"other bytes"),
        "wrong nonce": lambda query: authority.stamp(checkpoint),
        "status rejection": lambda query: authority.reply(authority.query(checkpoint, "-sha512")),
        "html": lambda query: b"<!doctype html><h1>Maintenance</h1>",
        "error page": lambda query: b"upstream is down",
        "unknown root": Authority(tmp_path / "unknown").reply,
        "empty": lambda query: b"",
    }
    given: list[bytes] = []

    def answer(query: bytes) -> tuple[int, str, bytes]:
        given.append(wrong[fault](query))
        return 503 if fault == "error page" else 200, "text/html", given[-1]

    with answering(answer) as url:
        (outcome,) = site.round(stamper(url, authority))

    assert WRONG[fault] in outcome.why
    assert not list((site.directory / "anchors").iterdir())
    (missed,) = records(site, "anchor-missed")
    assert (missed["seen"]["why"], missed["seen"]["tries"]) == (outcome.why, 1)
    kept = [
        (site.directory / f"objects/sha256/{name[:2]}/{name}").read_bytes()
        for name in missed.get("objects", [])
    ]
    assert kept == [answer for answer in given if answer]
    report = verify(site.directory)
    assert (report.ok, report.assurance) == (True, "self-attested")
    assert both_hold(site) == (True, 0)


def test_check_19_granted_with_modifications_counts(site: Site, authority: Authority) -> None:
    site.record()

    def answer(query: bytes) -> tuple[int, str, bytes]:
        return time_stamp(authority.reply(query).replace(b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01\x01", 1))

    with answering(answer) as url:
        assert site.round(stamper(url, authority))[0].why == ""

    assert records(site, "anchor")[0]["seen"]["modified"] is True
    assert verify(site.directory).assurance == "timestamped"
    assert both_hold(site, "--tsa-root", str(authority.folder / "root.pem")) == (True, 0)


def test_a_token_that_nothing_here_can_check_is_stored_and_does_not_count(
    site: Site, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.record()
    with answering(lambda query: time_stamp(authority.reply(query))) as url, monkeypatch.context() as patch:
        patch.setattr(checking, "_by_library", lambda *args: False)
        which = shutil.which
        patch.setattr("shutil.which", lambda name: None if name == "openssl" else which(name))
        (outcome,) = site.round(stamper(url, authority))
        assert verify(site.directory).assurance == "self-attested"

    assert "stored, not verified" in outcome.why
    assert len(site.anchor_files(".tsr")) == 1
    # What could not be checked then is checked where it can be.
    assert verify(site.directory).assurance == "timestamped"
    assert both_hold(site, "--tsa-root", str(authority.folder / "root.pem")) == (True, 0)


def test_check_19_a_hang_is_cut_and_nothing_else_waits_for_it(site: Site, authority: Authority) -> None:
    released = threading.Event()

    def hang(query: bytes) -> tuple[int, str, bytes]:
        released.wait(60)
        return time_stamp(b"")

    site.record()
    with answering(hang) as url, answering(lambda query: time_stamp(authority.reply(query))) as good:
        began = time.monotonic()
        first, second = site.round(
            stamper(url, authority, name="hangs"), stamper(good, authority), total_seconds=0.3
        )
        took = time.monotonic() - began
        released.set()

    assert "no whole answer" in first.why
    assert second.why == ""
    assert took < 10


def test_check_19_a_miss_widens_the_window_and_the_next_token_covers_what_came_before(
    site: Site, authority: Authority
) -> None:
    site.record()
    answers: list[Answering] = [lambda query: (503, "text/plain", b"down")]
    with answering(lambda query: answers[0](query)) as url:
        target = stamper(url, authority)
        site.round(target)
        assert verify(site.directory).unanchored_since is not None
        site.record(4)
        answers[0] = lambda query: time_stamp(authority.reply(query))
        assert site.round(target) == []  # too early: ten seconds after a failure
        site.now += 11 * SECOND
        (outcome,) = site.round(target)

    assert outcome.why == ""
    assert verify(site.directory).unanchored_since is None


def test_failures_wait_longer_and_longer_and_are_told_once(site: Site, authority: Authority) -> None:
    asked: list[int] = []
    expected = [0, 10, 30, 70, 150, 310, 630, 1230, 1830, 2430]

    def down(query: bytes) -> tuple[int, str, bytes]:
        asked.append((site.now - NOW) // SECOND)
        return 503, "text/plain", b""

    site.record()
    with answering(down) as url:
        target = stamper(url, authority)
        for at in expected:
            for moment in (max(0, at - 1), at) if at else (0,):
                site.now = NOW + moment * SECOND
                site.round(target)

    assert asked == expected
    assert len(records(site, "anchor-missed")) == 1


def test_a_new_reason_is_told_at_once_and_an_old_one_again_after_an_hour(
    site: Site, authority: Authority
) -> None:
    statuses = {0: 503, 10: 503, 700: 502, 1_400: 502, 4_200: 502, 4_900: 502}
    told = []
    site.record()
    with answering(lambda query: (statuses[(site.now - NOW) // SECOND], "text/plain", b"")) as url:
        for moment in statuses:
            site.now = NOW + moment * SECOND
            site.round(stamper(url, authority))
            told.append(len(records(site, "anchor-missed")))

    assert told == [1, 1, 2, 2, 2, 3]
    assert [leaf["seen"]["tries"] for leaf in records(site, "anchor-missed")] == [1, 3, 6]


def test_a_log_that_has_not_grown_is_stamped_once_a_day(site: Site, authority: Authority) -> None:
    site.record()
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        target = stamper(url, authority)
        sizes = []
        for minutes in (0, 11, 22, 23 * 60, 24 * 60 + 1):
            site.now = NOW + minutes * MINUTE
            sizes.append(len(site.round(target)))
        assert sizes == [1, 0, 0, 0, 1]
        site.now += 5 * MINUTE
        site.record()
        assert site.round(target) == []  # ten minutes have not passed
        site.now += 6 * MINUTE
        assert len(site.round(target)) == 1


def test_a_clock_that_was_set_back_silences_nobody(site: Site, authority: Authority) -> None:
    site.record()
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        site.round(stamper(url, authority))
        site.record()
        site.now -= 30 * 86_400 * SECOND
        assert len(site.round(stamper(url, authority))) == 1


def test_lost_state_means_asking_once_more(site: Site, authority: Authority) -> None:
    site.record()
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        site.round(stamper(url, authority))
        for text in ("", "[]", '{"tsa.test": 7}', '{"tsa.test": {"size": "x", "at": null}}'):
            (site.directory / "run/anchors.json").write_text(text)
            assert len(site.round(stamper(url, authority))) == 1, text

    assert both_hold(site) == (True, 0)


def test_the_clock_of_this_machine_is_compared_with_the_authority(site: Site, authority: Authority) -> None:
    site.record()
    site.now = (time.time_ns() // SECOND + 3600) * SECOND  # an hour fast
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        site.round(stamper(url, authority))

    offset = int(records(site, "anchor")[0]["seen"]["clock_offset"])
    assert 3590 * SECOND < offset < 3610 * SECOND


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_that_comes_while_the_process_stops_leaves_nothing_half_done(
    status: int, site: Site, authority: Authority
) -> None:
    stopping: list[bool] = []

    def late(query: bytes) -> tuple[int, str, bytes]:
        stopping.append(True)
        return status, "application/timestamp-reply", authority.reply(query)

    site.record()
    with answering(late) as url:
        targets = [stamper(url, authority), stamper(url, authority, name="never-asked")]
        held = Round(
            site.directory,
            targets,
            site.log,
            clock=lambda: site.now,
            is_stopping=lambda: bool(stopping),
        ).run()
    site.seal()

    assert (held, stopping, site.log.lost()) == ([], [True], {})
    assert records(site, "anchor") + records(site, "anchor-missed") == []
    assert not list((site.directory / "anchors").iterdir())
    assert not (site.directory / "spool/anchors").exists()


def test_a_crash_before_the_record_leaves_a_log_that_holds(site: Site, authority: Authority) -> None:
    from vorbehalt.evidence.anchor.staging import freeze, stage
    from vorbehalt.evidence.files import Disk

    site.record()
    note = (site.directory / "log/checkpoint").read_bytes()
    size = int(note.split(b"\n")[1])
    freeze(site.directory, size, note, Disk())
    stage(site.directory, size, "tsa.test", "tsr", b"a token without a record", Disk())

    assert both_hold(site) == (True, 0)


def test_a_record_that_waits_to_be_sealed_finds_its_token_beside_the_spool(
    directory: EvidenceDirectory, authority: Authority, tmp_path: Path
) -> None:
    site = Site(directory)
    site.record()
    site.seal = lambda: None  # type: ignore[method-assign] # the sealer stands still from here on
    with answering(lambda query: time_stamp(authority.reply(query))) as url:
        site.round(stamper(url, authority))
    (staged,) = (site.directory / "spool/anchors").iterdir()

    assert both_hold(site) == (True, 0)
    staged.write_bytes(staged.read_bytes() + b"x")
    assert [problem for problem in verify(site.directory).problems if staged.name in problem]
    staged.unlink()
    assert [problem for problem in verify(site.directory).problems if staged.name in problem]
    site.log.close()
