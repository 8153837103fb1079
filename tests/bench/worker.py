"""One side of one bench: spawners or reflectors in a process of their own.

Takes a JSON object as its only argument and prints what it found as the last line.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
from kubespawner import KubeSpawner
from kubespawner.clients import load_config, shared_client
from kubespawner.spawner import EventReflector as TheirEvents
from kubespawner.spawner import PodReflector as TheirPods
from studiolo_spawner.reflector import EventReflector, PodReflector
from studiolo_spawner.spawner import WorkspaceSpawner

from tests.bench.crowd import HERE
from tests.fakes import hub_parts

CATALOGUE = """
version: 1
defaults: {{spawn_timeout: 5m}}
images: [{{id: workspace, display_name: Workspace, reference: "{reference}"}}]
profiles: [{{id: small, display_name: Small, cpu: 1, memory: 1Gi}}]
"""
REFERENCE = "registry.bench.test/workspace:1"

Told = dict[str, Any]


class Crew:
    """Spawners of one kind, one for each user."""

    def __init__(self, told: Told) -> None:
        self._ours = told["side"] == "ours"
        folder = Path(told["folder"])
        self._db = hub_parts.database()
        self._count = 0
        if self._ours:
            catalogue = folder / "catalogue.yaml"
            catalogue.write_text(CATALOGUE.format(reference=REFERENCE))
            registry = {"endpoint": told["registry"], "insecure": True, "allow_private": True}
            self._traits: Told = {
                "catalogue_path": str(catalogue),
                "registries": {"registry.bench.test": registry},
            }
        else:
            self._traits = {
                "image": REFERENCE,
                "cmd": ["jupyterhub-singleuser"],
                "storage_pvc_ensure": True,
                "storage_capacity": "10Gi",
                "cpu_limit": 1,
                "cpu_guarantee": 1,
                "mem_limit": "1G",
                "mem_guarantee": "1G",
                "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}],
                "volume_mounts": [{"name": "home", "mountPath": "/home/jovyan"}],
                "start_timeout": 300,
            }

    def one(self) -> Any:
        """A spawner of a user who was never there before."""
        self._count += 1
        return hub_parts.spawner_of(
            WorkspaceSpawner if self._ours else KubeSpawner,
            hub_parts.user(f"{'ours' if self._ours else 'peer'}-{self._count}"),
            self._db,
            namespace=HERE,
            **self._traits,
        )

    async def warm(self) -> None:
        """Start one workspace, so that what is made once is not counted."""
        await self.one().start()


async def lag(told: Told) -> Any:
    """When each of several starts returned, by pod."""
    crew = Crew(told)
    await crew.warm()
    returned: dict[str, float] = {}

    async def start(spawner: Any, after: float) -> None:
        await asyncio.sleep(after)
        await spawner.start()
        returned[spawner.pod_name] = time.monotonic()

    spawners = [crew.one() for _ in range(told["count"])]
    gap = told["gap"]
    await asyncio.gather(*(start(s, number * gap) for number, s in enumerate(spawners)))
    return returned


async def burst(told: Told) -> Any:
    """How long many starts at once take until the last one returned, and their CPU."""
    crew = Crew(told)
    await crew.warm()
    spawners = [crew.one() for _ in range(told["count"])]
    gc.collect()
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.gather(*(spawner.start() for spawner in spawners))
    return {
        "seconds": time.monotonic() - began,
        "cpu_ms": 1000 * (time.process_time() - cpu) / len(spawners),
    }


async def reflect(told: Told) -> Any:
    """What following a crowd costs: memory held, CPU while nothing happens, blocking."""
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    stop = asyncio.Event()
    load_config()
    shared_client("CoreV1Api")
    worst = asyncio.create_task(_longest_block(stop, told["tick"]))
    ours = told["side"] == "ours"
    pods = (PodReflector if ours else TheirPods)(
        namespace=HERE, labels={"component": "singleuser-server"}
    )
    events = (EventReflector if ours else TheirEvents)(
        namespace=HERE, fields={"involvedObject.kind": "Pod"}
    )
    for reflector in (pods, events):
        await reflector.start()
        await reflector.first_load_future
    assert len(pods.pods) == len(events.resources) == told["count"]
    # What the first load did is over; from here on nothing happens in the cluster.
    await asyncio.sleep(told["settle"])
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(told["seconds"])
    spent = (time.process_time() - cpu) / (time.monotonic() - began)
    stop.set()
    block = await worst
    gc.collect()
    return {
        "cpu_ms_per_s": 1000 * spent,
        "block_ms": 1000 * block,
        "memory_mib": (process.memory_info().rss - before) / 2**20,
    }


async def _longest_block(stop: asyncio.Event, tick: float) -> float:
    """The most processor time that the loop spent before it let this task run again.

    Processor time and not the clock's, so that other programs on the machine do not count.
    """
    worst, last = 0.0, time.thread_time()
    while not stop.is_set():
        await asyncio.sleep(tick)
        now = time.thread_time()
        worst, last = max(worst, now - last), now
    return worst


TASKS: dict[str, Callable[[Told], Awaitable[Any]]] = {
    "lag": lag,
    "burst": burst,
    "reflect": reflect,
}


async def _run(told: Told) -> Any:
    result = await TASKS[told["task"]](told)
    print(json.dumps(result), flush=True)


def main() -> None:
    """Run the task that the argument names."""
    logging.disable(logging.INFO)
    asyncio.run(_run(json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
