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
