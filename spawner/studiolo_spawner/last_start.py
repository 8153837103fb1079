"""Log and events of a workspace's last start, for its owner; I/O, and a bounded memory.

A failed attempt's pod is deleted at once, and its log with it. What it had written is therefore
read before that and kept for a while, in this process: the newest of each workspace, the oldest
make room. Whose the pod is was decided where it was created (``OwnPod`` never sees another's).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from studiolo_spawner.cluster_api import KubernetesObject
from studiolo_spawner.log_text import clean_events, clean_log
from studiolo_spawner.own_pod import OwnPod, uid_of
from studiolo_spawner.pod_view import containers_of, mapping, mappings, text

if TYPE_CHECKING:
    from studiolo_spawner.spawner import WorkspaceSpawner

READ_SECONDS = 3.0
"""What reading a log may take; a failed attempt's fallback waits for it."""

KEEP_SECONDS = 3600.0
MAX_KEPT = 16 * 1024 * 1024
MAX_ATTEMPTS = 5

_TAIL_LINES = 2000
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """What one pod of a start has left: its image, its log, and what Kubernetes said of it."""

    at: datetime
    image: str
    pod_uid: str
    log: str
    events: tuple[str, ...]

    @property
    def size(self) -> int:
        """Characters kept."""
        return len(self.log) + sum(map(len, self.events))


class LogBook:
    """The logs of attempts whose pods are gone."""

    def __init__(self, *, most: int = MAX_KEPT, keep_seconds: float = KEEP_SECONDS) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[float, tuple[AttemptLog, ...]]] = (
            OrderedDict()
        )
        self._most = most
        self._keep_seconds = keep_seconds
        self._size = 0

    def add(self, user: str, server: str, log: AttemptLog) -> None:
        """Keep a log; the oldest workspaces' make room."""
        before = self.of(user, server)
        self._drop((user, server))
        logs = (*(each for each in before if each.pod_uid != log.pod_uid), log)[-MAX_ATTEMPTS:]
        self._kept[user, server] = (time.monotonic(), logs)
        self._size += sum(each.size for each in logs)
        while self._size > self._most and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))

    def of(self, user: str, server: str) -> tuple[AttemptLog, ...]:
        """The logs of a workspace's last start, oldest first."""
        at, logs = self._kept.get((user, server), (0.0, ()))
        if logs and time.monotonic() - at > self._keep_seconds:
            self._drop((user, server))
            return ()
        return logs

    def forget(self, user: str, server: str) -> None:
        """A new start begins, or the workspace is no more."""
        self._drop((user, server))

    def _drop(self, key: tuple[str, str]) -> None:
        _, logs = self._kept.pop(key, (0.0, ()))
        self._size -= sum(each.size for each in logs)


logs: Final = LogBook()
"""The kept logs of this process."""


async def keep_log(spawner: WorkspaceSpawner) -> None:
    """Keep what the pod wrote, before it is deleted. Never fails, and never takes long."""
    pod = OwnPod(spawner, spawner.cluster).seen()
    if pod is None:
        return
    logs.add(spawner.user.name, spawner.name, await _read(spawner, pod))


async def last_start(spawner: WorkspaceSpawner) -> tuple[AttemptLog, ...]:
    """The logs of the last start, oldest attempt first, that of a pod that is there at the end."""
    kept = logs.of(spawner.user.name, spawner.name)
    if spawner.pod_reflector is None:
        with suppress(TimeoutError):
            await asyncio.wait_for(spawner.watch(), READ_SECONDS)
    pod = OwnPod(spawner, spawner.cluster).seen() if spawner.pod_reflector else None
    if pod is None:
        return kept
    return (*(each for each in kept if each.pod_uid != uid_of(pod)), await _read(spawner, pod))


async def _read(spawner: WorkspaceSpawner, pod: KubernetesObject) -> AttemptLog:
    secrets = [spawner.api_token] if spawner.api_token else []
    events = OwnPod(spawner, spawner.cluster).events()
    mine = [e for e in events if mapping(e.get("involvedObject")).get("uid") in {None, uid_of(pod)}]
    main = next((each for each in containers_of(pod) if each.main), None)
    ran = main is not None and (main.running or main.terminated or main.last)
    raw = await _log_of(spawner, pod, main.name) if main and ran else b""
    return AttemptLog(
        datetime.now(UTC),
        main.image if main else _asked_for(pod),
        uid_of(pod),
        clean_log(raw, secrets),
        tuple(clean_events(mine, secrets)),
    )


def _asked_for(pod: KubernetesObject) -> str:
    """The image of a pod whose containers have no status yet."""
    containers = mappings(mapping(pod.get("spec")).get("containers"))
    return text(containers[0].get("image")) if containers else ""


async def _log_of(spawner: WorkspaceSpawner, pod: KubernetesObject, container: str) -> bytes:
    metadata = mapping(pod.get("metadata"))
    call: Any = spawner.api.read_namespaced_pod_log
    try:
        answer = await call(
            metadata["name"],
            metadata["namespace"],
            container=container,
            tail_lines=_TAIL_LINES,
            limit_bytes=_MOST_BYTES,
            _preload_content=False,
            _request_timeout=aiohttp.ClientTimeout(total=READ_SECONDS),
        )
        try:
            found: bytes = await answer.read()
        finally:
            answer.release()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        spawner.log.info("The log of %s was not read: %s", metadata.get("name"), type(error))
        return b""
    if answer.status != 200:
        hint = ": the hub's role needs get on pods/log" if answer.status == 403 else ""
        spawner.log.warning(
            "The log of %s was not given (%d)%s", metadata.get("name"), answer.status, hint
        )
        return b""
    return found
