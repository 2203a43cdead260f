"""Real clients against the sidecar over https: nginx ends TLS, says who comes, and hands on to the sidecar.

Every client has a port of its own at nginx, which tells the sidecar another address for each: what it does is
told apart by that, as findings need an address that is globally routable and comes from a trusted proxy.
The sidecar is the one that `vorbehalt serve --upstream` runs, in a thread, so that every verdict is seen.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from asgi_support import config
from live_site import standing
from process_support import free_port, running, wait_for
from proxy_support import serving
from vorbehalt import VorbehaltMiddleware
from vorbehalt.edge.serve import behind
from vorbehalt.facts import Visit
from vorbehalt.patterns.seen import kind_of
from vorbehalt.policy.verdict import Verdict
from vorbehalt.settings import load

Mode = Literal["observe", "enforce"]
MODES: Final[tuple[Mode, ...]] = ("observe", "enforce")

SEES: Final = ("order", "encoding", "assets", "cookies")
"""What nginx in this arrangement leaves as it was. The HTTP version and h2c end at nginx."""

NGINX: Final = """\
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
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-For $visitor;
    map $server_port $visitor {{
{visitors}
    }}
{servers}
}}
"""


@dataclass(frozen=True, slots=True)
class Met:
    """One request of a client, and what was decided on it."""

    path: str
    method: str
    is_page: bool
    level: str
    score: int
    action: str
    findings: tuple[str, ...]
    user_agent: str


@dataclass
class Live:
    """A running arrangement. Ports are by client name and mode."""

    ports: dict[tuple[str, Mode], int]
    ca: Path
    pin: str
    """The key of nginx as Chromium names it: base64 of SHA-256 of its SubjectPublicKeyInfo."""
    met: dict[tuple[str, Mode], list[Met]] = field(default_factory=dict)

    def origin(self, name: str, mode: Mode) -> str:
        return f"https://localhost:{self.ports[name, mode]}"

    def of(self, name: str, mode: Mode) -> list[Met]:
        return self.met.get((name, mode), [])

    def pages(self, name: str, mode: Mode) -> list[Met]:
        """What was asked for as a page, in the order asked."""
        return [met for met in self.of(name, mode) if met.is_page]


def _address(number: int) -> str:
    """A globally routable address, each in a network of its own."""
    return f"203.0.{114 + number}.9"


@contextlib.contextmanager
def _sidecar(live: Live, mode: Mode, upstream: str, names: Sequence[str]) -> Iterator[int]:
    by_address = {_address(number): name for number, name in enumerate(names)}

    def note(visit: Visit | None, scope: Any, verdict: Verdict) -> None:
        fields = dict(scope["headers"]) if visit is None else dict(visit.headers)
        path = scope["path"] if visit is None else visit.path
        method = scope["method"] if visit is None else visit.method
        name = by_address.get(fields.get(b"x-forwarded-for", b"").decode())
        if name is None:
            return
        dest = fields.get(b"sec-fetch-dest", b"")
        live.met.setdefault((name, mode), []).append(
            Met(
                path,
                method,
                kind_of(path, dest) == "page",
                verdict.level,
                verdict.score,
                verdict.action.value,
                tuple(finding.id for finding in verdict.findings),
                fields.get(b"user-agent", b"").decode("latin-1"),
            )
        )

    settings = config(
        site={"origin": "https://localhost", "hosts": ["localhost"]},
        network={"trusted_proxies": ["loopback"], "dns": False, "refresh": False},
        patterns={"mode": mode, "sees": list(SEES)},
        sidecar={"upstream": upstream},
    )
    inner, _ = behind(upstream, load(settings))

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        verdict = scope.get("vorbehalt")
        if scope["type"] == "http" and verdict is not None:
            note(None, scope, verdict)
        await inner(scope, receive, send)

    def refused(visit: Visit, verdict: Verdict, _: str) -> None:
        if verdict.is_refusal:
            note(visit, None, verdict)

    middleware = VorbehaltMiddleware(noting, config=settings, observer=refused, forward_auth=True)
    with serving(middleware) as port:
        yield port


@contextlib.contextmanager
def arrangement(names: Sequence[str], modes: Sequence[Mode] = MODES) -> Iterator[Live]:
    """nginx, a sidecar for each mode, and the site, for these clients.

    Everybody may read its folder: some clients give up being root before they read what they are given.
    """
    with tempfile.TemporaryDirectory(prefix="live-") as name:
        Path(name).chmod(0o755)
        with _in_folder(Path(name), names, modes) as live:
            yield live


@contextlib.contextmanager
def _in_folder(folder: Path, names: Sequence[str], modes: Sequence[Mode]) -> Iterator[Live]:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(folder / "server.pem", append=True)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    ports = dict(
        zip(
            [(name, mode) for mode in modes for name in names],
            [free_port() for _ in range(len(names) * len(modes))],
            strict=True,
        )
    )
    live = Live(ports, folder / "ca.pem", _pin(folder / "server.pem"))
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(standing())
        servers = []
        for mode in modes:
            sidecar = stack.enter_context(_sidecar(live, mode, upstream, names))
            listens = "".join(f"        listen 127.0.0.1:{ports[name, mode]} ssl http2;\n" for name in names)
            place = f"location / {{ proxy_pass http://127.0.0.1:{sidecar}; }}"
            servers.append(f"    server {{\n{listens}        {place}\n    }}")
        visitors = "\n".join(
            f"        {port} {_address(names.index(name))};" for (name, _), port in ports.items()
        )
        text = NGINX.format(
            user="user root;" if os.geteuid() == 0 else "",
            folder=folder,
            visitors=visitors,
            servers="\n".join(servers),
        )
        (folder / "nginx.conf").write_text(text)
        command = [
            "nginx",
            "-c",
            str(folder / "nginx.conf"),
            "-p",
            str(folder),
            "-e",
            str(folder / "error.log"),
        ]
        process = stack.enter_context(running(command, next(iter(ports.values())), folder))
        # It listens where it can while it still tries the others, and ends if one of them stays taken.
        for port in ports.values():
            wait_for(lambda port=port: _is_ours(port, live.ca), f"nginx does not listen on {port}", 5)  # type: ignore[misc]
        assert process.poll() is None, (folder / "error.log").read_text()
        yield live


def _is_ours(port: int, ca: Path) -> bool:
    """Whether who answers there has our certificate."""
    context = ssl.create_default_context(cafile=ca)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            return True
    except OSError:
        return False


def run_program(command: Sequence[str], folder: Path, ca: Path, more: Mapping[str, str]) -> None:
    """Run a client until it ends; after 90 seconds it is ended with all that it started: a failure."""
    trusting = dict.fromkeys(
        ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(ca)
    )
    environment = {**os.environ, **trusting, **more, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            raise


def _pin(certificate: Path) -> str:
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
