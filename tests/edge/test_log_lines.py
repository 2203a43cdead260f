"""What a client sends cannot forge a line of the log."""

from __future__ import annotations

import json
import logging

import pytest

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
