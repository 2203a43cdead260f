"""Several sites behind one sidecar: each host name has its own upstream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from vorbehalt.edge.server import App
from vorbehalt.facts import host_name


class ByHost:
    """Passes a request to the app of its Host; unknown hosts and the lifespan go to the default."""

    def __init__(self, default: App, hosts: Mapping[str, App], close: Callable[[], Awaitable[None]]) -> None:
        self._default = default
        self._hosts = dict(hosts)
        self._close = close

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._default(scope, receive, send)
            await self._close()
            return
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        await self._hosts.get(host_name(host), self._default)(scope, receive, send)
