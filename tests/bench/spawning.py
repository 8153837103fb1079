"""How fast and how cheap a start is, without the hub around it."""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.bench.measures import Figures, Goal, measure
from tests.bench.processes import Side, cluster, worker

TURNS = 3

_measured: dict[float, dict[Side, dict[str, float]]] = {}


async def _lag(folder: Path, side: Side) -> float:
    """The median of a few turns' 95th percentiles."""
    found = []
    for turn in range(TURNS):
        async with cluster(folder / f"{side}-{turn}", ready_after=1) as there:
            returned = await worker(there, "lag", side, count=40, gap=0.1)
            ready = there.ready_times()
        found.append(_p95([1000 * (at - ready[pod]) for pod, at in returned.items()]))
    return statistics.median(found)


async def _bursts(folder: Path, ready_after: float) -> dict[Side, dict[str, float]]:
    """The medians of a few bursts of each side, taken in turn; measured once for all who ask."""
    if ready_after not in _measured:
        found: dict[Side, list[dict[str, float]]] = {"ours": [], "peer": []}
        for turn in range(TURNS):
            for side, results in found.items():
                place = folder / f"{side}-{turn}"
                async with cluster(place, ready_after=ready_after) as there:
                    results.append(await worker(there, "burst", side, count=100))
        _measured[ready_after] = {
            side: {key: statistics.median(r[key] for r in results) for key in results[0]}
            for side, results in found.items()
        }
    return _measured[ready_after]


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


@measure(
    "ready_lag",
    "95th percentile from the pod's Ready in the API to the return of start()",
    unit="ms",
    goal=Goal(at_most=25),
)
async def ready_lag(folder: Path) -> Figures:
    return Figures(await _lag(folder, "ours"), await _lag(folder, "peer"))


@measure(
    "burst_3s",
    "100 starts at once, each pod ready 3 s after it was made: until the last start() returned",
    unit="s",
    goal=Goal(at_most=3.4),
)
async def burst_3s(folder: Path) -> Figures:
    found = await _bursts(folder, 3)
    return Figures(found["ours"]["seconds"], found["peer"]["seconds"])


@measure(
    "burst_10s",
    "100 starts at once, each pod ready 10 s after it was made: until the last start() returned",
    unit="s",
    goal=Goal(at_most=10.4),
)
async def burst_10s(folder: Path) -> Figures:
    found = await _bursts(folder, 10)
    return Figures(found["ours"]["seconds"], found["peer"]["seconds"])


@measure(
    "spawn_cpu",
    "CPU for each of 100 starts at once, pods ready after 3 s, the image check cached",
    unit="ms",
    goal=Goal(part_of_peer=1.0),
)
async def spawn_cpu(folder: Path) -> Figures:
    found = await _bursts(folder, 3)
    return Figures(found["ours"]["cpu_ms"], found["peer"]["cpu_ms"])
