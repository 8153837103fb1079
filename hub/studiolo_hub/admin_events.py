"""Tells open administration pages that something has changed. No I/O of its own.

The stream carries no data: a page asks again for what it shows, with its own rights. Workspaces and
the cluster tell of their changes by themselves; the catalogue and the image checks are looked at,
in memory, every few seconds and only while a page is open. What comes together is told once.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from studiolo_spawner.changes import Changes, changes

from studiolo_hub.catalogue_link import CatalogueLink
from studiolo_hub.event_stream import data

SETTLE_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 2.0

#: Open pages of all administrators; more are told to come again.
MAX_STREAMS: Final = 100


class AdminFeed:
    """The streams of all administrators."""

    def __init__(
        self,
        catalogue: CatalogueLink,
        source: Changes = changes,
        *,
        settle: float = SETTLE_SECONDS,
        look: float = LOOK_SECONDS,
    ) -> None:
        self._catalogue = catalogue
        self._source = source
        self._settle = settle
        self._every = look
        self.open = 0

    async def stream(self) -> AsyncGenerator[str, None]:
        """Yield one event at once and one after each change."""
        wake = asyncio.Event()
        unsubscribe = self._subscribe(wake)
        self.open += 1
        try:
            seen, count = self._look(), 0
            yield _event(count)
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._every):
                        await wake.wait()
                now = self._look()
                if not wake.is_set() and now == seen:
                    continue
                await asyncio.sleep(self._settle)
                wake.clear()
                seen, count = self._look(), count + 1
                yield _event(count)
        finally:
            self.open -= 1
            for end in unsubscribe:
                end()

    def _subscribe(self, wake: asyncio.Event) -> list[Callable[[], None]]:
        ends = [self._source.subscribe(lambda _user, _server: wake.set())]
        parts = self._catalogue.parts
        if parts is not None and parts.cluster is not None:
            ends.append(parts.cluster.subscribe(wake.set))
        return ends

    def _look(self) -> object:
        """What tells of its changes to nobody, as a value that changes with it."""
        catalogue = self._catalogue
        images = catalogue.snapshot.images if catalogue.snapshot else ()
        health = [catalogue.health.of(image) for image in images]
        checks = [(each.last_check and each.last_check.at, len(each.failures)) for each in health]
        return (catalogue.problem, id(catalogue.snapshot), checks)


def _event(count: int) -> str:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return data(json.dumps({"version": 1, "at": at, "changes": count}))
