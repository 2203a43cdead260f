"""What contradicts the terms is found and named once; ours is served in its place."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from asgi_support import CHROME, ask, protect
from terms_support import Terms
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.asking_site import SiteAnswer
from vorbehalt.edge.conflicts import Conflicts
from vorbehalt.edge.site_survey import conflict_in
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

OPEN = Uses("allow", "allow", "allow", "allow")
TERMS = Terms("https://label.example", sections=(Section("press", ("/press/",), OPEN),))


class Site:
    """Serves files by path, pages with headers of its own."""

    def __init__(self, files: dict[str, tuple[str, bytes]], headers: list[tuple[bytes, bytes]]) -> None:
        self.files = files
        self.headers = headers
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        kind, body = self.files.get(scope["path"], ("", b""))
        status = 200 if kind or scope["path"] == "/page" else 404
        headers = [(b"content-type", kind.encode() or b"text/html"), *self.headers]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def conflicts(site: VorbehaltMiddleware) -> list[str]:
    assert site.runtime is not None
    found = site.runtime.health()["conflicts"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("header", "goes_out", "named"),
    [
        ((b"tdm-reservation", b"0"), b"1", True),
        ((b"tdm-reservation", b"1"), b"1", False),
        ((b"TDM-Reservation", b"0"), b"1", True),
        ((b"content-usage", b"train-ai=y"), b"train-ai=n, ai-use=n, search=y", True),
        ((b"content-signal", b"search=yes, ai-train=yes"), None, True),
        ((b"Content-Signal", b"AI-Input = YES"), None, True),
        ((b"content-signal", b"search=yes, ai-train=no"), b"search=yes, ai-train=no", False),
    ],
)
@pytest.mark.parametrize("agent", [CHROME, b"facebookexternalhit/1.1"])
def test_a_header_that_says_yes_is_replaced_and_named(
    header: tuple[bytes, bytes], goes_out: bytes | None, named: bool, agent: bytes
) -> None:
    site = protect(Site({}, [header]))

    for _ in range(2):
        got = ask(site, "/page", agent=agent)
        values = [value for name, value in got.start["headers"] if name.lower() == header[0].lower()]
        assert values == ([] if goes_out is None else [goes_out])

    assert len(conflicts(site)) == named
    assert all(header[0].decode().lower() in sentence for sentence in conflicts(site))


def test_an_open_site_may_say_yes() -> None:
    terms = {"training": "allow", "ai_input": "allow", "tdm": "allow"}
    site = protect(Site({}, [(b"content-signal", b"ai-train=yes")]), reservation=terms)
    assert ask(site, "/page").header(b"content-signal") == b"ai-train=yes"
    assert conflicts(site) == []


def test_the_sites_own_files_are_looked_at_once_after_the_first_robots_txt() -> None:
    files = {
        "/llms-full.txt": ("text/plain", b"# everything"),
        "/.well-known/tdmrep.json": ("application/json", b'[{"location": "/", "tdm-reservation": 0}]'),
        "/trust.txt": ("text/plain", b"datatrainingallowed=yes\n"),
    }
    app = Site(files, [])
    site = protect(app)
    ask(site, "/page")
    assert conflicts(site) == []

    for _ in range(3):
        ask(site, "/robots.txt")

    assert app.asked.count("/llms-full.txt") == 1
    assert [sentence.partition(": ")[0] for sentence in conflicts(site)] == [
        "https://label.example/.well-known/tdmrep.json",
        "https://label.example/llms-full.txt",
        "https://label.example/trust.txt",
    ]
    got = ask(site, "/.well-known/tdmrep.json")
    assert b'"tdm-reservation": 1' in got.body


def test_a_site_without_such_files_is_left_in_peace_and_an_open_one_is_not_even_asked() -> None:
    app = Site({"/llms.txt": ("text/html; charset=utf-8", b"<html>the start page for every path</html>")}, [])
    site = protect(app)
    ask(site, "/robots.txt")
    assert conflicts(site) == []

    terms = {"training": "allow", "ai_input": "allow", "tdm": "allow"}
    app = Site({"/llms.txt": ("text/plain", b"# guide")}, [])
    ask(protect(app, reservation=terms), "/robots.txt")
    assert app.asked == ["/robots.txt"]


def test_a_site_that_answers_every_path_alike_has_no_such_files() -> None:
    class Alike(Site):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            self.files = {scope["path"]: ("text/plain", b"datatrainingallowed=yes")}
            await super().__call__(scope, receive, send)

    site = protect(Alike({}, []), site={"robots": "none"})
    ask(site, "/robots.txt")
    assert conflicts(site) == []


def test_a_site_that_fails_when_it_is_looked_at_changes_no_answer() -> None:
    class Failing(Site):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] != "/robots.txt":
                raise RuntimeError("no such file")
            await super().__call__(scope, receive, send)

    site = protect(Failing({}, []))
    assert ask(site, "/robots.txt").status == 200
    assert conflicts(site) == []


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        ("/.well-known/tdmrep.json", b'[{"location": "/press/", "tdm-reservation": 0}]', ""),
        ("/.well-known/tdmrep.json", b'[{"location": "/press*", "tdm-reservation": 0}]', "says tdm-reserv"),
        ("/.well-known/tdmrep.json", b'[{"location": "/a/", "tdm-reservation": 0}]', "0 for /a/"),
        ("/.well-known/tdmrep.json", b'[{"location": "/", "tdm-reservation": 1}]', ""),
        ("/.well-known/tdmrep.json", b'{"location": "/", "tdm-reservation": 0}', ""),
        ("/.well-known/tdmrep.json", b"[0, null]", ""),
        ("/.well-known/tdmrep.json", b"\xff\xfe", ""),
        ("/trust.txt", b"datatrainingallowed = no", ""),
        ("/trust.txt", b"member=x\r\nDataTrainingAllowed=YES\r\n", "datatrainingallowed=yes"),
        ("/llms.txt", b"# Title", "language models"),
        ("/llms.txt", b" <!doctype html>", ""),
    ],
)
def test_what_a_file_says_is_judged_by_the_terms_of_its_place(path: str, body: bytes, found: str) -> None:
    sentence = conflict_in(TERMS, path, SiteAnswer(200, "text/plain", body))
    assert found in sentence
    assert bool(found) is bool(sentence)
    assert conflict_in(TERMS, path, SiteAnswer(404, "text/plain", body)) == ""


def test_a_mount_is_named_because_no_crawler_reads_robots_there() -> None:
    site = protect(Site({}, []))
    ask(site, "/page")
    assert conflicts(site) == []

    for _ in range(2):
        ask(site, "/shop/page", root_path="/shop")

    (sentence,) = conflicts(site)
    assert "below '/shop'" in sentence


def test_each_conflict_is_said_once_in_the_log_and_the_list_is_bounded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = Conflicts()
    with caplog.at_level(logging.WARNING, "vorbehalt"):
        for _ in range(3):
            found.note("a", "something")
            found.set_robots("", "https://label.example", ["line 3"])
        for number in range(500):
            found.note_header(b"tdm-reservation", b"%d" % number)
    assert [record.getMessage() for record in caplog.records][:2] == [
        "conflict: something",
        "conflict: https://label.example: line 3",
    ]
    assert len(found.sentences) <= 66
    found.forget("a")
    found.set_robots("", "https://label.example", [])
    assert not any("something" in sentence or "line 3" in sentence for sentence in found.sentences)


def test_conflicts_change_no_state_of_health() -> None:
    states = []
    for headers in ([], [(b"tdm-reservation", b"0")]):
        site = protect(Site({}, headers))
        ask(site, "/page")
        assert site.runtime is not None
        health = site.runtime.health()
        assert len(conflicts(site)) == len(headers)
        states.append((health["state"], health["reasons"]))
    assert states[0] == states[1]
