"""`probe` on the command line: how it is called, what it prints, how it ends."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.engine import Engine
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

Cli = Callable[..., Any]
CONFIG = """\
format = 1
[site]
origin = "{origin}"
hosts = ["127.0.0.1"]
operator = "Label Example GmbH"
contact = "mailto:rights@label.example"
robots = "none"
[evidence]
directory = "{evidence}"
"""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A site that serves what a configuration renders, and every path and User-Agent it has seen."""
    seen: list[tuple[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            seen.append((self.path, self.headers["User-Agent"]))
            document = plan.document(path)
            body = document.body if document else b"<title>\x1b[31mred</title>"
            self.send_response(200 if document or path == "/" else 404)
            self.send_header("Content-Type", document.media_type if document else "text/html")
            self.send_header("Last-Modified", "Sun, 22 Nov 2026 11:00:00 GMT")
            if path == "/odd":
                self.send_header("TDM-Reservation", "\x1b[31m")
            for name, value in plan.headers(path, "").headers:
                self.send_header(name.decode(), value.decode())
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_OPTIONS = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing of their own."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "live.toml").write_text(CONFIG.format(origin=origin, evidence="evidence"))
    plan = Engine(load(tmp_path / "live.toml", environ={}), MemoryLimits()).default
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield origin, seen
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_json_has_the_keys_of_the_contract(cli: Cli, live: Any) -> None:
    result = cli("probe", live[0], "--json")

    assert list(result.json) == ["url", "ok", "requests", "checks", "findings", "exchanges", "warc", "record"]
    assert result.json["url"] == f"{live[0]}/"
    assert (result.json["warc"], result.json["record"]) == (None, None)
    assert result.json["requests"] == len(live[1])
    # Conditional requests are not answered with 304 here, which is no failure.
    assert {one["severity"] for one in result.json["findings"]} == {"warning"}
    assert (result.code, result.json["ok"]) == (0, True)


def test_plain_output_ends_with_the_verdict(cli: Cli, live: Any) -> None:
    result = cli("probe", live[0])

    assert result.code == 0
    assert "warning document-no-304: robots.txt is answered with 200" in result.out
    assert result.out.splitlines()[-1].endswith("every channel arrives and agrees")


def test_the_probe_says_who_it_is_unless_told_otherwise(cli: Cli, live: Any) -> None:
    from vorbehalt import __version__

    cli("probe", live[0])
    cli("probe", live[0], "--user-agent", "CCBot/2.0")
    agents = {agent for _, agent in live[1] if "Firefox" not in agent}

    assert agents == {f"Vorbehalt-Probe/{__version__} (+{live[0]})", "CCBot/2.0"}


def test_paths_are_asked_for_and_what_they_say_cannot_trick_a_terminal(cli: Cli, live: Any) -> None:
    result = cli("probe", f"{live[0]}/songs?x=1", "--path", "/odd")

    assert {"/songs?x=1", "/odd"} <= {path for path, _ in live[1]}
    assert result.code == 1
    assert "tdm-reservation" in result.out
    assert "\x1b" not in result.out
    assert "NOT EVERYTHING ARRIVES" in result.out


def test_a_configuration_that_is_named_is_compared_and_the_exchange_kept(
    cli: Cli, live: Any, tmp_path: Path
) -> None:
    result = cli("probe", live[0], "-c", "live.toml", "--json", "--warc", "probe.warc.gz")
    verified = cli("evidence", "verify", "evidence")

    assert result.code == 0, result.out
    record, warc = result.json["record"], result.json["warc"]
    assert list(record) == ["ref", "type", "directory", "object"]
    assert list(warc) == ["file", "sha256", "bytes", "records"]
    assert record["object"] == warc["sha256"]
    assert (tmp_path / "probe.warc.gz").stat().st_size == warc["bytes"]
    shown = cli("evidence", "show", "evidence", "--type", "self_probe").out
    assert record["ref"] in shown
    assert verified.code == 0


def test_a_configuration_that_differs_fails(cli: Cli, live: Any, tmp_path: Path) -> None:
    config = tmp_path / "live.toml"
    config.write_text(config.read_text() + '[reservation]\nsearch = "reserve"\n')

    result = cli("probe", live[0], "-c", "live.toml", "--json")

    assert result.code == 1
    assert {"document-outdated", "header-differs"} <= {one["id"] for one in result.json["findings"]}


def test_the_configuration_that_lies_here_is_used_for_its_own_site_only(
    cli: Cli, live: Any, tmp_path: Path
) -> None:
    text = (tmp_path / "live.toml").read_text()
    (tmp_path / "vorbehalt.toml").write_text(text)
    own = cli("probe", live[0], "--json")
    other = text.replace(live[0], "https://other.example").replace('"127.0.0.1"', '"other.example"')
    (tmp_path / "vorbehalt.toml").write_text(other)
    foreign = cli("probe", live[0], "--json")

    assert own.json["record"] is not None
    assert foreign.json["record"] is None
    assert "is for other hosts than 127.0.0.1" in foreign.err


def test_a_site_under_another_address_is_asked_for_the_documents_that_its_signals_name(
    cli: Cli, live: Any, tmp_path: Path
) -> None:
    config = tmp_path / "live.toml"
    config.write_text(config.read_text().replace('"evidence"', '"off"'))
    localhost = live[0].replace("127.0.0.1", "localhost")

    result = cli("probe", localhost, "-c", "live.toml", "--json")

    assert result.code == 0, result.json["findings"]
    assert not [one for one in result.json["exchanges"] if one["path"].startswith("http")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ftp://label.example",), "only http:// and https://"),
        (("http://",), "names no host"),
        (("http://127.0.0.1:1",), "refuses connections"),
        (("http://no-such-host.invalid",), "cannot be resolved (DNS)"),
        (("http://127.0.0.1:1", "--path", "audio"), "does not begin with a slash"),
        (("http://127.0.0.1:1", "--user-agent", "a\nb"), "printable ASCII"),
        (("http://127.0.0.1:1", "--timeout", "0"), "--timeout"),
        (("http://127.0.0.1:1", "-c", "nowhere.toml"), "nowhere.toml"),
        ((), "Missing argument"),
    ],
)
def test_wrong_usage_and_an_unreachable_site_are_a_sentence(
    arguments: tuple[str, ...], words: str, cli: Cli
) -> None:
    result = cli("probe", *arguments)

    assert (result.code, result.out) == (2, "")
    assert words in result.err.replace("\n", " ")
    assert "Traceback" not in result.err


def test_evidence_that_cannot_be_kept_fails_but_hides_no_result(cli: Cli, live: Any, tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file in the way")

    result = cli("probe", live[0], "-c", "live.toml", "--json")

    assert result.code == 1
    assert result.json["ok"] is True
    assert result.json["record"] is None
    assert "not in the evidence" in result.err


def test_without_warcio_it_says_what_to_install(cli: Cli, live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("warcio", "warcio.statusandheaders", "warcio.warcwriter", "vorbehalt.probe.warc"):
        monkeypatch.setitem(sys.modules, name, None)

    wanted = cli("probe", live[0], "--warc", "x.warc.gz")
    plain = cli("probe", live[0])

    assert wanted.code == 2
    assert "pip install 'vorbehalt[cli]'" in wanted.err
    assert plain.code == 0
