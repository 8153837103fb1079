"""The scheduler on the embedded cluster: GPUs are given once, and given on when they are free."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from studiolo_local.cluster import NAMESPACE
from studiolo_local.nodes import Device, SimulatedNode

from tests.local.running_cluster import Running, is_ready, pod, running_cluster

pytestmark = pytest.mark.cluster

ONE_GPU = SimulatedNode(
    "only", "8", "16Gi", {"nvidia.com/gpu": (Device("GPU-1", "GPU-1", "Simulated", 1024),)}
)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_cluster(tmp_path, nodes=[ONE_GPU]) as running:
        yield running


def gpu_pod(name: str, **spec: Any) -> dict[str, Any]:
    resources = {"limits": {"nvidia.com/gpu": "1"}}
    return pod(name, ["sleep", "100"], resources=resources, spec=spec)


def is_unschedulable(found: dict[str, Any]) -> bool:
    return any(
        (each["type"], each["status"], each.get("reason"))
        == ("PodScheduled", "False", "Unschedulable")
        for each in found["status"].get("conditions", ())
    )


async def test_a_gpu_is_given_on_when_its_pod_goes(cluster: Running) -> None:
    await cluster.create("pods", gpu_pod("first"))
    await cluster.until("first", is_ready)
    await cluster.create("pods", gpu_pod("second"))
    found = await cluster.until("second", is_unschedulable)
    assert found["status"]["phase"] == "Pending"
    message = (
        "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are "
        "available: 1 No preemption victims found for incoming pod."
    )
    assert await cluster.until_told("second", "FailedScheduling") == message
    await cluster.delete("first")
    found = await cluster.until("second", is_ready)
    assert not is_unschedulable(found)
    assert await cluster.until_told("second", "Scheduled") == (
        f"Successfully assigned {NAMESPACE}/second to only"
    )


async def test_a_finished_pod_gives_its_gpu_back(cluster: Running) -> None:
    body = gpu_pod("first", restartPolicy="Never")
    body["spec"]["containers"][0]["args"] = ["sleep", "0.2"]
    await cluster.create("pods", body)
    await cluster.create("pods", gpu_pod("second"))
    await cluster.until("second", is_ready)


async def test_a_claim_that_is_missing_and_then_made(cluster: Running) -> None:
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "late"}}
    await cluster.create("pods", pod("waits", ["sleep", "100"], spec={"volumes": [volume]}))
    assert 'persistentvolumeclaim "late" not found' in await cluster.until_told(
        "waits", "FailedScheduling"
    )
    await cluster.create(
        "persistentvolumeclaims",
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "late"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        },
    )
    await cluster.until("waits", is_ready)


async def test_a_pod_with_another_scheduler_or_gates_is_left_alone(cluster: Running) -> None:
    await cluster.create("pods", pod("other", ["sleep", "1"], spec={"schedulerName": "another"}))
    gates = {"schedulingGates": [{"name": "wait"}]}
    await cluster.create("pods", pod("gated", ["sleep", "1"], spec=gates))
    await cluster.create("pods", pod("plain", ["sleep", "100"]))
    await cluster.until("plain", is_ready)
    for name in ("other", "gated"):
        found = await cluster.pod(name)
        assert found is not None
        assert not found["spec"].get("nodeName")
        assert await cluster.events(name) == []
