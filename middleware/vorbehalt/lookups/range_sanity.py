"""What makes a fetched list doubtful: too wide, not global, or suddenly much smaller. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from vorbehalt.identify.networks import canonical_address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_WIDEST: Final = {4: 8, 6: 16}
_SPECIAL: Final = tuple(
    ipaddress.ip_address(text)
    for text in (
        "0.0.0.0",  # noqa: S104  (a member of a network, nothing is bound to it)
        "10.0.0.0",
        "100.64.0.0",
        "127.0.0.0",
        "169.254.0.0",
        "172.16.0.0",
        "192.0.0.0",
        "192.0.2.0",
        "192.168.0.0",
        "198.18.0.0",
        "198.51.100.0",
        "203.0.113.0",
        "224.0.0.0",
        "2001::",
        "2001:db8::",
        "2002::",
        "3fff::",
    )
)
"""The first address of each special-purpose network that lies among global ones (RFC 6890)."""


def fault(prefixes: Iterable[str]) -> str:
    """Return why a list cannot be one of crawlers' addresses, whoever published it; "" if it can."""
    networks = _networks(prefixes)
    for network in networks:
        if not _is_global(network):
            return f"{network} is not globally routable"
    for version, widest in _WIDEST.items():
        size = _size(networks, version)
        most = 1 << _bits(version) - widest
        if size > most:
            return f"it covers more than an IPv{version} /{widest}, too much to say who somebody is"
    return ""


def shrinkage(new: Iterable[str], old: Iterable[str]) -> str:
    """Return in words how a list shrank by half or more, in networks or in addresses; "" if it did not.

    Adjacent prefixes count as one, so that a list written more shortly has not shrunk.
    """
    now, before = _networks(new), _networks(old)
    if 2 * len(now) <= len(before):
        return f"it shrank from {len(before)} networks to {len(now)}"
    for version in _WIDEST:
        size, was = _size(now, version), _size(before, version)
        if was and 2 * size <= was:
            left = f"{100 * size // was} % of its" if size else "none of its"
            return f"it shrank to {left} IPv{version} addresses"
    return ""


def _networks(prefixes: Iterable[str]) -> list[Network]:
    four: list[ipaddress.IPv4Network] = []
    six: list[ipaddress.IPv6Network] = []
    for prefix in prefixes:
        network = ipaddress.ip_network(prefix)
        if isinstance(network, ipaddress.IPv4Network):
            four.append(network)
        else:
            six.append(network)
    return [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]


def _is_global(network: Network) -> bool:
    for address in (network.network_address, network.broadcast_address):
        known = canonical_address(str(address))
        if known is None or not known[1]:
            return False
    return not any(address.version == network.version and address in network for address in _SPECIAL)


def _bits(version: int) -> int:
    return 32 if version == 4 else 128


def _size(networks: Iterable[Network], version: int) -> int:
    return sum(network.num_addresses for network in networks if network.version == version)
