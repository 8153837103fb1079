"""What counting free GPUs costs a hub of a large cluster: 5,000 pods on 500 nodes, 20 profiles."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from pathlib import Path
from typing import Any

from studiolo_spawner.capacity import Tally, demand_of
from studiolo_spawner.catalogue import Catalogue
from studiolo_spawner.cluster_watch import ClusterWatch
from studiolo_spawner.trimming import trim_node, trim_pod_use

from tests.bench.measures import Figures, Goal, measure
from tests.spawner.catalogues import catalogue, profile

NODES = 500
PODS = 5000
CHANGES = 200
GPU = "nvidia.com/gpu"
TOLERATION = {"key": GPU, "operator": "Exists"}


def _profiles() -> Catalogue:
    return catalogue(
        profiles=[
            profile(
                f"gpu-{number}",
                resource=GPU,
                count=number % 4 + 1,
                tolerations=[TOLERATION],
                node_selector={"pool": f"p{number % 5}"} if number % 3 else {},
            )
            for number in range(20)
        ]
    )


def _node(number: int) -> dict[str, Any]:
    """As large a node as a device plugin and feature discovery make of one."""
    labels = {f"feature.node.example.com/{each}": "v" * 20 for each in range(30)}
    amounts = {"cpu": "64", "memory": "512Gi", "pods": "110", GPU: "8"}
    return {
        "metadata": {"name": f"node-{number}", "labels": {**labels, "pool": f"p{number % 5}"}},
        "spec": {"taints": [{"key": GPU, "value": "present", "effect": "NoSchedule"}]},
        "status": {
            "allocatable": amounts,
            "conditions": [{"type": "Ready", "status": "True"}],
            "images": [{"names": ["x" * 100]}] * 30,
        },
    }


def _pod(number: int, phase: str = "Running") -> dict[str, Any]:
    """Every third one is a workspace with a GPU; every hundredth waits."""
    ours = number % 3 == 0
    requests = {"cpu": "500m", "memory": "1Gi", **({GPU: "1"} if ours else {})}
    names = {"studiolo.dev/profile": "gpu-0"} if ours else {"app": "x"}
    annotations = {"hub.jupyter.org/username": f"user-{number % 400}"} if ours else {}
    waits = number % 100 == 0
    return {
        "metadata": {
            "name": f"pod-{number}",
            "namespace": "studiolo" if ours else f"ns-{number % 50}",
            "uid": f"{number:036d}",
            "creationTimestamp": "2026-03-01T09:30:00Z",
            "labels": names,
            "annotations": annotations,
            "managedFields": [{"x": "y" * 800}],
        },
        "spec": {
            "nodeName": "" if waits else f"node-{number % NODES}",
            "containers": [
                {"env": [{"value": "v" * 200}] * 10, "resources": {"requests": requests}}
            ],
            "tolerations": [TOLERATION],
        },
        "status": {
            "phase": phase,
            "conditions": [{"type": "PodScheduled", "status": "False" if waits else "True"}],
        },
    }


def _take(watch: ClusterWatch, number: int, phase: str = "Running") -> None:
    kept = trim_pod_use(_pod(number, phase))
    key = f"{kept['metadata']['namespace']}/{kept['metadata']['name']}"
    watch._pods.resources[key] = kept
    watch._pod_changed(key)


def _filled() -> ClusterWatch:
    """A watch as if it had listed the cluster; nothing is asked."""
    watch = ClusterWatch("studiolo")
    assert watch._nodes is not None
    for number in range(NODES):
        kept = trim_node(_node(number))
        watch._nodes.resources[kept["metadata"]["name"]] = kept
        watch._node_changed(kept["metadata"]["name"])
    for number in range(PODS):
        _take(watch, number)
    return watch


@measure(
    "capacity_change",
    "CPU for one pod's change and for counting again what is free for 20 profiles",
    unit="ms",
    goal=Goal(at_most=5),
)
async def capacity_change(_folder: Path) -> Figures:
    watch = _filled()
    tally = Tally({each.id: demand_of(each) for each in _profiles().profiles})
    for machine in watch.nodes:
        tally.take(machine.name, machine)
    waiting = tuple(watch._waiting.values())
    tally.count(watch._used, waiting)
    times = []
    for number in range(CHANGES):
        began = time.process_time()
        _take(watch, number, "Unknown")
        tally.use_changed(f"node-{number % NODES}")
        tally.count(watch._used, waiting)
        times.append(time.process_time() - began)
    return Figures(statistics.median(times) * 1000)


@measure(
    "capacity_memory",
    "memory for what is kept of 5,000 pods and 500 nodes",
    unit="MiB",
    goal=Goal(at_most=32),
)
async def capacity_memory(_folder: Path) -> Figures:
    tracemalloc.start()
    watch = _filled()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(watch.nodes) == NODES
    return Figures(kept / 2**20)
