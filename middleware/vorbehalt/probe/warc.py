"""The exchanges as WARC/1.1 (ISO 28500:2017): requests and responses as they went over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import uuid4

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from vorbehalt.probe.exchange import Exchange

_VERSION = "WARC/1.1"


def write_warc(exchanges: Sequence[Exchange], software: str, started_at: int) -> bytes:
    """Return a gzip-compressed WARC: a warcinfo record, then response and request of each exchange in order.

    An exchange without a single byte of an answer has its request only; bytes that are no HTTP answer are a
    metadata record. Bodies that were not read to their end carry WARC-Truncated. `started_at` is nanoseconds
    UTC.
    """
    out = BytesIO()
    writer = WARCWriter(out, gzip=True, warc_version=_VERSION)
    fields = f"software: {software}\r\nformat: {_VERSION}\r\n".encode("utf-8", "replace")
    fields += b"description: a site asked by its operator, to see what machines are told there\r\n"
    _write(writer, "warcinfo", "", b"", fields, _dated(started_at), "application/warc-fields")
    for one in exchanges:
        headers = _dated(one.started_at)
        if one.address:
            headers["WARC-IP-Address"] = one.address
        answer_id = ""
        if one.received:
            answer_id = headers["WARC-Record-ID"] = f"<urn:uuid:{uuid4()}>"
            told = dict(headers)
            if one.truncated:
                told["WARC-Truncated"] = one.truncated
            head, body = one.received[: one.head], one.received[one.head :]
            # Bytes that are no HTTP answer are kept, but no reader should take them for one.
            kind = "response" if one.head else "metadata"
            media_type = "application/http; msgtype=response" if one.head else "application/octet-stream"
            _write(writer, kind, one.url, head, body, told, media_type)
        headers.pop("WARC-Record-ID", None)
        if answer_id:
            headers["WARC-Concurrent-To"] = answer_id
        _write(writer, "request", one.url, one.request, b"", headers, "application/http; msgtype=request")
    return out.getvalue()


class _Verbatim(StatusAndHeaders):  # type: ignore[misc]
    """Headers that are written as they came: warcio would spell them anew."""

    def __init__(self, head: bytes) -> None:
        super().__init__("", [], protocol="HTTP/1.1")
        self._head = head
        self.headers_buff = head

    def __bool__(self) -> bool:
        return True

    def compute_headers_buffer(self, header_filter: Any = None) -> None:
        self.headers_buff = self._head


def _write(
    writer: Any, kind: str, url: str, head: bytes, body: bytes, headers: dict[str, str], media_type: str
) -> None:
    record = writer.create_warc_record(
        url,
        kind,
        payload=BytesIO(body),
        length=len(body),
        warc_content_type=media_type,
        warc_headers_dict=headers,
        http_headers=_Verbatim(head) if kind in ("request", "response") else None,
    )
    writer.write_record(record)


def _dated(at: int) -> dict[str, str]:
    moment = datetime.fromtimestamp(at // 10**9, UTC).replace(microsecond=at // 1000 % 10**6)
    return {"WARC-Date": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def count_records(exchanges: Sequence[Exchange]) -> int:
    """How many records `write_warc` writes."""
    return 1 + sum(1 + bool(one.received) for one in exchanges)


def sha256_hex(body: bytes) -> str:
    """SHA-256 hex of a file."""
    return sha256(body).hexdigest()
