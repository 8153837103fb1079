"""Plays the kubelet: gives pods the statuses that a script says, and lets deleted pods go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

Json = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """After so many seconds, the pod has this status."""

    after: float
    status: Json


Script = Callable[[Json], Sequence[Step]]


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def container(state: Json, *, ready: bool = False, restarts: int = 0) -> Json:
    return {
        "name": "notebook",
        "image": "",
        "imageID": "",
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": {},
    }


def waiting(reason: str, message: str = "") -> Json:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "containerStatuses": [container(state)]}


def running(*, ready: bool, ip: str = "127.0.0.1") -> Json:
    state = {"running": {"startedAt": now()}}
    return {
        "phase": "Running",
        "podIP": ip,
        "containerStatuses": [container(state, ready=ready)],
    }


def crashed(code: int = 1) -> Json:
    state = {"terminated": {"exitCode": code, "reason": "Error"}}
    return {"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [container(state)]}


def unschedulable(message: str) -> Json:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
    }
    return {"phase": "Pending", "conditions": [condition]}


def ready_after(seconds: float, ip: str = "127.0.0.1") -> Script:
    return lambda _pod: [Step(seconds, running(ready=True, ip=ip))]


class PodDriver:
    """Follows all pods of the API at ``url``; ``script`` may be changed at any time."""

    def __init__(self, url: str, token: str, script: Script) -> None:
        self.script = script
        self.created: list[Json] = []
        self.deleted: list[str] = []
        self.linger = 0.0
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(headers=self._headers, read_bufsize=2**20)
        self._spawn(self._follow())

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._session:
            await self._session.close()

    async def set_status(self, pod: Json, status: Json) -> None:
        await self._call(
            "PATCH",
            f"{self._path(pod)}/status",
            data=json.dumps({"status": status}),
            headers={"Content-Type": "application/merge-patch+json"},
        )

    async def _follow(self) -> None:
        seen: set[str] = set()
        async for kind, pod in self._changes():
            uid = pod["metadata"]["uid"]
            if kind == "DELETED":
                self.deleted.append(uid)
            elif uid not in seen:
                seen.add(uid)
                self.created.append(pod)
                self._spawn(self._play(pod))
            if pod["metadata"].get("deletionTimestamp") and kind == "MODIFIED":
                self._spawn(self._let_go(pod))

    async def _changes(self) -> AsyncIterator[tuple[str, Json]]:
        assert self._session
        query = {"watch": "true", "timeoutSeconds": "3600", "resourceVersion": "0"}
        timeout = aiohttp.ClientTimeout(total=None)
        url = f"{self._url}/api/v1/pods"
        async with self._session.get(url, params=query, timeout=timeout) as response:
            async for line in response.content:
                change = json.loads(line)
                if change["type"] in {"ADDED", "MODIFIED", "DELETED"}:
                    yield change["type"], change["object"]

    async def _play(self, pod: Json) -> None:
        for step in self.script(pod):
            await asyncio.sleep(step.after)
            await self.set_status(pod, step.status)

    async def _let_go(self, pod: Json) -> None:
        await asyncio.sleep(self.linger)
        uid = pod["metadata"]["uid"]
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        await self._call("DELETE", self._path(pod), json=body)

    async def _call(self, method: str, path: str, **arguments: Any) -> None:
        assert self._session
        async with self._session.request(method, self._url + path, **arguments) as response:
            await response.read()

    def _path(self, pod: Json) -> str:
        metadata = pod["metadata"]
        return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"

    def _spawn(self, work: Any) -> None:
        async def quietly() -> None:
            with suppress(aiohttp.ClientError):
                await work

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
