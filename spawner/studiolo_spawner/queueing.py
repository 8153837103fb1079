"""A workspace in a queue of Kueue: its label, its Workload and its place in line, in words. Pure.

Kueue's webhook holds a pod that carries the label back by a scheduling gate, makes a Workload for
it and takes the gate away when the queue's turn and quota allow. What stands in a Workload's
conditions is recognised and told in our own words; its text is never shown.

https://kueue.sigs.k8s.io/docs/tasks/run/plain_pods/
https://kueue.sigs.k8s.io/docs/tasks/manage/monitor_pending_workloads/pending_workloads_on_demand/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from studiolo_spawner.catalogue import Defaults, Profile
from studiolo_spawner.causes import Cause
from studiolo_spawner.pod_view import Json, mapping, mappings, number, text
from studiolo_spawner.resource_words import counted, devices
from studiolo_spawner.wording import ordinal

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
JOB_UID = "kueue.x-k8s.io/job-uid"
NO_QUEUE = "none"

HELD_BACK = "held_back"
"""The cause's reason of a pod behind a scheduling gate."""

_LACKS = re.compile(
    r"insufficient (?:unused )?quota(?: in cohort)? for ([a-z0-9.\-/]{1,120})"
    r"(?:.{0,120}?, ([0-9]{1,6})[a-zA-Z]{0,2} more needed)?",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(r"maximum capacity|(?:exceeds|greater than) .{0,40}quota", re.IGNORECASE)
_NO_RESOURCE = re.compile(r"resource ([a-z0-9.\-/]{1,120}) unavailable", re.IGNORECASE)
_STOPPED = re.compile(r"(?:inactive|stopped|on hold|\bhold\b|StopPolicy)", re.IGNORECASE)
_MISSING = re.compile(r"(?:doesn't exist|does not exist|not found)", re.IGNORECASE)
_MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """A place among those that wait, counted from 1."""

    place: int
    length: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """What is known of one workspace's wait in a queue."""

    queue: str
    reason: str = ""
    """Why it waits, in our words; empty where nobody says."""
    line: Line | None = None
    hopeless: bool = False
    """Its turn will never come as things are."""


def queue_of(profile: Profile, defaults: Defaults) -> str | None:
    """The queue that workspaces of this profile wait in."""
    named = profile.queue or defaults.queue
    return None if named == NO_QUEUE else named


def queue_named_by(pod: Json) -> str:
    """The queue that a pod was put into; empty when it was put into none."""
    labels = mapping(mapping(pod.get("metadata")).get("labels"))
    return text(labels.get(QUEUE_LABEL))


def workload_of(pod_uid: str, workloads: Sequence[Json]) -> Json | None:
    """The Workload that Kueue made for a pod."""
    for workload in workloads:
        metadata = mapping(workload.get("metadata"))
        owners = mappings(metadata.get("ownerReferences"))
        labelled = mapping(metadata.get("labels")).get(JOB_UID) == pod_uid
        if labelled or any(owner.get("uid") == pod_uid for owner in owners):
            return workload
    return None


def state_of_queue(queue: str, workload: Json | None, pending: Sequence[Json]) -> QueueState:
    """What a Workload and the queue's list of pending ones (visibility API) say."""
    if workload is None:
        return QueueState(queue)
    name = text(mapping(workload.get("metadata")).get("name"))
    reason, hopeless = _reason(queue, workload)
    return QueueState(queue, reason, _line_of(name, pending), hopeless)


def explained(found: Cause, state: QueueState, resource: str | None, count: int) -> Cause:
    """The cause of a pod that is held back, with its queue, its place and why it waits."""
    what = f"a {devices(resource, 1)}" if resource and count == 1 else "its turn"
    if resource and count > 1:
        what = counted(resource, count)
    told = f"Waiting in line for {what}"
    if state.line is not None:
        told += f": {ordinal(state.line.place)} of {state.line.length} in the queue {state.queue}"
    else:
        told += f" in the queue {state.queue}"
    told = f"{told}. {state.reason}".strip()
    if state.hopeless:
        return replace(
            found,
            message=told,
            hint="Choose a smaller profile, or ask your administrator about the queue.",
        )
    return replace(found, message=told)


def _line_of(name: str, pending: Sequence[Json]) -> Line | None:
    for item in pending:
        if mapping(item.get("metadata")).get("name") == name:
            return Line(number(item.get("positionInLocalQueue")) + 1, len(pending))
    return None


def _reason(queue: str, workload: Json) -> tuple[str, bool]:
    conditions = {
        text(each.get("type")): each
        for each in mappings(mapping(workload.get("status")).get("conditions"))
    }
    reserved = conditions.get("QuotaReserved", {})
    if reserved.get("status") == "True":
        return "Its quota is reserved; the cluster makes the last checks.", False
    if conditions.get("Evicted", {}).get("status") == "True":
        return "Something more important took its place; it waits again.", False
    message = text(reserved.get("message"))[:_MAX_TEXT]
    if found := _LACKS.search(message):
        kind = found[1]
        number_told = found[2] is not None and "/" in kind
        lacking = f"; {counted(kind, int(found[2]))} more must come free" if number_told else ""
        if _TOO_LARGE.search(message):
            return f"The queue's quota for {_kind_words(kind)} is too small for it.", True
        return f"The queue's quota for {_kind_words(kind)} is in use{lacking}.", False
    if found := _NO_RESOURCE.search(message):
        return f"The queue has no quota for {_kind_words(found[1])}.", True
    if _MISSING.search(message):
        return f"There is no queue {queue}, or nothing behind it.", True
    if _STOPPED.search(message) or reserved.get("reason") == "Inadmissible":
        return "The queue takes nothing at the moment.", False
    return "", False


def _kind_words(kind: str) -> str:
    plain = {"cpu": "processors", "memory": "memory"}
    return plain.get(kind) or devices(kind, 2)
