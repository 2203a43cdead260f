"""Forks, restarts, lost directories: what happens to the process and the disk changes no answer."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, ask, call, config, protect, scope
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge import metrics, runtime
from vorbehalt.errors import EvidenceError, VorbehaltError
from vorbehalt.evidence.auditor.audit import verify

START, STOP = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


def on_disk(folder: Path, **sections: Any) -> VorbehaltMiddleware:
    return protect(PageApp(), evidence={"directory": str(folder / "evidence")}, **sections)


def records(folder: Path) -> int:
    """Seal nothing, trust nothing: recompute everything from the directory."""
    found = verify(folder / "evidence")
    assert found.problems == ()
    return found.records


async def lifespan_app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "lifespan":
        await PageApp()(scope, receive, send)
        return
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def run_lifespan(app: Any) -> list[str]:
    got = asyncio.run(call(app, {"type": "lifespan", "asgi": {"version": "3.0"}}, [START, STOP]))
    return [message["type"] for message in got.messages]


def test_after_a_shutdown_requests_are_recorded_again(tmp_path: Path) -> None:
    site = VorbehaltMiddleware(
        lifespan_app, config=config(evidence={"directory": str(tmp_path / "evidence")})
    )

    for number in range(1, 4):
        assert run_lifespan(site) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        assert ask(site, agent=GPTBOT).status == 403
        site.close()
        assert site.runtime is not None
        assert site.runtime.evidence.lost() == {}
        assert records(tmp_path) == number


def test_records_are_counted_once_over_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())
    total = 0

    for number in (5, 8, 2):
        for _ in range(number):
            ask(site, agent=GPTBOT)
        total += number
        site.close()

    assert site.runtime is not None
    counted = site.runtime.counters.snapshot()
    assert counted["vorbehalt_evidence_records_total", ("request",)] == total


def test_what_comes_while_a_stop_goes_on_is_judged_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_PATIENCE_SECONDS", 0.01)
    site = protect(PageApp())
    assert ask(site, agent=GPTBOT).status == 403
    alive = site.runtime
    assert alive is not None
    closing, go_on = threading.Event(), threading.Event()
    close = alive.evidence.close

    def slow() -> None:
        close()
        closing.set()
        go_on.wait(10)

    monkeypatch.setattr(alive.evidence, "close", slow)
    stopping = threading.Thread(target=site.close)
    stopping.start()
    assert closing.wait(10)

    for agent, status in ((GPTBOT, 403), (CHROME, 200), (PERPLEXITY, 200)):
        assert ask(site, agent=agent).status == status
    assert not alive.started
    go_on.set()
    stopping.join(10)
    assert alive.evidence.lost() == {"closed": 3}
    assert ask(site, agent=GPTBOT).status == 403
    assert alive.started
    assert alive.evidence.lost() == {}


def test_an_evidence_that_cannot_be_opened_again_changes_no_answer(tmp_path: Path) -> None:
    site = on_disk(tmp_path)
    assert ask(site, agent=GPTBOT).status == 403
    site.close()
    shutil.rmtree(tmp_path / "evidence")
    (tmp_path / "evidence").write_text("in the way")

    assert ask(site, agent=GPTBOT).status == 403
    assert ask(site, agent=CHROME).status == 200

    assert site.runtime is not None
    assert "could not be opened again" in str(site.runtime.health()["reasons"])


def test_an_evidence_directory_deleted_while_running_changes_no_answer(tmp_path: Path) -> None:
    site = on_disk(tmp_path)
    assert ask(site, agent=GPTBOT).status == 403
    # At once, so that no thread can put a file into what is being deleted.
    (tmp_path / "evidence").rename(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone", ignore_errors=True)
    assert site.runtime is not None
    site.runtime.set_site_robots(site.runtime.live.engine.default, b"User-agent: *\nDisallow: /x/\n")

    for agent, status in ((GPTBOT, 403), (PERPLEXITY, 200), (CHROME, 200)):
        assert ask(site, agent=agent).status == status
        assert ask(site, "/robots.txt", agent=agent).status == 200
    site.close()


def test_an_announcement_that_fails_is_made_up_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = protect(PageApp())
    alive = site.runtime
    assert alive is not None
    keep = alive.evidence.put_object

    def full(body: bytes) -> str:
        raise EvidenceError("the disk is full")

    monkeypatch.setattr(alive.evidence, "put_object", full)
    monkeypatch.setattr(runtime, "_POLL_SECONDS", 0.01)
    ask(site)
    _until(lambda: "the disk is full" in str(alive.health()["reasons"]))
    assert alive._house is not None
    assert alive._house.is_alive()
    monkeypatch.setattr(alive.evidence, "put_object", keep)

    _until(lambda: "announcement" not in alive.reasons)
    kinds = [leaf["type"] for leaf in alive.evidence.leaves()]  # type: ignore[attr-defined]
    assert kinds.count("policy-active") == 1
    assert caplog.text.count("could not be recorded") == 1


def test_signals_are_announced_even_if_the_process_ends_at_once() -> None:
    site = protect(PageApp())
    alive = site.runtime
    assert alive is not None
    alive._keep_house = lambda: None  # type: ignore[method-assign]

    ask(site)
    site.close()

    kinds = [leaf["type"] for leaf in alive.evidence.leaves()]  # type: ignore[attr-defined]
    assert kinds.count("policy-active") == 1


def _until(condition: Any) -> None:
    """Wait for what another thread does."""
    waiting = threading.Event()
    for _ in range(500):
        if condition():
            return
        waiting.wait(0.01)
    pytest.fail("it never happened")


def test_a_deleted_configuration_is_said_and_the_last_good_one_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "vorbehalt.toml"
    text = (
        'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        '[evidence]\ndirectory = "memory:"\n'
    )
    file.write_text(text)
    site = VorbehaltMiddleware(PageApp(), config=file)
    assert ask(site, agent=GPTBOT).status == 403
    assert site.runtime is not None

    file.unlink()
    assert not site.runtime.reload()
    assert ask(site, agent=GPTBOT).status == 403
    assert "last good one goes on" in str(site.runtime.health()["reasons"])
    file.write_text(text)
    assert site.runtime.reload()
    assert "last good one goes on" not in str(site.runtime.health()["reasons"])
    assert not site.runtime.reload()


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("evidence", "directory", '"off"'),
        ("evidence", "origin", '"elsewhere.example/log"'),
        ("state", "directory", '"state"'),
        ("metrics", "listen", '"127.0.0.1:9"'),
        ("network", "dns", "true"),
        ("network", "signatures", "true"),
    ],
)
def test_what_only_a_restart_changes_is_said_until_it_is_changed_back(
    table: str, key: str, value: str, tmp_path: Path
) -> None:
    file = tmp_path / "vorbehalt.toml"
    tables = {"evidence": {"directory": '"memory:"'}}

    def write() -> None:
        text = 'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        for name, keys in tables.items():
            text += f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
        file.write_text(text)

    write()
    site = VorbehaltMiddleware(PageApp(), config=file)
    assert site.runtime is not None
    before = {name: dict(keys) for name, keys in tables.items()}
    tables.setdefault(table, {})[key] = value
    write()

    for _ in range(2):
        assert site.runtime.reload(force=True)
        assert f"{table}.{key}" in site.runtime.reasons["config"]
    tables.clear()
    tables.update(before)
    write()
    assert site.runtime.reload()
    assert "config" not in site.runtime.reasons


def test_a_configuration_is_found_again_wherever_the_process_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "vorbehalt.toml"
    text = (
        'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        '[evidence]\ndirectory = "memory:"\n[policy]\nmode = "enforce"\n'
    )
    file.write_text(text)
    monkeypatch.chdir(tmp_path)
    site = VorbehaltMiddleware(PageApp(), config="vorbehalt.toml")
    monkeypatch.chdir(tmp_path / "elsewhere")

    file.write_text(text.replace("enforce", "observe"))

    assert site.runtime is not None
    assert site.runtime.reload()
    assert ask(site, agent=GPTBOT).status == 200


def test_files_that_are_none_of_ours_cause_no_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`robots = "app"` names no file, even where a directory has that name."""
    monkeypatch.chdir(tmp_path)
    site = protect(PageApp())
    assert site.runtime is not None

    for name in ("app", "none", "<mapping>"):
        (tmp_path / name).mkdir()

    assert not site.runtime.reload()


def test_a_robots_file_that_the_new_configuration_names_is_watched(tmp_path: Path) -> None:
    file, own = tmp_path / "vorbehalt.toml", tmp_path / "own.txt"
    text = (
        'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
        'robots = "none"\n[evidence]\ndirectory = "memory:"\n'
    )
    file.write_text(text)
    site = VorbehaltMiddleware(PageApp(), config=file)
    assert site.runtime is not None
    own.write_text("User-agent: *\nDisallow: /one/\n")
    file.write_text(text.replace('"none"', '"file:own.txt"'))
    assert site.runtime.reload()
    assert not site.runtime.reload()

    own.write_text("User-agent: *\nDisallow: /number-two/\n")

    assert site.runtime.reload()
    assert b"/number-two/" in ask(site, "/robots.txt").body


def test_two_middlewares_share_one_evidence_directory(tmp_path: Path) -> None:
    first, second = on_disk(tmp_path), on_disk(tmp_path)

    for site in (first, second, first, second):
        assert ask(site, agent=GPTBOT).status == 403
    first.close()
    second.close()

    assert records(tmp_path) == 4


def test_a_middleware_that_is_built_twice_and_used_once_leaves_no_trace_of_the_other(tmp_path: Path) -> None:
    on_disk(tmp_path)
    site = on_disk(tmp_path)

    assert ask(site, agent=GPTBOT).status == 403
    site.close()

    assert records(tmp_path) == 1
    assert list((tmp_path / "evidence" / "spool").glob("*.spool")) == []


def test_several_event_loops_in_turn_and_at_once() -> None:
    site = protect(PageApp())
    failures: list[BaseException] = []

    def ask_some() -> None:
        try:
            for agent, status in ((CHROME, 200), (GPTBOT, 403), (PERPLEXITY, 200)) * 20:
                assert ask(site, agent=agent).status == status
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask_some) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ask_some()

    assert failures == []
    assert [t.name for t in threading.enumerate()].count("vorbehalt-house") == 1


def test_a_start_that_fails_lets_requests_pass_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = protect(PageApp())
    alive = site.runtime
    assert alive is not None

    def no_thread() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(alive.evidence, "start", no_thread)
    with caplog.at_level(logging.CRITICAL, "vorbehalt"):
        for agent in (CHROME, GPTBOT, GPTBOT):
            assert ask(site, agent=agent).status == 200
    assert len([r for r in caplog.records if r.levelno == logging.CRITICAL]) == 1
    assert alive.counters.snapshot()["vorbehalt_internal_errors_total", ()] == 3
    monkeypatch.undo()
    assert ask(site, agent=GPTBOT).status == 403


def test_a_start_that_fails_fails_the_startup(monkeypatch: pytest.MonkeyPatch) -> None:
    site = VorbehaltMiddleware(lifespan_app, config=config())

    def no_thread() -> None:
        raise RuntimeError("can't start new thread")

    assert site.runtime is not None
    monkeypatch.setattr(site.runtime.evidence, "start", no_thread)

    assert run_lifespan(site) == ["lifespan.startup.failed"]


def test_a_taken_metrics_port_fails_the_startup_but_no_request(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}
        with_lifespan = VorbehaltMiddleware(lifespan_app, config=config(metrics=listen))
        without = protect(PageApp(), metrics=listen)

        assert run_lifespan(with_lifespan) == ["lifespan.startup.failed"]
        for agent, status in ((CHROME, 200), (GPTBOT, 403), (CHROME, 200)):
            assert ask(without, agent=agent).status == status
    assert without.runtime is not None
    assert "cannot listen" in str(without.runtime.health()["reasons"])
    assert [t.name for t in threading.enumerate()].count("vorbehalt-house") == 2


def test_requests_that_a_wrong_configuration_lets_pass_are_counted() -> None:
    app = Starlette()
    app.add_middleware(VorbehaltMiddleware, config={"format": 1, "site": {"origin": "no origin"}})

    for _ in range(3):
        assert ask(app, "/nothing").status == 404

    assert b"vorbehalt_internal_errors_total 3.0" in metrics.exposition()


def test_a_test_client_may_be_entered_twice() -> None:
    site = VorbehaltMiddleware(lifespan_app, config=config())

    for _ in range(2):
        with TestClient(site) as client:
            assert client.get("/").status_code == 200
            assert client.get("/", headers={"user-agent": GPTBOT.decode()}).status_code == 403
    assert site.runtime is not None
    assert site.runtime.evidence.lost() == {}


def test_a_close_that_fails_does_not_hide_the_end_from_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    site = VorbehaltMiddleware(lifespan_app, config=config())

    def broken() -> None:
        raise OSError("a fault of ours")

    monkeypatch.setattr(site, "close", broken)

    assert run_lifespan(site) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_reload_that_races_with_the_start_is_not_lost() -> None:
    site = protect(PageApp())
    alive = site.runtime
    assert alive is not None
    old, new = alive.live, alive._make_live(alive.settings)
    swap = site._swap

    def swap_late(live: Any) -> None:
        if alive.live is old:
            alive.live = new
            swap(new)
        swap(live)

    site._swap = swap_late  # type: ignore[method-assign]
    ask(site)

    assert site._live is new


FORKING = """
    import asyncio, os, sys
    sys.path[:0] = [{tests!r}]
    from asgi_support import CHROME, GPTBOT, PERPLEXITY, PageApp, ask, config
    from vorbehalt import VorbehaltMiddleware
    from vorbehalt.edge import metrics

    site = VorbehaltMiddleware(PageApp(), config=config(
        evidence={{"directory": sys.argv[1]}}, state={{"directory": sys.argv[2]}}
    ))
    if {used_before}:
        assert ask(site, agent=GPTBOT).status == 403
        assert ask(site, agent=CHROME).status == 200
    children = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            code = 1
            try:
                for agent, status in ((CHROME, 200), (CHROME, 200), (GPTBOT, 403), (PERPLEXITY, 200)):
                    assert ask(site, agent=agent).status == status
                assert site.runtime.started and site.runtime._house.is_alive()
                assert site.runtime.counters.is_shared
                assert b"vorbehalt_requests_total" in metrics.exposition()
                assert site.runtime.evidence.lost() == {{}}
                site.close()
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        children.append(pid)
    for pid in children:
        assert os.waitpid(pid, 0)[1] == 0
    if {used_before}:
        assert ask(site, agent=GPTBOT).status == 403
    # No close: the end of the interpreter flushes.
"""


@pytest.mark.parametrize("used_before", [False, True])
def test_children_of_a_fork_are_writers_of_their_own(used_before: bool, tmp_path: Path) -> None:
    program = textwrap.dedent(FORKING).format(tests=str(Path(__file__).parents[1]), used_before=used_before)

    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            program,
            tmp_path / "evidence",
            tmp_path / "state",
        ],
        capture_output=True,
        timeout=60,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("VORBEHALT_")},
    )

    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    # A refused and an answered crawler in each of three children, and two in the parent.
    assert records(tmp_path) == 6 + 2 * used_before


def test_a_fork_in_the_middle_of_a_scrape_does_not_stop_the_child() -> None:
    from vorbehalt.edge import exposition

    with exposition._lock, metrics._lock:
        pid = os.fork()
        if not pid:
            free = exposition._lock.acquire(blocking=False) and metrics._lock.acquire(blocking=False)
            os._exit(0 if free else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_other_loops_are_refused_even_when_started(monkeypatch: pytest.MonkeyPatch) -> None:
    site = protect(PageApp())

    with pytest.raises(VorbehaltError, match="asyncio only"):
        site(scope(), None, None).send(None)  # type: ignore[arg-type]
