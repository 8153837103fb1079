"""Cut Kubernetes objects down to the fields that are read here; pure.

A cluster-wide cache of full pods and events costs tens of kilobytes for each object, most of it
``managedFields``, environments and volumes that nobody reads.  What is kept is enough for
KubeSpawner, for telling a pod's cause and stage, and for counting free GPUs.  Kept objects have the
layout of the originals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OWN_ANNOTATIONS = ("hub.jupyter.org/", "studiolo.dev/")
MESSAGE_LIMIT = 2048
"""Characters kept of any single text: kubelets repeat whole registry answers in messages."""

USE_NAMES = frozenset(
    {
        "hub.jupyter.org/username",
        "hub.jupyter.org/servername",
        "studiolo.dev/profile",
        "kueue.x-k8s.io/queue-name",
    }
)
"""Labels and annotations by which a pod is known to be a workspace, and whose."""

KEEP = True
"""Marks a field that is kept with everything below it."""

Shape = Mapping[str, Any]

_METADATA: Shape = {
    "name": KEEP,
    "namespace": KEEP,
    "uid": KEEP,
    "resourceVersion": KEEP,
    "creationTimestamp": KEEP,
    "deletionTimestamp": KEEP,
    "labels": KEEP,
}

_CONTAINER: Shape = {"name": KEEP, "image": KEEP, "ports": KEEP, "resources": KEEP}

_CONTAINER_STATUS: Shape = {
    "name": KEEP,
    "image": KEEP,
    "ready": KEEP,
    "started": KEEP,
    "restartCount": KEEP,
    "state": KEEP,
    "lastState": KEEP,
}

POD_SHAPE: Shape = {
    "metadata": _METADATA,
    "spec": {"nodeName": KEEP, "containers": [_CONTAINER], "initContainers": [_CONTAINER]},
    "status": {
        "phase": KEEP,
        "reason": KEEP,
        "message": KEEP,
        "podIP": KEEP,
        "hostIP": KEEP,
        "startTime": KEEP,
        "conditions": KEEP,
        "containerStatuses": [_CONTAINER_STATUS],
        "initContainerStatuses": [_CONTAINER_STATUS],
    },
}

_REQUESTS: Shape = {"restartPolicy": KEEP, "resources": {"requests": KEEP, "limits": KEEP}}

POD_USE_SHAPE: Shape = {
    "metadata": {
        "name": KEEP,
        "namespace": KEEP,
        "uid": KEEP,
        "creationTimestamp": KEEP,
        "deletionTimestamp": KEEP,
    },
    "spec": {
        "nodeName": KEEP,
        "containers": [_REQUESTS],
        "initContainers": [_REQUESTS],
        "resources": {"requests": KEEP, "limits": KEEP},
        "overhead": KEEP,
    },
    "status": {"phase": KEEP},
}

_PLACEMENT: Shape = {
    "nodeSelector": KEEP,
    "tolerations": KEEP,
    "affinity": {"nodeAffinity": KEEP},
    "schedulingGates": KEEP,
}

NODE_SHAPE: Shape = {
    "metadata": {"name": KEEP, "labels": KEEP},
    "spec": {"taints": KEEP, "unschedulable": KEEP},
    "status": {"allocatable": KEEP},
}

EVENT_SHAPE: Shape = {
    "metadata": dict.fromkeys(("name", "namespace", "uid", "creationTimestamp"), KEEP),
    "involvedObject": dict.fromkeys(
        # fieldPath tells the main container from the ones before it.
        ("kind", "namespace", "name", "uid", "fieldPath"),
        KEEP,
    ),
    "type": KEEP,
    "reason": KEEP,
    "message": KEEP,
    "count": KEEP,
    "firstTimestamp": KEEP,
    "lastTimestamp": KEEP,
    "eventTime": KEEP,
    "series": KEEP,
}


def trim_pod(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is read of a pod: identity, ports, resources, status and our own annotations."""
    kept = _shaped(pod, POD_SHAPE)
    metadata = pod.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if isinstance(annotations, Mapping):
        own = {k: v for k, v in annotations.items() if k.startswith(OWN_ANNOTATIONS)}
        kept["metadata"]["annotations"] = _short(own)
    return kept


def trim_pod_use(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return what counting reads of anybody's pod: what it asks for, where it is, whose it is.

    Where it may run is kept for as long as it is nowhere.
    """
    kept = _shaped(pod, POD_USE_SHAPE)
    metadata, spec, status = (pod.get(part) or {} for part in ("metadata", "spec", "status"))
    if not spec.get("nodeName"):
        kept.setdefault("spec", {}).update(_shaped(spec, _PLACEMENT))
        conditions = status.get("conditions") or ()
        scheduled = [each for each in conditions if each.get("type") == "PodScheduled"]
        kept.setdefault("status", {})["conditions"] = _short(scheduled)
    for field in ("labels", "annotations"):
        named = metadata.get(field)
        if isinstance(named, Mapping):
            own = {k: _short(v) for k, v in named.items() if k in USE_NAMES}
            if own:
                kept["metadata"][field] = own
    return kept


def trim_node(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return what placing reads of a node: what it has, its labels and taints, whether ready."""
    kept = _shaped(node, NODE_SHAPE)
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready = [
        {"type": "Ready", "status": each.get("status")}
        for each in conditions
        if each.get("type") == "Ready"
    ]
    kept.setdefault("status", {})["conditions"] = ready
    return kept


def trim_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is read of an event: which pod, what, when and how often."""
    kept = _shaped(event, EVENT_SHAPE)
    # KubeSpawner reads both stamps without asking whether they are there.
    kept.setdefault("lastTimestamp", None)
    kept.setdefault("eventTime", None)
    return kept


def _shaped(value: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, part in shape.items():
        if key not in value:
            continue
        found = value[key]
        if part is KEEP or found is None:
            kept[key] = _short(found)
        elif isinstance(part, list):
            kept[key] = [_shaped(item, part[0]) for item in found]
        else:
            kept[key] = _shaped(found, part)
    return kept


def _short(value: Any) -> Any:
    """Return an equal value whose texts are cut at the limit."""
    if isinstance(value, str):
        return value[:MESSAGE_LIMIT]
    if isinstance(value, Mapping):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    return value
