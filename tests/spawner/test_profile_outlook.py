"""What a person may expect of each profile, with a cluster that is seen and one that is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.spawner_lab import SpawnerLab, spawner_lab

CATALOGUE = """
version: 1
images: [{id: good, display_name: Good, reference: "unreachable.invalid/good:1"}]
profiles:
- {id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}
- {id: gpu, display_name: One GPU, cpu: 1, memory: 1Gi, resource: nvidia.com/gpu, count: 1}
- {id: staff, display_name: Staff, cpu: 1, memory: 1Gi, groups: [staff]}
"""
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node-1"},
    "status": {
        "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "2"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab:
        yield lab


async def test_what_is_free_is_told_of_what_is_offered(lab: SpawnerLab) -> None:
    await lab.call("POST", "/api/v1/nodes", NODE)
    await lab.call("PUT", "/api/v1/nodes/node-1/status", NODE)
    # As the cluster's own controller does with a machine that has become ready.
    await lab.call("PUT", "/api/v1/nodes/node-1", {**NODE, "spec": {}})
    spawner = lab.make()
    for _ in range(100):
        told = await spawner.outlooks()
        if told["gpu"].state != "unknown" and "2 free" in (told["gpu"].capacity or ""):
            break
        await asyncio.sleep(0.05)
    assert told.keys() == {"cpu", "gpu"}
    assert (told["gpu"].capacity, told["gpu"].state) == ("2 free of 2", "free")
    assert told["gpu"].refusal is None


async def test_what_nobody_knows_is_not_told(lab: SpawnerLab) -> None:
    lab.proxy.away = True
    told = await lab.make().outlooks()
    assert {(each.capacity, each.state, each.refusal) for each in told.values()} == {
        (None, "unknown", None)
    }
