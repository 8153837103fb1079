"""How soon a person is told what is wrong with an image, and how soon the next one is tried.

A real hub on the embedded cluster, whose kubelet waits as long as a real one; the images are broken
as real ones are. Counted from the moment at which the API first shows what happened to the pod.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from studiolo_local.cluster import NAMESPACE
from studiolo_local.kubelet.backoff import Timing
from studiolo_local.mirror import Mirror

from tests.bench.measures import Figures, Goal, measure
from tests.fakes.ten_images import CAUSES, IMAGES
from tests.local.hundred_starts import PEOPLE, Lab, running_lab

TURNS = 2
# Found when Kubernetes reports something, which it never does of an image that does not answer.
REPORTED = {entry.id: entry.fault for entry in IMAGES if entry.fault in {"crashes", "gone"}}
WITH_ANOTHER = "pytorch-rc"
"""The one of these in whose place another image can run."""

_measured: dict[str, list[float]] = {}


class Timeline:
    """When what was first seen in the API."""

    def __init__(self) -> None:
        self.reported: dict[str, float] = {}
        """A pod's container could not start or has ended; by the pod's uid."""
        self.created: dict[str, list[tuple[float, str]]] = {}
        """The pods of each person: when, and uid."""

    def see(self, _kind: str, pod: dict[str, Any]) -> None:
        now, uid = time.monotonic(), pod["metadata"]["uid"]
        person = pod["metadata"]["labels"].get("hub.jupyter.org/username", "")
        pods = self.created.setdefault(person, [])
        if uid not in (known for _, known in pods):
            pods.append((now, uid))
        for status in pod.get("status", {}).get("containerStatuses", ()):
            state = status.get("state", {})
            waits = state.get("waiting", {}).get("reason", "") in {"ErrImagePull", "StartError"}
            if waits or state.get("terminated") or status.get("lastState", {}).get("terminated"):
                self.reported.setdefault(uid, now)


@asynccontextmanager
async def _watched(lab: Lab) -> AsyncIterator[Timeline]:
    seen, mirror = Timeline(), Mirror(lab.cluster.client, "pods")
    mirror.listen(seen.see)
    watching = asyncio.create_task(mirror.run())
    await mirror.synced.wait()
    try:
        yield seen
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def _one(lab: Lab, seen: Timeline, person: str, image: str) -> None:
    before = len(seen.created.get(person, ()))
    words = CAUSES[REPORTED[image]]
    shown = 0.0
    async for event in lab.starting(person, {"image": image, "profile": "cpu"}):
        if not shown and words in event["message"]:
            shown = time.monotonic()
        if event.get("ready") or event.get("failed"):
            ready = bool(event.get("ready"))
    assert shown, f"{image}: no cause was shown to {person}"
    pods = seen.created[person][before:]
    _measured["cause"].append(shown - seen.reported[pods[0][1]])
    if image == WITH_ANOTHER:
        assert ready, f"{image}: nothing was started in its place"
        _measured["next"].append(pods[1][0] - seen.reported[pods[0][1]])
        await lab.stop(person)
    else:
        await lab.at_rest(person)


async def _ours(folder: Path) -> dict[str, list[float]]:
    """Seconds of each start; measured once for both benches."""
    if not _measured:
        _measured.update(cause=[], next=[])
        async with running_lab(folder, timing=Timing()) as lab, _watched(lab) as seen:
            for _ in range(TURNS):
                for image in REPORTED:
                    await asyncio.gather(*(_one(lab, seen, person, image) for person in PEOPLE))
    return _measured


async def _peer(folder: Path) -> list[float]:
    """Seconds until KubeSpawner, as it is by default, tells the person anything but "pending"."""
    (broken,) = (entry for entry in IMAGES if entry.id == WITH_ANOTHER)
    kubespawner = {
        "image": broken.image.reference,
        "cmd": ["jupyterhub-singleuser"],
        "namespace": NAMESPACE,
    }
    extra: dict[str, dict[str, Any]] = {
        "JupyterHub": {"spawner_class": "kubespawner.KubeSpawner"},
        "KubeSpawner": kubespawner,
    }

    async def one(person: str) -> float:
        async for event in lab.starting(person, {}):
            if event.get("failed"):
                return time.monotonic() - seen.reported[seen.created[person][0][1]]
        raise AssertionError(f"The start of {person} did not end")

    async with running_lab(folder, timing=Timing(), extra=extra) as lab, _watched(lab) as seen:
        return list(await asyncio.gather(*(one(person) for person in list(PEOPLE)[:3])))


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


@measure(
    "cause_shown",
    "95th percentile from the pod's failure in the API (crash, pull) to its cause on the waiting "
    "page; the peer ends the start with its time-out, 60 s by default, and names no cause",
    unit="s",
    goal=Goal(at_most=15),
)
async def cause_shown(folder: Path) -> Figures:
    ours = await _ours(folder / "ours")
    return Figures(_p95(ours["cause"]), _p95(await _peer(folder / "peer")))


@measure(
    "fallback_started",
    "95th percentile from the pod's failure in the API to the pod of the next image; "
    "the peer never starts another image",
    unit="s",
    goal=Goal(at_most=30),
)
async def fallback_started(folder: Path) -> Figures:
    return Figures(_p95((await _ours(folder / "ours"))["next"]))
