"""Our spawner in a hub whose event loop is watched: how late it is, every 10 ms, in a file.

Each line has two figures in seconds: the processor time that the loop spent before it let the watch
run again, and the clock's. Other programs on the machine count in the second one alone.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from studiolo_spawner.spawner import WorkspaceSpawner

TICK = 0.01

_watching: set[asyncio.Task[None]] = set()


class LagSpawner(WorkspaceSpawner):
    """The first one begins the watching."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not _watching:
            # The hub's working directory is the bench's own folder.
            _watching.add(asyncio.get_running_loop().create_task(_watch(Path("lags"))))


async def _watch(file: Path) -> None:
    with file.open("w", buffering=1) as notes:
        clock, spent = time.monotonic(), time.thread_time()
        while True:
            await asyncio.sleep(TICK)
            clock_now, spent_now = time.monotonic(), time.thread_time()
            late = max(clock_now - clock - TICK, 0)
            notes.write(f"{spent_now - spent:.5f} {late:.5f}\n")
            clock, spent = clock_now, spent_now
