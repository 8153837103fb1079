"""What this workspace is: image, profile and rules. Pure: the environment is handed in.

The spawner writes it as JSON into the container's environment (STUDIOLO_WORKSPACE). What is read
here is read leniently where it only informs, so that a workspace image may be older or newer than
the hub: unknown keys are left out, a missing one has a plain meaning.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

VARIABLE: Final = "STUDIOLO_WORKSPACE"
VERSION: Final = 1
DEFAULT_BUSY_PERCENT: Final = 5
DEFAULT_WARN_SECONDS: Final = 300

log = logging.getLogger("jupyterlab_studiolo")


class WorkspaceUnreadable(ValueError):  # noqa: N818
    """The description is not what the spawner writes. The message names the place."""


# Tuples rather than data classes: as immutable, and made in a tenth of the time at import.
class Image(NamedTuple):
    """A catalogue entry; `reference` and `digest` are None for one that was only asked for."""

    id: str
    display_name: str
    reference: str | None = None
    digest: str | None = None


class Gpu(NamedTuple):
    """What the profile promises of each of its GPUs."""

    model: str
    memory_gib: float | None
    shared: bool
    simulated: bool


class Profile(NamedTuple):
    """The GPU profile; `resource` is Kubernetes' name for the device, None on a CPU profile."""

    id: str
    display_name: str
    resource: str | None
    count: int  # type: ignore[assignment]  # in the place of the method of tuples
    gpu: Gpu | None

    def to_json(self) -> dict[str, Any]:
        """With the keys that were read."""
        return self._asdict() | {"gpu": self.gpu and self.gpu._asdict()}


class Idle(NamedTuple):
    """When the workspace counts as idle; no timeout means that it is never stopped for that.

    `keep_alive_seconds` is the longest that one press of Keep alive counts as activity; 0: not
    offered.
    """

    timeout_seconds: int | None
    gpu_busy_percent: int
    warn_before_seconds: int = DEFAULT_WARN_SECONDS
    keep_alive_seconds: int = 0


class Workspace(NamedTuple):
    """The whole description, as STUDIOLO_WORKSPACE holds it.

    `lifetime_from` is when the hub began the start, from where it counts the longest run; the
    attempt that came to run may have begun later, at `started_at`.
    """

    image: Image
    requested_image: Image | None
    fallback_reason: str | None
    profile: Profile
    started_at: str | None
    lifetime_from: str | None
    idle: Idle
    max_lifetime_seconds: int | None

    @property
    def has_gpu(self) -> bool:
        """Whether the profile promises a GPU of any make."""
        return self.profile.resource is not None and self.profile.count > 0

    @property
    def simulated(self) -> bool:
        """Whether its GPUs are simulated ones."""
        return self.profile.gpu is not None and self.profile.gpu.simulated

    @property
    def shared(self) -> bool:
        """Whether other workspaces use the same GPU at the same time."""
        return self.profile.gpu is not None and self.profile.gpu.shared

    def to_json(self) -> dict[str, Any]:
        """The wire format, `Workspace` in openapi.json: the same keys that were read."""
        return self._asdict() | {
            "image": self.image._asdict(),
            "requested_image": self.requested_image and self.requested_image._asdict(),
            "profile": self.profile.to_json(),
            "idle": self.idle._asdict(),
        }


def workspace_from_environment(environment: Mapping[str, str]) -> Workspace | None:
    """The description of this workspace. None outside Studiolo, or when it cannot be read."""
    text = environment.get(VARIABLE, "")
    if not text:
        return None
    try:
        return parse_workspace(text)
    except WorkspaceUnreadable as error:
        log.warning("%s is left aside: %s", VARIABLE, error)
        return None


def parse_workspace(text: str) -> Workspace:
    """Reads the JSON text; raises WorkspaceUnreadable with the place of what is wrong."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise WorkspaceUnreadable(f"it is not JSON ({error})") from None
    root = _object(data, "the whole")
    if root.get("version") != VERSION:
        raise WorkspaceUnreadable(f"version is {root.get('version')!r}, {VERSION} is understood")
    requested = root.get("requested_image")
    idle = _object(root.get("idle", {}), "idle")
    return Workspace(
        image=_image(root.get("image"), "image"),
        requested_image=None if requested is None else _image(requested, "requested_image"),
        fallback_reason=_text_or_none(root, "fallback_reason", "fallback_reason"),
        profile=_profile(root.get("profile")),
        started_at=_text_or_none(root, "started_at", "started_at"),
        lifetime_from=_text_or_none(root, "lifetime_from", "lifetime_from"),
        idle=Idle(
            timeout_seconds=_count(idle, "timeout_seconds", "idle.timeout_seconds"),
            gpu_busy_percent=_count(idle, "gpu_busy_percent", "idle.gpu_busy_percent")
            or DEFAULT_BUSY_PERCENT,
            warn_before_seconds=_count(idle, "warn_before_seconds", "idle.warn_before_seconds")
            or DEFAULT_WARN_SECONDS,
            keep_alive_seconds=_count(idle, "keep_alive_seconds", "idle.keep_alive_seconds") or 0,
        ),
        max_lifetime_seconds=_count(root, "max_lifetime_seconds", "max_lifetime_seconds"),
    )


def _image(value: object, place: str) -> Image:
    data = _object(value, place)
    return Image(
        id=_text(data, "id", f"{place}.id"),
        display_name=_text(data, "display_name", f"{place}.display_name"),
        reference=_text_or_none(data, "reference", f"{place}.reference"),
        digest=_text_or_none(data, "digest", f"{place}.digest"),
    )


def _profile(value: object) -> Profile:
    data = _object(value, "profile")
    gpu = data.get("gpu")
    return Profile(
        id=_text(data, "id", "profile.id"),
        display_name=_text(data, "display_name", "profile.display_name"),
        resource=_text_or_none(data, "resource", "profile.resource"),
        count=_count(data, "count", "profile.count") or 0,
        gpu=None if gpu is None else _gpu(gpu),
    )


def _gpu(value: object) -> Gpu:
    data = _object(value, "profile.gpu")
    memory = data.get("memory_gib")
    if memory is not None and (isinstance(memory, bool) or not isinstance(memory, int | float)):
        raise WorkspaceUnreadable("profile.gpu.memory_gib is not a number")
    return Gpu(
        model=_text_or_none(data, "model", "profile.gpu.model") or "GPU",
        memory_gib=memory,
        shared=data.get("shared") is True,
        simulated=data.get("simulated") is True,
    )


def _object(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise WorkspaceUnreadable(f"{place} is not an object")
    return value


def _text(data: Mapping[str, object], key: str, place: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise WorkspaceUnreadable(f"{place} is not a text")
    return value


def _text_or_none(data: Mapping[str, object], key: str, place: str) -> str | None:
    return None if data.get(key) is None else _text(data, key, place)


def _count(data: Mapping[str, object], key: str, place: str) -> int | None:
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise WorkspaceUnreadable(f"{place} is not a whole number from 0 on")
    return value
