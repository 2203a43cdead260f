"""What a token's certificates name is kept raw that day; whatever fails there, the token counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from anchor_support import SECOND, Authority, Site, serving, stamper
from tlog_support import verdicts
from vorbehalt.evidence.anchor.post import Answer, PostError
from vorbehalt.evidence.anchor.revocation import MOST_FETCHES, gather
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.reading.query import Filters, show

pytestmark = pytest.mark.real("openssl")

HOUR = 3600 * SECOND


class House:
    """An authority that stamps, lists and answers at one address. `broken` paths answer otherwise."""

    def __init__(self) -> None:
        self.authority: Authority | None = None
        self.asked: list[str] = []
        self.broken: dict[str, tuple[int, bytes]] = {}
        self.state = "V"

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        assert self.authority is not None
        self.asked.append(path)
        if path in self.broken:
            return self.broken[path]
        if path == "/crl":
            return 200, self.authority.revoked(state=self.state)
        if path == "/ocsp":
            return 200, self.authority.status(body, state=self.state)
        return 200, self.authority.reply(body)


@contextmanager
def house(folder: Path) -> Iterator[tuple[House, str]]:
    kept = House()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = kept.answer(self.path, b"")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            status, body = kept.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        names = f"crlDistributionPoints = URI:{url}crl\nauthorityInfoAccess = OCSP;URI:{url}ocsp\n"
        kept.authority = Authority(folder, chain=True, names=names)
        yield kept, url


@pytest.fixture
def site(directory: EvidenceDirectory) -> Iterator[Site]:
    made = Site(directory)
    yield made
    made.log.close()


def anchored(site: Site) -> list[dict[str, Any]]:
    return [leaf["seen"] for leaf in show(site.directory, Filters(type="anchor"))]  # type: ignore[misc]


def test_what_the_certificates_name_is_kept_unmodified_and_named_by_the_record(
    site: Site, tmp_path: Path
) -> None:
    site.record(3)
    with house(tmp_path / "tsa") as (kept, url):
        assert kept.authority is not None
        (outcome,) = site.round(stamper(url, kept.authority))
    assert outcome.why == ""
    assert kept.asked == ["/", "/crl", "/ocsp"]
    (crl,), (answer,) = site.anchor_files(".crl"), site.anchor_files(".ocsp")
    assert x509.load_der_x509_crl(crl.read_bytes()).issuer.rfc4514_string() == "CN=Root"
    assert ocsp.load_der_ocsp_response(answer.read_bytes()).certificate_status is ocsp.OCSPCertStatus.GOOD
    (seen,) = anchored(site)
    assert seen["status"] == [
        {"serial": "2", "kind": "crl", "url": f"{url}crl", "revoked": False, "file": crl.name},
        {"serial": "2", "kind": "ocsp", "url": f"{url}ocsp", "revoked": False, "file": answer.name},
    ]
    assert {crl.name, answer.name} <= {item["name"] for item in seen["files"]}
    assert verdicts(site.directory) == (True, True)
    assert verify(site.directory).assurance == "timestamped"
    crl.write_bytes(crl.read_bytes()[:-1] + b"\0")
    assert verdicts(site.directory) == (False, False)


def test_it_is_asked_once_a_day(site: Site, tmp_path: Path) -> None:
    with house(tmp_path / "tsa") as (kept, url):
        assert kept.authority is not None
        target = stamper(url, kept.authority)
        for hours in (0, 1, 22, 2):
            site.now += hours * HOUR
            site.record()
            assert site.round(target)[0].why == ""
    assert [path for path in kept.asked if path != "/"] == ["/crl", "/ocsp"] * 2
    assert verdicts(site.directory) == (True, True)


def test_a_revoked_certificate_is_said(site: Site, tmp_path: Path) -> None:
    site.record()
    with house(tmp_path / "tsa") as (kept, url):
        assert kept.authority is not None
        kept.state = "R"
        assert site.round(stamper(url, kept.authority))[0].why == ""
    (seen,) = anchored(site)
    assert [item["revoked"] for item in seen["status"]] == [True, True]


@pytest.mark.parametrize(
    ("broken", "why"),
    [((404, b"not here"), "it answered 404"), ((200, b"<html>"), "ValueError"), ((200, b""), "ValueError")],
)
def test_a_failure_is_said_and_the_token_counts(
    broken: tuple[int, bytes], why: str, site: Site, tmp_path: Path
) -> None:
    site.record()
    with house(tmp_path / "tsa") as (kept, url):
        assert kept.authority is not None
        kept.broken = {"/crl": broken, "/ocsp": broken}
        assert site.round(stamper(url, kept.authority))[0].why == ""
    (seen,) = anchored(site)
    assert [item["why"] for item in seen["status"]] == [why, why]
    assert site.anchor_files(".crl") == site.anchor_files(".ocsp") == []
    assert verdicts(site.directory) == (True, True)
    assert verify(site.directory).assurance == "timestamped"


def test_a_certificate_that_names_nobody_asks_nobody(site: Site, tmp_path: Path) -> None:
    site.record()
    with house(tmp_path / "other") as (kept, url):
        kept.authority = Authority(tmp_path / "tsa", chain=True)
        assert site.round(stamper(url, kept.authority))[0].why == ""
    assert kept.asked == ["/"]
    assert "status" not in anchored(site)[0]


def test_no_number_of_names_asks_without_end(tmp_path: Path) -> None:
    points = ",".join(f"URI:http://127.0.0.1/{number}" for number in range(20))
    authority = Authority(tmp_path / "tsa", names=f"crlDistributionPoints = {points}\n")
    asked: list[str] = []

    def exchange(url: str, body: bytes | None, media_type: str) -> Answer:
        asked.append(url)
        raise PostError("nobody is there")

    signer = x509.load_pem_x509_certificate((tmp_path / "tsa/tsa.pem").read_bytes())
    found = gather([signer.public_bytes(Encoding.DER), b"no certificate"], authority.root_pem, exchange)
    assert (len(asked), len(found.said), found.files) == (MOST_FETCHES, MOST_FETCHES, [])
    assert {item["why"] for item in found.said} == {"nobody is there"}


def house_of_three() -> tuple[x509.Certificate, x509.Certificate, x509.Certificate]:
    """A signer that names where its issuer's certificate and its own state are, that issuer, and the root."""
    keys = {name: generate_private_key(SECP256R1()) for name in ("root", "middle", "signer")}
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in (
            (AuthorityInformationAccessOID.CA_ISSUERS, "http://tsa.example/middle.crt"),
            (AuthorityInformationAccessOID.CA_ISSUERS, "ldap://tsa.example/middle"),
            (AuthorityInformationAccessOID.OCSP, "http://tsa.example/ocsp\x1b"),
        )
    ]

    def made(name: str, by: str) -> x509.Certificate:
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by))
        builder = x509.CertificateBuilder(issuer, subject, keys[name].public_key(), 7)
        builder = builder.not_valid_before(datetime(2026, 1, 1)).not_valid_after(datetime(2036, 1, 1))
        if name == "signer":
            builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
        return builder.sign(keys[by], SHA256())

    return made("signer", "middle"), made("middle", "root"), made("root", "root")


@pytest.mark.parametrize("is_enclosed", [False, True])
def test_an_issuer_that_is_not_enclosed_is_fetched_and_its_responder_asked(is_enclosed: bool) -> None:
    signer, middle, root = house_of_three()
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    bodies = {".crt": middle.public_bytes(Encoding.DER), "csp\x1b": refusal.public_bytes(Encoding.DER)}
    chain = [signer.public_bytes(Encoding.DER)]
    chain += [middle.public_bytes(Encoding.DER)] if is_enclosed else []
    found = gather(
        chain,
        root.public_bytes(Encoding.PEM).decode(),
        lambda url, body, media_type: Answer(200, bodies[url[-4:]]),
    )
    fetched = {
        "serial": "7",
        "kind": "crt",
        "url": "http://tsa.example/middle.crt",
        "revoked": None,
        "file": 0,
    }
    asked = {"serial": "7", "kind": "ocsp", "url": "http://tsa.example/ocsp?",
             "why": "the responder answered unauthorized"}  # fmt: skip
    assert found.said == ([asked] if is_enclosed else [fetched, asked])
    assert [kind for kind, _ in found.files] == ([] if is_enclosed else ["crt"])
