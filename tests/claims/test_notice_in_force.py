"""Since when a reservation is declared: read from the history of the log, host by host."""

from __future__ import annotations

import time
from pathlib import Path

from asgi_support import PageApp, ask
from notice_support import make_site
from vorbehalt import VorbehaltMiddleware
from vorbehalt.claims.notice.in_force import in_force
from vorbehalt.evidence.history.history import read_history


def test_each_host_that_reserves_something_is_declared_since_when_it_has_done_so(tmp_path: Path) -> None:
    config = make_site(tmp_path, 'policy_url = "https://label.example/old"')
    first = config.read_text("utf-8")
    host = '[[host]]\nnames = ["archive.example"]\n' + (
        'site = { origin = "https://archive.example", robots = "none" }\n[works]'
    )
    # The same uses with another document: a new set, the reservation goes on.
    config.write_text(first.replace("/old", "/new").replace("[works]", host), "utf-8")
    site = VorbehaltMiddleware(PageApp(), config=str(config))
    ask(site, "/robots.txt")
    site.close()
    history = read_history(tmp_path / "evidence")
    named = frozenset({"archive.example"})
    spans = [version.span.start for version in history.versions("", named)]
    assert len(spans) == 2
    now = time.time_ns()
    default, other = (in_force(history, host, named, now) for host in ("", "archive.example"))
    assert default is not None
    assert other is not None
    assert (default.since, default.set_since) == (spans[0], spans[1])
    # What the default host said before was said at this name, too.
    assert (other.origin, other.since) == ("https://archive.example", spans[0])
    assert in_force(history, "", named, spans[0] - 1) is None
    # More is reserved now than before: the whole of it only since the last change.
    config.write_text(
        first.replace("/old", "/new").replace("[reservation]", '[reservation]\nsearch = "reserve"')
    )
    site = VorbehaltMiddleware(PageApp(), config=str(config))
    ask(site, "/robots.txt")
    site.close()
    wider = in_force(read_history(tmp_path / "evidence"), "", frozenset(), time.time_ns())
    assert wider is not None
    assert (wider.uses, wider.since) == (("search", "training", "ai_input", "tdm"), wider.set_since)
