"""A pod's status from what its containers do, as a kubelet computes it. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

JsonObject = dict[str, Any]

_OWN: Final = (
    "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled",
)  # fmt: skip


@dataclass
class ContainerRecord:
    """What is known of one container; changed by its runner, read for the status."""

    name: str
    image: str
    state: JsonObject = field(default_factory=lambda: waiting("ContainerCreating"))
    last_state: JsonObject = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    image_id: str = ""
    container_id: str = ""

    @property
    def terminated(self) -> JsonObject | None:
        """The end, when it has ended and is not to run again."""
        found: JsonObject | None = self.state.get("terminated")
        return found

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return "running" in self.state

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return self.terminated is not None and self.terminated["exitCode"] == 0

    def status(self) -> JsonObject:
        """The entry in containerStatuses."""
        words = {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "ready": self.ready,
            "restartCount": self.restarts,
            "started": self.started,
            "state": self.state,
            "lastState": self.last_state,
        }
        return {**words, "containerID": self.container_id} if self.container_id else words

    @classmethod
    def from_status(cls, spec: Mapping[str, Any], status: Mapping[str, Any] | None) -> Self:
        """The record as it was last published, or a new one."""
        record = cls(spec["name"], spec.get("image", ""))
        if status is not None:
            record.state = dict(status.get("state") or record.state)
            record.last_state = dict(status.get("lastState") or {})
            record.restarts = int(status.get("restartCount", 0))
            record.image_id = status.get("imageID", "")
            record.container_id = status.get("containerID", "")
        return record


def waiting(reason: str, message: str = "") -> JsonObject:
    """The state of a container that does not run yet, or not at the moment."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def phase_of(
    spec: Mapping[str, Any],
    initial: Sequence[ContainerRecord],
    records: Sequence[ContainerRecord],
) -> str:
    """The pod's phase, by the kubelet's own rules."""
    policy = spec.get("restartPolicy", "Always")
    for record in initial:
        if not record.succeeded:
            gave_up = record.terminated is not None and policy == "Never"
            return "Failed" if gave_up else "Pending"
    # A container that waits to be started again has run: it counts as stopped
    fresh = [each for each in records if "waiting" in each.state and not each.last_state]
    if fresh:
        return "Pending"
    if any(each.running for each in records):
        return "Running"
    if policy == "Always":
        return "Running"
    if all(each.succeeded for each in records):
        return "Succeeded"
    if policy == "Never":
        return "Failed"
    return "Running"


def conditions_of(
    phase: str,
    initial: Sequence[ContainerRecord],
    records: Sequence[ContainerRecord],
    previous: Iterable[Mapping[str, Any]],
    *,
    sandbox: bool,
    now: str,
) -> list[JsonObject]:
    """The conditions; the time of the last change is kept where nothing has changed."""
    uninitialised = [each.name for each in initial if not each.succeeded]
    unready = [each.name for each in records if not each.ready]
    if phase in {"Succeeded", "Failed"}:
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        ready: JsonObject = {"status": "False", "reason": reason}
        initialised: JsonObject = (
            {"status": "True", "reason": reason}
            if not uninitialised
            else _incomplete(uninitialised)
        )
    else:
        message = f"containers with unready status: [{' '.join(unready)}]"
        ready = (
            {"status": "False", "reason": "ContainersNotReady", "message": message}
            if unready
            else {"status": "True"}
        )
        initialised = _incomplete(uninitialised) if uninitialised else {"status": "True"}
    fresh = {
        "PodReadyToStartContainers": {"status": "True" if sandbox else "False"},
        "Initialized": initialised,
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": {"status": "True"},
    }
    before = {condition["type"]: condition for condition in previous}
    others = [dict(each) for kind, each in before.items() if kind not in _OWN]
    return [_condition(kind, fresh[kind], before.get(kind), now) for kind in _OWN] + others


def _incomplete(names: Sequence[str]) -> JsonObject:
    message = f"containers with incomplete status: [{' '.join(names)}]"
    return {"status": "False", "reason": "ContainersNotInitialized", "message": message}


def _condition(
    kind: str, fresh: JsonObject, before: Mapping[str, Any] | None, now: str
) -> JsonObject:
    same = before is not None and before["status"] == fresh["status"]
    since = before.get("lastTransitionTime", now) if same and before is not None else now
    return {"type": kind, **fresh, "lastProbeTime": None, "lastTransitionTime": since}
