"""Writes one pod's status to the API whenever it has changed, and nothing when it has not. I/O."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from studiolo_local.client import ApiClient, ApiError, JsonObject

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 0.5


class StatusWriter:
    """Brings the status that `compute` gives to the API; several changes at once are one write."""

    def __init__(
        self, client: ApiClient, pod: JsonObject, compute: Callable[[], JsonObject]
    ) -> None:
        self._client = client
        self._metadata = pod["metadata"]
        self._compute = compute
        self._dirty = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._sent: JsonObject | None = None

    def changed(self) -> None:
        """The status may be another now."""
        self._dirty.set()
        self._idle.clear()

    async def settled(self) -> None:
        """Wait until the API has what holds now."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write for ever; a pod that is gone takes nothing any more."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            status = self._compute()
            if status != self._sent and not await self._write(status):
                await asyncio.sleep(_RETRY_SECONDS)
                self._dirty.set()
            if not self._dirty.is_set():
                self._idle.set()

    async def _write(self, status: JsonObject) -> bool:
        # The uid makes sure that a new pod of the same name is not given this status
        body = {"metadata": {"uid": self._metadata["uid"]}, "status": status}
        name, namespace = self._metadata["name"], self._metadata["namespace"]
        try:
            await self._client.patch("pods", namespace, name, body, sub="status")
        except ApiError as error:
            if error.missing or error.conflict or error.status in {403, 422}:
                log.debug("The status of %s/%s is not wanted: %s", namespace, name, error)
                self._sent = status
                return True
            log.warning("The status of %s/%s was not written: %s", namespace, name, error)
            return False
        self._sent = status
        return True
