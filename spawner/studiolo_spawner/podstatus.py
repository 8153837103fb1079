"""From a pod's status and events to one cause in plain words, and to the stage that it has reached.

Pure; the clock is passed in. Tells the image's fault (it cannot be pulled, cannot start, crashes,
never answers) from everybody else's (no place, quota, volume, node, registry away), because only
the former is a reason to try another image. Recognised by the exact texts of kubelet, scheduler
and container runtimes; nothing of these texts is passed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from studiolo_spawner.causes import Cause, Kind, cause
from studiolo_spawner.pod_view import (
    Container,
    Event,
    Json,
    condition,
    containers_of,
    events_of,
    is_ready,
    mapping,
    moment,
    number,
    text,
)
from studiolo_spawner.pull_texts import cause_of_pull_text
from studiolo_spawner.scheduling_texts import cause_of_scheduler_text
from studiolo_spawner.start_texts import cause_of_exit, cause_of_start_text
from studiolo_spawner.translation import translate as _

__all__ = ["CLUSTER_PATIENCE", "Cause", "Kind", "Stage", "Step", "cause_of", "stage_of"]

# How long a trouble of the machine's (registry away, disk full) may last before the wait is over: a
# kubelet's pull back-off reaches 80 s by then, so at least four tries were made.
CLUSTER_PATIENCE = timedelta(minutes=2)

_PULLING = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"}
)
_STATED = {
    "InvalidImageName": "bad_reference",
    "ErrImageNeverPull": "pull_never",
    "SignatureValidationFailed": "image_unsigned",
}
# The reason of the kubelet's waiting state -> what it means when the text says nothing that is
# known
_CREATING = {
    "CreateContainerConfigError": "missing_config",
    "CreateContainerError": "node_fault",
    "RunContainerError": "cannot_start",
    "PostStartHookError": "cannot_start",
}
_POD_REASONS = {
    "Evicted": "evicted",
    "Preempting": "preempted",
    "Preempted": "preempted",
    "NodeShutdown": "node_shutdown",
    "Shutdown": "node_shutdown",
    "Terminated": "node_shutdown",
    "NodeLost": "node_lost",
    "DeadlineExceeded": "pod_removed",
}
_DISRUPTIONS = {
    "PreemptionByScheduler": "preempted",
    "PreemptionByKubeScheduler": "preempted",
    "DeletionByTaintManager": "node_lost",
    "DeletionByPodGC": "node_lost",
    "TerminationByKubelet": "evicted",
}
_VOLUME_EVENTS = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
_SANDBOX_EVENTS = frozenset({"FailedCreatePodSandBox", "NetworkNotReady"})
_PROGRESS_EVENTS = frozenset({"Pulling", "Pulled", "Created", "Started", "SuccessfulAttachVolume"})


class Step(StrEnum):
    """How far a pod has come; in this order."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    PULLING = "pulling"
    STARTING = "starting"
    ANSWERING = "answering"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Stage:
    """The step that a pod has reached, and since when as far as Kubernetes says."""

    step: Step
    since: datetime | None = None


def cause_of(
    pod: Json,
    events: Sequence[Json],
    *,
    now: datetime,
    start_deadline: timedelta,
    start_tries: int = 1,
) -> Cause | None:
    """Why this pod is not ready, or None while everything goes its way.

    ``start_deadline``: how long after its start the user's container may take to become ready.
    ``start_tries``: how many runs of the container may fail before that is the image's fault.
    """
    if is_ready(pod):
        return None
    seen = events_of(pod, events)
    return (
        _cause_of_end(pod)
        or _cause_of_containers(pod, seen, now, start_deadline, start_tries)
        or _cause_of_no_place(pod, seen)
        or _cause_of_events(pod, seen)
        or _cause_of_bare_failure(pod)
    )


def stage_of(pod: Json, events: Sequence[Json]) -> Stage:
    """The step that the pod has reached."""
    main = next((item for item in containers_of(pod) if item.main), None)
    if is_ready(pod):
        return Stage(Step.READY, moment(condition(pod, "Ready").get("lastTransitionTime")))
    if main and main.running:
        return Stage(Step.ANSWERING, main.started_at)
    if main and (main.restarts or main.terminated or main.last):
        return Stage(Step.STARTING)
    for event in reversed(events_of(pod, events)):
        if event.container not in ("", main.name if main else event.container):
            continue
        if event.reason == "Pulling":
            return Stage(Step.PULLING, event.at)
        if event.reason in {"Pulled", "Created", "Started"}:
            return Stage(Step.STARTING, event.at)
    if main and text(main.waiting.get("reason")) in _PULLING:
        return Stage(Step.PULLING)
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "True" or text(mapping(pod.get("spec")).get("nodeName")):
        return Stage(Step.SCHEDULED, moment(scheduled.get("lastTransitionTime")))
    return Stage(Step.WAITING, moment(mapping(pod.get("metadata")).get("creationTimestamp")))


def _cause_of_end(pod: Json) -> Cause | None:
    """The pod as a whole was ended by the cluster. Looked at first: its containers' exit codes then
    (137, 143) speak of that end and not of the image.
    """
    status = mapping(pod.get("status"))
    disruption = condition(pod, "DisruptionTarget")
    if disruption.get("status") == "True":
        reason = _DISRUPTIONS.get(text(disruption.get("reason")), "pod_removed")
        return cause(reason, terminal=True)
    named = text(status.get("reason"))
    if status.get("phase") == "Failed" and named:
        return cause(_reason_of_rejection(named, text(status.get("message"))), terminal=True)
    if named == "NodeLost":
        return cause("node_lost", terminal=True)
    if mapping(pod.get("metadata")).get("deletionTimestamp"):
        return cause("pod_removed", terminal=True)
    return None


def _reason_of_rejection(named: str, message: str) -> str:
    if named in _POD_REASONS:
        return _POD_REASONS[named]
    words = f"{named} {message}".lower()
    # "OutOfnvidia.com/gpu", "Allocate failed due to no healthy devices present": the device plugin
    if any(word in words for word in ("gpu", "mig-", "device", "nvml", "i915")):
        return "gpu_unavailable"
    return "rejected_by_node"


def _cause_of_containers(
    pod: Json, events: tuple[Event, ...], now: datetime, deadline: timedelta, tries: int
) -> Cause | None:
    containers = containers_of(pod)
    main = next((item for item in containers if item.main), None)
    since = _troubled_since(pod, events)
    stuck = since is not None and now - since >= CLUSTER_PATIENCE
    for container in containers:
        found = _cause_of_container(container, events, now, deadline, tries)
        if found is None:
            continue
        same_image = main is not None and container.image == main.image
        pulled = text(container.waiting.get("reason")) not in _PULLING | _STATED.keys()
        if not container.main and (pulled or not same_image) and found.kind is Kind.IMAGE:
            # Helpers are restarted by the kubelet, and some always stumble once
            found = cause("helper_failed")
        if found.kind is Kind.CLUSTER and not found.terminal:
            return replace(found, terminal=stuck)
        return found
    return None


def _troubled_since(pod: Json, events: tuple[Event, ...]) -> datetime | None:
    """Since when the trouble lasts that a machine has with the pod.

    That is its first failure since the last thing that went well: a pull that took half an hour
    does not use up the patience with what comes after it. Without such events: since the pod has a
    machine.
    """
    failures: list[datetime] = []
    for event in events:
        if event.reason == "Pulled":
            failures.clear()
        elif event.reason == "Failed" and event.first is not None:
            failures.append(event.first)
    return (
        min(failures, default=None)
        or moment(condition(pod, "PodScheduled").get("lastTransitionTime"))
        or moment(mapping(pod.get("status")).get("startTime"))
    )


def _cause_of_container(
    container: Container, events: tuple[Event, ...], now: datetime, deadline: timedelta, tries: int
) -> Cause | None:
    reason = text(container.waiting.get("reason"))
    message = text(container.waiting.get("message"))
    if reason in _STATED:
        return cause(_STATED[reason])
    if reason in _PULLING:
        return _cause_of_pull(container, message, events)
    if reason in _CREATING:
        return cause_of_start_text(message, unknown=_CREATING[reason])
    if reason == "CrashLoopBackOff" or container.terminated or container.restarts:
        found = _cause_of_runs(container, reason, tries)
        if found is not None:
            return found
    return _cause_of_silence(container, events, now, deadline)


def _cause_of_pull(container: Container, message: str, events: tuple[Event, ...]) -> Cause:
    """Older kubelets say only "Back-off pulling image" in the status: an event has the text."""
    found = cause_of_pull_text(message, container.image)
    if found.reason != "pull_failed":
        return found
    for event in reversed(events):
        if event.reason == "Failed" and event.container in ("", container.name):
            told = cause_of_pull_text(event.message, container.image)
            if told.reason != "pull_failed":
                return told
    return found


def _cause_of_runs(container: Container, reason: str, tries: int) -> Cause | None:
    """What made the container's runs fail; terminal once as many as ``tries`` have."""
    ended = container.terminated or container.last
    # A machine that lost track of its container says nothing about the image
    if text(ended.get("reason")) == "ContainerStatusUnknown":
        return cause("node_lost")
    # While the next run goes on (or is about to) restartCount counts the failed ones; at rest the
    # last one has failed too and is not counted yet
    failed = container.restarts + (0 if container.running else 1)
    if not ended:
        return cause("crashed", terminal=failed >= tries) if reason == "CrashLoopBackOff" else None
    code = number(ended.get("exitCode"))
    if not container.main and code == 0:
        return None
    found = cause_of_exit(code, text(ended.get("reason")), text(ended.get("message")))
    if found.kind is not Kind.IMAGE:
        return found
    if failed >= tries:
        return found
    told = _("It is started again: try %(number)s of %(tries)s.")
    return replace(found, terminal=False, hint=told % {"number": failed + 1, "tries": tries})


def _cause_of_silence(
    container: Container, events: tuple[Event, ...], now: datetime, deadline: timedelta
) -> Cause | None:
    """Running, but not ready for longer than it may take."""
    started = container.started_at
    if not container.main or container.ready or started is None:
        return None
    for event in reversed(events):
        if event.reason == "NodeNotReady" and event.at and event.at >= started:
            return cause("node_lost")
    return cause("never_ready") if now - started > deadline else None


def _cause_of_no_place(pod: Json, events: tuple[Event, ...]) -> Cause | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") != "False":
        return None
    if scheduled.get("reason") == "SchedulingGated":
        return cause("held_back")
    for event in reversed(events):
        if event.reason == "TriggeredScaleUp":
            return cause("scaling_up")
        if event.reason == "NotTriggerScaleUp":
            break
    return cause_of_scheduler_text(text(scheduled.get("message")))


def _cause_of_events(pod: Json, events: tuple[Event, ...]) -> Cause | None:
    """What only events tell: volumes and the network, before the container exists.

    The newest word counts: a volume that failed to mount and was followed by a pull is mounted.
    """
    if any(item.main and (item.running or item.terminated) for item in containers_of(pod)):
        return None
    for event in reversed(events):
        if event.reason in _PROGRESS_EVENTS:
            return None
        if event.reason in _VOLUME_EVENTS:
            return _cause_of_volume(event.message)
        if event.reason in _SANDBOX_EVENTS:
            return _cause_of_sandbox(event.message)
        if event.reason == "NodeNotReady":
            return cause("node_lost")
    return None


def _cause_of_volume(message: str) -> Cause | None:
    words = message.lower()
    # The kubelet's own caches are cold after its start; it tries again within a second
    if "failed to sync" in words and "cache" in words:
        return None
    if "multi-attach" in words or "already used by pod" in words or "already exclusively" in words:
        return cause("volume_busy")
    if ("secret" in words or "configmap" in words) and "not found" in words:
        return cause("missing_config")
    return cause("volume_failed")


def _cause_of_sandbox(message: str) -> Cause:
    words = message.lower()
    if "no runtime for" in words or "runtimeclass" in words or "unknown runtime handler" in words:
        return cause("runtime_missing")
    if "network" in words or "cni" in words:
        return cause("sandbox_failed")
    return cause("node_fault")


def _cause_of_bare_failure(pod: Json) -> Cause | None:
    """A failed pod that says no more than that it failed."""
    phase = mapping(pod.get("status")).get("phase")
    return cause("rejected_by_node", terminal=True) if phase == "Failed" else None
