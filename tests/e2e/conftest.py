"""A sidecar, a small site behind it, and how long lists are made fresh."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from process_support import VORBEHALT, ask, free_port, running, vorbehalt

GOOGLE_RANGES = Path(__file__).parents[2] / "rules" / "vorbehalt_rules" / "ranges" / "google-googlebot.json"


@pytest.fixture
def upstream() -> Iterator[tuple[int, list[str]]]:
    """A small site on a port, and the request lines it has seen."""
    seen: list[str] = []

    class Site(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append(self.requestline)
            known = self.path != "/robots.txt"
            body = b"a page" if known else b"User-agent: *\nDisallow: /intern/\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            seen.append(self.requestline)
            body = self.rfile.read(int(self.headers["Content-Length"]))[::-1]
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing of their own."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that leaves is nothing to talk about."""

    server = Server(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.fixture
def fresh_googlebot(tmp_path: Path) -> Callable[[Path], str]:
    """Give a configuration a list of Googlebot's addresses that was fetched just now; returns one of them."""

    def freshen(config: Path) -> str:
        listed = json.loads(GOOGLE_RANGES.read_text("utf-8"))
        listed["fetched_at"] = listed["creationTime"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        (config.parent / "overlay" / "ranges").mkdir(parents=True)
        (config.parent / "overlay" / "ranges" / GOOGLE_RANGES.name).write_text(json.dumps(listed), "utf-8")
        with config.open("a", encoding="utf-8") as file:
            file.write('\n[rules]\npath = "overlay"\n')
        network = next(row["ipv4Prefix"] for row in listed["prefixes"] if "ipv4Prefix" in row)
        return str(network.partition("/")[0])

    return freshen


PRESS = """
[[reservation.section]]
name = "press"
paths = ["/press/"]
training = "allow"
ai_input = "allow"
tdm = "allow"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration as `init` writes it."""
    path = tmp_path / "vorbehalt.toml"
    done = vorbehalt("init", "--for", "envoy", "--yes", "--origin", "https://label.example", "-c", path)
    assert done.returncode == 0, done.stderr
    return path


Sidecar = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]


@pytest.fixture
def sidecar() -> Sidecar:
    """Run `vorbehalt serve` with a configuration."""

    @contextlib.contextmanager
    def serve(config: Path, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        arguments = [*VORBEHALT, "serve", "-c", str(config), "--listen", f"127.0.0.1:{port}", *options]
        with running(arguments, port, config.parent) as process:
            yield process

    return serve


@pytest.fixture
def printed(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Run `init` for a stack in tmp_path; return the pieces it says to paste, by the place it names."""

    def init(stack: str) -> dict[str, str]:
        done = vorbehalt(
            "init", "--for", stack, "--yes", "--origin", "https://label.example", folder=tmp_path
        )
        assert done.returncode == 0, done.stderr
        pieces: dict[str, str] = {}
        place = ""
        for line in done.stdout.decode().splitlines():
            if line and not line.startswith(" "):
                place = line.rstrip(":")
            else:
                pieces[place] = pieces.get(place, "") + line.removeprefix("    ") + "\n"
        return pieces

    return init


def standings(port: int, crawler: str) -> dict[str, float]:
    """Requests of a crawler by standing, as the metrics of a sidecar say."""
    found: dict[str, float] = {}
    for line in ask(port, "/metrics").body.decode().splitlines():
        if line.startswith("vorbehalt_crawler_requests_total{") and f'crawler="{crawler}"' in line:
            standing = re.findall(r'standing="([a-z]+)"', line)[0]
            found[standing] = found.get(standing, 0) + float(line.rpartition(" ")[2])
    return found


@pytest.fixture(name="standings")
def _standings() -> Callable[[int, str], dict[str, float]]:
    return standings


@pytest.fixture
def press() -> str:
    """A section of a configuration in which nothing is reserved."""
    return PRESS


@pytest.fixture
def ports() -> Callable[[int], list[int]]:
    """Some free ports, all different."""

    def take(count: int) -> list[int]:
        found: set[int] = set()
        while len(found) < count:
            found.add(free_port())
        return sorted(found)

    return take


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that a server can read that has left root; pytest keeps its own folders closed."""
    with tempfile.TemporaryDirectory(prefix="vorbehalt-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
