"""Real Redis servers in tests: over TCP, a unix socket, TLS, with users, as a cluster of three."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import trustme

from process_support import end, free_port, wait_for

LOOPBACK = "127.0.0.1"


@dataclass
class Server:
    """One redis-server in a folder of its own; nothing of it is written to a disk."""

    folder: Path
    options: tuple[str, ...] = ()
    tls: bool = False
    password: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket_path(self) -> Path:
        return self.folder / "s"

    @property
    def unix_url(self) -> str:
        return f"unix://{self.socket_path}"

    @property
    def url(self) -> str:
        if self.tls:
            return f"rediss://{LOOPBACK}:{self.port}?ssl_ca_certs={self.folder / 'ca.pem'}"
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}{LOOPBACK}:{self.port}"

    def start(self) -> Server:
        """Start, and wait until it answers."""
        plain = "0" if self.tls else str(self.port)
        arguments = ["redis-server", "--bind", LOOPBACK, "--port", plain, "--save", "", "--appendonly", "no"]
        arguments += ["--dir", str(self.folder), "--unixsocket", str(self.socket_path), "--daemonize", "no"]
        if self.tls:
            arguments += ["--tls-port", str(self.port), "--tls-auth-clients", "no"]
            for name in ("cert", "key"):
                arguments += [f"--tls-{name}-file", str(self.folder / f"{name}.pem")]
            arguments += ["--tls-ca-cert-file", str(self.folder / "ca.pem")]
        if self.password:
            arguments += ["--requirepass", self.password]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*arguments, *self.options], stdout=log, stderr=log)
        wait_for(self.answers, f"redis-server does not start: {self.folder / 'log'}")
        return self

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(0.3)
            sock.connect(str(self.socket_path))
            sock.sendall(b"PING\r\n")
            return sock.recv(64)[:1] in (b"+", b"-")
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            end(self.process)
            self.process = None

    def freeze(self) -> None:
        """Let it hang: connections stay, nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket_path), password=self.password or None, protocol=2)

    def ask(self, *command: Any) -> Any:
        """Send one command past the code under test."""
        client = self.client()
        try:
            return client.execute_command(*command)  # type: ignore[no-untyped-call]
        finally:
            client.close()

    def client_names(self) -> list[str]:
        """Everybody who is connected, the one who asks included."""
        return [str(one["addr"]) for one in self.ask("CLIENT LIST")]


@contextlib.contextmanager
def server(*options: str, tls: bool = False, password: str = "") -> Iterator[Server]:
    """Run a server until the block ends. The folder's path is short, as that of a socket must be."""
    folder = Path(tempfile.mkdtemp(prefix="vb-redis-"))
    one = Server(folder, options, tls, password)
    try:
        if tls:
            authority = trustme.CA()
            certificate = authority.issue_cert(LOOPBACK)
            authority.cert_pem.write_to_path(folder / "ca.pem")
            certificate.private_key_pem.write_to_path(folder / "key.pem")
            certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        yield one.start()
    finally:
        one.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def cluster() -> Iterator[list[Server]]:
    """Run a cluster of three primaries until the block ends."""
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(server(*_cluster_options())) for _ in range(3)]
        places = [f"{LOOPBACK}:{node.port}" for node in nodes]
        subprocess.run(
            ["redis-cli", "--cluster", "create", *places, "--cluster-yes"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        wait_for(lambda: all(_is_whole(node) for node in nodes), "the cluster does not come together")
        yield nodes


def _cluster_options() -> tuple[str, ...]:
    return (
        "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "5000",
        "--cluster-port", str(free_port()),
    )  # fmt: skip


def _is_whole(node: Server) -> bool:
    info = node.ask("CLUSTER", "INFO")
    text = info if isinstance(info, dict) else info.decode()
    return "cluster_state:ok" in text if isinstance(text, str) else text.get("cluster_state") == "ok"
