"""How an object goes: at once, after its grace period, or when its finalizers let go. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from studiolo_local.api import resources
from studiolo_local.api.entries import JsonObject
from studiolo_local.api.metadata import timestamp
from studiolo_local.api.resources import Resource

DEFAULT_GRACE_SECONDS = 30
_LONGEST_GRACE = 2**31 - 1  # Beyond it there might be no such date.


@dataclass(frozen=True, slots=True)
class Options:
    """What a client asks of a delete."""

    grace_seconds: int | None = None
    preconditions: Mapping[str, Any] = field(default_factory=dict)
    orphan: bool = False
    """Whether dependents stay, without their owner."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a delete does: first change the object to `content`, if there is one, then remove it."""

    content: JsonObject | None
    gone: bool


def plan(resource: Resource, content: JsonObject, options: Options, now: datetime) -> Plan:
    """Return what deleting this object comes to; `content` is the caller's own copy.

    A pod is marked even when it goes at once: its watchers see it end before it is gone.
    """
    metadata = content["metadata"]
    is_pod = resource is resources.PODS
    grace = _grace(content, options.grace_seconds) if is_pod else 0
    kept = bool(metadata.get("finalizers")) or _holds_namespace(resource, content)
    begun = metadata.get("deletionTimestamp")
    present = metadata.get("deletionGracePeriodSeconds") or 0
    if begun and grace >= present:
        # It is on its way already, at least as fast as is asked for now.
        return Plan(None, gone=present == 0 and not kept)
    if not is_pod and not kept:
        return Plan(None, gone=True)
    end = now + timedelta(seconds=grace)
    if begun:
        asked_at = datetime.fromisoformat(begun) - timedelta(seconds=present)
        end = max(now, asked_at + timedelta(seconds=grace))
    elif resource.counts_generations:
        metadata["generation"] = int(metadata.get("generation", 1)) + 1
    metadata["deletionTimestamp"] = timestamp(end)
    metadata["deletionGracePeriodSeconds"] = grace
    if resource is resources.NAMESPACES:
        content["status"] = {**(content.get("status") or {}), "phase": "Terminating"}
    return Plan(content, gone=grace == 0 and not kept)


def is_complete(resource: Resource, content: JsonObject) -> bool:
    """Return whether an object that was being deleted has nothing left that keeps it."""
    metadata = content["metadata"]
    return (
        "deletionTimestamp" in metadata
        and not metadata.get("deletionGracePeriodSeconds")
        and not metadata.get("finalizers")
        and not _holds_namespace(resource, content)
    )


def _grace(content: JsonObject, asked: int | None) -> int:
    spec, status = content.get("spec") or {}, content.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in {"Succeeded", "Failed"}:
        return 0  # Nothing runs that would need time to end.
    if asked is None:
        asked = spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    return 1 if asked < 0 else min(int(asked), _LONGEST_GRACE)


def _holds_namespace(resource: Resource, content: JsonObject) -> bool:
    return resource is resources.NAMESPACES and bool((content.get("spec") or {}).get("finalizers"))
