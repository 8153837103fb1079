"""How long the demo takes to start once it is set up, until it prints its address."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

from tests.bench.measures import Figures, Goal, measure
from tests.running_demo import RunningDemo

ROUNDS = 3


@measure(
    "demo_second_start",
    "from the start of the demo to the line with its address, on data that a first run has left",
    unit="s",
    goal=Goal(at_most=10),
)
async def demo_second_start(folder: Path) -> Figures:
    return Figures(await asyncio.to_thread(_median_start, folder))


def _median_start(folder: Path) -> float:
    RunningDemo.start(folder).stop()
    seconds = []
    for _ in range(ROUNDS):
        demo = RunningDemo.start(folder)
        demo.stop()
        seconds.append(demo.started_in)
    return statistics.median(seconds)
