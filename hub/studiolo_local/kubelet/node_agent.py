"""Registers the simulated nodes and keeps their heartbeat. I/O through ApiClient."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Final

from studiolo_local.client import ApiClient, ApiError
from studiolo_local.clock import timestamp
from studiolo_local.nodes import SimulatedNode

log = logging.getLogger(__name__)

_HEARTBEAT_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 1.0


class NodeAgent:
    """Speaks for the nodes."""

    def __init__(self, client: ApiClient, nodes: Collection[SimulatedNode]) -> None:
        self._client = client
        self._nodes = nodes
        self._since = timestamp()
        self.registered = asyncio.Event()
        """Set when the API knows all nodes as ready."""

    async def run(self) -> None:
        """Register, then tell again and again that the nodes are ready."""
        while True:
            pause = _HEARTBEAT_SECONDS
            for node in self._nodes:
                try:
                    await self._beat(node)
                except ApiError as error:
                    log.warning("The node %s could not be told of: %s", node.name, error)
                    pause = _RETRY_SECONDS
            if pause == _HEARTBEAT_SECONDS:
                self.registered.set()
            await asyncio.sleep(pause)

    async def _beat(self, node: SimulatedNode) -> None:
        status = node.status(since=self._since, now=timestamp())
        try:
            await self._client.patch("nodes", None, node.name, {"status": status}, sub="status")
        except ApiError as error:
            if not error.missing:
                raise
            await self._client.create("nodes", None, node.manifest())
            await self._client.patch("nodes", None, node.name, {"status": status}, sub="status")
