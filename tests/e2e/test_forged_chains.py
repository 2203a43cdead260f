"""Real servers, with and without nginx, over TCP and unix sockets, all given forged chains.

The visitor comes from 127.0.0.2, which nobody trusts; proxy and site talk over 127.0.0.1, which is trusted.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from process_support import GPTBOT, end, free_port, running, wait_for

RULES = Path(__file__).parents[2] / "rules" / "vorbehalt_rules"
VISITOR = "127.0.0.2"
USER = "user root;" if os.geteuid() == 0 else ""

SITE = """\
import json
from vorbehalt import VorbehaltMiddleware

last = {}


def observe(visit, verdict, reference):
    last.update(source=visit.client.source, text=visit.client.text, standing=verdict.identity.standing.value)


async def page(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = json.dumps({**last, "notes": sorted(app.runtime.live.addresses.notes)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = VorbehaltMiddleware(page, config="vorbehalt.toml", observer=observe)
"""

CONFIG = """\
format = 1
[site]
origin = "https://label.example"
robots = "none"
[policy]
mode = "observe"
[evidence]
directory = "off"
[rules]
path = "overlay"
[network]
trusted_proxies = {trusted}
"""

NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port};
        proxy_set_header Host $host;
        location / {{
            proxy_pass http://{upstream};
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
        # As if the real crawler had come, with a chain that it has forged itself.
        location = /real {{
            proxy_pass http://{upstream};
            proxy_set_header X-Forwarded-For "9.9.9.9, {openai}";
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """How to start one server: `{bind}` is a port or the path of a socket."""

    arguments: Sequence[str]
    rewrites: bool = False
    """It puts an entry of the chain in the place of its peer, whoever the peer is."""
    rewrites_local: bool = False
    """It does so for what comes from this machine."""


UVICORN = (sys.executable, "-m", "uvicorn", "site_under_test:app", "--log-level", "warning")
GRANIAN = (str(Path(sys.executable).with_name("granian")), "--interface", "asgi", "--no-access-log")
HYPERCORN = (str(Path(sys.executable).with_name("hypercorn")),)
TCP = {
    "uvicorn": Server((*UVICORN, "--port", "{bind}"), rewrites_local=True),
    "uvicorn-trusts-all": Server(
        (*UVICORN, "--forwarded-allow-ips=*", "--port", "{bind}"), rewrites=True, rewrites_local=True
    ),
    "uvicorn-as-it-should": Server((*UVICORN, "--no-proxy-headers", "--port", "{bind}")),
    "granian": Server((*GRANIAN, "--host", "127.0.0.1", "--port", "{bind}", "site_under_test:app")),
    "hypercorn": Server((*HYPERCORN, "--bind", "127.0.0.1:{bind}", "site_under_test:app")),
}
UNIX = {
    "uvicorn": Server((*UVICORN, "--uds", "{bind}")),
    "uvicorn-trusts-all": Server((*UVICORN, "--forwarded-allow-ips=*", "--uds", "{bind}"), rewrites=True),
    "granian": Server((*GRANIAN, "--uds", "{bind}", "site_under_test:app")),
    "hypercorn": Server((*HYPERCORN, "--bind", "unix:{bind}", "site_under_test:app")),
}


def ask(port: int, path: str = "/", headers: Sequence[tuple[str, str]] = ()) -> Mapping[str, Any]:
    """What the site saw of a request of ours that says it is GPTBot."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(VISITOR, 0))
    try:
        connection.putrequest("GET", path)
        for name, value in (("User-Agent", GPTBOT), *headers):
            connection.putheader(name, value)
        connection.endheaders()
        found: Mapping[str, Any] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


@pytest.fixture
def openai(tmp_path: Path) -> str:
    """Lay out the site with a list of GPTBot's addresses that is fresh; return one of them."""
    listed = json.loads((RULES / "ranges" / "openai-gptbot.json").read_text("utf-8"))
    listed["fetched_at"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    (tmp_path / "overlay" / "ranges").mkdir(parents=True)
    (tmp_path / "overlay" / "ranges" / "openai-gptbot.json").write_text(json.dumps(listed), "utf-8")
    (tmp_path / "site_under_test.py").write_text(SITE, "utf-8")
    return str(ip_network(next(row["ipv4Prefix"] for row in listed["prefixes"] if "ipv4Prefix" in row))[1])


def forgeries(openai: str) -> list[list[tuple[str, str]]]:
    """Headers by which a visitor would like to be somebody else."""
    return [
        [("X-Forwarded-For", openai)],
        [("X-Forwarded-For", f"{openai}, 203.0.113.9")],
        [("X-Forwarded-For", f"127.0.0.1, {openai}")],
        [("X-Forwarded-For", f"127.0.0.1:443, {openai}")],
        [("X-Forwarded-For", f"[::ffff:127.0.0.1]:443, {openai}")],
        [("X-Forwarded-For", f"{openai}:443")],
        [("X-Forwarded-For", f"::ffff:{openai}")],
        [("X-Forwarded-For", openai), ("X-Forwarded-For", openai)],
        [("x-FORWARDED-for", openai), ("X_Forwarded_For", openai)],
        [("Forwarded", f"for={openai}")],
        [("Forwarded", f'for="{openai}:443";proto=https'), ("X-Forwarded-For", openai)],
        [("Forwarded", f'for={openai};x="'), ("X-Real-IP", openai)],
        [("X-Real-IP", openai), ("CF-Connecting-IP", openai), ("True-Client-IP", openai)],
        [("X-Forwarded-For", "garbage" * 300 + f", {openai}")],
        [("Connection", "close, X-Forwarded-For"), ("X-Forwarded-For", openai)],
    ]


@contextlib.contextmanager
def serving(server: Server, bind: str, folder: Path) -> Iterator[None]:
    """Run a server on a port or a socket until the block ends."""
    arguments = [part.format(bind=bind) for part in server.arguments]
    if bind.isdigit():
        with running(arguments, int(bind), folder):
            yield
        return
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(
            arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )

    def listens() -> bool:
        if process.poll() is not None:
            pytest.fail((folder / "server.log").read_text(errors="replace")[-2000:])
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as one:
            one.settimeout(0.5)
            one.connect(bind)
            return True
        return False

    try:
        wait_for(listens, "the server does not listen on its socket")
        yield
    finally:
        end(process)


@contextlib.contextmanager
def nginx(upstream: str, openai: str, folder: Path) -> Iterator[int]:
    """Run nginx in front of a server; gives its port."""
    port = free_port()
    text = NGINX.format(user=USER, folder=folder, port=port, upstream=upstream, openai=openai)
    (folder / "nginx.conf").write_text(text)
    paths = ["-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
    with running(["nginx", *paths], port, folder):
        yield port


@pytest.mark.real("nginx")
@pytest.mark.parametrize("name", TCP)
def test_over_tcp(name: str, openai: str, tmp_path: Path) -> None:
    server, bind = TCP[name], free_port()
    (tmp_path / "vorbehalt.toml").write_text(CONFIG.format(trusted='["127.0.0.1", "private"]'))
    with serving(server, str(bind), tmp_path), nginx(f"127.0.0.1:{bind}", openai, tmp_path) as port:
        bare = ask(bind)
        direct = [ask(bind, "/", headers) for headers in forgeries(openai)]
        behind = [ask(port, "/", headers) for headers in forgeries(openai)]
        real = ask(port, "/real")

    assert (bare["source"], bare["text"], bare["standing"]) == ("direct", VISITOR, "claimed")
    assert {answer["standing"] for answer in (*direct, *behind)} == {"claimed"}
    assert {answer["source"] for answer in direct} == {"untrusted"}
    if server.rewrites_local:
        assert {answer["source"] for answer in behind} == {"untrusted"}
        assert (real["standing"], real["source"]) == ("claimed", "untrusted")
        assert "client-rewritten" in real["notes"]
    else:
        assert {(answer["source"], answer["text"]) for answer in behind} == {("proxy-asserted", VISITOR)}
        assert (real["standing"], real["source"], real["text"]) == ("verified", "proxy-asserted", openai)
        assert "client-rewritten" not in real["notes"]


@pytest.mark.real("nginx")
@pytest.mark.parametrize("name", UNIX)
def test_over_a_unix_socket(name: str, openai: str, tmp_path: Path) -> None:
    server, bind = UNIX[name], str(tmp_path / "site.sock")
    (tmp_path / "vorbehalt.toml").write_text(CONFIG.format(trusted='["unix"]'))
    with serving(server, bind, tmp_path), nginx(f"unix:{bind}:", openai, tmp_path) as port:
        behind = [ask(port, "/", headers) for headers in forgeries(openai)]
        real = ask(port, "/real")

    assert {answer["standing"] for answer in behind} == {"claimed"}
    if server.rewrites:
        assert {answer["source"] for answer in behind} == {"untrusted"}
        assert (real["standing"], real["notes"]) == ("claimed", ["client-rewritten"])
    else:
        assert {(answer["source"], answer["text"]) for answer in behind} == {("proxy-asserted", VISITOR)}
        assert (real["standing"], real["source"], real["text"]) == ("verified", "proxy-asserted", openai)


@pytest.mark.real("nginx")
def test_a_unix_socket_that_nobody_configured(openai: str, tmp_path: Path) -> None:
    bind = str(tmp_path / "site.sock")
    (tmp_path / "vorbehalt.toml").write_text(CONFIG.format(trusted='["loopback"]'))
    with serving(UNIX["uvicorn"], bind, tmp_path), nginx(f"unix:{bind}:", openai, tmp_path) as port:
        real = ask(port, "/real")
    assert (real["standing"], real["source"], real["text"]) == ("claimed", "none", None)
    assert real["notes"] == ["unix-not-trusted"]
