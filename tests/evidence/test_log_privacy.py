"""A known address is nowhere in the directory, in no form that a reader could reverse, but under its key."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.leaf.record import seen_headers
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault.vault import Keys, open_row, read_rows

AT = 1_795_413_803_799_141_015
ADDRESSES = ["203.0.113.177", "198.51.100.23", "2001:db8:85a3::8a2e:370:7334"]
SECRETS = [b"person@example.net", b"token=hunter2"]


def hostile_draft(number: int, address: str) -> Draft:
    """A record of a client that puts its address wherever it can."""
    text = address.encode()
    ip = ip_address(address)
    places = (
        (
            b"user-agent",
            b"me/1.0 (" + text + b"; " + ip.packed.hex().encode() + b"; " + str(int(ip)).encode() + b")",
        ),
        (b"x-forwarded-for", text + b", 10.0.0.1"),
        (b"x-real-ip", text),
        (b"forwarded", b'for="[' + text + b']:4711"'),
        (b"via", b"1.1 " + text),
        (b"from", SECRETS[0]),
        (b"accept-language", text),
        (b"sec-ch-ua", ip.reverse_pointer.encode()),
        (b"referer", b"https://" + (b"[" + text + b"]" if ip.version == 6 else text) + b"/?" + SECRETS[1]),
        (b"if-none-match", ip.exploded.replace(":", "-").encode()),
        (b"cookie", text),
    )
    return Draft(
        type="request",
        ref=f"r{number}",
        at=AT,
        seen={
            "path": f"/lookup/{address}/{address.replace('.', '-')}",
            "headers": seen_headers(places),
            "claim": {"how": f"reverse DNS of {ip.reverse_pointer} closes"},
            "query": {"keys": ["token"], "values": []},
        },
        private={
            "address": text,
            "peer": text,
            "chain": text + b", 10.0.0.1",
            "from": SECRETS[0],
            "query": SECRETS[1],
        },
        client=address,
        operator="nobody",
        rollup=("example.org", "", "", "none"),
    )


def forms(address: str) -> list[bytes]:
    ip = ip_address(address)
    packed = ip.packed
    dotted = ip.exploded.split(".") if ip.version == 4 else []
    texts = [address, ip.exploded, packed.hex(), packed[::-1].hex(), str(int(ip)), ip.reverse_pointer]
    texts += [".".join(dotted[::-1]), "-".join(dotted)] if dotted else [ip.reverse_pointer[:63]]
    return [packed, packed[::-1], *(text.encode() for text in texts)]


def contents(home: Path, *folders: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes().lower()
        for folder in folders
        for path in (home / folder).rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("sealed", [True, False])
def test_no_file_holds_an_address_or_a_secret_in_any_form(
    directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog], sealed: bool
) -> None:
    log = make_log(seals=sealed, clients_per_minute=5)
    for number in range(8):
        for address in ADDRESSES:
            log.append(hostile_draft(number, address))
    log.put_object(b"a list of nothing")
    log.close()

    found = contents(directory.path, "log", "spool", "run", "objects", "vault", "anchors")
    assert any(name.startswith("log/tile/entries" if sealed else "spool") for name in found)
    assert b"[address]" in b"".join(found.values())
    for name, data in found.items():
        for address in ADDRESSES:
            for form in forms(address):
                assert form not in data, f"{address} as {form!r} in {name}"
        for secret in SECRETS:
            assert secret not in data, f"{secret!r} in {name}"
    assert log.written()["request"] == 15


def test_with_its_key_the_vault_opens_every_address(
    directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog]
) -> None:
    log = make_log()
    for number, address in enumerate(ADDRESSES):
        log.append(hostile_draft(number, address))
    log.close()

    (rows,) = (directory.path / "vault" / "2026-11-23").iterdir()
    key = Keys(directory.path).get("day-2026-11-23.claimed")
    assert key is not None
    opened = [open_row(row, key, log.writer_id)["address"][32:].decode() for row in read_rows(rows)]
    assert opened == ADDRESSES
    assert verify(directory.path).problems == ()
