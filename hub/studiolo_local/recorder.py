"""Writes Kubernetes events as client-go's recorder does. I/O through ApiClient.

The same event told again raises the count of the first instead of making another; one that repeats
too often about one object is dropped (25 at once, then one in five minutes), as on a real cluster.
Telling an event never fails and never waits: a queue is written in the background.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from studiolo_local.client import ApiClient, ApiError, JsonObject
from studiolo_local.clock import timestamp

log = logging.getLogger(__name__)

_KNOWN: Final = 4096
_QUEUE: Final = 10_000
_BURST: Final = 25
_REFILL_SECONDS: Final = 300.0
_MAX_MESSAGE: Final = 1024

_Key = tuple[str, str, str, str, str]


@dataclass
class _Written:
    name: str
    count: int


@dataclass
class _Bucket:
    tokens: float
    since: float


class Recorder:
    """Tells events on behalf of one component."""

    def __init__(self, client: ApiClient, component: str) -> None:
        self._client = client
        self._component = component
        self._queue: asyncio.Queue[JsonObject] = asyncio.Queue(maxsize=_QUEUE)
        self._written: OrderedDict[_Key, _Written] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def tell(
        self,
        about: JsonObject,
        kind: str,
        reason: str,
        message: str,
        *,
        field: str = "",
        host: str = "",
    ) -> None:
        """One event; `about` is the object, `kind` "Normal" or "Warning", `field` a part of it."""
        reference = _reference(about, field)
        if not self._allowed(str(reference["uid"])):
            return
        source = {"component": self._component, **({"host": host} if host else {})}
        try:
            self._queue.put_nowait(
                {
                    "involvedObject": reference,
                    "type": kind,
                    "reason": reason,
                    "message": message[:_MAX_MESSAGE],
                    "source": source,
                    "at": timestamp(),
                }
            )
        except asyncio.QueueFull:
            log.warning("An event about %s was dropped: too many wait.", reference.get("name"))

    async def run(self) -> None:
        """Write what is told, for ever."""
        while True:
            words = await self._queue.get()
            try:
                await self._write(words)
            except ApiError as error:
                # A namespace on its way out takes no events; nothing depends on them
                log.debug("An event was not written: %s", error)
            finally:
                self._queue.task_done()

    async def flush(self, *, seconds: float = 2.0) -> None:
        """Wait until what was told is written, but not for ever."""
        try:
            await asyncio.wait_for(self._queue.join(), seconds)
        except TimeoutError:
            log.debug("Some events were not written in time.")

    async def _write(self, words: dict[str, Any]) -> None:
        at = words.pop("at")
        reference = words["involvedObject"]
        namespace = reference.get("namespace") or "default"
        key = (
            str(reference["uid"]), str(reference.get("fieldPath", "")),
            words["type"], words["reason"], words["message"],
        )  # fmt: skip
        known = self._written.get(key)
        if known is not None:
            try:
                patch = {"count": known.count + 1, "lastTimestamp": at}
                await self._client.patch("events", namespace, known.name, patch)
            except ApiError as error:
                if not error.missing:
                    raise
            else:
                known.count += 1
                self._written.move_to_end(key)
                return
        name = f"{reference['name'][:200]}.{secrets.token_hex(8)}"
        await self._client.create(
            "events",
            namespace,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                **words,
                "firstTimestamp": at,
                "lastTimestamp": at,
                "eventTime": None,
                "count": 1,
                "reportingComponent": self._component,
                "reportingInstance": words["source"].get("host", ""),
            },
        )
        self._written[key] = _Written(name, 1)
        while len(self._written) > _KNOWN:
            self._written.popitem(last=False)

    def _allowed(self, uid: str) -> bool:
        now = time.monotonic()
        bucket = self._buckets.setdefault(uid, _Bucket(_BURST, now))
        self._buckets.move_to_end(uid)
        while len(self._buckets) > _KNOWN:
            self._buckets.popitem(last=False)
        bucket.tokens = min(_BURST, bucket.tokens + (now - bucket.since) / _REFILL_SECONDS)
        bucket.since = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _reference(about: JsonObject, field: str) -> JsonObject:
    metadata = about["metadata"]
    reference = {
        "apiVersion": about.get("apiVersion", "v1"),
        "kind": about.get("kind", "Pod"),
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
        "uid": metadata["uid"],
        "resourceVersion": metadata.get("resourceVersion", ""),
        "fieldPath": field,
    }
    return {name: value for name, value in reference.items() if value}
