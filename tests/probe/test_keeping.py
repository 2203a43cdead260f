"""The exchange as WARC, and the record that names it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.auditor import audit
from vorbehalt.evidence.objects import ObjectStore
from vorbehalt.evidence.reading import query
from vorbehalt.evidence.sealing.sealer import seal_once
from vorbehalt.probe.exchange import Exchange, Fault
from vorbehalt.probe.keeping import keep, knows_document
from vorbehalt.probe.warc import count_records, write_warc
from vorbehalt.settings import Settings, load

Probe = Callable[..., Any]
AT = 1_795_345_200_123_456_789


def read(body: bytes) -> list[tuple[str, dict[str, str], bytes]]:
    """Every record of a WARC: its type, its headers, and the block as it stands there."""
    found = []
    for record in ArchiveIterator(io.BytesIO(body), check_digests="raise"):
        record.raw_stream.read()
    for record in ArchiveIterator(io.BytesIO(body), no_record_parse=True):
        found.append((record.rec_type, dict(record.rec_headers.headers), record.raw_stream.read()))
    return found


def exchange(**values: Any) -> Exchange:
    answer = b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xfe  \r\nx-odd:two\r\nTransfer-Encoding: chunked\r\n\r\n"
    given: dict[str, Any] = {
        "kind": "page", "variant": "plain", "method": "GET", "url": "http://label.example/a?b=c",
        "started_at": AT,
        "request": b"GET /a?b=c HTTP/1.1\r\nHost: label.example\r\n\r\n",
        "received": answer + b"2\r\nok\r\n0\r\n\r\n",
        "head": len(answer), "status": 200, "entity": b"ok", "body": b"ok", "address": "192.0.2.1",
    }  # fmt: skip
    return Exchange(**{**given, **values})


def test_bytes_stand_in_the_warc_as_they_came() -> None:
    one = exchange()

    info, response, request = read(write_warc([one], "vorbehalt 1", AT))

    assert info[0] == "warcinfo"
    assert b"software: vorbehalt 1\r\n" in info[2]
    assert (response[0], response[2]) == ("response", one.received)
    assert (request[0], request[2]) == ("request", one.request)
    assert response[1]["WARC-Target-URI"] == request[1]["WARC-Target-URI"] == "http://label.example/a?b=c"
    assert response[1]["WARC-Date"] == "2026-11-22T11:00:00.123456Z"
    assert response[1]["WARC-IP-Address"] == "192.0.2.1"
    assert request[1]["WARC-Concurrent-To"] == response[1]["WARC-Record-ID"]
    assert response[1]["Content-Type"] == "application/http; msgtype=response"
    assert "WARC-Truncated" not in response[1]
    assert gzip.decompress(write_warc([one], "vorbehalt 1", AT)).startswith(b"WARC/1.1\r\n")


@pytest.mark.parametrize("truncated", ["length", "time", "disconnect"])
def test_what_was_not_read_to_its_end_is_marked(truncated: Any) -> None:
    _, response, _ = read(write_warc([exchange(truncated=truncated)], "v", AT))

    assert response[1]["WARC-Truncated"] == truncated


def test_without_an_answer_the_question_stands_alone_and_garbage_is_kept() -> None:
    silent = exchange(received=b"", head=0, status=0, entity=b"", fault=Fault("reset", "gone"), address="")
    odd = exchange(received=b"SSH-2.0\r\n", head=0, status=0, entity=b"")

    records = read(write_warc([silent, odd], "v", AT))

    assert [kind for kind, _, _ in records] == ["warcinfo", "request", "metadata", "request"]
    assert len(records) == count_records([silent, odd])
    assert records[2][2] == b"SSH-2.0\r\n"
    assert "WARC-IP-Address" not in records[1][1]
    assert "WARC-Concurrent-To" not in records[1][1]


def test_a_whole_probe_is_kept_in_its_order(probing: Probe) -> None:
    report = probing()

    records = read(write_warc(report.gathered.exchanges, "v", AT))

    asked = [headers["WARC-Target-URI"] for kind, headers, _ in records if kind == "request"]
    assert asked == [one.url for one in report.gathered.exchanges]
    assert [block for kind, _, block in records if kind == "response"] == [
        one.received for one in report.gathered.exchanges
    ]


@pytest.fixture
def settings(site: Any, tmp_path: Path) -> Settings:
    mapping = {**site.configuration(), "evidence": {"directory": str(tmp_path / "evidence")}}
    return load(mapping, environ={})


def test_the_record_names_what_was_asked_and_found(
    probing: Probe, settings: Settings, tmp_path: Path
) -> None:
    def spoil(request: Any, answer: Any) -> Any:
        return answer.without("link") if request.path == "/audio/1.mp3" else answer

    report = probing(spoil, settings=settings)
    warc = write_warc(report.gathered.exchanges, "v", report.started_at)
    public = keep(settings, report, warc, reference="VB-TEST", opening={}, software="vorbehalt 1")
    directory = tmp_path / "evidence"
    seal_once(directory)

    record = next(query.show(directory, query.Filters(type="self_probe")))
    seen: Any = record["seen"]
    digest = sha256(warc).hexdigest()
    assert (record["ref"], record["objects"], record["at"]) == ("VB-TEST", [digest], str(report.started_at))
    assert public == {"ref": "VB-TEST", "type": "self_probe", "directory": str(directory), "object": digest}
    assert ObjectStore(directory).get(digest) == warc
    assert seen["url"] == report.url
    assert seen["software"] == "vorbehalt 1"
    assert seen["signals"] == report.gathered.expected.digest
    assert seen["findings"] == [{"id": "headers-missing", "severity": "error", "where": ["/audio/1.mp3"]}]
    assert seen["requests"] == len(report.gathered.exchanges)
    assert int(seen["started"]) <= int(seen["ended"])
    assert seen["ok"] is False
    assert audit.verify(directory).ok


def test_two_writers_in_one_directory_do_not_disturb_one_another(
    probing: Probe, settings: Settings, tmp_path: Path
) -> None:
    from vorbehalt.evidence.log import open_evidence
    from vorbehalt.evidence.receipt import Draft

    server = open_evidence(settings.evidence.directory, settings.evidence.origin, {})
    server.start()
    report = probing(settings=settings)
    keep(settings, report, b"warc", reference="VB-1", opening={}, software="v")
    server.append(Draft(type="request", ref="VB-2", at=AT, seen={"n": 1}))
    server.close()
    seal_once(tmp_path / "evidence")

    refs = [record["ref"] for record in query.show(tmp_path / "evidence")]
    assert {"VB-1", "VB-2"} <= set(refs)
    assert audit.verify(tmp_path / "evidence").ok


def test_an_evidence_that_cannot_be_written_is_an_error(
    probing: Probe, settings: Settings, tmp_path: Path
) -> None:
    report = probing(settings=settings)
    (tmp_path / "evidence").write_text("a file")

    with pytest.raises(EvidenceError):
        keep(settings, report, b"warc", reference="VB-1", opening={}, software="v")


def test_a_document_is_known_by_its_digest(settings: Settings, tmp_path: Path) -> None:
    digest = sha256(b"old").hexdigest()
    before = knows_document(settings, digest)
    (tmp_path / "evidence" / "run").mkdir(parents=True)
    ObjectStore(tmp_path / "evidence").put(b"old")

    assert (before, knows_document(settings, digest)) == (False, True)


def test_a_record_that_does_not_become_durable_is_an_error(
    probing: Probe, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vorbehalt.evidence.log import EvidenceLog
    from vorbehalt.evidence.writing.receipts import NEVER_KEPT

    monkeypatch.setattr(EvidenceLog, "append", lambda self, draft: NEVER_KEPT)

    with pytest.raises(EvidenceError, match="could not be written"):
        keep(settings, probing(settings=settings), b"warc", reference="VB-1", opening={}, software="v")
