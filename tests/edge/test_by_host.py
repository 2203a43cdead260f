"""Two sites behind one sidecar."""

from __future__ import annotations

import asyncio
from typing import Any

from asgi_support import call, scope
from vorbehalt.edge.reverse_proxy.by_host import ByHost


def test_each_host_has_its_own_site_and_the_lifespan_closes_all() -> None:
    seen: list[tuple[str, str]] = []
    closed = []

    def site(name: str) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append((name, scope["type"]))

        return app

    async def close() -> None:
        closed.append(True)

    app = ByHost(site("first"), {"two.example": site("second")}, close)
    for host in (b"two.example", b"TWO.example:8443", b"label.example", b""):
        request = scope()
        request["headers"] = [(b"host", host)]
        asyncio.run(call(app, request))
    asyncio.run(call(app, {"type": "lifespan"}))

    assert [name for name, _ in seen] == ["second", "second", "first", "first", "first"]
    assert closed == [True]
