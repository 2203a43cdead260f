"""Trap links of a host: where they lead, whose they are, and how they are written into a page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from weakref import WeakKeyDictionary

from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.visits import path_of, without_authority
from vorbehalt.engine import HostPlan
from vorbehalt.facts import normal_path
from vorbehalt.patterns.trap_marks import TrapMark, make_mark, read_mark


class TrapLinks:
    """`path` is the prefix that robots.txt forbids, `secret` (at least 16 bytes) is shared by all workers."""

    def __init__(self, path: str, secret: bytes, addresses: AddressResolver) -> None:
        if not (path.startswith("/") and path.endswith("/") and len(path) > 2):
            raise ValueError(f"{path!r} is no prefix for trap links, such as /related/")
        if len(secret) < 16:
            raise ValueError("the secret of trap links is too short")
        self.path = path
        self._secret = secret
        self._addresses = addresses

    def element(self, scope: Mapping[str, Any], now: int) -> str:
        """The link for the page that answers a request; empty where the client is not known."""
        client = self._addresses.resolve(scope.get("client"), scope.get("headers") or ())
        if client.text is None or not client.is_usable:
            return ""
        root_path = str(scope.get("app_root_path", scope.get("root_path")) or "")
        page = normal_path(without_authority(path_of(scope)), root_path)
        target = escape(root_path + self.path + make_mark(self._secret, client.text, page, now))
        # No text, out of the order of the keyboard, no part of what is read aloud. `hidden` needs no style
        # sheet, and where a site's own style overrules it, there is still nothing to be seen.
        return f'<a href="{target}" rel="nofollow" hidden aria-hidden="true" tabindex="-1"></a>'

    def mark_of(self, path: str, now: int) -> TrapMark | None:
        """The mark in a normal path; None for every path that is no link of ours, or too old a one."""
        if not path.startswith(self.path):
            return None
        return read_mark(self._secret, path[len(self.path) :], now)

    def tie(self, mark: TrapMark, address: str) -> str:
        """Two clients in words, if the link was given to another than who uses it; else empty."""
        if mark.was_given_to(self._secret, address):
            return ""
        return f"a link that was given to client {mark.client} of day {mark.day}"


_placed: WeakKeyDictionary[HostPlan, TrapLinks] = WeakKeyDictionary()


def place_traps(plan: HostPlan, links: TrapLinks | None) -> None:
    """Have templates of a host write trap links from now on; None: no more."""
    if links is None:
        _placed.pop(plan, None)
    else:
        _placed[plan] = links


def traps_of(plan: HostPlan) -> TrapLinks | None:
    """The trap links of a host, if it places any."""
    return _placed.get(plan)
