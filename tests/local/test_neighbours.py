"""Another team's pods on the embedded cluster: there once, on its devices, restarted or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from studiolo_local import neighbours
from studiolo_local.client import ApiClient
from studiolo_local.cluster import Cluster
from studiolo_local.nodes import DEMO_NODES

from tests.local.running_cluster import QUICK

pytestmark = pytest.mark.cluster


async def _names(cluster: Cluster) -> set[str]:
    async with ApiClient(cluster.api_url, cluster.token) as client:
        pods, _ = await client.list("pods", neighbours.NAMESPACE)
    return {pod["metadata"]["name"] for pod in pods}


async def test_they_are_made_once_and_stay_through_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        async with Cluster(tmp_path / "data", timing=QUICK, neighbours=True) as cluster:
            assert await _names(cluster) == set(neighbours.PODS)


async def test_by_default_there_are_none(tmp_path: Path) -> None:
    async with Cluster(tmp_path / "data", timing=QUICK) as cluster:
        assert await _names(cluster) == set()


def test_they_leave_something_of_every_kind() -> None:
    for resource in {resource for resource, _ in neighbours.PODS.values()}:
        held = sum(count for kind, count in neighbours.PODS.values() if kind == resource)
        there = sum(len(node.devices.get(resource, ())) for node in DEMO_NODES)
        assert 0 < held < there
