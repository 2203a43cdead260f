"""Who is seen: visitors, or a proxy in their place. From the last records of the configuration in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from vorbehalt.cli.doctor.found import Check, error, ok, warning

_ENOUGH = 20
_TOKENS = 4


def check_visitors(
    records: Iterable[Mapping[str, Any]], config_digest: str, trusts_proxies: bool
) -> list[Check]:
    """Say whether addresses are those of visitors. Only records of this configuration count."""
    sources: Counter[str] = Counter()
    addresses: set[str] = set()
    tokens: set[str] = set()
    for record in records:
        seen = record.get("seen")
        if record.get("type") != "request" or not isinstance(seen, dict):
            continue
        if (seen.get("versions") or {}).get("config") != config_digest:
            continue
        sources[str(seen.get("source"))] += 1
        private = record.get("private")
        address = private.get("address") if isinstance(private, dict) else None
        if isinstance(address, dict) and "p" in address:
            addresses.add(str(address["p"]))
        if isinstance(claim := seen.get("claim"), dict):
            tokens.add(str(claim.get("token")))
    total = sum(sources.values())
    if not total:
        return []
    if untrusted := sources["untrusted"]:
        return [
            error(
                "client-address",
                f"we see your proxy, not your visitors: {untrusted} of the last {total} recorded requests"
                " came with forwarding headers from a peer that is not trusted",
                "name the proxy in network.trusted_proxies (its network, or a name such as loopback)",
            )
        ]
    if total >= _ENOUGH and len(addresses) == 1 and len(tokens) >= _TOKENS:
        return [
            warning(
                "client-address",
                f"{total} recorded requests of {len(tokens)} crawlers all come from one address: a proxy's?",
                "let the proxy send X-Forwarded-For and name it in network.trusted_proxies"
                if not trusts_proxies
                else "let the outermost proxy pass on X-Forwarded-For instead of replacing it",
            )
        ]
    if total > _ENOUGH and not addresses:
        return [
            warning(
                "client-address",
                "no recorded request has an address",
                "let the proxy send X-Forwarded-For; on a unix socket trust it with unix",
            )
        ]
    return [ok("client-address", f"{total} recorded requests, {len(addresses)} addresses")]
