"""Tells the hub now and then what the GPUs do, for its owner's list of workspaces. I/O.

Costs one small request at each report of activity and no call of a driver: what was read last is
what is told, and nothing where nothing was read since. A hub that does not want it is not asked
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from jupyterlab_studiolo.activity import own_load
from jupyterlab_studiolo.devices import Reading, State
from jupyterlab_studiolo.errors import HubFault
from jupyterlab_studiolo.hub import HubClient

FIRST_SECONDS: Final = 25.0
MOST_DEVICES: Final = 64


def use_of(reading: Reading) -> dict[str, Any] | None:
    """What is told of a reading; None when it holds no figures.

    Of a shared device only what this workspace uses itself, where the driver tells that.
    """
    if reading.state is not State.OK:
        return None
    devices = [
        {
            "index": sample.index,
            "name": sample.name[:100],
            "utilisation_percent": own_load(sample, reading),
            "memory_used_bytes": sample.own.memory_used_bytes
            if sample.shared and sample.own is not None
            else sample.figures.memory_used_bytes,
            "memory_total_bytes": sample.figures.memory_total_bytes,
        }
        for sample in reading.samples[:MOST_DEVICES]
        if not sample.problem
    ]
    return {"version": 1, "gpus": devices} if devices else None


class UseReport:
    """`start` it once."""

    def __init__(
        self,
        hub: HubClient,
        latest: Callable[[], Reading | None],
        *,
        every: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._hub = hub
        self._latest = latest
        self._every = every
        self._loop = loop
        self._told: Reading | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Reports soon, and from then on every so many seconds."""
        self._loop.call_later(min(FIRST_SECONDS, self._every), self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._go_on(), name="studiolo: report GPU use")

    async def _go_on(self) -> None:
        if await self.tell():
            self._loop.call_later(self._every, self._begin)

    async def tell(self) -> bool:
        """Tells what is new; False when the hub does not want to hear it."""
        reading = self._latest()
        if reading is None or reading is self._told:
            return True
        self._told = reading
        use = use_of(reading)
        if use is None:
            return True
        try:
            return await self._hub.report_use(use)
        except HubFault:
            # Away for a while; the log has it.
            return True
