"""What the hub's database keeps of a workspace beside KubeSpawner's own state; pure.

Written before the pod is created, so that a hub that was killed still knows which pod is its own,
and read by the home page and the API: which image was asked for, which one runs, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from studiolo_spawner.attempts import Attempt, history_from_json, history_to_json

KEY = "studiolo"
"""The one key under which all of this stands in a spawner's state."""


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
class WorkspaceState:
    """One spawn: its identity, what was asked for, what came of it.

    spawn_id   stands in the pod's annotations too: a pod with it is this spawn's own
    pod_uid    of the pod that was created last; "" before that
    requested  the image that was asked for
    actual     the image of the last attempt
    """

    spawn_id: str = ""
    pod_uid: str = ""
    profile: str = ""
    requested: ImageInUse | None = None
    actual: ImageInUse | None = None
    attempts: tuple[Attempt, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """A dict that ``json.dumps`` takes; empty when nothing was started."""
        if not self.spawn_id:
            return {}
        return {
            "spawn_id": self.spawn_id,
            "pod_uid": self.pod_uid,
            "profile": self.profile,
            "requested_image": self.requested and self.requested.to_json(),
            "actual_image": self.actual and self.actual.to_json(),
            "attempts": history_to_json(self.attempts),
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
        )

    def with_pod(self, uid: str) -> WorkspaceState:
        """The same with another pod."""
        return replace(self, pod_uid=uid)


def _text(value: Mapping[str, object], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
