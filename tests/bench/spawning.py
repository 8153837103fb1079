"""How fast and how cheap a start is, without the hub around it."""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.bench.measures import Figures, Goal, measure
from tests.bench.processes import Side, cluster, worker


async def _lags(folder: Path, side: Side) -> list[float]:
    async with cluster(folder / side, ready_after=1) as there:
        returned = await worker(there, "lag", side, count=60, gap=0.1)
        ready = there.ready_times()
    return [1000 * (at - ready[pod]) for pod, at in returned.items()]


async def _burst(folder: Path, side: Side, ready_after: float) -> dict[str, float]:
    async with cluster(folder / side, ready_after=ready_after) as there:
        found: dict[str, float] = await worker(there, "burst", side, count=100)
    return found


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


@measure(
    "ready_lag",
    "95th percentile from the pod's Ready in the API to the return of start()",
    unit="ms",
    goal=Goal(at_most=25),
)
async def ready_lag(folder: Path) -> Figures:
    return Figures(_p95(await _lags(folder, "ours")), _p95(await _lags(folder, "peer")))


@measure(
    "burst_3s",
    "100 starts at once, each pod ready 3 s after it was made: until the last start() returned",
    unit="s",
    goal=Goal(at_most=3.4),
)
async def burst_3s(folder: Path) -> Figures:
    ours, peer = (await _burst(folder, "ours", 3), await _burst(folder, "peer", 3))
    return Figures(ours["seconds"], peer["seconds"])


@measure(
    "burst_10s",
    "100 starts at once, each pod ready 10 s after it was made: until the last start() returned",
    unit="s",
    goal=Goal(at_most=10.4),
)
async def burst_10s(folder: Path) -> Figures:
    ours, peer = (await _burst(folder, "ours", 10), await _burst(folder, "peer", 10))
    return Figures(ours["seconds"], peer["seconds"])


@measure(
    "spawn_cpu",
    "CPU for each of 100 starts at once, pods ready after 3 s, the image check cached",
    unit="ms",
    goal=Goal(part_of_peer=1.0),
)
async def spawn_cpu(folder: Path) -> Figures:
    ours, peer = (await _burst(folder, "ours", 3), await _burst(folder, "peer", 3))
    return Figures(ours["cpu_ms"], peer["cpu_ms"])
