"""`probe` through a real nginx that loses headers in places, and one that caches what was said before."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from process_support import ask, running, vorbehalt

USER = "user root;" if os.geteuid() == 0 else ""
NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    default_type text/html;
    types {{ text/html html; image/png png; text/css css; audio/mpeg mp3; }}
    client_body_temp_path {folder}/tmp1; proxy_temp_path {folder}/tmp2; fastcgi_temp_path {folder}/tmp3;
    uwsgi_temp_path {folder}/tmp4; scgi_temp_path {folder}/tmp5;
    {http}
    server {{
        listen 127.0.0.1:{port};
        proxy_set_header Host $http_host;
        {server}
    }}
}}
"""
APP = """\
import sys
import uvicorn
from vorbehalt import VorbehaltMiddleware
from vorbehalt.demo.site import label_site

app = VorbehaltMiddleware(label_site(), config=sys.argv[1])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""
CONFIG = """\
format = 1
[site]
origin = "{origin}"
hosts = ["127.0.0.1"]
operator = "Mondkalk"
contact = "mailto:licensing@mondkalk.example"
[reservation]
capacity = "owner"
{reservation}
[[reservation.section]]
name = "press"
paths = ["/press/"]
training = "allow"
ai_input = "allow"
tdm = "allow"
[network]
trusted_proxies = ["loopback"]
[evidence]
directory = "{evidence}"
"""


class Stack:
    """The demo label's site behind the middleware on uvicorn, and an nginx before it."""

    def __init__(self, folder: Path, web: int, app: int) -> None:
        self.folder = folder
        self.web = web
        self.app = app
        self.origin = f"http://127.0.0.1:{web}"
        self.config = folder / "site.toml"
        (folder / "serve.py").write_text(APP)
        self.configure()

    def configure(self, reservation: str = "") -> None:
        self.config.write_text(
            CONFIG.format(origin=self.origin, reservation=reservation, evidence=self.folder / "evidence")
        )

    @contextlib.contextmanager
    def site(self) -> Iterator[None]:
        arguments = [sys.executable, str(self.folder / "serve.py"), str(self.config), str(self.app)]
        with running(arguments, self.app, self.folder):
            yield

    @contextlib.contextmanager
    def nginx(self, server: str, http: str = "") -> Iterator[None]:
        path = self.folder / "nginx.conf"
        server = server.replace("APP", f"http://127.0.0.1:{self.app}").replace("FOLDER", str(self.folder))
        http = http.replace("FOLDER", str(self.folder))
        path.write_text(NGINX.format(user=USER, folder=self.folder, port=self.web, http=http, server=server))
        arguments = ["nginx", "-c", str(path), "-p", str(self.folder), "-e", str(self.folder / "error.log")]
        with running(arguments, self.web, self.folder):
            yield

    def probe(self, *options: str) -> tuple[int, Any]:
        done = vorbehalt("probe", self.origin, "--json", *options, folder=self.folder)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def stack(tmp_path: Path, ports: Callable[[int], list[int]]) -> Stack:
    return Stack(tmp_path, *ports(2))


def short(found: Any) -> set[tuple[str, tuple[str, ...], str]]:
    """The findings by id, place and what is lost there."""
    return {(one["id"], tuple(one["where"]), one["expected"]) for one in found["findings"]}


ALL = "tdm-reservation, tdm-policy, content-usage, x-robots-tag and link"


@pytest.mark.real("nginx")
def test_an_nginx_that_passes_everything_on_is_fine(stack: Stack) -> None:
    with stack.site(), stack.nginx("gzip on; location / { proxy_pass APP; }"):
        alone, compared = stack.probe("-c", "site.toml"), stack.probe()

    for code, found in (alone, compared):
        assert found["findings"] == []
        assert code == 0


@pytest.mark.real("nginx")
@pytest.mark.parametrize("options", [(), ("-c", "site.toml")])
def test_a_location_that_strips_one_header_is_named_with_that_header(
    options: tuple[str, ...], stack: Stack
) -> None:
    server = "location / { proxy_pass APP; } location /covers/ { proxy_hide_header link; proxy_pass APP; }"
    with stack.site(), stack.nginx(server):
        code, found = stack.probe(*options)

    assert code == 1
    assert {(one["id"], one["expected"]) for one in found["findings"]} == {("headers-missing", "link")}
    (finding,) = found["findings"]
    assert finding["where"]
    assert all(path.startswith("/covers/") for path in finding["where"])
    assert "link is missing on /covers/" in finding["message"]
    assert "(everything below /covers/)" in finding["message"]
    lacking = {one["path"] for one in found["exchanges"] if one["headers_missing"]}
    assert lacking == set(finding["where"])


@pytest.mark.real("nginx")
def test_a_location_with_an_add_header_of_its_own_loses_all_that_it_would_inherit(stack: Stack) -> None:
    for name in ("covers", "audio"):
        (stack.folder / "www" / name).mkdir(parents=True)
    (stack.folder / "www" / "covers" / "1.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (stack.folder / "www" / "audio" / "1.wav").write_bytes(bytes(1000))
    added = "".join(
        f"add_header {line} always; "
        for line in (
            "tdm-reservation 1",
            f"tdm-policy {stack.origin}/.well-known/tdm-policy.json",
            '"Content-Usage" "train-ai=n, ai-use=n, search=y"',
            '"X-Robots-Tag" "noai, noimageai"',
            f"""Link '<{stack.origin}/license.xml>; rel="license"; type="application/rsl+xml"'""",
        )
    )
    static = (
        f"root FOLDER/www; location / {{ proxy_pass APP; }} location /audio/ {{ {added} }}"
        f" location /static-parent/ {{ }} location /covers/ {{ add_header Cache-Control 'max-age=86400'; }}"
    )
    with stack.site(), stack.nginx(static):
        code, found = stack.probe("--path", "/covers/1.svg", "--path", "/audio/1.wav")

    assert code == 1
    lost = [one for one in found["findings"] if one["id"] == "headers-missing"]
    assert [(tuple(one["where"]), one["expected"]) for one in lost] == [(("/covers/1.svg",), ALL)]
    assert "one add_header inside a location drops all inherited ones" in lost[0]["message"]
    assert "/audio/1.wav" not in {path for one in found["findings"] for path in one["where"]}


@pytest.mark.real("nginx")
def test_errors_that_nginx_makes_itself_lack_headers_without_always(stack: Stack) -> None:
    server = """
        location / { proxy_pass APP; proxy_intercept_errors on; error_page 404 /gone.html; }
        location = /gone.html { internal; return 404 "gone"; add_header tdm-reservation 1; }"""
    with stack.site(), stack.nginx(server):
        code, found = stack.probe()

    assert code == 1
    by_id = {one["id"]: one for one in found["findings"]}
    assert set(by_id) == {"headers-missing-on-errors"}
    assert by_id["headers-missing-on-errors"]["expected"] == ALL
    assert '"always"' in by_id["headers-missing-on-errors"]["message"]


CACHE = "proxy_cache_path FOLDER/cache keys_zone=site:1m;"
CACHED = """
    proxy_cache site; proxy_cache_valid 200 1h; proxy_ignore_headers Cache-Control Expires;
    add_header X-Cache $upstream_cache_status always;
    location / { proxy_pass APP; }"""


@pytest.mark.real("nginx")
def test_a_cache_that_serves_the_terms_of_before_is_named_with_each_path(stack: Stack) -> None:
    with stack.nginx(CACHED, CACHE):
        with stack.site():
            before_code, before = stack.probe("-c", "site.toml")
        stack.configure('search = "reserve"')
        with stack.site():
            compared_code, compared = stack.probe("-c", "site.toml")
            alone_code, alone = stack.probe()
            robots = ask(stack.web, "/robots.txt")

    assert (before_code, before["findings"]) == (0, [])
    assert robots.headers["x-cache"] == "HIT"
    assert (compared_code, alone_code) == (1, 1)
    for found in (compared, alone):
        stale = [one for one in found["findings"] if one["id"] == "cache-stale"]
        where = {path for one in stale for path in one["where"]}
        assert {"/", "/license.xml", "/robots.txt", "/covers/1.svg", "/audio/1.wav"} <= where
        assert all("x-cache: HIT" in one["message"] and "purge it" in one["message"] for one in stale)
    old = [
        one for one in compared["findings"] if one["id"] == "cache-stale" and "/audio/1.wav" in one["where"]
    ]
    assert "content-usage: train-ai=n, ai-use=n, search=y" in old[0]["message"]
    assert "content-usage: train-ai=n, ai-use=n, search=n" in old[0]["expected"]


@pytest.mark.real("nginx")
def test_a_cache_that_is_emptied_is_fine_again(stack: Stack) -> None:
    with stack.nginx(CACHED, CACHE), stack.site():
        first, second = stack.probe("-c", "site.toml"), stack.probe("-c", "site.toml")

    assert [code for code, _ in (first, second)] == [0, 0]
    assert second[1]["findings"] == []


FILES = {
    "index.html": b"<!doctype html><title>Home</title><img src=/images/a.png>"
    b"<link rel=stylesheet href=/own/s.css>",
    "images/a.png": b"\x89PNG" + bytes(400),
    "own/s.css": b"body{margin:0}\n" * 100,
    "press/index.html": b"<!doctype html><title>Press</title>",
}


@pytest.mark.real("nginx")
def test_the_printed_nginx_configuration_passes_but_for_a_location_with_headers_of_its_own(
    tmp_path: Path,
    sidecar: Any,
    printed: Callable[[str], dict[str, str]],
    ports: Callable[[int], list[int]],
    press: str,
) -> None:
    web, asked = ports(2)
    pieces = printed("nginx")
    config = tmp_path / "vorbehalt.toml"
    text = config.read_text() + press
    config.write_text(text.replace("https://label.example", f"http://127.0.0.1:{web}"))
    for place, snippet in pieces.items():
        if place.startswith("/etc/nginx/"):
            file = tmp_path / place.removeprefix("/etc/nginx/")
            file.parent.mkdir(exist_ok=True)
            file.write_text(snippet.replace("127.0.0.1:8100", f"127.0.0.1:{asked}"))
    for name, body in FILES.items():
        (tmp_path / "www" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "www" / name).write_bytes(body)
    site = pieces["In the server block"] + f"root {tmp_path}/www; gzip on; gzip_types text/css;"
    stack = Stack(tmp_path, web, asked)
    stack.config.unlink()

    with sidecar(config, asked):
        with stack.nginx(site, "include conf.d/*.conf;"):
            fine = stack.probe("-c", "vorbehalt.toml")
        with stack.nginx(site + "location /own/ { add_header X-Own 1; }", "include conf.d/*.conf;"):
            lost = stack.probe("-c", "vorbehalt.toml")

    assert fine[1]["findings"] == []
    assert fine[0] == 0
    assert {(one["id"], tuple(one["where"]), one["expected"]) for one in lost[1]["findings"]} == {
        ("headers-missing", ("/own/s.css",), ALL)
    }
