"""Another team's pods on the embedded cluster's GPUs, so that they are not all free. I/O: its API.

Simulated: each pod only sleeps, on devices that do not exist. They have a namespace of their own,
as other people's work on a shared cluster has, and stay through restarts of the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from studiolo_local.client import ApiClient, ApiError

NAMESPACE: Final = "other-team"
IMAGE: Final = "registry.studiolo.test/python:3.13"

PODS: Final[Mapping[str, tuple[str, int]]] = {
    "train-language-model": ("nvidia.com/gpu", 3),
    "train-segmentation": ("nvidia.com/gpu", 2),
    "serve-embeddings": ("nvidia.com/mig-1g.10gb", 4),
    "course-notebooks": ("nvidia.com/gpu.shared", 2),
}
"""What each of them holds."""


async def settle(api_url: str, token: str) -> None:
    """Make the namespace and the pods that are not there."""
    async with ApiClient(api_url, token) as client:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        await _make(client, "namespaces", None, body)
        for name, (resource, count) in PODS.items():
            await _make(client, "pods", NAMESPACE, pod(name, resource, count))


def pod(name: str, resource: str, count: int) -> dict[str, Any]:
    """A pod that sleeps on so many devices."""
    amounts = {resource: str(count), "cpu": "500m", "memory": "256Mi"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "annotations": {"studiolo.dev/note": "Simulated: it holds devices and does nothing."},
        },
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "restartPolicy": "Always",
            "tolerations": [
                {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
            ],
            "containers": [
                {
                    "name": "main",
                    "image": IMAGE,
                    "args": ["sleep", "infinity"],
                    "resources": {"requests": amounts, "limits": amounts},
                }
            ],
        },
    }


async def _make(
    client: ApiClient, resource: str, namespace: str | None, body: dict[str, Any]
) -> None:
    try:
        await client.create(resource, namespace, body)
    except ApiError as error:
        if not error.conflict:
            raise
