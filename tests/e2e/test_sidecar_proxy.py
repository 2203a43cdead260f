"""`vorbehalt serve --upstream` as a process: an end without loss, several sites."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from body_support import head_of, receiving, site
from process_support import CHROME, GPTBOT, ask, end, running, vorbehalt, wait_for
from proxy_support import SECONDS, Upstream, answering, connect, read_head

Ports = Callable[[int], list[int]]
DUCK = "DuckAssistBot/1.2; (+http://duckduckgo.com/duckassistbot.html)"


def completions(config: Path) -> list[dict[str, Any]]:
    done = vorbehalt("evidence", "show", config.parent / "vorbehalt-evidence", "--json")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return [record for record in records if record.get("type") == "completion"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_end_waits_for_what_is_under_way(workers: str, config: Path, sidecar: Any, ports: Ports) -> None:
    """A slow download of a crawler and an upload of a person: both come through, and the record is whole."""
    go_on = threading.Event()

    def slow(connection: socket.socket, head: bytes, rest: bytes) -> None:
        if head.startswith(b"POST"):
            receiving(connection, head, rest)
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nfirst")
        assert go_on.wait(SECONDS)
        connection.sendall(b" last")

    (port,) = ports(1)
    with (
        site(slow) as upstream,
        sidecar(config, port, "--upstream", upstream.url, "--workers", workers) as process,
        connect(port) as reader,
        connect(port) as writer,
    ):
        reader.sendall(head_of("GET", DUCK))
        got = read_head(reader)[1]
        while b"first" not in got:
            got += reader.recv(100)
        writer.sendall(head_of("POST", length=6) + b"abc")
        wait_for(lambda: len(upstream.heads) == 2, "the upload did not begin")
        process.send_signal(signal.SIGTERM)

        def refuses() -> bool:
            with contextlib.suppress(OSError), connect(port):
                return False
            return True

        wait_for(refuses, "new connections are still taken")
        assert process.poll() is None, "it did not wait"
        writer.sendall(b"def")
        head, said = read_head(writer)
        said = said or writer.recv(10)
        go_on.set()
        while data := reader.recv(100):
            got += data
        assert process.wait(SECONDS) == 0

    assert head.startswith(b"HTTP/1.1 200 ")
    assert said == b"6"
    assert got == b"first last"
    (record,) = completions(config)
    assert (record["seen"]["bytes"], record["seen"]["whole"]) == (10, True)


def test_a_page_that_broke_off_is_recorded_as_cut(config: Path, sidecar: Any, ports: Ports) -> None:
    """The upstream dies in the middle of a crawler's page: the record says how much went out."""

    def half(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nfirst")

    (port,) = ports(1)
    with site(half) as upstream, sidecar(config, port, "--upstream", upstream.url) as process:
        with connect(port) as reader:
            reader.sendall(head_of("GET", DUCK))
            while reader.recv(1000):
                pass
        end(process)
    (record,) = completions(config)
    assert (record["seen"]["bytes"], record["seen"]["whole"]) == (5, False)


def test_health_names_an_upstream_that_is_down_and_signals_are_served(
    config: Path, sidecar: Any, ports: Ports
) -> None:
    port, nobody = ports(2)
    with sidecar(config, port, "--upstream", f"http://127.0.0.1:{nobody}"):
        page = ask(port, "/", CHROME, {"Accept-Language": "de"})
        down = json.loads(ask(port, "/.vorbehalt/health").body)
        signals = [ask(port, path, GPTBOT).status for path in ("/robots.txt", "/.well-known/tdmrep.json")]
        upstream = Upstream(
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), f"127.0.0.1:{nobody}"
        )
        answered = ask(port, "/").body
        up = json.loads(ask(port, "/.vorbehalt/health").body)
        upstream.close()

    assert page.status == 502
    assert page.headers["tdm-reservation"] == "1"
    assert page.headers["cache-control"] == "no-store"
    assert "Die Website antwortet nicht" in page.body.decode()
    assert down["state"] == "yellow"
    assert [reason for reason in down["reasons"] if f"127.0.0.1:{nobody}" in reason]
    assert signals == [200, 200]
    assert answered == b"ok"
    assert not [reason for reason in up["reasons"] if f"127.0.0.1:{nobody}" in reason]


def test_the_time_the_site_may_take_is_configured(config: Path, sidecar: Any, ports: Ports) -> None:
    release = threading.Event()

    def silent(connection: socket.socket, head: bytes, rest: bytes) -> None:
        release.wait(SECONDS)

    (port,) = ports(1)
    with config.open("a") as file:
        file.write('\n[sidecar]\nupstream_timeout = "100ms"\n')
    with site(silent) as upstream, sidecar(config, port, "--upstream", upstream.url):
        late = ask(port, "/")
        release.set()
    assert late.status == 504


def test_what_is_sent_to_the_site_again_is_counted(config: Path, sidecar: Any, ports: Ports) -> None:
    """The site closes each connection without a word when a second request comes over it."""
    connections: list[bytes] = []

    def forgetful(connection: socket.socket, head: bytes, rest: bytes) -> None:
        connections.append(head)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        read_head(connection)

    def retries(metrics: int) -> list[bytes]:
        return re.findall(rb"^vorbehalt_upstream_retries_total (\S+)", ask(metrics, "/metrics").body, re.M)

    port, metrics = ports(2)
    with (
        site(forgetful) as upstream,
        sidecar(config, port, "--upstream", upstream.url, "--metrics-listen", f"127.0.0.1:{metrics}"),
    ):
        assert ask(port, "/.vorbehalt/health").status == 200
        before = retries(metrics)
        answers = [ask(port, f"/{number}").body for number in range(3)]
        after = retries(metrics)
    assert answers == [b"ok"] * 3
    assert (before, after) == ([b"0.0"], [b"2.0"])
    assert [head.split()[1] for head in connections] == [b"/0", b"/1", b"/2"]


def named(text: bytes) -> Callable[[socket.socket, bytes, bytes], object]:
    return answering(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)
    )


def test_several_sites_behind_one_sidecar(config: Path, sidecar: Any, ports: Ports, tmp_path: Path) -> None:
    """Over TCP and a unix socket; a host that nobody has named goes to the default."""
    (port,) = ports(1)
    shop = Upstream(named(b"shop"), f"unix:{tmp_path}/shop.sock")
    with site(named(b"label")) as label, site(named(b"blog")) as blog:
        with config.open("a") as file:
            file.write(f'\n[[host]]\nnames = ["blog.example"]\nupstream = "{blog.url}"\n')
            file.write(f'\n[[host]]\nnames = ["shop.example"]\nupstream = "{shop.url}"\n')
        with sidecar(config, port, "--upstream", label.url):
            bodies = {
                host: ask(port, "/", CHROME, {"Host": host}).body
                for host in ("label.example", "blog.example", "SHOP.example:8443", "unknown.example")
            }
    shop.close()
    assert bodies == {
        "label.example": b"label",
        "blog.example": b"blog",
        "SHOP.example:8443": b"shop",
        "unknown.example": b"label",
    }


NGINX = """{user}
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; gzip on; gzip_types text/plain; gzip_min_length 1;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/site; }}
}}
"""


@pytest.mark.real("nginx", "curl")
def test_ranges_conditions_and_codings_are_the_sites_own(
    config: Path, sidecar: Any, ports: Ports, tmp_path: Path
) -> None:
    """curl asks nginx directly and through the sidecar, and sees the same."""
    folder = tmp_path / "nginx"
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "song.txt").write_bytes(b"".join(b"line %d\n" % number for number in range(10_000)))
    folder.chmod(0o755)
    port, site_port = ports(2)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=site_port, user=user))

    def curl(at: int, *options: str) -> tuple[str, dict[str, str], bytes]:
        url = f"http://127.0.0.1:{at}/song.txt"
        done = subprocess.run(
            ["curl", "-sS", "-A", CHROME, "-D", "-", *options, url], capture_output=True, check=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return status.split(" ")[1], {name.lower(): value for name, _, value in pairs}, body

    kept = ("content-length", "content-range", "content-encoding", "content-type", "etag", "last-modified",
            "accept-ranges", "transfer-encoding", "vary")  # fmt: skip
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    statuses = []
    with (
        running(command, site_port, folder),
        sidecar(config, port, "--upstream", f"http://127.0.0.1:{site_port}"),
    ):
        etag = curl(site_port)[1]["etag"]
        modified = curl(site_port)[1]["last-modified"]
        for options in (
            [],
            ["-I"],
            ["-H", "Range: bytes=5-20"],
            ["-H", "Range: bytes=-5"],
            ["-H", "Range: bytes=0-3,10-13"],
            ["-H", "Range: bytes=99999999-"],
            ["-H", f"If-None-Match: {etag}"],
            ["-H", 'If-None-Match: "other"'],
            ["-H", f"If-Modified-Since: {modified}"],
            ["-H", "Range: bytes=0-3", "-H", f"If-Range: {etag}"],
            ["-H", "Range: bytes=0-3", "-H", 'If-Range: "other"'],
            ["-H", 'If-Match: "other"'],
            ["-H", "Accept-Encoding: gzip"],
            ["-0"],
        ):
            direct, through = curl(site_port, *options), curl(port, *options)
            boundary = re.compile(rb"\d{20}")
            for part in kept:
                mine, theirs = (found.get(part, "") for found in (through[1], direct[1]))
                assert re.sub(r"\d{20}", "", mine) == re.sub(r"\d{20}", "", theirs), (options, part)
            assert boundary.sub(b"", through[2]) == boundary.sub(b"", direct[2]), options
            assert through[0] == direct[0], options
            assert through[1]["tdm-reservation"] == "1", options
            statuses.append(direct[0])
    assert set(statuses) == {"200", "206", "304", "412", "416"}
