"""Our log and a witness: what is asked of it, and which answers count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anchor_support import SECOND, Site, answering, serving
from vorbehalt.evidence.anchor.targets import WitnessTarget
from vorbehalt.evidence.anchor.thread import AnchorThread
from vorbehalt.evidence.anchor.witness_server import WitnessServer
from vorbehalt.evidence.anchor.witness_store import WitnessStore
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.tlog.cosignature import Cosigner
from vorbehalt.evidence.tlog.note import Checkpoint, parse_checkpoint, split_note

NAME = "lawyers.example/witness"
TIME = 1_795_700_000


def checkpoint_text(site: Site) -> bytes:
    return split_note((site.directory / "log/checkpoint").read_bytes())[0]


@pytest.fixture
def site(directory: EvidenceDirectory) -> Iterator[Site]:
    made = Site(directory)
    yield made
    made.log.close()


@pytest.fixture
def theirs(tmp_path: Path, directory: EvidenceDirectory) -> WitnessStore:
    logs = {directory.verifier.name: directory.verifier}
    return WitnessStore(tmp_path / "theirs", NAME, logs, clock=lambda: TIME)


def target_of(url: str, store: WitnessStore) -> WitnessTarget:
    return WitnessTarget("witness", url, store.cosigner.witness.vkey)


def test_a_growing_log_is_cosigned_again_and_again(site: Site, theirs: WitnessStore) -> None:
    with serving(WitnessServer("127.0.0.1", 0, theirs)) as url:
        for _ in range(3):
            site.record(2)
            (outcome,) = site.round(target_of(url, theirs), everybody=True)
            assert (outcome.why, outcome.time) == ("", TIME * SECOND)

    report = verify(site.directory)
    assert (report.ok, report.assurance, report.unanchored_since) == (True, "witnessed", None)
    assert verify(site.directory, witnesses=(theirs.cosigner.witness,)).assurance == "witnessed"
    stranger = Cosigner(NAME, bytes(32)).witness
    assert verify(site.directory, witnesses=(stranger,)).assurance == "self-attested"


def test_a_forgotten_size_is_asked_of_the_witness(site: Site, theirs: WitnessStore) -> None:
    with serving(WitnessServer("127.0.0.1", 0, theirs)) as url:
        site.record(2)
        site.round(target_of(url, theirs))
        (site.directory / "run/anchors.json").unlink()
        site.record(2)
        assert site.round(target_of(url, theirs))[0].why == ""


def test_a_witness_that_contradicts_makes_health_red(site: Site, theirs: WitnessStore) -> None:
    """The witness has seen more of this very log than there is now: it was cut, or put back."""
    site.record(3)
    assert site.at.signer is not None
    for more, why in ((5, "it was cut or put back"), (0, "another tree"), (-1, "does not extend")):
        seen = parse_checkpoint(checkpoint_text(site))
        other = Checkpoint(seen.origin, seen.size + more, bytes(32))
        theirs.note_path(seen.origin).write_bytes(site.at.signer.sign(other.body))
        with serving(WitnessServer("127.0.0.1", 0, theirs)) as url:
            target = target_of(url, theirs)
            (outcome,) = site.round(target, everybody=True)
        assert why in outcome.why
        thread = AnchorThread(site.directory, [target], lambda: site.log, clock=lambda: site.now)
        (red,), yellow = thread.health()
        assert (why in red, yellow) == (True, [])
        site.now += 3600 * SECOND
    assert verify(site.directory).ok


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((200, "text/html", b"<h1>hello</h1>"), "no signature line"),
        ((200, "text/plain", b""), "no signature line"),
        ((403, "text/plain", b""), "another key"),
        ((404, "text/plain", b""), "does not know this log"),
        ((409, "text/x.tlog.size", b"many\n"), "409 without a size"),
        ((500, "text/plain", b""), "answered 500"),
    ],
)
def test_an_answer_that_is_none_does_not_count(
    answer: tuple[int, str, bytes], why: str, site: Site, theirs: WitnessStore
) -> None:
    site.record()
    with answering(lambda body: answer) as url:
        (outcome,) = site.round(target_of(url, theirs))

    assert why in outcome.why
    assert not list((site.directory / "anchors").iterdir())
    assert verify(site.directory).assurance == "self-attested"


def test_a_cosignature_by_another_key_or_on_another_checkpoint_does_not_count(
    site: Site, theirs: WitnessStore
) -> None:
    site.record()
    text = checkpoint_text(site)
    bad = (
        Cosigner(NAME, bytes(32)).cosign(text, TIME),
        theirs.cosigner.cosign(b"another\n1\nAAAA\n", TIME),
        theirs.cosigner.cosign(text, 0),
    )
    for line in bad:
        with answering(lambda body, line=line: (200, "text/plain", line)) as url:  # type: ignore[misc]
            (outcome,) = site.round(target_of(url, theirs), everybody=True)
        assert NAME in outcome.why

    good = bad[0] + theirs.cosigner.cosign(checkpoint_text(site), TIME)
    with answering(lambda body: (200, "text/plain", good)) as url:
        assert site.round(target_of(url, theirs), everybody=True)[0].why == ""
