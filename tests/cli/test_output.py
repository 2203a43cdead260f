"""What reaches a terminal: tables for people, fields for programs, nothing that draws or hides."""

from __future__ import annotations

import io
import sys

import pytest

from vorbehalt.cli.output import print_json, print_table, printable, printable_lines

HOSTILE = "a\x1b[31mb\x07\r\x9b\u202e\u2066c\x00"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_table_is_safe_on_a_terminal_and_in_a_pipe(
    stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = stream()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("TERM", "dumb")

    print_table(("name", "value"), [("plain", "[red]markup[/red] :smile:"), ("hostile", HOSTILE)])

    text = out.getvalue()
    assert "[red]markup[/red] :smile:" in text
    assert not [char for char in text.replace("\n", "").replace("\t", "") if not char.isprintable()]
    assert ("name" in text) == out.isatty(), "titles are for people"
    assert ("plain\t[red]" in text) != out.isatty()


def test_what_can_be_read_stays_as_it_is() -> None:
    assert printable("Müller & 日本語 – ok") == "Müller & 日本語 – ok"
    assert printable("a\tb\n") == "a\\tb\\n"
    assert printable_lines("a\tb\r\nc\x1b") == "a\tb\nc\\x1b"


def test_json_is_safe_for_every_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": HOSTILE + "ü"})

    assert capsys.readouterr().out.replace("\n", "").isascii()
