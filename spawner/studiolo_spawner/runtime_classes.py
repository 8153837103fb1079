"""What Kubernetes adds to pods of a runtime class: overhead and place. Pure but for `read`.

A pod that is made already holds it; of one that is about to be made it must be known beforehand.

https://kubernetes.io/docs/concepts/containers/runtime-class/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studiolo_spawner.pod_facts import Placement, placement_of
from studiolo_spawner.pod_view import Json, mapping, mappings, text
from studiolo_spawner.queue_reader import Get
from studiolo_spawner.resource_amounts import Amounts, amounts

PATH = "/apis/node.k8s.io/v1/runtimeclasses"

UNKNOWN = (
    "What runtime classes add to workspaces is not counted: the hub cannot read them. Where "
    "profiles name one, grant apiGroups: [node.k8s.io], resources: [runtimeclasses], verbs: [list]"
)


@dataclass(frozen=True, slots=True)
class RuntimeClass:
    """What one class adds."""

    overhead: Amounts
    placement: Placement


def classes_of(items: tuple[Json, ...]) -> dict[str, RuntimeClass]:
    """Read classes as the Kubernetes API writes them, by name."""
    found: dict[str, RuntimeClass] = {}
    for item in items:
        scheduling = mapping(item.get("scheduling"))
        found[text(mapping(item.get("metadata")).get("name"))] = RuntimeClass(
            amounts(mapping(item.get("overhead")).get("podFixed")), placement_of(scheduling)
        )
    return found


async def read(get: Get) -> Mapping[str, RuntimeClass] | None:
    """The cluster's classes; None where they cannot be had."""
    status, body = await get(PATH, [])
    if status == 404:
        return {}
    return classes_of(mappings(body.get("items"))) if status == 200 else None
