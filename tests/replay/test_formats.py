"""Every log format is read for what it says, and a line without a request is named as such."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import cases
from vorbehalt.replay import json_lines
from vorbehalt.replay.entry import Entry, Malformed
from vorbehalt.replay.formats import Parser, unescape
from vorbehalt.replay.sources import LINE_LIMIT

_NS = 1_000_000_000


def _ns(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * _NS + moment.microsecond * 1_000


@pytest.mark.parametrize("case", cases("replay_lines"))
def test_a_line_says_what_it_says(case: dict[str, Any]) -> None:
    entry = Parser().parse(case["line"].encode())

    assert entry.at == _ns(case["at"])
    assert entry.address == case["address"].encode()
    assert (entry.method, entry.target, entry.http_version) == (
        case["method"],
        case["target"].encode(),
        case["http_version"],
    )
    assert (entry.status, entry.size) == (case["status"], case.get("size", 0))
    assert entry.referer == case.get("referer", "").encode()
    assert entry.user_agent == case.get("user_agent", "").encode()
    assert entry.host == case.get("host", "")
    assert entry.forwarded == case.get("forwarded", "").encode()


@pytest.mark.parametrize("case", cases("replay_malformed"))
def test_a_line_without_a_request_is_refused_with_a_reason(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match=case["reason"]):
        Parser().parse(case["line"].encode())


def test_a_line_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(Malformed, match="megabyte"):
        Parser().parse(b"x" * (LINE_LIMIT + 1))


def test_times_go_back_and_forth_between_minutes_and_zones() -> None:
    parser = Parser()
    line = '203.0.113.7 - - [{}] "GET / HTTP/1.1" 200 9 "-" "x"'
    times = [
        ("22/Nov/2026:10:05:03 +0000", "2026-11-22T10:05:03+00:00"),
        ("22/Nov/2026:10:05:04 +0000", "2026-11-22T10:05:04+00:00"),
        ("22/Nov/2026:10:05:04 +0200", "2026-11-22T10:05:04+02:00"),
        ("22/Nov/2026:10:06:04 +0200", "2026-11-22T10:06:04+02:00"),
        ("22/Nov/2026:10:05:03 +0000", "2026-11-22T10:05:03+00:00"),
    ]

    assert [parser.parse(line.format(text).encode()).at for text, _ in times] == [
        _ns(iso) for _, iso in times
    ]


def test_a_broken_time_does_not_spoil_the_next_line() -> None:
    parser = Parser()
    line = '203.0.113.7 - - [{}/Feb/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 9 "-" "x"'
    with pytest.raises(Malformed):
        parser.parse(line.format(30).encode())

    assert parser.parse(line.format(28).encode()).at == _ns("2026-02-28T10:05:03+00:00")
    with pytest.raises(Malformed):
        parser.parse(line.format(30).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_malformed(line: bytes) -> None:
    for candidate in (line, b"{" + line, b'a - - [22/Nov/2026:10:05:03 +0000] "' + line + b'" 200 1 "-" "-"'):
        with suppress(Malformed):
            assert isinstance(Parser().parse(candidate), Entry)


@given(st.binary(max_size=60).filter(lambda value: value != b"-"))
def test_what_apache_escaped_comes_back(value: bytes) -> None:
    escaped = "".join(
        f"\\{chr(byte)}" if chr(byte) in '"\\' else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
        for byte in value
    ).encode()
    line = b'a - - [22/Nov/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "' + escaped + b'"'

    assert unescape(escaped) == value
    assert Parser().parse(line).user_agent == value


def test_json_is_read_the_same_with_and_without_the_fast_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [case.values[0]["line"].encode() for case in cases("replay_lines")]
    lines = [line for line in lines if line.startswith(b"{")]
    fast = [Parser().parse(line) for line in lines]
    monkeypatch.setattr(json_lines, "_fast_loads", json_lines._slow_loads)

    assert [Parser().parse(line) for line in lines] == fast
    assert len(fast) >= 4


def test_json_that_only_the_standard_library_reads_is_read() -> None:
    line = (
        b'{"ts":1795341903.25,"duration":NaN,"request":{"remote_ip":"203.0.113.7","proto":"HTTP/1.1",'
        b'"method":"GET","host":"a","uri":"/","headers":{"User-Agent":["\\ud800x"]}},"status":200}'
    )

    assert Parser().parse(line).user_agent == b"?x"


@pytest.mark.parametrize(
    "field", ["ts", "method", "uri", "proto", "headers", "status", "size", "host", "remote_ip"]
)
@pytest.mark.parametrize("value", ["null", "[]", "{}", "-1", '"\\u0000"', "1e999", "true", "9" * 400])
def test_json_of_the_wrong_kind_never_surprises(field: str, value: str) -> None:
    fields = {
        "ts": "1795341903.25",
        "remote_ip": '"203.0.113.7"',
        "method": '"GET"',
        "uri": '"/"',
        "proto": '"HTTP/1.1"',
        "host": '"a"',
        "headers": "{}",
        "status": "200",
        "size": "1",
    } | {field: value}
    inner = ",".join(
        f'"{key}":{fields[key]}' for key in ("remote_ip", "method", "uri", "proto", "host", "headers")
    )
    line = (
        f'{{"ts":{fields["ts"]},"request":{{{inner}}},"status":{fields["status"]},"size":{fields["size"]}}}'
    )
    try:
        entry = Parser().parse(line.encode())
    except Malformed:
        return
    assert entry.size >= 0
    assert isinstance(entry.at, int)
