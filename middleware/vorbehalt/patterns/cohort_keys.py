"""To which cohorts a request belongs: its network, the shape of its headers, its TLS handshake. Pure.

Keys are short texts that hold nothing of the client in clear but its network: `203.0.113.0/24`,
`2001:db8:7::/48`, `headers:` and 16 hex digits, `ja4:` and the fingerprint, `contradiction:` and the id of
a finding: a fleet may take other headers each time, and contradict itself in the same way each time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from vorbehalt.facts import Finding
from vorbehalt.patterns.clients import prefix_of
from vorbehalt.patterns.seen import Inputs, Seen

Kind = Literal["network", "headers", "ja4"]

KINDS: Final[tuple[Kind, ...]] = ("network", "headers", "ja4")
_JA4: Final = re.compile(rb"[0-9a-z_]{10,40}")


@dataclass(frozen=True, slots=True)
class CohortKey:
    """The name of a cohort, and among which others it is counted."""

    kind: Kind
    text: str


def cohorts_of(
    seen: Seen, address: str, shape: bytes, inputs: Inputs, contradictions: tuple[Finding, ...] = ()
) -> tuple[CohortKey, ...]:
    """All cohorts of a page request. `shape`: its `cohort_fingerprint`. The heaviest contradiction counts."""
    keys = [CohortKey("network", network_of(address)), CohortKey("headers", f"headers:{shape.hex()}")]
    if contradictions:
        heaviest = max(contradictions, key=lambda finding: finding.weight)
        keys.append(CohortKey("headers", f"contradiction:{heaviest.id}"))
    if "tls" in inputs.given:
        handshake = seen.values.get(inputs.tls_header, b"")
        if _JA4.fullmatch(handshake):
            keys.append(CohortKey("ja4", f"ja4:{handshake.decode()}"))
    return tuple(keys)


def network_of(address: str) -> str:
    """The network of an address (canonical text): the /24 of IPv4, the /48 of IPv6."""
    if ":" not in address:
        return f"{address.rpartition('.')[0]}.0/24"
    return f"{prefix_of(address).rpartition(':')[0]}::/48"
