"""What comes into force is recorded with its cause, what was before, and what changed; nothing is cut."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asgi_support import PageApp, ask, config, protect
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.runtime import Runtime
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.history.history import read_history
from vorbehalt.evidence.reading.query import Filters, show


class RobotsApp(PageApp):
    """A site with a robots.txt of its own; None: it fails."""

    robots: bytes | None = b"User-agent: *\nDisallow: /intern/\n"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/robots.txt":
            await super().__call__(scope, receive, send)
            return
        await send(
            {"type": "http.response.start", "status": 500 if self.robots is None else 200, "headers": []}
        )
        await send({"type": "http.response.body", "body": self.robots or b""})


Site = Callable[..., VorbehaltMiddleware]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a configuration whose evidence is on disk."""

    def write(*lines: str, robots: str = "none") -> Path:
        path = tmp_path / "vorbehalt.toml"
        text = ["format = 1", "[site]", 'origin = "https://label.example"', f'robots = "{robots}"', *lines]
        path.write_text("\n".join(text), "utf-8")
        return path

    return write


def alive(site: VorbehaltMiddleware) -> Runtime:
    assert site.runtime is not None
    # Records are written at the stop, in one go: nothing here depends on a thread's pace.
    site.runtime._keep_house = lambda: None  # type: ignore[method-assign]
    return site.runtime


def records(directory: Path, kind: str = "policy-active") -> list[dict[str, Any]]:
    return [leaf["seen"] for leaf in show(directory, Filters(type=kind))]  # type: ignore[misc]


def test_a_first_set_knows_no_set_before_it(write: Callable[..., Path], tmp_path: Path) -> None:
    site = VorbehaltMiddleware(PageApp(), config=write())
    runtime = alive(site)
    ask(site)
    site.close()

    (seen,) = records(tmp_path / "vorbehalt-evidence")
    assert (seen["cause"], seen["previous"], seen["changed"], seen["changed_terms"]) == (
        "start",
        None,
        None,
        None,
    )
    assert seen["config"] == runtime.settings.digest
    assert seen["signals"] == runtime.live.engine.default.bundle.digest
    served = runtime.live.engine.default.bundle.documents
    bodies = {path: document.digest for path, document in served.items()}
    for path, document in served.items():
        bodies |= {f"{path}?lang={variant.language}": variant.digest for variant in document.variants}
    assert len(bodies) > len(served)
    assert seen["documents"] == bodies


def test_a_reload_names_the_set_before_and_what_changed(write: Callable[..., Path], tmp_path: Path) -> None:
    site = VorbehaltMiddleware(PageApp(), config=write())
    runtime = alive(site)
    ask(site)
    before = runtime.live.engine.default.bundle.digest
    write("[reservation]", 'training = "allow"')
    assert runtime.reload(force=True)
    site.close()

    _, seen = records(tmp_path / "vorbehalt-evidence")
    assert (seen["cause"], seen["previous"]) == ("reload", before)
    assert "/robots.txt" in seen["changed"]["documents"]
    assert seen["changed"]["headers"] == ["*"]
    assert seen["changed_terms"] == [{"term": "uses.training", "from": "reserve", "to": "allow"}]


def test_after_a_restart_the_set_before_is_known(write: Callable[..., Path], tmp_path: Path) -> None:
    for _ in range(2):
        site = VorbehaltMiddleware(PageApp(), config=write())
        alive(site)
        ask(site)
        site.close()
    write("[reservation]", 'rightsholder = "Label Example GmbH"')
    site = VorbehaltMiddleware(PageApp(), config=tmp_path / "vorbehalt.toml")
    alive(site)
    ask(site)
    site.close()

    first, second, third = records(tmp_path / "vorbehalt-evidence")
    assert first["previous"] is None
    assert (second["previous"], second["changed"]) == (first["signals"], {"documents": [], "headers": []})
    assert second["changed_terms"] == []
    assert third["changed_terms"] == [{"term": "rightsholder", "from": "", "to": "Label Example GmbH"}]
    assert len(read_history(tmp_path / "vorbehalt-evidence").versions()) == 2


def test_the_time_is_that_of_the_change_not_that_of_the_record(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = VorbehaltMiddleware(PageApp(), config=write())
    alive(site)
    monkeypatch.setattr(time, "time_ns", lambda: 1_790_000_000_000_000_007)
    ask(site)
    monkeypatch.undo()
    site.close()

    leaves = list(show(tmp_path / "vorbehalt-evidence", Filters(type="policy-active")))
    assert [leaf["at"] for leaf in leaves] == ["1790000000000000007"]


def test_until_the_app_was_asked_robots_txt_is_pending(write: Callable[..., Path], tmp_path: Path) -> None:
    site = VorbehaltMiddleware(RobotsApp(), config=write(robots="app"))
    alive(site)
    ask(site)
    ask(site, "/robots.txt")
    site.close()
    again = VorbehaltMiddleware(RobotsApp(), config=write(robots="app"))
    alive(again)
    ask(again)
    again.close()

    first, second, third = records(tmp_path / "vorbehalt-evidence")
    assert [first["cause"], first["pending"]] == ["start", ["/robots.txt"]]
    assert [second["cause"], second["pending"]] == ["site-robots", []]
    assert second["changed"] == {"documents": ["/robots.txt"], "headers": []}
    assert [third["cause"], third["pending"]] == ["start", ["/robots.txt"]]
    assert third["changed"] == {"documents": [], "headers": []}
    versions = read_history(tmp_path / "vorbehalt-evidence").versions()
    assert [version.record for version in versions] == [1, 2]


@pytest.mark.parametrize("robots", [None, b""])
def test_a_robots_txt_that_cannot_be_had_or_adds_nothing_is_settled_once(
    write: Callable[..., Path], tmp_path: Path, robots: bytes | None
) -> None:
    app = RobotsApp()
    app.robots = robots
    site = VorbehaltMiddleware(app, config=write(robots="app"))
    runtime = alive(site)
    ask(site)
    ask(site, "/robots.txt")
    runtime.robots_tried_at.clear()
    runtime.robots_read_at.clear()
    ask(site, "/robots.txt")
    site.close()

    assert [seen["pending"] for seen in records(tmp_path / "vorbehalt-evidence")] == [["/robots.txt"], []]
    (version,) = read_history(tmp_path / "vorbehalt-evidence").versions()
    assert version.settled_at is not None


def test_two_hundred_sections_are_recorded_whole(write: Callable[..., Path], tmp_path: Path) -> None:
    lines = []
    for number in range(200):
        uses = [
            f'{use} = "{"allow" if number >> bit & 1 else "reserve"}"'
            for bit, use in enumerate(("search", "training", "ai_input", "tdm"))
        ]
        name = f"section-{number}-{'x' * 40}"
        lines += ["[[reservation.section]]", f'name = "{name}"', f'paths = ["/{number}/"]', *uses]
    site = VorbehaltMiddleware(PageApp(), config=write(*lines))
    runtime = alive(site)
    ask(site)
    write(*[line.replace('"reserve"', '"allow"') for line in lines])
    runtime.reload(force=True)
    site.close()

    directory = tmp_path / "vorbehalt-evidence"
    report = verify(directory)
    assert report.problems == ()
    first, second = records(directory)
    assert first["headers_count"] == 201
    assert "headers" not in first
    assert second["more_changed_terms"] > 0
    assert second["changed"]["headers"][-1].startswith("and ")
    assert not any("cut" in leaf for leaf in show(directory))
    version = read_history(directory).versions()[0]
    assert version.manifest is not None
    assert len(version.manifest.headers) == 201
    assert version.manifest.sections_of("/17/x")[0].startswith("section-17-")


def test_objects_beyond_one_leaf_are_named_by_records_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    import vorbehalt.edge.announcing as announcing

    monkeypatch.setattr(announcing, "_NAMED_HERE", 3)
    monkeypatch.setattr(announcing, "_NAMED_APART", 2)
    site = VorbehaltMiddleware(PageApp(), config=write())
    alive(site)
    ask(site)
    site.close()
    directory = tmp_path / "vorbehalt-evidence"
    leaves = list(show(directory))
    named = [set(leaf["objects"]) for leaf in leaves if "objects" in leaf]  # type: ignore[call-overload]

    stored = {path.name for path in (directory / "objects").rglob("*") if path.is_file()}
    assert set().union(*named) == stored
    assert [leaf["type"] for leaf in leaves[1:-1]] == ["objects"] * (len(named) - 1) + ["policy-active"]
    sorted(directory.glob("objects/sha256/*/*"))[0].unlink()
    assert not verify(directory).ok


def test_terms_hold_every_field_and_no_path_of_this_machine(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "own.txt").write_text("User-agent: *\n")
    site = VorbehaltMiddleware(PageApp(), config=write(robots="file:own.txt"))
    runtime = alive(site)
    ask(site)
    site.close()
    directory = tmp_path / "vorbehalt-evidence"
    history = read_history(directory)
    (version,) = history.versions()

    terms = history.terms(version)
    assert isinstance(terms, dict)
    assert sorted(terms) == sorted(type(runtime.settings.default_host.terms).__dataclass_fields__)
    leaf = json.dumps(list(show(directory)))
    assert str(tmp_path) not in leaf
    assert not any(str(tmp_path).encode() in p.read_bytes() for p in directory.glob("objects/sha256/*/*"))


def test_in_memory_the_process_knows_what_was_before() -> None:
    site = protect(PageApp())
    runtime = alive(site)
    ask(site)
    runtime.config = config(reservation={"tdm": "allow"})
    assert runtime.reload(force=True)
    site.close()

    seen = [leaf["seen"] for leaf in runtime.evidence.leaves() if leaf["type"] == "policy-active"]  # type: ignore[attr-defined]
    assert seen[1]["previous"] == seen[0]["signals"]
    assert seen[1]["changed_terms"] == [{"term": "uses.tdm", "from": "reserve", "to": "allow"}]


def test_a_hint_that_cannot_be_written_costs_nothing_else(
    write: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = VorbehaltMiddleware(PageApp(), config=write())
    alive(site)
    ask(site)
    (tmp_path / "vorbehalt-evidence" / "run" / "in-force.lock").mkdir()
    site.close()

    assert len(records(tmp_path / "vorbehalt-evidence")) == 1
    assert "the set in force could not be noted" in caplog.text
