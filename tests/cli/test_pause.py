"""`pause`: off within a second in every worker, recorded, ended; a sentence where it cannot be."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from process_support import CHROME, GPTBOT, VORBEHALT, ask, free_port, running, vorbehalt, wait_for
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.stores.overrides_file import read

Cli = Callable[..., Any]
FOLLOWS_SECONDS = 1.0


def state(folder: Path) -> Path:
    return folder / "vorbehalt-evidence" / "run" / "overrides.json"


def test_it_writes_what_is_paused_until_when_and_why(cli: Cli, site: Path, tmp_path: Path) -> None:
    before = time.time_ns()
    done = cli("pause", "--for", "2h", "--rule", "training", "--reason", "a reader called")

    assert done.code == 0
    assert done.out.startswith("paused: the rule training is not enforced until 2")
    assert "(a reader called)" in done.out
    (one,) = read(state(tmp_path)).pauses
    assert (one.rule, one.reason) == ("training", "a reader called")
    assert one.until is not None
    assert one.until - one.since == 7_200 * 10**9
    assert before <= one.since <= time.time_ns()
    assert state(tmp_path).stat().st_mode & 0o777 == 0o600


def test_without_an_end_it_warns(cli: Cli, site: Path) -> None:
    done = cli("pause")

    assert (done.code, done.out.splitlines()[0]) == (
        0,
        "paused: nothing is enforced until the pause is ended",
    )
    assert "vorbehalt pause --end" in done.err


def test_list_and_end(cli: Cli, site: Path) -> None:
    assert cli("pause", "--list").out == "Nothing is paused.\n"
    cli("pause")
    cli("pause", "--rule", "training", "--for", "1h")
    assert [one["rule"] for one in cli("pause", "--list", "--json").json["pauses"]] == [None, "training"]

    assert [one["rule"] for one in cli("pause", "--end", "--rule", "training", "--json").json["pauses"]] == [
        None
    ]
    again = cli("pause", "--end", "--rule", "training")
    assert (again.code, again.err) == (0, 'the rule "training" was not paused\n')
    assert cli("pause", "--end").out == "Nothing is paused.\n"
    assert cli("pause", "--end").err == "nothing was paused\n"


def test_what_has_run_out_is_not_listed_and_dropped(cli: Cli, site: Path, tmp_path: Path) -> None:
    cli("pause", "--for", "1ms")
    assert cli("pause", "--list", "--json").json == {"pauses": []}
    cli("pause", "--rule", "training")
    assert [one.rule for one in read(state(tmp_path)).pauses] == ["training"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--for", "soon"], "--for"),
        (["--for", "0s"], "--for"),
        (["--for", "101y"], "--for"),
        (["--rule", "nonsense"], "no rule is called"),
        (["--reason", "x" * 201], "--reason"),
        (["--reason", "a\nb"], "--reason"),
        (["--end", "--for", "1h"], "--end"),
        (["--list", "--rule", "training"], "--list"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, cli: Cli, site: Path, tmp_path: Path) -> None:
    done = cli("pause", *arguments)

    assert (done.code, said in done.err) == (2, True)
    assert not state(tmp_path).exists()


def test_where_processes_share_no_directory_a_sentence_says_so(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text() + '[evidence]\ndirectory = "memory:"\n')

    done = cli("pause")

    assert done.code == 2
    assert "set state.directory" in done.err


def test_a_damaged_file_is_said_and_kept(cli: Cli, site: Path, tmp_path: Path) -> None:
    cli("pause")
    state(tmp_path).write_text("{")

    for arguments in ([], ["--end"], ["--list"]):
        done = cli("pause", *arguments)
        assert (done.code, "damaged" in done.err) == (2, True)
    assert state(tmp_path).read_text() == "{"


def test_explain_says_that_it_is_paused(cli: Cli, site: Path) -> None:
    asked = ("explain", "-H", "User-Agent: GPTBot/1.2", "/lyrics/1")
    assert cli(*asked, "--json").json["action"] == "block"
    cli("pause", "--for", "1h")

    found = cli(*asked, "--json").json
    assert (found["action"], found["would"], found["enforced"]) == ("allow", "block", False)
    assert found["reasons"] == ["training-reserved", "paused"]
    assert "action: allow (enforcement was paused; would: block)" in cli(*asked).out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_leaves_what_the_servers_user_can_read(cli: Cli, site: Path, tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    cli("pause")

    for path in (state(tmp_path), state(tmp_path).parent, tmp_path / "vorbehalt-evidence"):
        assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


CONFIG = """\
format = 1
[site]
origin = "https://label.example"
robots = "none"
contact = "mailto:licensing@label.example"
[reservation]
capacity = "owner"
rightsholder = "Label Example GmbH"
[[policy.rule]]
name = "closed"
match = { path = ["/closed/"] }
action = "block"
[policy]
may_refuse_search_engines = true
"""

UPSTREAM = """
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Served:
    """`serve --workers 2`: its port, its folder, and the processes that answer."""

    port: int
    folder: Path
    workers: tuple[int, ...]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    behind, port = free_port(), free_port()
    arguments = ["serve", "--upstream", f"http://127.0.0.1:{behind}", "--listen", f"127.0.0.1:{port}"]
    with contextlib.ExitStack() as stack:
        stack.enter_context(running([sys.executable, "-c", UPSTREAM, str(behind)], behind, tmp_path))
        process = stack.enter_context(running([*VORBEHALT, *arguments, "--workers", "2"], port, tmp_path))
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        if not Path(children).exists():
            pytest.skip("the kernel does not list children")
        wait_for(lambda: len(Path(children).read_text().split()) == 2, "the workers do not start")
        workers = tuple(int(pid) for pid in Path(children).read_text().split())
        yield Served(port, tmp_path, workers)


def alone(served: Served, worker: int) -> contextlib.AbstractContextManager[None]:
    """While this lasts only that worker answers: the others are stopped by the system."""

    @contextlib.contextmanager
    def stopping() -> Iterator[None]:
        others = [pid for pid in served.workers if pid != worker]
        for pid in others:
            os.kill(pid, 19)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, 18)

    return stopping()


def statuses(served: Served, count: int = 12) -> set[int]:
    """What a crawler gets over many connections, so that every worker answers some."""
    return {ask(served.port, "/page", GPTBOT).status for _ in range(count)}


def test_with_two_workers_it_takes_effect_within_a_second_and_is_recorded(served: Served) -> None:
    wait_for(lambda: statuses(served) == {403}, "GPTBot is not refused")
    done = vorbehalt("pause", "--for", "2h", "--reason", "a reader called", folder=served.folder)
    assert done.returncode == 0, done.stderr
    (asked,) = read(state(served.folder)).pauses

    wait_for(lambda: statuses(served, 4) == {200}, "the pause takes no effect", FOLLOWS_SECONDS)
    assert statuses(served, 24) == {200}
    assert ask(served.port, "/closed/a", CHROME).status == 200
    robots = ask(served.port, "/robots.txt", GPTBOT)
    assert (robots.status, b"Disallow: /" in robots.body) == (200, True)
    health = json.loads(ask(served.port, "/.vorbehalt/health").body)
    assert health["state"] == "yellow"
    assert any("paused: nothing is enforced until" in reason for reason in health["reasons"])

    assert vorbehalt("pause", "--end", folder=served.folder).returncode == 0
    wait_for(lambda: statuses(served, 4) == {403}, "the end takes no effect", FOLLOWS_SECONDS)
    assert statuses(served, 24) == {403}

    directory = served.folder / "vorbehalt-evidence"

    def sealed(**wanted: Any) -> list[Any]:
        return list(show(directory, Filters(**wanted or {"type": "pause"})))

    wait_for(lambda: len(sealed()) == 4, "the pause is not in the log")
    found = [(record["w"], record["seen"]["event"]) for record in sealed()]
    assert len({writer for writer, _ in found}) == 2, "each worker says since when it enforced nothing"
    assert sorted(event for _, event in found) == ["begin", "begin", "end", "end"]
    assert {record["seen"]["reason"] for record in sealed()} == {"a reader called"}
    delays = [
        (int(str(record["at"])) - asked.since) / 1e9
        for record in sealed()
        if record["seen"]["event"] == "begin"
    ]
    print(f"in effect {delays[0]:.3f} s and {delays[1]:.3f} s after it was asked for")
    assert max(delays) < FOLLOWS_SECONDS
    fields = {"seen.decision.action": "allow"}
    allowed = [record["seen"] for record in sealed(type="request", fields=fields)]
    assert [seen["decision"]["enforced"] for seen in allowed] == [False] * len(allowed)
    assert allowed


def test_a_worker_that_is_replaced_while_paused_is_paused(served: Served) -> None:
    assert vorbehalt("pause", folder=served.folder).returncode == 0
    wait_for(lambda: statuses(served, 4) == {200}, "the pause takes no effect", FOLLOWS_SECONDS)
    os.kill(served.workers[0], 9)

    with alone(served, served.workers[0]):
        # Only the new one is left to answer.
        assert statuses(served, 4) == {200}


def test_the_command_needs_no_running_server(tmp_path: Path) -> None:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    done = subprocess.run(
        [*VORBEHALT, "pause", "--for", "1h"], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr
