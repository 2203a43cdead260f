"""A time stamping authority made with openssl, and small servers on loopback that answer as a test wants."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from vorbehalt.evidence.anchor.rounds import Outcome, Round
from vorbehalt.evidence.anchor.targets import Target, TimeStamper
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing.sealer import seal_once

POLICY = "1.2.3.4"
NOW = 1_795_700_000_000_000_000
SECOND = 10**9
_CONFIG = """\
[req]
distinguished_name = dn
prompt = no
[dn]
CN = unused
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
{names}
[ca]
default_ca = own
[own]
database = index
default_md = sha256
default_crl_days = 5
[tsa]
default_tsa = t
[t]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
{certs}
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
clock_precision_digits = {digits}
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""

Answer = tuple[int, str, bytes]
Answering = Callable[[bytes], Answer]


class Authority:
    """`openssl ts` with certificates of its own. With `chain` its answers hold the root as well.

    `at` is the wall clock of the authority ("2021-05-06 07:08:09" UTC), by faketime; None: the present. Every
    command begins at that time anew: stamp later than the certificates were made. `names` are further lines
    of the signer's certificate: where to ask whether it was revoked.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: str = "ec",
        chain: bool = False,
        at: str | None = None,
        digits: int = 0,
        names: str = "",
    ) -> None:
        self.folder, self.at = folder, at
        folder.mkdir(parents=True)
        (folder / "config").write_text(
            _CONFIG.format(certs="certs = root.pem" if chain else "", digits=digits, names=names)
        )
        (folder / "serial").write_text("01\n")
        for name in ("root", "tsa"):
            if key == "ec":
                self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
            else:
                self.openssl("genrsa", "-out", f"{name}.key", "2048")
        # The signer's certificate is the longer one: in DER order it would be the second.
        subject = f"/CN=Time stamping unit of {'a long name ' * 3}"
        self.openssl(
            *("req", "-x509", "-new", "-key", "root.key", "-subj", "/CN=Root", "-days", "30"),
            *("-config", "config", "-extensions", "root", "-out", "root.pem"),
        )
        self.openssl("req", "-new", "-key", "tsa.key", "-subj", subject, "-config", "config", "-out", "csr")
        self.openssl(
            *("x509", "-req", "-in", "csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "2"),
            *("-days", "5", "-extfile", "config", "-extensions", "leaf", "-out", "tsa.pem"),
        )
        self.root_pem = (folder / "root.pem").read_text()

    def openssl(self, *args: str) -> bytes:
        command = [*(["faketime", self.at] if self.at else []), "openssl", *args]
        environment = {**os.environ, "TZ": "UTC"}
        done = subprocess.run(command, cwd=self.folder, env=environment, check=True, capture_output=True)
        return done.stdout

    def reply(self, query: bytes) -> bytes:
        """Answer a query; a rejection is an answer as well."""
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-config", "config", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def revoked(self, *, state: str = "V") -> bytes:
        """Return the list of revoked certificates; with state R the signer's is on it."""
        self._index(state)
        self.openssl("ca", "-config", "config", "-gencrl", "-keyfile", "root.key", "-cert", "root.pem",
                     "-out", "crl.pem")  # fmt: skip
        return self.openssl("crl", "-in", "crl.pem", "-outform", "DER")

    def status(self, question: bytes, *, state: str = "V") -> bytes:
        """Answer an OCSP question."""
        self._index(state)
        (self.folder / "question").write_bytes(question)
        signer = ("-CA", "root.pem", "-rsigner", "root.pem", "-rkey", "root.key")
        self.openssl(
            "ocsp", "-index", "index", *signer, "-reqin", "question", "-respout", "answer", "-ndays", "1"
        )
        return (self.folder / "answer").read_bytes()

    def _index(self, state: str) -> None:
        when = "350101000000Z\t" + ("260101000000Z" if state == "R" else "")
        (self.folder / "index").write_text(f"{state}\t{when}\t02\tunknown\t/CN=signer\n")

    def query(self, data: bytes, *options: str) -> bytes:
        """Make a query about `data` with a random nonce."""
        (self.folder / "data").write_bytes(data)
        digest = options or ("-sha256",)
        self.openssl("ts", "-query", "-data", "data", *digest, "-cert", "-out", "own-query")
        return (self.folder / "own-query").read_bytes()

    def stamp(self, data: bytes) -> bytes:
        return self.reply(self.query(data))


@contextmanager
def answering(answer: Answering) -> Iterator[str]:
    """Serve POST on loopback; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, media_type, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    """Run a server in a thread; yields its address."""
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def time_stamp(body: bytes) -> Answer:
    return 200, "application/timestamp-reply", body


def stamper(url: str, authority: Authority, **more: object) -> TimeStamper:
    return TimeStamper(**{"name": "tsa.test", "url": url, "roots": authority.root_pem, **more})  # type: ignore[arg-type]


class Site:
    """An evidence directory with records in it, and a clock that only the test moves."""

    def __init__(self, directory: EvidenceDirectory) -> None:
        self.at, self.directory, self.now = directory, directory.path, NOW
        self.log = EvidenceLog(
            directory,
            clock=lambda: self.now,
            seals=False,
            clients_per_minute=1_000_000,
            operators_per_minute=1_000_000,
        )
        self.log.start()

    def record(self, count: int = 1) -> None:
        """Append records and seal them."""
        for number in range(count):
            self.log.append(Draft("request", f"r{number}", self.now, {"path": f"/song/{number}"}))
        _settle(self.log)
        self.seal()

    def seal(self) -> None:
        seal_once(self.directory)

    def round(self, *targets: Target, everybody: bool = False, total_seconds: float = 20.0) -> list[Outcome]:
        """Hold one round of anchoring, and seal its records."""
        outcomes = Round(
            self.directory, targets, self.log, clock=lambda: self.now, total_seconds=total_seconds
        ).run(everybody=everybody)
        self.seal()
        return outcomes

    def anchor_files(self, suffix: str) -> list[Path]:
        return sorted((self.directory / "anchors").glob(f"*{suffix}"))


def _settle(log: EvidenceLog) -> None:
    """Wait until all that was queued is durable."""
    import asyncio

    receipt = log.append(Draft("pause", "", NOW, {}))
    assert asyncio.run(receipt.durable(30))
