"""Who holds devices of the cluster, and who waits for them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from studiolo_spawner.machines import is_extended
from studiolo_spawner.pod_facts import PodFacts
from studiolo_spawner.resource_amounts import ONE


@dataclass(frozen=True, slots=True)
class Holder:
    """One workspace, or one pod of somebody else's that holds devices."""

    user: str
    """Empty for a pod that is no workspace."""
    server: str
    pod: str
    """As "namespace/name"; empty while it has none."""
    node: str
    """Empty while it waits for one."""
    resource: str | None
    """The kind of device; None for a workspace without any."""
    count: int
    profile: str
    phase: str
    since: datetime | None
    groups: frozenset[str] = frozenset()
    """The user's groups, where somebody has put them in; the cluster does not know them."""
    gated: bool = False
    """Held back by a queue."""


def held_by(pod: PodFacts) -> list[Holder]:
    """What a pod holds: one for each kind of device, or one without any."""
    held: list[tuple[str | None, int]] = list(devices_of(pod).items())
    return [
        Holder(
            user=pod.user,
            server=pod.server,
            pod=pod.key,
            node=pod.node,
            resource=resource,
            count=number,
            profile=pod.profile,
            phase=pod.phase,
            since=pod.since,
            gated=pod.gated,
        )
        for resource, number in held or [(None, 0)]
    ]


def devices_of(pod: PodFacts) -> dict[str, int]:
    """Whole devices that a pod asks for, by kind."""
    return {
        name: -(-amount // ONE)
        for name, amount in pod.requests.items()
        if amount > 0 and is_extended(name)
    }


def age(pod: PodFacts) -> tuple[float, str]:
    """Sorts pods by when they were made."""
    return (pod.since.timestamp() if pod.since else 0.0, pod.key)
