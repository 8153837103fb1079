"""The load of MIG slices. I/O: NVML calls, each of which can block.

NVML's utilisation is not told of slices. From Hopper on the driver counts, for each GPU instance,
how long it computes (GPM, "GPU performance monitoring"); the load is the difference of two readings
of these counters. What is taken is the share of time in which anything ran, as `nvidia-smi` tells
it of whole cards.

A slice whose load is not told has none here: an older card, a driver or a container that does not
allow it, and a slice that shares its GPU instance with others, since its load would be theirs too.

https://docs.nvidia.com/deploy/nvml-api/group__GPM.html
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Any, Final

from jupyterlab_studiolo.nvml_calls import NvmlCalls

LEAST_SECONDS: Final = 0.1  # NVML's own: its counters are refreshed no faster
FIRST_SECONDS: Final = 0.12
MOST_SECONDS: Final = 90.0
"""An older reading is left: nobody wants the mean of an hour in which nobody looked."""

log = logging.getLogger("jupyterlab_studiolo")


class _Counters:
    """Two readings of one GPU instance: the newest, and room for the next."""

    def __init__(self, instance: int, newest: Any, room: Any) -> None:
        self.instance = instance
        self.newest = newest
        self.room = room
        self.taken_at = float("-inf")
        self.load: float | None = None


class SliceLoads:
    """Made anew with every opening of the driver, and closed before it is shut down."""

    def __init__(
        self,
        calls: NvmlCalls,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._nvml = calls.nvml
        self._clock = clock
        self._wait = wait
        self._counters: dict[str, _Counters | None] = {}  # None: not told
        self._supported: dict[str, bool] = {}
        self._asked: Any = None

    def of(self, id_: str, handle: Any, card: Any, card_id: str) -> float | None:
        """Percent since the last time, at most `MOST_SECONDS` ago; None where it is not told.

        The first time waits a moment for a second reading. Raises NVMLError when the card is lost.
        """
        nvml = self._nvml
        try:
            if id_ not in self._counters:
                self._counters[id_] = self._begin(handle, card, card_id)
            counters = self._counters[id_]
            return None if counters is None else self._measure(counters, card)
        except nvml.NVMLError_GpuIsLost:
            raise
        except nvml.NVMLError as error:
            # A slice without its load is still worth showing, so no failure of this is one of it.
            log.debug("%s: its load is not told: %s", id_, error)
            self._free(self._counters.get(id_))
            self._counters[id_] = None
            return None

    def close(self) -> None:
        """Gives the driver's memory back; a failure to do so is of no consequence."""
        for counters in self._counters.values():
            self._free(counters)
        self._counters.clear()

    def _begin(self, handle: Any, card: Any, card_id: str) -> _Counters | None:
        nvml = self._nvml
        if card_id not in self._supported:
            self._supported[card_id] = bool(nvml.nvmlGpmQueryDeviceSupport(card).isSupportedDevice)
        if not self._supported[card_id]:
            return None
        slices = nvml.nvmlDeviceGetAttributes_v2(handle)
        if slices.computeInstanceSliceCount < slices.gpuInstanceSliceCount:
            return None
        instance = nvml.nvmlDeviceGetGpuInstanceId(handle)
        return _Counters(instance, nvml.nvmlGpmSampleAlloc(), nvml.nvmlGpmSampleAlloc())

    def _measure(self, counters: _Counters, card: Any) -> float | None:
        age = self._clock() - counters.taken_at
        if age < LEAST_SECONDS:
            return counters.load
        if age > MOST_SECONDS:
            self._take(counters, card)
            self._wait(FIRST_SECONDS)
        before = counters.newest
        self._take(counters, card)
        counters.load = self._between(before, counters.newest)
        return counters.load

    def _take(self, counters: _Counters, card: Any) -> None:
        self._nvml.nvmlGpmMigSampleGet(card, counters.instance, counters.room)
        counters.newest, counters.room = counters.room, counters.newest
        counters.taken_at = self._clock()

    def _between(self, before: Any, after: Any) -> float | None:
        nvml = self._nvml
        if self._asked is None:
            self._asked = nvml.c_nvmlGpmMetricsGet_t()
        asked = self._asked
        wanted = (nvml.NVML_GPM_METRIC_GRAPHICS_UTIL, nvml.NVML_GPM_METRIC_SM_UTIL)
        asked.version = nvml.NVML_GPM_METRICS_GET_VERSION
        asked.numMetrics = len(wanted)
        asked.sample1, asked.sample2 = before, after
        for place, metric in enumerate(wanted):
            asked.metrics[place].metricId = metric
        nvml.nvmlGpmMetricsGet(asked)
        for place in range(len(wanted)):
            told = asked.metrics[place]
            if told.nvmlReturn == nvml.NVML_SUCCESS and math.isfinite(told.value):
                return float(min(100.0, max(0.0, told.value)))
        return None

    def _free(self, counters: _Counters | None) -> None:
        if counters is None:
            return
        for sample in (counters.newest, counters.room):
            try:
                self._nvml.nvmlGpmSampleFree(sample)
            except self._nvml.NVMLError as error:
                log.debug("nvmlGpmSampleFree failed: %s", error)
