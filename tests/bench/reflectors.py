"""What following a large cluster costs: 5,000 pods and as many events, none of them changing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.bench.measures import Figures, Goal, measure
from tests.bench.processes import cluster, worker

CROWD = 5000


async def _follow(
    folder: Path, *, settle: float, seconds: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides at the same time, against the same server."""
    # Looking for blocks costs more than what is measured here.
    options = {"count": CROWD, "settle": settle, "seconds": seconds, "tick": 10}
    async with cluster(folder, crowd=CROWD) as there:
        ours, peer = await asyncio.gather(
            worker(there, "reflect", "ours", **options),
            worker(there, "reflect", "peer", **options),
        )
    return ours, peer


async def _in_turn(folder: Path, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """One side after the other, so that neither waits for the other's processor."""
    options = {"count": CROWD, "settle": 1, "seconds": seconds, "tick": 0.002}
    async with cluster(folder, crowd=CROWD) as there:
        ours = await worker(there, "reflect", "ours", **options)
        peer = await worker(there, "reflect", "peer", **options)
    return ours, peer


@measure(
    "reflector_quiet_cpu",
    "CPU for each second of following 5,000 pods and 5,000 events while nothing changes",
    unit="ms/s",
    goal=Goal(part_of_peer=0.25),
)
async def reflector_quiet_cpu(folder: Path) -> Figures:
    # Longer than one of our watches, so that its resumption is counted; four of their lists.
    ours, peer = await _follow(folder, settle=5, seconds=50)
    return Figures(ours["cpu_ms_per_s"], peer["cpu_ms_per_s"])


@measure(
    "reflector_block",
    "longest time for which listing 5,000 pods and 5,000 events lets nothing else run",
    unit="ms",
    goal=Goal(at_most=50),
)
async def reflector_block(folder: Path) -> Figures:
    ours, peer = await _in_turn(folder, seconds=12)
    return Figures(ours["block_ms"], peer["block_ms"])


@measure(
    "reflector_memory",
    "memory held for 5,000 pods and 5,000 events",
    unit="MiB",
    goal=Goal(part_of_peer=0.5),
)
async def reflector_memory(folder: Path) -> Figures:
    ours, peer = await _in_turn(folder, seconds=12)
    return Figures(ours["memory_mib"], peer["memory_mib"])
