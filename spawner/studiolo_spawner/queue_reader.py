"""Asks Kueue about the workspaces that wait in its queues, for all starts together; I/O.

Nothing is asked while nobody waits, and each list at most once in `FRESH_SECONDS`, in the
background: whoever wants to know gets what is known and never waits. Where Kueue is not there, or
the hub may not read it, that is asked again only after `AGAIN_SECONDS`, and said once in the log.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp

from studiolo_spawner.pod_view import Json, mapping, mappings, text
from studiolo_spawner.queueing import QueueState, state_of_queue, workload_of

FRESH_SECONDS = 4.0
AGAIN_SECONDS = 120.0
TIMEOUT_SECONDS = 10.0
MOST_PENDING = 1000

KUEUE = "kueue.x-k8s.io"
VISIBILITY = "visibility.kueue.x-k8s.io"
_VERSION = "v1beta1"
"""Taken where the API server does not say which one it prefers."""

_GRANTS = {
    KUEUE: "apiGroups: [kueue.x-k8s.io], resources: [workloads], verbs: [get, list]",
    VISIBILITY: (
        "apiGroups: [visibility.kueue.x-k8s.io], resources: [localqueues/pendingworkloads], "
        "verbs: [get, list]"
    ),
}

_Log = logging.Logger | logging.LoggerAdapter[logging.Logger]
Get = Callable[[str, list[tuple[str, str]]], Awaitable[tuple[int, Json]]]
"""GET a path with a query: status (0: no answer) and JSON object."""


class QueueReader:
    """What Kueue says, kept for a few seconds."""

    def __init__(self, get: Get, log: _Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._get = get
        self._log = log
        self._clock = clock
        self._lists: dict[str, tuple[Json, ...]] = {}
        self._due: dict[str, float] = {}
        self._versions: dict[str, str] = {}
        self._refused: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def state_of(self, namespace: str, queue: str, pod_uid: str) -> QueueState:
        """What is known of a pod's wait now; what is too old is asked for in the background."""
        workloads = self._list(KUEUE, f"namespaces/{namespace}/workloads")
        pending = self._list(
            VISIBILITY, f"namespaces/{namespace}/localqueues/{queue}/pendingworkloads"
        )
        return state_of_queue(queue, workload_of(pod_uid, workloads), pending)

    async def settled(self) -> None:
        """Wait until what was asked for has been answered."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def stop(self) -> None:
        """Ask no longer."""
        for task in self._tasks:
            task.cancel()
        await self.settled()

    def _list(self, group: str, path: str) -> Sequence[Json]:
        if self._due.get(path, 0.0) <= self._clock():
            self._due[path] = self._clock() + AGAIN_SECONDS
            task = asyncio.create_task(self._refresh(group, path), name=f"ask {group}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._lists.get(path, ())

    async def _refresh(self, group: str, path: str) -> None:
        version = await self._version(group)
        query = [("limit", str(MOST_PENDING))]
        status, body = await self._get(f"/apis/{group}/{version}/{path}", query)
        if status == 200:
            self._lists[path] = mappings(body.get("items"))
            self._refused.discard(group)
        elif status in {401, 403, 404}:
            self._lists.pop(path, None)
            self._say(group, status)
            return
        # Without an answer what was known stays, and is asked for again soon.
        self._due[path] = self._clock() + FRESH_SECONDS

    async def _version(self, group: str) -> str:
        if group not in self._versions:
            status, body = await self._get(f"/apis/{group}", [])
            preferred = text(mapping(body.get("preferredVersion")).get("version"))
            if status != 200:
                return _VERSION
            self._versions[group] = preferred or _VERSION
        return self._versions[group]

    def _say(self, group: str, status: int) -> None:
        if group in self._refused:
            return
        self._refused.add(group)
        if status == 404:
            self._log.warning("A profile names a queue, but this cluster does not serve %s", group)
        else:
            self._log.warning(
                "Places in queues are not shown: the hub may not read %s. Grant it {%s}",
                group,
                _GRANTS[group],
            )


def get_by(api_client: Any) -> Get:
    """GET by the client that KubeSpawner uses."""

    async def get(path: str, query: list[tuple[str, str]]) -> tuple[int, Json]:
        try:
            response = await api_client.call_api(
                path,
                "GET",
                query_params=query,
                header_params={"Accept": "application/json"},
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            )
            try:
                body = json.loads(await response.read())
            finally:
                response.release()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return 0, {}
        return response.status, mapping(body)

    return get
