"""The sending half of a connection to the site: what is written, and when to wait with more."""

from __future__ import annotations

import asyncio
from typing import Any


class Sending(asyncio.BufferedProtocol):
    def __init__(self) -> None:
        self.is_open = False
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._drainer: asyncio.Future[None] | None = None
        self._write_paused = False

    def write(self, data: bytes) -> None:
        if self.is_open:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until what was written has nearly gone out."""
        if self._write_paused and self.is_open:
            self._drainer = self._loop.create_future()
            await self._drainer

    @property
    def is_congested(self) -> bool:
        return self._write_paused and self.is_open

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._drainer is not None and not self._drainer.done():
            self._drainer.set_result(None)
