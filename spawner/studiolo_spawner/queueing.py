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
from studiolo_spawner.translation import joined
from studiolo_spawner.translation import translate as _

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
    words = {
        "what": counted(resource, count) if resource and count else _("its turn"),
        "queue": state.queue,
    }
    if state.line is not None:
        words |= {"place": str(state.line.place), "length": str(state.line.length)}
        told = _(
            "Waiting in line for %(what)s: number %(place)s of %(length)s in the queue %(queue)s."
        )
    else:
        told = _("Waiting in line for %(what)s in the queue %(queue)s.")
    message = joined(told % words, state.reason)
    if state.hopeless:
        hint = _("Choose a smaller profile, or ask your administrator about the queue.")
        return replace(found, message=message, hint=hint)
    return replace(found, message=message)


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
        return _("Its quota is reserved; the cluster makes the last checks."), False
    if conditions.get("Evicted", {}).get("status") == "True":
        return _("Something more important took its place; it waits again."), False
    message = text(reserved.get("message"))[:_MAX_TEXT]
    if found := _LACKS.search(message):
        return _shortage(found, too_large=_TOO_LARGE.search(message) is not None)
    if found := _NO_RESOURCE.search(message):
        told = _("The queue has no quota for %(what)s.")
        return told % {"what": _kind_words(found[1])}, True
    if _MISSING.search(message):
        told = _("There is no queue %(queue)s, or nothing behind it.")
        return told % {"queue": queue}, True
    if _STOPPED.search(message) or reserved.get("reason") == "Inadmissible":
        return _("The queue takes nothing at the moment."), False
    return "", False


def _shortage(found: re.Match[str], *, too_large: bool) -> tuple[str, bool]:
    kind = found[1]
    words = {"what": _kind_words(kind)}
    if too_large:
        return _("The queue's quota for %(what)s is too small for it.") % words, True
    if found[2] is None or "/" not in kind:
        return _("The queue's quota for %(what)s is in use.") % words, False
    told = _("The queue's quota for %(what)s is in use; %(lacking)s more must come free.")
    return told % {**words, "lacking": counted(kind, int(found[2]))}, False


def _kind_words(kind: str) -> str:
    plain = {"cpu": _("processors"), "memory": _("memory")}
    return plain.get(kind) or devices(kind, 2)
