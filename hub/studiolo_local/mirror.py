"""Keeps a copy of one kind of object in step with the API. I/O through ApiClient.

Guarantees: every change reaches the listeners exactly once and in order, also across a watch that
broke or grew too old (then it is listed again and the differences are told); a listener sees
DELETED for whatever vanished meanwhile. It never gives up: an API that is away is asked again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from studiolo_local.client import ApiClient, ApiError, JsonObject

log = logging.getLogger(__name__)

Key = tuple[str, str]
Listener = Callable[[str, JsonObject], None]

_SHORT_WATCH = 0.1
_RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


def key_of(item: JsonObject) -> Key:
    """(namespace, name) of an object; the namespace is empty for cluster-wide kinds."""
    metadata = item["metadata"]
    return (metadata.get("namespace", ""), metadata["name"])


class Mirror:
    """The objects of one resource as last seen. Listeners are called on the event loop."""

    def __init__(self, client: ApiClient, resource: str, *, field_selector: str = "") -> None:
        self._client = client
        self._resource = resource
        self._params = {"fieldSelector": field_selector} if field_selector else {}
        self._listeners: list[Listener] = []
        self._objects: dict[Key, JsonObject] = {}
        self.synced = asyncio.Event()
        """Set when the first list is complete."""

    def listen(self, listener: Listener) -> None:
        """Call `listener(kind, object)` for each change from now on; kind as in a watch."""
        self._listeners.append(listener)

    def get(self, namespace: str, name: str) -> JsonObject | None:
        """The object as last seen. Not to be changed."""
        return self._objects.get((namespace, name))

    def all(self) -> Iterable[JsonObject]:
        """All objects as last seen. Not to be changed."""
        return tuple(self._objects.values())

    def take(self, item: JsonObject) -> None:
        """Take in what one's own write answered, before the watch tells it."""
        old = self._objects.get(key_of(item))
        if old is not None and old["metadata"]["uid"] == item["metadata"]["uid"]:
            self._apply("MODIFIED", item)

    async def run(self) -> None:
        """List and watch for ever."""
        failures = 0
        version = ""
        while True:
            try:
                if not version:
                    version = await self._list()
                began = time.monotonic()
                async for change in self._client.watch(self._resource, version, **self._params):
                    failures = 0
                    version = change.item["metadata"]["resourceVersion"]
                    if change.kind != "BOOKMARK":
                        self._apply(change.kind, change.item)
                if time.monotonic() - began < _SHORT_WATCH:
                    # A server that ends every watch at once must not be asked without a pause
                    await asyncio.sleep(_SHORT_WATCH)
            except ApiError as error:
                if error.status != 0:
                    version = ""
                if not error.gone:
                    pause = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
                    failures += 1
                    log.debug("Watching %s again in %.2f s: %s", self._resource, pause, error)
                    await asyncio.sleep(pause)

    async def _list(self) -> str:
        items, version = await self._client.list(self._resource, **self._params)
        present = {key_of(item): item for item in items}
        for key, old in list(self._objects.items()):
            new = present.get(key)
            if new is None or new["metadata"]["uid"] != old["metadata"]["uid"]:
                self._apply("DELETED", old)
        for key, item in present.items():
            self._apply("MODIFIED" if key in self._objects else "ADDED", item)
        self.synced.set()
        return version

    def _apply(self, kind: str, item: JsonObject) -> None:
        key = key_of(item)
        old = self._objects.get(key)
        if kind == "DELETED":
            if old is None:
                return
            del self._objects[key]
        else:
            if old is not None and not _newer(item, old):
                return
            kind = "ADDED" if old is None else "MODIFIED"
            self._objects[key] = item
        for listener in self._listeners:
            listener(kind, item)


def _newer(item: JsonObject, old: JsonObject) -> bool:
    """Whether `item` is news; versions are compared as numbers, as our API server gives them."""
    if item["metadata"]["uid"] != old["metadata"]["uid"]:
        return True
    with suppress(KeyError, ValueError):
        new_version = int(item["metadata"]["resourceVersion"])
        return new_version > int(old["metadata"]["resourceVersion"])
    return True
