"""A listener that nobody may connect to: it counts who does."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Canary:
    """Start it with ``async with``; ``connections`` must stay 0."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._count, self.host, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _count(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()
