"""A real nginx that follows what `init --for nginx` prints, word for word."""

from __future__ import annotations

import http.server
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from process_support import CHROME, GOOGLEBOT, GPTBOT, ask, end, running

# Its workers leave root for a user that cannot read a test's folder.
USER = "user root;" if os.geteuid() == 0 else ""
MAIN = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp1; proxy_temp_path {folder}/tmp2; fastcgi_temp_path {folder}/tmp3;
    uwsgi_temp_path {folder}/tmp4; scgi_temp_path {folder}/tmp5;
    include conf.d/*.conf;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        {site}
        location /own/ {{ add_header X-Own 1; }}
        location /private/ {{ deny all; }}
    }}
}}
"""


def configured(folder: Path, pieces: dict[str, str], web: int, asked: int) -> list[str]:
    """Write what `init` prints, and a site of four pages; returns the command."""
    for place, text in pieces.items():
        if place.startswith("/etc/nginx/"):
            file = folder / place.removeprefix("/etc/nginx/")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text.replace("127.0.0.1:8100", f"127.0.0.1:{asked}"))
    main = MAIN.format(user=USER, folder=folder, port=web, site=pieces["In the server block"].strip())
    (folder / "nginx.conf").write_text(main)
    for page in ("index.html", "own/index.html", "private/index.html", "press/index.html"):
        (folder / "www" / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / "www" / page).write_text("a page")
    return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]


@pytest.mark.real("nginx")
def test_nginx_asks_the_sidecar_and_serves_without_it(
    tmp_path: Path,
    sidecar: Any,
    printed: Callable[[str], dict[str, str]],
    ports: Callable[[int], list[int]],
    press: str,
    fresh_googlebot: Callable[[Path], str],
    standings: Callable[[int, str], dict[str, float]],
) -> None:
    web, asked, metrics = ports(3)
    pieces = printed("nginx")
    config = tmp_path / "vorbehalt.toml"
    config.write_text(config.read_text() + press)
    address = fresh_googlebot(config)
    nginx = configured(tmp_path, pieces, web, asked)

    with (
        sidecar(config, asked, "--metrics-listen", f"127.0.0.1:{metrics}") as process,
        running(nginx, web, tmp_path),
    ):
        person, crawler, missing = ask(web), ask(web, "/lyrics/1", GPTBOT), ask(web, "/nowhere")
        robots = ask(web, "/robots.txt", GPTBOT)
        signals = [
            ask(web, path).status for path in ("/license.xml", "/ai-policy", "/.well-known/tdmrep.json")
        ]
        question = ask(web, "/.vorbehalt-auth", CHROME)
        denied, told_press = ask(web, "/private/", CHROME), ask(web, "/press/")
        forged = ask(web, "/", GOOGLEBOT, {"X-Forwarded-For": address, "X-Real-IP": address})
        standing = standings(metrics, "Googlebot")
        many = [ask(web, "/", "PerplexityBot/1.0").status for _ in range(3)]
        end(process, signal.SIGKILL)
        left_alone, crawler_then = ask(web), ask(web, "/", GPTBOT)
        robots_then = ask(web, "/robots.txt")

    assert (person.status, person.body) == (200, b"a page")
    for answer in (person, crawler, missing, robots):
        assert answer.headers["tdm-reservation"] == "1"
        assert answer.headers["content-usage"]
        assert answer.headers["tdm-policy"].startswith("https://label.example/")
        assert 'rel="license"' in answer.headers["link"]
    assert "no-store" not in person.headers.get("cache-control", "")
    assert (crawler.status, crawler.headers["cache-control"]) == (403, "no-store")
    assert b"/ai-policy" in crawler.body
    assert missing.status == 404
    assert told_press.headers["tdm-reservation"] == "0"
    assert not {"tdm-policy", "x-robots-tag"} & told_press.headers.keys()
    assert robots.status == 200
    assert b"User-agent: GPTBot" in robots.body
    assert signals == [200, 200, 200]
    assert question.status == 404, "a stranger can put questions to the sidecar"
    assert denied.status == 403
    assert b"Rights are reserved" not in denied.body, "nginx's own refusal is not ours"
    assert forged.status == 200
    assert standing == {"claimed": 1}
    assert many == [200, 200, 200], "visitors behind the proxy are limited as one"
    assert (left_alone.status, left_alone.body) == (200, b"a page")
    assert crawler_then.status == 200, "when in doubt the request passes"
    assert robots_then.status == 204


@pytest.mark.real("nginx")
def test_a_refused_crawler_costs_nginx_no_connection_to_the_sidecar(
    tmp_path: Path, printed: Callable[[str], dict[str, str]], ports: Callable[[int], list[int]]
) -> None:
    web, asked = ports(2)
    connections: list[object] = []

    class Refusing(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_GET(self) -> None:
            self.send_response(403)
            self.send_header("X-Vorbehalt-Status", "403")
            self.send_header("X-Vorbehalt-Reference", "VB-TEST")
            self.send_header("Content-Length", "9")
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else b"reserved\n")

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    nginx = configured(tmp_path, printed("nginx"), web, asked)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", asked), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with running(nginx, web, tmp_path):
            answers = [ask(web, "/lyrics/1", GPTBOT) for _ in range(5)]
    finally:
        server.shutdown()
        server.server_close()

    assert [(answer.status, answer.body) for answer in answers] == [(403, b"reserved\n")] * 5
    assert len(connections) <= 2, "the question and the page; each kept for the next"
