"""The demo told to people: who came, what happened, what they were told, where the evidence is."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from vorbehalt.demo.proof import Proof
from vorbehalt.demo.watch import Seen
from vorbehalt.demo.workspace import Workspace

_MEANS = {"allow": "answered", "limit": "slowed down", "challenge": "challenged", "block": "turned away"}
_TERMS = ("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")
_AGENT = "user-agent:"
_NAMED = "GPTBot"


@dataclass(frozen=True, slots=True)
class Row:
    """One request with the program that sent it, and what it was in words.

    `asked` is the page it was sent for; a browser fetches more than that.
    """

    who: str
    client: str
    seen: Seen
    asked: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the public form that `demo --json` prints (keys are a contract)."""
        return {
            "client": self.client,
            "user_agent": self.seen.user_agent,
            "path": self.seen.path,
            "status": self.seen.status,
            "action": self.seen.action,
            "reason": self.seen.reason,
        }


class Story:
    """Tells it on a stream, with a table and colours where `rich` is installed."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        # Piped into a file, a line may be as long as it likes.
        self._width = shutil.get_terminal_size().columns if out.isatty() else 130

    def say(self, text: str = "", indent: str = "") -> None:
        """Say one line, wrapped where the terminal ends if it is indented."""
        if indent:
            text = textwrap.fill(
                text,
                max(40, self._width),
                initial_indent=indent,
                subsequent_indent=indent + "  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        print(text, file=self._out, flush=True)

    def heading(self, text: str) -> None:
        """Begin a part."""
        self.say(f"\n{text}\n{'-' * len(text)}")

    def visits(self, rows: Sequence[Row]) -> None:
        """Show who came and what happened, one line a page; what a browser adds to it is only counted."""
        self.heading("Who came, and what happened")
        lines: list[tuple[str, ...]] = []
        refused: list[bool] = []
        more: dict[int, int] = {}
        for row in rows:
            if row.seen.path != row.asked and lines and row.seen.status < 400:
                more[len(lines) - 1] = more.get(len(lines) - 1, 0) + 1
            else:
                lines.append(_cells(row))
                refused.append(row.seen.status >= 400)
        cells = [
            (name, program, f"{path} and {more[index]} more" if index in more else path, outcome, why)
            for index, (name, program, path, outcome, why) in enumerate(lines)
        ]
        self._table(cells, refused)

    def _table(self, lines: Sequence[tuple[str, ...]], refused: Sequence[bool]) -> None:
        titles = ("says it is", "program", "asked for", "what happened", "why")
        try:
            from rich.console import Console
            from rich.table import Table
            from rich.text import Text
        except ImportError:
            widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
            for line in lines:
                self.say(
                    "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
                )
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in titles:
            table.add_column(title, overflow="fold")
        for line, is_refused in zip(lines, refused, strict=True):
            texts = [Text(cell) for cell in line]
            texts[3].stylize("bold red" if is_refused else "green")
            table.add_row(*texts)
        Console(file=self._out, highlight=False, width=self._width).print(table)

    def told(self, rows: Sequence[Row]) -> None:
        """Show what they were told, word for word: in robots.txt, in the headers, in the refusal."""
        self.heading("What they were told")
        seen = [row.seen for row in rows]
        crawler = [one for one in seen if _NAMED in one.user_agent]
        for one in [one for one in crawler if one.path == "/robots.txt"][:1]:
            self.say(f"robots.txt, to everybody; the part that names {_NAMED}:")
            for line in _group(one.body.decode("utf-8", "replace"), _NAMED):
                self.say(line, indent="    ")
        for one in [one for one in seen if one.path.startswith("/lyrics/") and one.status == 200][:1]:
            self.say(f"the headers of every answer, here of {one.path} to a reader:")
            for name in _TERMS:
                if name in one.headers:
                    self.say(f"{name}: {one.headers[name]}", indent="    ")
        for one in [one for one in crawler if one.status == 403][:1]:
            self.say(f"the refusal of {one.path} to {_NAMED}:")
            for key, value in _problem(one.body).items():
                self.say(f"{key}: {value}", indent="    ")

    def evidence(self, workspace: Workspace, proof: Proof) -> None:
        """Say where the evidence is and whether it holds."""
        self.heading("What is proven")
        self.say(f"{proof.records} requests are recorded in {workspace.evidence}")
        self.say(f"  our auditor:  {'it holds' if proof.packaged else 'IT DOES NOT HOLD'}")
        self.say(f"  verify.py:    {proof.said or 'no word'}")
        self.say("verify.py needs nothing of ours. Run it, then change a byte below log/ and run it again:")
        self.say(f"  python3 -I {workspace.evidence / 'verify.py'} {workspace.evidence}")
        for problem in proof.problems:
            self.say(f"  problem: {problem}")

    def by_hand(self, origin: str, workspace: Workspace) -> None:
        """Say what to try while the site stays up."""
        self.heading("Now you")
        self.say(f"The site stays up at {origin}/ (open it in your browser). Try:")
        self.say(
            f"  curl -i -A GPTBot {origin}/lyrics/1        # refused: 403, with the terms and a reference"
        )
        self.say(f"  curl -i {origin}/lyrics/1                  # answered, the reservation in the headers")
        self.say(f"  curl -A GPTBot {origin}/robots.txt         # what every machine is told")
        self.say(f"  curl -i -A 'Googlebot/2.1' {origin}/songs/2   # a search engine is served")
        self.say(f"  vorbehalt explain -c {workspace.config} -H 'User-Agent: CCBot/2.0' {origin}/songs/1")
        self.say(f"  vorbehalt evidence show {workspace.evidence}")
        self.say(f"  vorbehalt works ledger -c {workspace.config} --operator OpenAI")
        self.say("Ctrl-C ends it.")


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    seen = row.seen
    name = seen.token or _product(seen.user_agent)
    outcome = f"{seen.status} {_MEANS.get(seen.action, seen.action)}"
    return f"{name}, {row.who}", row.client, seen.path, outcome, seen.reason.replace("-", " ")


def _product(user_agent: str) -> str:
    """Return a short name for a User-Agent without a claim: the browser's, or the first product."""
    for name in ("Firefox", "HeadlessChrome", "Chrome"):
        if f"{name}/" in user_agent:
            return name
    return user_agent.split(" ")[0][:24] or "(nothing)"


def _group(robots: str, token: str) -> list[str]:
    """Return the group of robots.txt that names a product token, its other names counted only."""
    names: list[str] = []
    lines: list[str] = []
    for line in [*robots.splitlines(), ""]:
        if line.lower().startswith(_AGENT):
            if lines:
                names, lines = [], []
            names.append(line[len(_AGENT) :].strip())
        elif line.strip() and not line.startswith("#") and names:
            lines.append(line)
        elif not line.strip() and token in names:
            others = len(names) - 1
            more = f"   (and {others} others)" if others else ""
            return [f"User-agent: {token}{more}", *lines]
    return []


def _problem(body: bytes) -> dict[str, object]:
    """Return the members of a refusal for machines (RFC 9457) that carry a meaning of their own."""
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(problem, dict):
        return {}
    return {key: problem[key] for key in problem if key not in ("type", "status")}
