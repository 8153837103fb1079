"""Says more of a pod that waits than the pod itself does: its place in line, its queue; no I/O.

Asked at every look at a pod that waits, so it only reads what is known already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from studiolo_spawner.capacity import Free
from studiolo_spawner.causes import Cause
from studiolo_spawner.cluster_watch import ClusterWatch
from studiolo_spawner.launch_plan import Plan
from studiolo_spawner.pod_view import Json, mapping, moment, text
from studiolo_spawner.queue_reader import QueueReader
from studiolo_spawner.queueing import HELD_BACK, explained, queue_named_by
from studiolo_spawner.spoken import duration
from studiolo_spawner.translation import translate as _
from studiolo_spawner.waiting_line import WITHOUT_ROOM, line_of, with_figures, with_line


@dataclass(frozen=True, slots=True)
class WaitWords:
    """For one start: what it asks for, and how long it may wait in a queue."""

    cluster: ClusterWatch | None
    queues: QueueReader
    resource: str | None
    count: int
    queue_timeout: timedelta
    free: Callable[[], Free | None] = lambda: None
    """What is free for its profile now; None while nobody knows."""

    def explain(self, pod: Json, found: Cause) -> Cause:
        """The cause with more words; terminal when a queue was waited in for too long."""
        metadata = mapping(pod.get("metadata"))
        namespace, name = text(metadata.get("namespace")), text(metadata.get("name"))
        if found.reason == HELD_BACK:
            if is_over(pod, self.queue_timeout):
                sentence = _("The workspace waited in a queue for %(time)s.")
                words = sentence % {"time": duration(self.queue_timeout)}
                return replace(found, message=words, hint=_("Try again later."), terminal=True)
            queue = queue_named_by(pod)
            if not queue:
                return found
            state = self.queues.state_of(namespace, queue, text(metadata.get("uid")))
            return explained(found, state, self.resource, self.count)
        if found.reason in WITHOUT_ROOM and self.cluster is not None:
            told = with_figures(found, self.free(), self.resource, self.count)
            return with_line(told, line_of(f"{namespace}/{name}", self.cluster.waiting()))
        return found


def waits_of(spawner: Any, parts: Any, plan: Plan) -> WaitWords:
    """The words for a start of this spawner; ``parts``: what the hub's spawners share."""
    profile = plan.request.profile

    def free() -> Free | None:
        counted = parts.cluster.capacity(parts.catalogue.snapshot) if parts.cluster else None
        return counted.get(profile.id) if counted is not None else None

    return WaitWords(
        parts.cluster,
        parts.queue_reader(spawner),
        profile.resource,
        profile.count,
        plan.queue_timeout,
        free,
    )


def is_over(pod: Json, limit: timedelta) -> bool:
    """Whether a pod was made longer ago than it may wait."""
    made = moment(mapping(pod.get("metadata")).get("creationTimestamp"))
    return made is not None and datetime.now(UTC) - made > limit
