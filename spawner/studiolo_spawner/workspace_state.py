"""What the hub's database keeps of a workspace beside KubeSpawner's own state; pure.

Written before the pod is created and at every step, so that a hub that was killed at any moment
goes on where it was, and read by the home page and the API: which image was asked for, which one
runs, and why, or why nothing does.  What is read may be anybody's JSON or another version's: what
cannot be read is left empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, cast, get_args

from studiolo_spawner.attempts import Attempt, history_from_json, history_to_json

KEY = "studiolo"
"""The one key under which all of this stands in a spawner's state."""

Phase = Literal["", "starting", "ending", "running", "stopping"]
"""What was going on when this was written: "ending" is a start whose pod is being removed; "" was
written by an earlier version, or nothing goes on."""

_PHASES = frozenset(get_args(Phase))
_MAX_TEXT = 6000


@dataclass(frozen=True, slots=True)
class ImageInUse:
    """An image as the state names it."""

    id: str
    display_name: str = ""
    reference: str = ""
    digest: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """A dict that ``json.dumps`` takes."""
        return {
            "id": self.id,
            "display_name": self.display_name,
            "reference": self.reference,
            "digest": self.digest,
        }

    @classmethod
    def from_json(cls, value: object) -> ImageInUse | None:
        """The image that ``to_json`` wrote, None when it is none."""
        if not isinstance(value, Mapping) or not _text(value, "id"):
            return None
        return cls(
            id=_text(value, "id"),
            display_name=_text(value, "display_name"),
            reference=_text(value, "reference"),
            digest=_text(value, "digest") or None,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a start ended without a workspace: what its user was told, and when."""

    at: datetime
    reason: str
    message: str
    status: int = 503

    def to_json(self) -> dict[str, object]:
        """A dict that ``json.dumps`` takes."""
        return {
            "at": self.at.isoformat(),
            "reason": self.reason,
            "message": self.message,
            "status": self.status,
        }

    @classmethod
    def from_json(cls, value: object) -> Failure | None:
        """The failure that ``to_json`` wrote, None when it is none."""
        if not isinstance(value, Mapping):
            return None
        at, status = _moment(value, "at"), value.get("status")
        if at is None or not _text(value, "message"):
            return None
        known = isinstance(status, int) and 400 <= status < 600
        return cls(
            at=at,
            reason=_text(value, "reason") or "error",
            message=_text(value, "message"),
            status=cast("int", status) if known else 503,
        )


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """One spawn: its identity, what was asked for, what came of it.

    spawn_id   stands in the pod's annotations too: a pod with it is this spawn's own; "" when
               nothing was started, or when all that is left of a start is why it failed
    phase      what was going on
    began      when the start began, from which its time is counted
    pod_uid    of the pod that was created last and has all that goes with it; "" before that
    requested  the image that was asked for
    actual     the image of the last attempt
    failure    why the last start ended without a workspace
    resumed    how many hub processes have taken the start up since it began
    plan       what the start has to go by (``launch_plan.Plan``), as long as it goes on
    """

    spawn_id: str = ""
    pod_uid: str = ""
    profile: str = ""
    requested: ImageInUse | None = None
    actual: ImageInUse | None = None
    attempts: tuple[Attempt, ...] = field(default=())
    phase: Phase = ""
    began: datetime | None = None
    failure: Failure | None = None
    resumed: int = 0
    plan: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """A dict that ``json.dumps`` takes; empty when nothing was started."""
        if not self.spawn_id and self.failure is None:
            return {}
        return {
            "spawn_id": self.spawn_id,
            "phase": self.phase,
            "began": self.began and self.began.isoformat(),
            "pod_uid": self.pod_uid,
            "profile": self.profile,
            "requested_image": self.requested and self.requested.to_json(),
            "actual_image": self.actual and self.actual.to_json(),
            "attempts": history_to_json(self.attempts),
            "failure": self.failure and self.failure.to_json(),
            "resumed": self.resumed,
            **({"plan": self.plan} if self.plan else {}),
        }

    @classmethod
    def from_json(cls, value: object) -> WorkspaceState:
        """The state that ``to_json`` wrote; what cannot be read is left empty."""
        if not isinstance(value, Mapping):
            return cls()
        return cls(
            spawn_id=_text(value, "spawn_id"),
            pod_uid=_text(value, "pod_uid"),
            profile=_text(value, "profile"),
            requested=ImageInUse.from_json(value.get("requested_image")),
            actual=ImageInUse.from_json(value.get("actual_image")),
            attempts=history_from_json(value.get("attempts")),
            phase=_phase(value),
            began=_moment(value, "began"),
            failure=Failure.from_json(value.get("failure")),
            resumed=_count(value, "resumed"),
            plan=_mapping(value, "plan"),
        )

    def with_pod(self, uid: str) -> WorkspaceState:
        """The same with another pod."""
        return replace(self, pod_uid=uid)

    def running(self) -> WorkspaceState:
        """The same once the workspace runs, without what only its start had to know."""
        return replace(self, phase="running", plan=None, failure=None)

    def ending(self, failure: Failure | None) -> WorkspaceState:
        """The same while what was made is removed; ``failure`` is None when somebody stopped it."""
        return replace(self, phase="ending", failure=failure)

    def stopping(self) -> WorkspaceState:
        """The same while its pod is deleted; a start that is being undone stays that."""
        return self if self.phase == "ending" else replace(self, phase="stopping", plan=None)

    def afterwards(self) -> WorkspaceState:
        """What is left when it is over: nothing, or why its start failed and what was tried."""
        if self.phase != "ending" or self.failure is None:
            return WorkspaceState()
        return WorkspaceState(
            profile=self.profile,
            requested=self.requested,
            attempts=self.attempts,
            began=self.began,
            failure=self.failure,
        )


def _text(value: Mapping[str, object], key: str) -> str:
    found = value.get(key)
    return found[:_MAX_TEXT] if isinstance(found, str) else ""


def _phase(value: Mapping[str, object]) -> Phase:
    found = value.get("phase")
    return cast("Phase", found) if isinstance(found, str) and found in _PHASES else ""


def _moment(value: Mapping[str, object], key: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(_text(value, key))
    except ValueError:
        return None
    # An hour without a zone cannot be told apart from another one
    return read if read.tzinfo else None


def _count(value: Mapping[str, object], key: str) -> int:
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def _mapping(value: Mapping[str, object], key: str) -> Mapping[str, Any] | None:
    found = value.get(key)
    return found if isinstance(found, Mapping) else None
