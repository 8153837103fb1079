"""A request and one of its images as values of KubeSpawner's traits; pure.

KubeSpawner goes on building the manifests.  Here is decided what one attempt puts into them: the
image pinned to the digest that was checked, GPU, CPU and memory, where the pod may run, volumes,
labels, annotations, the readiness probe and what the workspace is told about itself.

Operators' own values of the same traits stay: mappings are united (the attempt wins) and lists are
joined.  Nothing that is passed in is changed.

KubeSpawner expands ``{...}`` in labels, annotations and volumes; whatever comes from the catalogue
or from a user is therefore passed through ``literal``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from kubespawner.slugs import is_valid_label, safe_slug

from studiolo_spawner import rescue
from studiolo_spawner.catalogue import Home, Image, Profile, SharedVolume
from studiolo_spawner.quantities import parse_memory
from studiolo_spawner.queueing import QUEUE_LABEL
from studiolo_spawner.reference import ImageReference

PREFIX = "studiolo.dev/"
LABEL_PROFILE = f"{PREFIX}profile"
LABEL_IMAGE = f"{PREFIX}image"
REQUESTED_IMAGE = f"{PREFIX}requested-image"
IMAGE_DIGEST = f"{PREFIX}image-digest"
USER = f"{PREFIX}user"
SPAWN_ID = f"{PREFIX}spawn-id"
ATTEMPT = f"{PREFIX}attempt"

WORKSPACE_VARIABLE = "STUDIOLO_WORKSPACE"
HOME_VOLUME = "home"
HUB_VARIABLES = ("JUPYTERHUB_", "JPY_", "STUDIOLO_")
"""Beginnings of names that an image's entry in the catalogue cannot set."""

# Everything else may be served by NVIDIA's runtime hook under a name of a device plugin's own.
_OTHER_VENDORS = ("amd.com/", "gpu.intel.com/", "habana.ai/", "google.com/")


@dataclass(frozen=True, slots=True)
class AttemptPod:
    """What the pod of one attempt is made from; ``number`` counts the spawn's attempts from 1."""

    username: str
    image: Image
    requested: Image
    reference: ImageReference
    digest: str | None
    profile: Profile
    home: Home
    claim: str
    volumes: tuple[SharedVolume, ...]
    spawn_id: str
    number: int
    base_url: str
    fallback_reason: str | None = None
    queue: str | None = None
    secure: bool = False
    rescue: bool = False
    """Whether its owner's home is full (``rescue``)."""

    @property
    def pinned(self) -> ImageReference:
        """The reference that runs: by digest wherever one is known."""
        return self.reference.with_digest(self.digest) if self.digest else self.reference


def attempt_traits(pod: AttemptPod, current: Callable[[str], Any]) -> dict[str, Any]:
    """Return the traits' values for this attempt, complete, over the ``current`` ones (by name)."""
    traits = {
        "image": str(pod.pinned),
        "image_pull_secrets": _pull_secrets(pod.image),
        "working_dir": pod.home.mount_path,
        "node_selector": dict(pod.profile.node_selector),
        "tolerations": _tolerations(pod.profile),
        "extra_labels": _labels(pod),
        "extra_annotations": _annotations(pod),
        "extra_pod_config": _pod_config(pod.profile),
        "extra_container_config": {
            "readinessProbe": readiness_probe(pod),
            # So that the status says why a container ended, as far as it said so itself.
            "terminationMessagePolicy": "FallbackToLogsOnError",
        },
        "volumes": _volumes(pod),
        "volume_mounts": _volume_mounts(pod),
        **_resources(pod.profile),
        **({"args": list(rescue.ARGUMENTS)} if pod.rescue else {}),
    }
    return {name: _over(current(name), value) for name, value in traits.items()}


def home_traits(home: Home, current: Callable[[str], Any]) -> dict[str, Any]:
    """Return the traits from which KubeSpawner makes the claim of a new home."""
    return {
        "storage_capacity": home.size,
        "storage_class": home.storage_class or current("storage_class"),
        "storage_access_modes": [home.access_mode],
    }


def environment(pod: AttemptPod, *, now: datetime, since: datetime | None = None) -> dict[str, str]:
    """Return the variables that the attempt adds to JupyterHub's.

    ``since`` is when the hub began the start, from where it counts the longest run.
    """
    variables = {
        name: value
        for name, value in pod.image.environment.items()
        if not name.startswith(HUB_VARIABLES)
    }
    if hides_nvidia(pod.profile):
        # Images for CUDA ask for all GPUs by themselves, and the container runtime obeys.
        variables["NVIDIA_VISIBLE_DEVICES"] = "void"
    variables["HOME"] = pod.home.mount_path
    if pod.rescue:
        variables |= rescue.ENVIRONMENT
    # Kubernetes would put other variables in place of $(NAME); $$ is its escape.
    document = json.dumps(workspace_document(pod, now=now, since=since), ensure_ascii=False)
    variables[WORKSPACE_VARIABLE] = document.replace("$(", "$$(")
    return variables


def hides_nvidia(profile: Profile) -> bool:
    """Tell whether the workspace must not see NVIDIA GPUs that the node may have."""
    return profile.resource is None or profile.resource.startswith(_OTHER_VENDORS)


def workspace_document(
    pod: AttemptPod, *, now: datetime, since: datetime | None = None
) -> dict[str, Any]:
    """Return what a workspace is told about itself (tests/contract/workspace.json)."""
    profile, lifetime, idle = pod.profile, pod.profile.max_lifetime, pod.profile.idle
    return {
        "version": 1,
        "image": {
            "id": pod.image.id,
            "display_name": pod.image.display_name,
            "reference": str(pod.reference),
            "digest": pod.digest,
        },
        "requested_image": {
            "id": pod.requested.id,
            "display_name": pod.requested.display_name,
        },
        "fallback_reason": pod.fallback_reason,
        "profile": {
            "id": profile.id,
            "display_name": profile.display_name,
            "resource": profile.resource,
            "count": profile.count,
            "gpu": profile.gpu and profile.gpu.model_dump(),
        },
        "started_at": _moment(now),
        "lifetime_from": _moment(since or now),
        "idle": {
            "timeout_seconds": idle.timeout and int(idle.timeout.total_seconds()),
            "gpu_busy_percent": idle.gpu_busy_percent,
            "warn_before_seconds": int(idle.warn_before.total_seconds()),
            "keep_alive_seconds": int(idle.keep_alive.total_seconds()) if idle.keep_alive else 0,
        },
        "max_lifetime_seconds": lifetime and int(lifetime.total_seconds()),
    }


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def readiness_probe(pod: AttemptPod) -> dict[str, Any]:
    """Return the probe that makes "ready" mean: the workspace answers at its own address.

    It asks every second so that a start is seen at once, and is patient later: a server that is
    busy for half a minute is not broken.  With internal TLS the server wants a certificate that a
    kubelet does not have; then an open port has to do.
    """
    probe: dict[str, Any] = {
        "periodSeconds": 1,
        "timeoutSeconds": 3,
        "successThreshold": 1,
        "failureThreshold": 30,
    }
    if pod.secure:
        return {"tcpSocket": {"port": "notebook-port"}, **probe}
    path = pod.base_url.rstrip("/") + "/api"
    return {"httpGet": {"path": path, "port": "notebook-port", "scheme": "HTTP"}, **probe}


def literal(text: str) -> str:
    """Return ``text`` so that KubeSpawner's expansion of templates gives it back unchanged."""
    return text.replace("{", "{{").replace("}", "}}")


def _resources(profile: Profile) -> dict[str, Any]:
    memory = parse_memory(profile.memory)
    guaranteed = profile.memory_guarantee
    # Extended resources cannot be overcommitted: request and limit must be equal.
    extended = {profile.resource: str(profile.count)} if profile.resource else {}
    return {
        "cpu_limit": profile.cpu,
        "cpu_guarantee": profile.cpu if profile.cpu_guarantee is None else profile.cpu_guarantee,
        "mem_limit": memory,
        "mem_guarantee": parse_memory(guaranteed) if guaranteed else memory,
        "extra_resource_limits": extended,
        "extra_resource_guarantees": dict(extended),
    }


def _labels(pod: AttemptPod) -> dict[str, str]:
    names = {LABEL_PROFILE: pod.profile.id, LABEL_IMAGE: pod.image.id}
    labels = {key: _label_value(value) for key, value in names.items()}
    return {**labels, QUEUE_LABEL: literal(pod.queue)} if pod.queue else labels


@lru_cache(maxsize=2048)
def _label_value(text: str) -> str:
    slug: str = safe_slug(text, is_valid=is_valid_label)
    return slug


def _annotations(pod: AttemptPod) -> dict[str, str]:
    annotations = {
        USER: pod.username,
        REQUESTED_IMAGE: pod.requested.id,
        SPAWN_ID: pod.spawn_id,
        ATTEMPT: str(pod.number),
    }
    if pod.digest:
        annotations[IMAGE_DIGEST] = pod.digest
    return {key: literal(value) for key, value in annotations.items()}


def _pod_config(profile: Profile) -> dict[str, Any]:
    return {"runtimeClassName": profile.runtime_class} if profile.runtime_class else {}


def _pull_secrets(image: Image) -> list[Any]:
    return [{"name": image.pull_secret}] if image.pull_secret else []


def _tolerations(profile: Profile) -> list[Any]:
    return [
        {
            key: value
            for key, value in {
                "key": toleration.key,
                "operator": toleration.operator,
                "value": toleration.value or None,
                "effect": toleration.effect,
                "tolerationSeconds": toleration.toleration_seconds,
            }.items()
            if value is not None
        }
        for toleration in profile.tolerations
    ]


def _volumes(pod: AttemptPod) -> list[Any]:
    shared = [
        {
            "name": literal(volume.name),
            "persistentVolumeClaim": {
                "claimName": literal(volume.claim),
                "readOnly": volume.read_only,
            },
        }
        for volume in pod.volumes
    ]
    claim = {"claimName": literal(pod.claim)}
    return [{"name": HOME_VOLUME, "persistentVolumeClaim": claim}, *shared]


def _volume_mounts(pod: AttemptPod) -> list[Any]:
    shared = [
        {
            "name": literal(volume.name),
            "mountPath": literal(volume.mount_path),
            "readOnly": volume.read_only,
        }
        for volume in pod.volumes
    ]
    return [{"name": HOME_VOLUME, "mountPath": literal(pod.home.mount_path)}, *shared]


def _over(current: Any, value: Any) -> Any:
    """Unite an operator's value with the attempt's; see the module's first lines."""
    if isinstance(value, dict):
        return {**current, **value} if isinstance(current, Mapping) else value
    if isinstance(value, list):
        # KubeSpawner takes a mapping for such a list too, in the order of its keys.
        if isinstance(current, Mapping):
            current = [current[key] for key in sorted(current)]
        return [*(current or ()), *value]
    return value
