"""The demo: a site, its visitors, and the proof of what happened."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from vorbehalt.demo.catalogue import LABEL
from vorbehalt.demo.errands import Errand, errands
from vorbehalt.demo.programs import Program, browser_version, installed
from vorbehalt.demo.proof import Proof, prove
from vorbehalt.demo.serving import ProtectedSite
from vorbehalt.demo.story import Row, Story
from vorbehalt.demo.watch import Watch
from vorbehalt.demo.workspace import Workspace, workspace
from vorbehalt.errors import VorbehaltError

_PORT = 8123


def run(*, once: bool, as_json: bool, directory: Path, out: TextIO | None = None) -> int:
    """Serve the demo label in `directory`/vorbehalt-demo, send real clients, verify; 0 if all went as told.

    With `once` it ends then, else it stays up until Ctrl-C. With `as_json` the result is one JSON document on
    `out` (default: standard output) and everything else goes to standard error.
    """
    result = out or sys.stdout
    story = Story(sys.stderr if as_json else result)
    try:
        with workspace(directory) as place:
            return _run(place, story, result, once=once, as_json=as_json)
    except VorbehaltError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _run(place: Workspace, story: Story, result: TextIO, *, once: bool, as_json: bool) -> int:
    watch = Watch()
    programs = installed()
    story.say(
        f"{LABEL}, a small label's site, protected by vorbehalt. Its visitors: {', '.join(sorted(programs))}."
    )
    with ProtectedSite(place, watch, 0 if once else _PORT) as site:
        rows, surprises = _send_all(site.origin, programs, watch, story)
        story.visits(rows)
        story.told(rows)
        if not once:
            code = _conclude(place, story, result, rows, surprises, as_json=as_json)
            story.by_hand(site.origin, place)
            _wait()
            story.say("\nstopping")
            return code
    return _conclude(place, story, result, rows, surprises, as_json=as_json)


def _send_all(
    origin: str, programs: Mapping[str, Program], watch: Watch, story: Story
) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    surprises: list[str] = []
    for errand in errands(browser_version()):
        program = errand.program(programs)
        if program is None:
            continue
        for path, expected in zip(errand.paths, errand.expected, strict=True):
            found, surprise = _send(origin, errand, program, path, expected, watch)
            rows += found
            if surprise:
                # A browser that does not start here says nothing about the site: told, but no failure.
                if found:
                    surprises.append(surprise)
                story.say(f"note: {surprise}")
    return rows, surprises


def _send(
    origin: str, errand: Errand, program: Program, path: str, expected: int | None, watch: Watch
) -> tuple[list[Row], str]:
    name = errand.user_agent or program.name
    try:
        told = program.fetch(
            origin + path, errand.user_agent, errand.headers if program.sends_headers else ()
        )
        trouble = ""
    except (OSError, TimeoutError) as error:
        told, trouble = None, str(error)
    rows = [Row(errand.who, program.name, seen, asked=path) for seen in watch.take()]
    seen = next((row.seen for row in rows if row.seen.path == path), None)
    if seen is None:
        return rows, f"{program.name} never asked for {path}{': ' + trouble if trouble else ''}"
    if expected is not None and seen.status != expected:
        return rows, f"{name} got {seen.status} for {path}, expected was {expected}"
    if told is not None and told != seen.status:
        return rows, f"{program.name} saw {told} for {path}, the site answered {seen.status}"
    return rows, ""


def _conclude(
    place: Workspace, story: Story, result: TextIO, rows: list[Row], surprises: list[str], *, as_json: bool
) -> int:
    proof: Proof = prove(place.evidence)
    story.evidence(place, proof)
    for surprise in surprises:
        story.say(f"NOT AS EXPECTED: {surprise}")
    if as_json:
        evidence = {"directory": str(place.evidence), "records": proof.records, "verified": proof.holds}
        document = {"requests": [row.as_json() for row in rows], "evidence": evidence}
        print(json.dumps(document, ensure_ascii=False, indent=2), file=result, flush=True)
    return 0 if proof.holds and proof.records and not surprises else 1


def _wait() -> None:
    """Wait for Ctrl-C or a polite end from outside."""
    ended = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        while not ended.wait(3_600):
            pass
    except KeyboardInterrupt:
        return
