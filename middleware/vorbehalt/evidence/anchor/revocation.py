"""What was said of a token's certificates that day: lists of revoked ones (CRL), a responder's word (OCSP).

A certificate expires and its authority ends; years later nobody could say whether it was revoked when it
signed. So what its certificates name is fetched once a day and kept raw (RFC 5280 sections 4.2.1.13 and
4.2.2.1, RFC 6960). Nothing hangs on it: what cannot be had is said in the record, and the token counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from vorbehalt.evidence.anchor.post import Answer, PostError

MOST_FETCHES = 8
_MOST_CERTIFICATES = 8
_LONGEST_URL = 200
_OCSP = "application/ocsp-request"

Exchange = Callable[[str, bytes | None, str], Answer]
"""URL, body (None: a GET) and media type -> answer; raises PostError."""


@dataclass(slots=True)
class Gathered:
    """`files` are suffix and raw bytes; `said` what stands in the record, one entry for each question."""

    files: list[tuple[str, bytes]] = field(default_factory=list)
    said: list[dict[str, object]] = field(default_factory=list)


def gather(certificates: Sequence[bytes], roots: str, exchange: Exchange) -> Gathered:
    """Ask everybody whom the certificates (DER) of a token name; at most eight questions. Never raises.

    `roots` (PEM) are the pinned ones, which may have issued some of them.
    """
    found = Gathered()
    chain = _read(certificates)
    try:
        known = [*chain, *x509.load_pem_x509_certificates(roots.encode("ascii", "replace"))]
    except ValueError:
        known = list(chain)
    for certificate in chain:
        if certificate.issuer == certificate.subject:
            continue  # a root vouches for itself
        for url in _issuer_urls(certificate) if _issuer(certificate, known) is None else ():
            if (body := _ask(found, certificate, "crt", url, exchange, None)) is not None:
                known += _read([body])
        for url in _crl_urls(certificate):
            _ask(found, certificate, "crl", url, exchange, None)
        if (issuer := _issuer(certificate, known)) is not None:
            for url in _urls(certificate, Access.OCSP):
                _ask(found, certificate, "ocsp", url, exchange, issuer)
    return found


def _ask(
    found: Gathered,
    certificate: x509.Certificate,
    kind: str,
    url: str,
    exchange: Exchange,
    issuer: x509.Certificate | None,
) -> bytes | None:
    if len(found.said) >= MOST_FETCHES:
        return None
    said: dict[str, object] = {
        "serial": f"{certificate.serial_number:x}",
        "kind": kind,
        "url": "".join(char if char.isprintable() else "?" for char in url[:_LONGEST_URL]),
    }
    found.said.append(said)
    try:
        question = _question(certificate, issuer) if issuer is not None else None
        answer = exchange(url, question, _OCSP if question is not None else "")
        if answer.status != 200:
            raise PostError(f"it answered {answer.status}")
        said["revoked"] = _revoked(kind, answer.body, certificate)
    except Exception as error:  # whatever a stranger's certificate or answer makes the parsers raise
        said["why"] = str(error)[:_LONGEST_URL] if isinstance(error, PostError) else type(error).__name__
        return None
    found.files.append((kind, answer.body))
    said["file"] = len(found.files) - 1
    return answer.body


def _question(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA256())
    return builder.build().public_bytes(Encoding.DER)


def _revoked(kind: str, body: bytes, certificate: x509.Certificate) -> bool | None:
    """Say what an answer says of a certificate, None if nothing; raises ValueError if it is no answer."""
    if kind == "crl":
        crl = x509.load_der_x509_crl(body)
        return crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
    if kind == "ocsp":
        answer = ocsp.load_der_ocsp_response(body)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise PostError(f"the responder answered {answer.response_status.name.lower()}")
        status = answer.certificate_status
        return None if status is ocsp.OCSPCertStatus.UNKNOWN else status is ocsp.OCSPCertStatus.REVOKED
    x509.load_der_x509_certificate(body)
    return None


def _read(certificates: Sequence[bytes]) -> list[x509.Certificate]:
    found = []
    for data in certificates[:_MOST_CERTIFICATES]:
        try:
            found.append(x509.load_der_x509_certificate(data))
        except ValueError:
            continue  # one that only other parsers read; the raw answer has it
    return found


def _issuer(certificate: x509.Certificate, known: Sequence[x509.Certificate]) -> x509.Certificate | None:
    for other in known:
        if other.subject != certificate.issuer:
            continue
        try:
            certificate.verify_directly_issued_by(other)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return other
    return None


def _issuer_urls(certificate: x509.Certificate) -> Iterator[str]:
    return _urls(certificate, Access.CA_ISSUERS)


def _urls(certificate: x509.Certificate, method: x509.ObjectIdentifier) -> Iterator[str]:
    try:
        named = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return
    for item in named:
        if item.access_method == method:
            yield from _web([item.access_location])


def _crl_urls(certificate: x509.Certificate) -> Iterator[str]:
    try:
        named = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return
    for point in named:
        yield from _web(point.full_name or [])


def _web(names: Sequence[x509.GeneralName]) -> Iterator[str]:
    for name in names:
        if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(
            ("http://", "https://")
        ):
            yield name.value
