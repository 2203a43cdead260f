"""What a client sends cannot forge a line of the log."""

from __future__ import annotations

import json
import logging
import re
import socket
from pathlib import Path

import pytest

from asgi_support import PageApp, ask, protect
from process_support import VORBEHALT, free_port, running
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.log_lines import ConsoleLines, JsonLines

HOSTILE = "agent\r\n2026-01-01 INFO forged \x1b[31m\u202e\x00"


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("vorbehalt", logging.WARNING, "file.py", 1, "%s", (message,), None)


def test_a_console_event_stays_recognisable_as_one() -> None:
    text = ConsoleLines().format(record(HOSTILE))

    first, *rest = text.split("\n")
    assert all(line.startswith("  ") for line in rest)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\u202e" not in text
    assert first.endswith("WARNING vorbehalt: agent\\r")


def test_a_json_event_is_one_line_and_whole() -> None:
    text = JsonLines().format(record(HOSTILE))

    assert "\n" not in text
    assert text.isascii()
    assert json.loads(text)["message"] == HOSTILE
    assert json.loads(text)["level"] == "WARNING"


@pytest.mark.parametrize("formatter", [ConsoleLines(), JsonLines()])
def test_an_exception_is_told(formatter: logging.Formatter) -> None:
    event = record("trouble")
    try:
        raise ValueError("the cause")
    except ValueError as error:
        event.exc_info = (type(error), error, error.__traceback__)

    assert "the cause" in formatter.format(event)


GPTBOT_HOSTILE = b"GPTBot/1.2 \r\n2026-01-01T00:00:00Z CRITICAL forged \x1b[2J \xe2\x80\xa8 \x00"


def refusing(**log: object) -> VorbehaltMiddleware:
    return protect(PageApp(), log=dict(log))


def test_refusals_are_told_only_where_asked_for_and_without_what_the_client_made_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "vorbehalt.refusals"):
        ask(refusing(), agent=GPTBOT_HOSTILE)
        assert [record for record in caplog.records if record.name == "vorbehalt.refusals"] == []
        site = refusing(refusals=True)
        # The second one is a refusal that is remembered.
        bodies = [ask(site, "/a\u2028\x1b[1m", agent=GPTBOT_HOSTILE).body for _ in range(2)]

    told = [record for record in caplog.records if record.name == "vorbehalt.refusals"]
    references = [json.loads(body)["reference"] for body in bodies]
    assert [record.getMessage() for record in told] == [
        f"{reference} block by the rule training: GPTBot (claimed)" for reference in references
    ]
    event = json.loads(JsonLines().format(told[1]))
    assert {name: event[name] for name in ("reference", "action", "rule", "crawler", "standing", "host")} == {
        "reference": references[1],
        "action": "block",
        "rule": "training",
        "crawler": "GPTBot",
        "standing": "claimed",
        "host": None,
    }


def test_a_log_that_fails_lets_no_refused_visitor_pass() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no room")

    handler = Broken()
    site = refusing(refusals=True)
    logging.getLogger("vorbehalt.refusals").addHandler(handler)
    logging.getLogger("vorbehalt.refusals").setLevel(logging.INFO)
    try:
        assert [ask(site, agent=b"GPTBot/1.2").status for _ in range(3)] == [403, 403, 403]
    finally:
        logging.getLogger("vorbehalt.refusals").removeHandler(handler)
        logging.getLogger("vorbehalt.refusals").setLevel(logging.NOTSET)


CONFIG = """\
format = 1
[site]
origin = "https://label.example"
robots = "none"
contact = "mailto:licensing@label.example"
[reservation]
capacity = "owner"
rightsholder = "Label Example GmbH"
[evidence]
directory = "memory:"
[log]
format = "{form}"
level = "DEBUG"
refusals = true
"""
HOSTILE_HEADS = [
    b"GET /\x1b[31m%0aforged HTTP/1.1\r\nHost: a\r\nUser-Agent: GPTBot\r\n\r\n",
    b"GET /%E2%80%A8 HTTP/1.1\r\nHost: a\r\nUser-Agent: GPTBot/1 \xe2\x80\xa8CRITICAL\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \x1b[2J\r\nUser-Agent: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a%0d%0aforged\r\nUser-Agent: ClaudeBot\r\nX-Forwarded-For: \x9b\r\n\r\n",
    b'GET http://upstream\x1b/ HTTP/1.1\r\nHost: a\r\nUser-Agent: {"level": "CRITICAL"} GPTBot\r\n\r\n',
    b"\x1b]0;title\x07 / HTTP/9.9\r\n\r\n",
]


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_request_forges_a_line_of_a_real_server(form: str, tmp_path: Path) -> None:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG.format(form=form))
    port, nowhere = free_port(), free_port()
    arguments = [*VORBEHALT, "serve", "--upstream", f"http://127.0.0.1:{nowhere}"]
    with running([*arguments, "--listen", f"127.0.0.1:{port}"], port, tmp_path):
        for head in HOSTILE_HEADS:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                while client.recv(65536):
                    pass
    body = (tmp_path / f"server-{port}.log").read_bytes().decode()
    lines = body.split("\n")
    assert lines.pop() == ""
    start = next(number for number, line in enumerate(lines) if line.startswith("vorbehalt listens"))
    told = lines[start + 1 :]
    assert len(told) >= 4
    assert body.replace("\n", "").isprintable()
    if form == "json":
        events = [json.loads(line) for line in told]
        assert {event["level"] for event in events} <= {"DEBUG", "INFO", "WARNING"}
        assert sum(event["logger"] == "vorbehalt.refusals" for event in events) >= 2
    else:
        line = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARNING) [\w.]+: .+|  .*")
        assert [one for one in told if not line.fullmatch(one)] == []
