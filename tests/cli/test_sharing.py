"""Several workers and one Redis, or none: what `check`, `serve` and `doctor` say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from process_support import VORBEHALT, ask, free_port, running, wait_for
from redis_support import server
from vorbehalt.cli.config import lonely_workers
from vorbehalt.cli.doctor.sharing import check_redis
from vorbehalt.settings import load
from vorbehalt.settings.model import StateSettings
from vorbehalt.stores.counter_files import living
from vorbehalt.stores.counters import Counters

Cli = Callable[..., Any]
AHREFSBOT = "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"
TEXT = 'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "vorbehalt.toml"
    path.write_text(TEXT)
    return path


def test_check_warns_of_workers_that_run_without_redis(config: Path) -> None:
    settings = load(config, environ={})
    with contextlib.ExitStack() as stack:
        for number, expected in ((1, []), (2, ["V125"]), (3, ["V125"])):
            counters = Counters(settings.state.directory)
            counters.open()
            stack.callback(counters.close)
            found = lonely_workers(settings)
            assert [problem.id for problem in found] == expected
            assert all(f"{number} workers run without Redis" in problem.message for problem in found)
        assert living(settings.state.directory / "metrics") == 3  # type: ignore[operator]
        shared = load({**_mapping(config), "state": {"redis": "redis://127.0.0.1:1"}}, environ={})
        assert lonely_workers(shared) == []
    assert lonely_workers(settings) == []


def _mapping(config: Path) -> dict[str, Any]:
    return {
        "format": 1,
        "site": {"origin": "https://label.example"},
        "evidence": {"directory": str(config.parent / "vorbehalt-evidence")},
    }


@pytest.mark.parametrize(
    ("workers", "redis", "warned"), [(2, False, True), (1, False, False), (2, True, False)]
)
def test_serve_warns_of_workers_without_redis(
    config: Path, tmp_path: Path, workers: int, redis: bool, warned: bool
) -> None:
    if redis:
        config.write_text(TEXT + '[state]\nredis = "redis://127.0.0.1:1"\n')
    port = free_port()
    command = [*VORBEHALT, "serve", "--listen", f"127.0.0.1:{port}", "--workers", str(workers)]
    with running(command, port, tmp_path):
        said = (tmp_path / f"server-{port}.log").read_text()
    assert (f"{workers} workers without Redis: each counts limits for itself" in said) == warned


def test_check_and_describe_never_print_the_password(cli: Cli, config: Path) -> None:
    for url in ("redis://u:top-secret@127.0.0.1:1/x", "redis://u:top-secret@127.0.0.1:1/0"):
        config.write_text(f'{TEXT}[state]\nredis = "{url}"\n')
        for result in (cli("check", "-c", config), cli("check", "--json", "-c", config)):
            assert "top-secret" not in result.out + result.err


@pytest.mark.real("redis-server")
def test_workers_of_serve_keep_to_one_quota(config: Path, tmp_path: Path) -> None:
    with server() as one:
        rule = 'name = "few"\nmatch = { purpose = "seo" }\naction = "limit"\nlimit = "5/hour"\n'
        network = '[network]\ntrusted_proxies = ["loopback"]\n'
        state = f'[state]\nredis = "{one.unix_url}"\nstrict = true\n'
        config.write_text(f"{TEXT}{network}{state}[[policy.rule]]\n{rule}")
        port = free_port()
        command = [*VORBEHALT, "serve", "--listen", f"127.0.0.1:{port}", "--workers", "3"]
        with running(command, port, tmp_path):
            # Each worker has a connection of its thread and one of its event loop; one more asks this.
            wait_for(lambda: len(one.client_names()) == 2 * 3 + 1, "the workers do not connect")
            found = [
                ask(
                    port, "/.vorbehalt/auth", AHREFSBOT, {"X-Forwarded-For": "8.8.8.8", "X-Original-URI": "/"}
                ).status
                for _ in range(30)
            ]
    assert sorted(found) == [204] * 5 + [403] * 25


@pytest.mark.real("redis-server")
def test_doctor_tells_whether_redis_counts() -> None:
    with server() as one:
        (check,) = check_redis(StateSettings(redis=one.unix_url))
        assert (check.id, check.severity) == ("redis", "ok")
        assert one.ask("DBSIZE") == 1
        assert 0 < one.ask("PTTL", one.ask("KEYS", "*")[0]) <= 120_000
        one.ask("CONFIG", "SET", "maxmemory", "1")
        (check,) = check_redis(StateSettings(redis=one.unix_url))
        assert (check.severity, "it is full" in check.message) == ("error", True)


def test_doctor_tells_that_redis_cannot_be_reached(cli: Cli, config: Path) -> None:
    config.write_text(f'{TEXT}[state]\nredis = "redis://u:top-secret@127.0.0.1:{free_port()}"\n')
    result = cli("doctor", "-c", config, "--json")
    (check,) = [check for check in result.json["checks"] if check["id"] == "redis"]
    assert check["severity"] == "error"
    assert check["message"] == "limits cannot be shared: Redis: it cannot be reached"
    assert "top-secret" not in result.out + result.err
    assert result.code == 1


def test_doctor_says_nothing_of_redis_where_there_is_none() -> None:
    assert list(check_redis(StateSettings())) == []
