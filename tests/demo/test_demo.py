"""The whole demo: real programs meet the protected site, and a stranger's one agrees with the evidence."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.demo import errands, programs, proof, run
from vorbehalt.demo.programs import Program, installed
from vorbehalt.demo.story import Row, Story
from vorbehalt.demo.watch import Seen, Watch
from vorbehalt.facts import Action
from vorbehalt.policy.verdict import Verdict

_SMALL = ("Python urllib", "Python http.client", "curl", "wget")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def result(folder: Path) -> Any:
    """One run with the clients that every machine has; slow ones are the business of `make demo`."""
    patch = pytest.MonkeyPatch()
    patch.setattr(
        run, "installed", lambda: {name: found for name, found in installed().items() if name in _SMALL}
    )
    patch.setattr(run, "browser_version", lambda: "141")
    out = io.StringIO()
    try:
        code = run.run(once=True, as_json=True, directory=folder, out=out)
    finally:
        patch.undo()
    return {"code": code, **json.loads(out.getvalue())}


def _of(result: Any, name: str) -> list[tuple[str, int]]:
    return [(row["path"], row["status"]) for row in result["requests"] if name in row["user_agent"]]


def test_all_went_as_told(result: Any) -> None:
    assert result["code"] == 0


def test_the_json_is_the_contract(result: Any, folder: Path) -> None:
    assert set(result) == {"code", "requests", "evidence"}
    for row in result["requests"]:
        assert set(row) == {"client", "user_agent", "path", "status", "action", "reason"}
        assert row["reason"]
    assert set(result["evidence"]) == {"directory", "records", "verified"}
    assert result["evidence"]["directory"] == str(folder.resolve() / "vorbehalt-demo" / "evidence")
    assert result["evidence"]["verified"] is True
    assert result["evidence"]["records"] >= 5


def test_enough_different_clients_came(result: Any) -> None:
    pairs = {(row["client"], row["user_agent"]) for row in result["requests"]}

    assert len(pairs) >= 8
    assert len({client for client, _ in pairs}) >= 2


@pytest.mark.real("curl", "wget")
def test_at_least_three_programs_came(result: Any) -> None:
    assert len({row["client"] for row in result["requests"]}) >= 3


def test_crawlers_that_train_are_told_and_turned_away(result: Any) -> None:
    assert _of(result, "GPTBot") == [
        ("/robots.txt", 200),
        ("/lyrics/1", 403),
        ("/audio/1.wav", 403),
        ("/press/", 200),
    ]
    assert _of(result, "ClaudeBot") == [("/robots.txt", 200), ("/lyrics/2", 403)]
    assert _of(result, "CCBot") == [("/lyrics/5", 403)]
    refused = [row for row in result["requests"] if row["status"] == 403]
    assert {row["action"] for row in refused} == {"block"}
    assert {row["reason"] for row in refused} == {"training-reserved", "dataset-reserved"}


@pytest.mark.parametrize(
    "name", ["Firefox/", "Chrome/141", "Googlebot", "NetNewsWire", "PerplexityBot", "Python-urllib"]
)
def test_people_and_what_brings_them_are_served(result: Any, name: str) -> None:
    statuses = {status for _, status in _of(result, name)}

    assert statuses == {200}


def test_a_strangers_program_agrees_and_sees_a_changed_byte(result: Any, tmp_path: Path) -> None:
    evidence = tmp_path / "copy"
    shutil.copytree(result["evidence"]["directory"], evidence)
    line = [sys.executable, "-I", str(evidence / "verify.py"), str(evidence)]
    assert subprocess.run(line, capture_output=True, check=False).returncode == 0

    tile = next(
        path for path in sorted((evidence / "log").rglob("*")) if "entries" in path.parts and path.is_file()
    )
    body = bytearray(tile.read_bytes())
    body[len(body) // 2] ^= 1
    tile.write_bytes(body)

    assert subprocess.run(line, capture_output=True, check=False).returncode == 1


def test_a_site_that_refuses_nobody_is_not_as_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VORBEHALT_POLICY__MODE", "observe")
    monkeypatch.setattr(run, "installed", lambda: {"Python urllib": installed()["Python urllib"]})
    monkeypatch.setattr(
        run,
        "errands",
        lambda version: (errands.Errand("a crawler", "GPTBot/1.2", (), ("/lyrics/1",), (403,)),),
    )
    out = io.StringIO()

    assert run.run(once=True, as_json=False, directory=tmp_path, out=out) == 1
    assert "NOT AS EXPECTED: GPTBot/1.2 got 200 for /lyrics/1, expected was 403" in out.getvalue()


def test_a_client_that_saw_something_else_is_a_surprise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=5).read(); print(418)"
    liar = Program("liar", lambda url, agent, headers: [sys.executable, "-c", script, url])
    monkeypatch.setattr(run, "installed", lambda: {"liar": liar, "Python urllib": liar})
    monkeypatch.setattr(
        run, "errands", lambda version: (errands.Errand("a reader", "", ("liar",), ("/",), (200,)),)
    )
    out = io.StringIO()

    assert run.run(once=True, as_json=False, directory=tmp_path, out=out) == 1
    assert "liar saw 418 for /, the site answered 200" in out.getvalue()


def test_evidence_holds_only_if_both_verifiers_say_so(
    result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = tmp_path / "copy"
    shutil.copytree(result["evidence"]["directory"], evidence)
    whole = proof.prove(evidence)
    assert whole.holds
    assert whole.problems == ()

    report = proof.sealed(evidence)
    with monkeypatch.context() as patch:
        patch.setattr(proof, "sealed", lambda directory: replace(report, unsealed=2))
        assert not proof.prove(evidence).holds
        patch.setattr(proof, "sealed", lambda directory: replace(report, problems=("a byte",)))
        assert proof.prove(evidence).problems == ("a byte",)
        assert not proof.prove(evidence).holds
    (evidence / "verify.py").write_text("print('no')\nraise SystemExit(1)\n", "utf-8")
    doubted = proof.prove(evidence)

    assert doubted.packaged
    assert not doubted.holds
    assert doubted.problems == ("verify.py: no",)


def test_a_folder_in_the_way_is_a_sentence_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vorbehalt-demo").write_text("mine", "utf-8")

    assert run.run(once=True, as_json=True, directory=tmp_path) == 1
    assert "in the way" in capsys.readouterr().err


def test_a_client_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = Program(
        "hanging",
        lambda url, agent, headers: [sys.executable, "-c", "import time; time.sleep(60)"],
        timeout_seconds=1,
    )

    with pytest.raises(TimeoutError, match="hanging"):
        hanging.fetch("http://127.0.0.1:1/", "")


def test_proxies_of_this_machine_are_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")

    environment = programs._environment()
    assert not [key for key in environment if key.lower() in ("http_proxy", "https_proxy")]
    assert environment["no_proxy"] == "*"


def test_every_errand_has_an_expectation_for_every_page() -> None:
    for errand in errands.errands("141"):
        assert len(errand.paths) == len(errand.expected), errand.who


def test_a_missing_program_has_a_substitute_or_is_skipped() -> None:
    only = {"Python urllib": installed()["Python urllib"]}
    chosen = [errand.program(only) for errand in errands.errands("141")]

    assert {program.name for program in chosen if program} == {"Python urllib"}
    assert None in chosen
    pairs = {errand.user_agent for errand in errands.errands("141") if errand.program(only)}
    assert len(pairs) >= 8


def test_the_story_sums_up_what_a_browser_brings_along_but_not_refusals() -> None:
    out = io.StringIO()
    page, style = Seen("Mozilla Firefox/1", "/a", 200), Seen("Mozilla Firefox/1", "/style.css", 200)
    refused = Seen("Mozilla Firefox/1", "/cover.png", 403, "block", "training-reserved")
    Story(out).visits(
        [Row("a reader", "Chromium", seen, asked="/a") for seen in (page, style, style, refused)]
    )

    assert "/a and 2 more" in out.getvalue()
    assert "403 turned away" in out.getvalue()
    assert "style.css" not in out.getvalue()


def test_the_watch_keeps_requests_apart() -> None:
    import asyncio

    watch = Watch()
    verdicts = {
        path: Verdict(Action.ALLOW, Action.ALLOW, True, "a-rule", (f"because-{path[1:]}",))
        for path in ("/a", "/b")
    }

    async def site(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await watch.inside(site)({**scope, "vorbehalt": verdicts[scope["path"]]}, receive, send)

    async def nothing(*_: Any) -> None:
        return None

    async def both() -> None:
        app = watch.outside(middleware)
        await asyncio.gather(
            *(app({"type": "http", "path": path, "headers": []}, nothing, nothing) for path in verdicts)
        )

    asyncio.run(both())
    assert {(seen.path, seen.reason) for seen in watch.take()} == {("/a", "because-a"), ("/b", "because-b")}
    assert watch.take() == []
