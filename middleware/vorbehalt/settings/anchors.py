"""[[evidence.anchors]]: who is asked to say when the log was written, and where copies go."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from vorbehalt.errors import TamperError
from vorbehalt.evidence.anchor.targets import (
    KINDS,
    CopyTarget,
    Form,
    Target,
    TimeStamper,
    WitnessTarget,
)
from vorbehalt.policy.tables import Table, shown
from vorbehalt.settings.values import existing_file, read_seconds, read_web_url, resolved

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_POLICY = re.compile(r"[0-2](\.(0|[1-9]\d{0,17})){1,30}")
_ADDRESS = re.compile(r"[!-~]+@[!-~]+")
_FORMS = ("checkpoint", "eml")
_TEN_MINUTES, _DAY = 600.0, 86_400.0
_SHORTEST = 60


def read_anchors(evidence: Table, base: Path, *, is_kept_nowhere: bool) -> tuple[Target, ...]:
    """Read the anchors of the evidence log; none where no log is kept, or where they need a missing extra."""
    found: list[Target] = []
    for table in evidence.tables("anchors"):
        kinds = [kind for kind in KINDS if table.has(kind)]
        if len(kinds) != 1:
            table.flaw("", "V007", f"{table.key} must name one of rfc3161, witness, copy")
            continue
        target = _READERS[kinds[0]](table, base)
        table.finish()
        if any(target.name == other.name for other in found):
            table.flaw("name", "V038", f"another anchor already has the name {shown(target.name)}")
        elif kinds[0] == "rfc3161" and not _has_extra():
            table.flaw("rfc3161", "V105", "time stamps need an extra: pip install 'vorbehalt[anchor]'")
        else:
            found.append(target)
    if found and is_kept_nowhere:
        evidence.flaw("anchors", "V107", "evidence.anchors has no effect: no log is kept on a disk")
        return ()
    return tuple(found)


def _read_time_stamper(table: Table, base: Path) -> TimeStamper:
    url = read_web_url(table, "rfc3161", "")
    qualified = table.flag("qualified")
    policy = table.text("policy")
    if policy and not _POLICY.fullmatch(policy):
        table.flaw("policy", "V007", f"{shown(policy)} is no object identifier, such as 0.4.0.2023.1.1")
    return TimeStamper(
        name=_read_name(table, urlsplit(url).hostname or ""),
        url=url,
        roots=_read_roots(table, base),
        qualified=qualified,
        policy=policy,
        every_seconds=_read_every(table, _DAY if qualified else _TEN_MINUTES),
    )


def _read_roots(table: Table, base: Path) -> str:
    # Only where it is needed: much of the command line has nothing to do with keys.
    from cryptography.x509 import load_pem_x509_certificates

    text = table.text("root", required=True)
    if not text:
        return ""
    path = existing_file(table, "root", base, text)
    if not path.is_file():
        return ""
    try:
        pem = path.read_text("ascii")
        load_pem_x509_certificates(pem.encode("ascii"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no certificates in PEM form"
        table.flaw("root", "V036", f"{path} cannot be a pinned root: {reason}")
        return ""
    return pem


def _read_witness(table: Table, base: Path) -> WitnessTarget:
    from vorbehalt.evidence.tlog.cosignature import Witness

    url, vkey = read_web_url(table, "witness", ""), table.text("vkey", required=True)
    if vkey:
        try:
            Witness.from_vkey(vkey)
        except TamperError as error:
            table.flaw("vkey", "V037", f"{shown(vkey)} is no key of a witness: {error}")
    return WitnessTarget(
        name=_read_name(table, urlsplit(url).hostname or ""),
        url=url,
        vkey=vkey,
        every_seconds=_read_every(table, _TEN_MINUTES),
    )


def _read_copy(table: Table, base: Path) -> CopyTarget:
    form = cast(Form, table.choice("form", "checkpoint", _FORMS))
    addresses = {}
    for name in ("to", "from"):
        addresses[name] = table.text(name)
        if addresses[name] and form != "eml":
            table.flaw(name, "V007", f'{table.where(name)} belongs to form = "eml"')
        elif addresses[name] and not _ADDRESS.fullmatch(addresses[name]):
            table.flaw(name, "V010", f"{shown(addresses[name])} is no mail address")
    return CopyTarget(
        name=_read_name(table, "copy"),
        folder=str(resolved(base, table.text("copy"))),
        form=form,
        to=addresses["to"],
        sender=addresses["from"],
        every_seconds=_read_every(table, _DAY),
    )


_READERS: Mapping[str, Callable[[Table, Path], Target]] = {
    "rfc3161": _read_time_stamper,
    "witness": _read_witness,
    "copy": _read_copy,
}


def _read_name(table: Table, default: str) -> str:
    # It is part of file names; of an address in brackets only the digits are left.
    name = table.text("name", re.sub(r"[^A-Za-z0-9.-]+", "-", default).strip("-.")[:64] or "anchor")
    if not _NAME.fullmatch(name):
        table.flaw(
            "name", "V007", f"{shown(name)} cannot name an anchor; use letters, digits, dots and dashes"
        )
    return name


def _read_every(table: Table, default: float) -> float:
    seconds = read_seconds(table, "every", default)
    if seconds < _SHORTEST:
        table.flaw("every", "V023", f"{table.where('every')} must be at least one minute")
    return seconds


def _has_extra() -> bool:
    return all(find_spec(name) is not None for name in ("rfc3161_client", "asn1crypto"))
