"""Keep the health of images through restarts of the hub, in one ConfigMap of its namespace; I/O.

Nobody waits for it: what is new is written some seconds later, together with what else is new by
then, and what others have written meanwhile (another hub, ``studiolo catalogue probe --record``) is
read again and again and joined with what is known here.  Where it may not be kept, one line in the
log says so, and the book is kept in memory only.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

from studiolo_spawner.cluster_api import AlreadyThere, ClusterApi, Conflict
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.health_json import from_text, to_text
from studiolo_spawner.health_merge import merged
from studiolo_spawner.image_health import HealthBook
from studiolo_spawner.pod_view import mapping, text

NAME: Final = "studiolo-image-health"
KIND: Final = "config_map"
FIELD: Final = "health.json"
WRITE_AFTER: Final = 5.0
"""Seconds in which what is new is gathered before it is written."""
READ_EVERY: Final = 60.0
"""Seconds between two looks at what others have written."""
LAST_WRITE: Final = 2.0
"""Seconds that the end of the hub waits for it."""
_TRIES: Final = 5
_FORBIDDEN: Final = frozenset({"not_permitted", "api_refused"})

_Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class HealthStore:
    """Keeps one book; ``start`` it, ``stop`` it at the end."""

    def __init__(
        self,
        book: HealthBook,
        api: ClusterApi,
        namespace: str,
        *,
        log: _Log,
        write_after: float = WRITE_AFTER,
        read_every: float = READ_EVERY,
    ) -> None:
        self._book = book
        self._api = api
        self._namespace = namespace
        self._log = log
        self._write_after = write_after
        self._read_every = read_every
        self._news = asyncio.Event()
        self._loaded = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._told = False
        self._noted = self._written = 0

    def start(self) -> None:
        """Read what is there, and keep what is new from now on."""
        if self._task is None:
            self._book.on_change(self._note)
            self._task = asyncio.create_task(self._keep(), name="image health")

    async def loaded(self, at_most: float) -> None:
        """Wait until what an earlier hub wrote is known, or for so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                await self._loaded.wait()

    async def stop(self) -> None:
        """Keep nothing any more; what is new is written, if that is a matter of a moment."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        if self._written != self._noted:
            with suppress(ClusterFault, TimeoutError):
                async with asyncio.timeout(LAST_WRITE):
                    await self.sync()

    def _note(self) -> None:
        self._noted += 1
        self._news.set()

    async def sync(self) -> None:
        """Read, join, and write what is new; raises ClusterFault."""
        for _ in range(_TRIES):
            there = await self._api.read(KIND, NAME, namespace=self._namespace)
            written = text(mapping((there or {}).get("data")).get(FIELD))
            together = merged(self._book.entries, from_text(written))
            self._book.take_over(together)
            self._news.clear()
            noted = self._noted
            record = to_text(together)
            with suppress(AlreadyThere, Conflict):
                if together and record != written:
                    await self._write(there, record)
                self._written = noted
                return

    async def _write(self, there: dict[str, Any] | None, record: str) -> None:
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": NAME,
                "labels": {"app.kubernetes.io/managed-by": "studiolo"},
            },
            "data": {FIELD: record},
        }
        if there is None:
            await self._api.create(KIND, body, namespace=self._namespace)
            return
        # Refused when somebody has written since: then it is read again.
        version = mapping(there.get("metadata")).get("resourceVersion")
        body["metadata"]["resourceVersion"] = version
        await self._api.replace(KIND, NAME, body, namespace=self._namespace)

    async def _keep(self) -> None:
        while True:
            try:
                await self.sync()
                self._told = False
            except ClusterFault as fault:
                self._tell(fault)
            except Exception:  # noqa: BLE001 - logged; the next time may go better
                self._log.exception("The health of images could not be kept")
            self._loaded.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._read_every):
                    await self._news.wait()
                await asyncio.sleep(self._write_after)

    def _tell(self, fault: ClusterFault) -> None:
        if self._told:
            return
        self._told = True
        if fault.reason in _FORBIDDEN:
            self._log.warning(
                "The health of images is kept in memory only: the hub may not read and write the "
                "ConfigMap %s/%s. Allow it get, create and update on that name.",
                self._namespace,
                NAME,
            )
        else:
            self._log.warning(
                "The ConfigMap %s/%s does not answer (%s): the health of images is kept in memory "
                "until it does.",
                self._namespace,
                NAME,
                fault.reason,
            )
