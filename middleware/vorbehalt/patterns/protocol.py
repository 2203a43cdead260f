"""Findings 11 to 13: the order of headers, what no browser does in HTTP, and the TLS handshake."""

from __future__ import annotations

from typing import Final

from vorbehalt.facts import Finding
from vorbehalt.patterns.definition import Definition, shown
from vorbehalt.patterns.handshakes import Handshakes
from vorbehalt.patterns.knowledge import Chain, Knowledge
from vorbehalt.patterns.seen import Seen

_OF_ONE_CONNECTION: Final = (
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"upgrade",
    b"transfer-encoding",
)
"""What HTTP/2 and HTTP/3 forbid (RFC 9113 section 8.2.2, RFC 9114 section 4.2)."""


def header_order(seen: Seen, definition: Definition, knowledge: Knowledge) -> Finding | None:
    """Chrome and Firefox write the headers of a navigation in the order of their code.

    Judged on GET navigations without Sec-Purpose only. Each chain by itself: Chromium moves its client hints
    behind Sec-Fetch after a redirect (version 156 does), and where Referer and Cookie stand varies.
    """
    browser = seen.browser
    if browser is None or not browser.is_plain or not seen.is_navigation or seen.is_prefetch:
        return None
    if seen.method != "GET":
        return None
    for order in knowledge.orders:
        if order.engine == browser.engine and browser.major >= order.major_from:
            for chain in order.chains:
                if (wrong := _first_out_of(chain, seen.names)) is not None:
                    sent = ", ".join(shown(name, 30) for name in seen.names if name in chain)
                    return definition.finding(f"{wrong[1].decode()} before {wrong[0].decode()} ({sent})")
    return None


def _first_out_of(chain: Chain, names: tuple[bytes, ...]) -> tuple[bytes, bytes] | None:
    """The first two names of a chain that stand the wrong way round, in the right order; None if none do."""
    last, before = -1, b""
    for name in chain:
        if name in names:
            at = names.index(name)
            if at < last:
                return before, name
            last, before = at, name
    return None


def impossible_in_http(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """What no browser sends, whatever stands between."""
    browser = seen.browser
    if browser is None or not browser.is_plain or browser.engine in ("trident", "presto"):
        return None
    values, wrong = seen.values, []
    upgrade = values.get(b"upgrade", b"").lower()
    if b"h2c" in upgrade or b"http2-settings" in values:
        wrong.append("an offer to upgrade to HTTP/2 over cleartext")
    if seen.method == "GET" and (b"content-length" in values or b"transfer-encoding" in values):
        wrong.append("a GET with the length of a body")
    if "http-version" in seen.needs:
        if seen.http_version == "1.0":
            wrong.append("HTTP/1.0")
        elif seen.http_version[:1] in ("2", "3") and upgrade != b"websocket":
            named = [name.decode() for name in _OF_ONE_CONNECTION if name in values]
            if named:
                wrong.append(f"{', '.join(named)} in HTTP/{seen.http_version}")
    if not wrong:
        return None
    return definition.finding(f"claims {browser.product} {browser.major}; {'; '.join(wrong)}")


def tls_contradicts(seen: Seen, definition: Definition, learnt: Handshakes) -> Finding | None:
    """The handshake is none of those that proven clients of the claimed version showed on this site."""
    browser, told = seen.browser, seen.value(seen.inputs.tls_header)
    if browser is None or not browser.is_plain or not told:
        return None
    if learnt.agrees(browser, told, int(definition.number("proofs"))):
        return None
    return definition.finding(f"claims {browser.product} {browser.major}; JA4 {shown(told, 40)}")
