"""What a site says itself, error pages, servers behind and disguised paths, with the exported files."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from process_support import free_port, running
from static_server_support import CADDY_ERRORS, SERVERS, Start, htaccess
from static_site_support import CONFIGS, OURS, Asked, Exported, fetch

OWN = {
    "nginx": """
    error_page 404 /404.html;
    location /app/ {{ proxy_pass http://127.0.0.1:{behind}; }}
    location /listen/ {{ include vorbehalt/headers.conf; add_header X-Robots-Tag nosnippet always; }}
""",
    "caddy": """
\treverse_proxy /app/* 127.0.0.1:{behind}
\theader /listen/* X-Robots-Tag nosnippet
"""
    + CADDY_ERRORS.replace("{page}", "\t\trewrite * /404.html\n\t\tfile_server"),
    "apache": """
ErrorDocument 404 /404.html
ProxyPass /app/ http://127.0.0.1:{behind}/app/
<Location /listen/>
    Header set X-Robots-Tag nosnippet
</Location>
""",
}
OWN["htaccess"] = OWN["apache"]
SAID = {
    "tdm-reservation": "0",
    "tdm-policy": "https://behind.example/",
    "content-usage": "train-ai=y",
    "x-robots-tag": "noindex",
    "link": "</next>; rel=next",
}


@pytest.fixture
def behind() -> Iterator[int]:
    """A server that says the contrary of the terms, and things of its own."""

    class Contrary(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if "nowhere" in self.path else 200)
            for name, value in SAID.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "audio/mpeg" if "song" in self.path else "text/html")
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"said")

        def log_message(self, format: str, *args: object) -> None:
            """Tests print nothing of their own."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Contrary)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.mark.parametrize("config", list(CONFIGS))
@pytest.mark.parametrize("server", SERVERS)
def test_a_server_behind_is_outvoted_and_what_the_site_says_itself_stays(
    server: Start, config: str, readable: Path, behind: int
) -> None:
    site, port = Exported(readable, CONFIGS[config]), free_port()
    arguments, environment = server(site, port, OWN[server.__name__].format(behind=behind))

    with running(arguments, port, readable, environment):
        proxied = [fetch(port, Asked("GET", path, {})) for path in ("/app/", "/app/song")]
        own = fetch(port, Asked("GET", "/listen/song.mp3", {}))

    for answer in (
        () if server is htaccess else proxied
    ):  # no folder belongs to what is asked of another server
        expected = [*site.expected(answer), ("link", SAID["link"]), ("x-robots-tag", SAID["x-robots-tag"])]
        assert answer.told == sorted(expected)
    assert own.told == sorted([*site.expected(own), ("x-robots-tag", "nosnippet")])


@pytest.mark.parametrize("config", list(CONFIGS))
@pytest.mark.parametrize("server", SERVERS)
def test_an_error_page_keeps_what_holds_for_the_path_that_was_asked_for(
    server: Start, config: str, readable: Path
) -> None:
    site, port = Exported(readable, CONFIGS[config]), free_port()
    (site.root / "404.html").write_text("nothing here")
    arguments, environment = server(site, port, OWN[server.__name__].format(behind=port))

    with running(arguments, port, readable, environment):
        answers = [
            fetch(port, Asked(method, path, {}))
            for path in ("/press/nowhere", "/press/intern/nowhere", "/nowhere")
            for method in ("GET", "HEAD")
        ]

    assert {answer.status for answer in answers} == {404}
    assert answers[0].body == b"nothing here"
    assert [answer.told for answer in answers] == [site.expected(answer) for answer in answers]


DISGUISED = ("/%70ress/", "//press//", "/x/../press/", "/./press/", "/press/%69ntern/", "/press/x/../intern/")


@pytest.mark.parametrize("server", SERVERS)
def test_a_path_in_disguise_is_the_same_path(server: Start, readable: Path) -> None:
    site, port = Exported(readable, CONFIGS["by path"]), free_port()
    arguments, environment = server(site, port)

    with running(arguments, port, readable, environment):
        answers = [fetch(port, Asked("GET", path, {})) for path in DISGUISED]

    assert [answer.told for answer in answers] == [site.expected(answer) for answer in answers]


@pytest.mark.real("apache2")
def test_a_client_cannot_choose_its_terms_by_headers(readable: Path) -> None:
    site, port = Exported(readable, CONFIGS["by media"]), free_port()
    arguments, environment = htaccess(site, port)
    sent = {"REDIRECT_vorbehalt": "press", "vorbehalt": "press", "X-Vorbehalt-Part": "press"}

    with running(arguments, port, readable, environment):
        answer = fetch(port, Asked("GET", "/", sent))

    assert answer.told == site.expected(answer)
    assert {name for name, _ in answer.headers if name in OURS} == set(OURS)
