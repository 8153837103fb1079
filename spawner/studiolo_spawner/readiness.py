"""Wait until one pod is ready or will not become it, woken by what happens to it; I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from studiolo_spawner.causes import Cause, cause
from studiolo_spawner.cluster_api import KubernetesObject
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.own_pod import OwnPod
from studiolo_spawner.pod_view import containers_of
from studiolo_spawner.podstatus import Stage, cause_of, stage_of

LOOK_SECONDS = 5.0
"""Longest time between two looks at a pod that nothing is heard of."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long, and who is told.

    deadline  how long the container may take to become ready, once it runs
    tries     how many of its runs may fail
    is_ready  what is waited for
    see       hears how far the pod is and what holds it up, at every look
    explain   says more of a cause than the pod does
    """

    deadline: timedelta
    tries: int
    is_ready: Callable[[KubernetesObject], bool]
    see: Callable[[Cause | None, Stage], None]
    explain: Callable[[KubernetesObject, Cause], Cause] = lambda _pod, found: found

    def look(self, pod: KubernetesObject, events: list[KubernetesObject]) -> Cause | None:
        """What keeps this pod from being ready."""
        now = datetime.now(UTC)
        found = cause_of(pod, events, now=now, start_deadline=self.deadline, start_tries=self.tries)
        if found is not None:
            found = self.explain(pod, found)
        self.see(found, stage_of(pod, events))
        return found

    def look_again_in(self, pod: KubernetesObject | None) -> float:
        """Seconds until the container's time to become ready is over, if that comes first."""
        starts = [c.started_at for c in containers_of(pod or {}) if c.main and c.started_at]
        if not starts:
            return LOOK_SECONDS
        left = (starts[0] + self.deadline - datetime.now(UTC)).total_seconds() + 0.05
        return min(max(left, 0.05), LOOK_SECONDS)


async def until_ready(own: OwnPod, uid: str, waiting: Waiting) -> Cause | None:
    """None when the pod is ready, else the cause that ended the wait."""
    wake, heard = asyncio.Event(), False
    with own.listening(wake):
        while True:
            wake.clear()
            pod = own.seen(uid)
            if pod is not None:
                heard = True
                if waiting.is_ready(pod):
                    return None
                found = waiting.look(pod, own.events())
                if found is not None and found.terminal:
                    return found
            elif heard:
                return cause("pod_removed", terminal=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(waiting.look_again_in(pod)):
                    await wake.wait()
                continue
            if pod is None:
                # It may have come and gone before anybody listened: then nothing is ever heard.
                with suppress(ClusterFault):
                    heard = await own.is_gone(uid)
