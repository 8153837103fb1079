"""What counting needs to know of a pod: where it is, what it keeps, whose it is. Pure.

A few hundred bytes for each pod of the cluster. Pods of Studiolo are known by KubeSpawner's
annotations (whose, which server) and our own label (which profile), so that what they hold is known
after a restart of the hub, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from sys import intern

from studiolo_spawner.pod import LABEL_PROFILE
from studiolo_spawner.pod_view import Json, condition, mapping, mappings, moment, text
from studiolo_spawner.resource_amounts import Amounts, requests_of

USERNAME = "hub.jupyter.org/username"
SERVERNAME = "hub.jupyter.org/servername"

_OVER = frozenset({"Succeeded", "Failed"})
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a pod may run, room apart."""

    selector: Mapping[str, str]
    tolerations: tuple[Json, ...]
    affinity: tuple[Json, ...]
    key: str = field(init=False, repr=False, compare=False)
    """The same text for the same placement."""

    def __post_init__(self) -> None:
        parts = [self.selector, self.tolerations, self.affinity]
        object.__setattr__(self, "key", json.dumps(parts, sort_keys=True, default=str))


@dataclass(frozen=True, slots=True)
class PodFacts:
    """One pod that is not over."""

    namespace: str
    name: str
    uid: str
    node: str
    """Empty while it has none."""
    requests: Amounts
    phase: str
    waiting: bool
    """Looked at by the scheduler, or held back by a queue, and without a place."""
    gated: bool
    """Held back by a scheduling gate."""
    placement: Placement | None
    """Of a pod without a node."""
    since: datetime | None
    """When it was made."""
    user: str
    """Whose workspace it is; empty for everybody else's pods."""
    server: str
    profile: str

    @property
    def key(self) -> str:
        """As the watch has it."""
        return f"{self.namespace}/{self.name}"

    @property
    def ours(self) -> bool:
        """Whether it is a workspace."""
        return bool(self.user)


def facts_of(pod: Json) -> PodFacts | None:
    """Read a pod; None when it is over and keeps nothing."""
    metadata, spec = mapping(pod.get("metadata")), mapping(pod.get("spec"))
    phase = text(mapping(pod.get("status")).get("phase"))
    if phase in _OVER:
        return None
    annotations, labels = mapping(metadata.get("annotations")), mapping(metadata.get("labels"))
    profile = text(labels.get(LABEL_PROFILE))
    node = intern(text(spec.get("nodeName")))
    gated = bool(mappings(spec.get("schedulingGates")))
    refused = condition(pod, "PodScheduled").get("status") == "False"
    return PodFacts(
        namespace=intern(text(metadata.get("namespace"))),
        name=text(metadata.get("name")),
        uid=text(metadata.get("uid")),
        node=node,
        requests={intern(name): amount for name, amount in requests_of(pod).items()},
        phase=intern(phase),
        waiting=not node and (refused or gated) and not metadata.get("deletionTimestamp"),
        gated=gated,
        placement=None if node else placement_of(spec),
        since=moment(metadata.get("creationTimestamp")),
        # Others' JupyterHubs annotate their pods alike; the label is ours alone.
        user=text(annotations.get(USERNAME)) if profile else "",
        server=text(annotations.get(SERVERNAME)) if profile else "",
        profile=intern(profile),
    )


def placement_of(spec: Json) -> Placement:
    """Where a pod with this spec may run."""
    affinity = mapping(mapping(spec.get("affinity")).get("nodeAffinity")).get(_REQUIRED)
    selector = mapping(spec.get("nodeSelector"))
    return Placement(
        selector={key: text(value) for key, value in selector.items()},
        tolerations=mappings(spec.get("tolerations")),
        affinity=mappings(mapping(affinity).get("nodeSelectorTerms")),
    )
