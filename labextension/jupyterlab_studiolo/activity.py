"""Whether the workspace is at work, told to Jupyter's own mechanism.

Jupyter counts a kernel's and a terminal's output as activity, and nothing else: a cell that trains
for hours without a word looks idle. What counts here as well: a kernel that is busy, a terminal
with a program running in it, a GPU on which this workspace computes, a session of another tool,
and the owner's wish (Keep alive). Each is written as a time of its own to the server's
`last_activity_times`, so that whatever culls this server (JupyterHub's report of activity and
jupyter_server's own shutdown) sees it. GPU memory that an idle program holds is no activity.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from jupyterlab_studiolo.devices import GpuSample, Kind, Reading
from jupyterlab_studiolo.said import Said

PREFIX: Final = "studiolo_"
SOURCES: Final = ("jupyter", "kernel", "terminal", "gpu", "tool", "keep_alive")
BUSY_CPU_PERCENT: Final = 10.0
"""Of one core: how a program at work on a GPU is told where the driver tells no load (MIG)."""
STILL_BUSY_SECONDS: Final = 90.0
"""A source that was busy this short ago still is: all are looked at once a minute or more often."""


def gpu_at_work(reading: Reading, threshold_percent: float) -> str:
    """In words which GPU this workspace computes on; empty when on none."""
    for sample in reading.samples:
        load = own_load(sample, reading)
        if load is not None and load >= threshold_percent:
            return _computes(sample, round(load))
        if load is None:
            busy = [each for each in reading.processes or () if each.device == sample.id]
            for process in busy:
                if (process.cpu_percent or 0.0) >= BUSY_CPU_PERCENT:
                    return _works_with(process.name, sample)
    return ""


def own_load(sample: GpuSample, reading: Reading) -> float | None:
    """This workspace's load of a device; None where it cannot be told.

    On a shared GPU only our own processes count. Where the driver does not tell their part, the
    card's load counts as ours while a process of ours is there, and not at all while none is: a run
    must not be stopped by mistake, and a neighbour's does not keep us.
    """
    load = sample.figures.utilisation_percent
    if not sample.shared:
        return load
    if sample.own is not None and sample.own.utilisation_percent is not None:
        return sample.own.utilisation_percent
    if any(process.device == sample.id for process in reading.processes or ()):
        return load
    return 0.0


def _computes(sample: GpuSample, percent: int) -> Said:
    if sample.kind is Kind.MIG:
        return Said("The slice of GPU %1 computes (%2 %).", sample.index, percent)
    return Said("GPU %1 computes (%2 %).", sample.index, percent)


def _works_with(program: str, sample: GpuSample) -> Said:
    if sample.kind is Kind.MIG:
        return Said("%1 works with the slice of GPU %2.", program, sample.index)
    return Said("%1 works with GPU %2.", program, sample.index)


class Activity:
    """What is known of each source; on the event loop only."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        threshold_percent: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._threshold = threshold_percent
        self._now = now
        self._last: dict[str, float] = {}
        self._texts: dict[str, str] = {}
        self.keep_alive_until: float | None = None
        self.began = now()

    def on_reading(self, reading: Reading) -> None:
        """Takes what the GPUs do."""
        self.note("gpu", gpu_at_work(reading, self._threshold))

    def note(self, source: str, text: str) -> None:
        """`text` says what is going on; empty: nothing is."""
        if text:
            self._mark(source)
        self._texts[source] = text

    def on_kernels(self, busy: Sequence[str]) -> None:
        """`busy`: titles of the kernels that execute."""
        self.note("kernel", _running(busy))

    def keep_alive(self, until: float) -> None:
        """Counts as active until then (Unix time)."""
        self.keep_alive_until = until
        self._mark("keep_alive")

    def check_keep_alive(self) -> None:
        """Call at least once a minute."""
        until = self.keep_alive_until
        if until is None:
            return
        if self._now() < until:
            self._mark("keep_alive")
        else:
            self._mark("keep_alive", until)
            self.keep_alive_until = None

    def is_busy(self, source: str) -> bool:
        """Whether this source is at work right now."""
        if source == "keep_alive":
            return self.keep_alive_until is not None and self._now() < self.keep_alive_until
        last = self._last.get(source)
        return bool(self._texts.get(source)) and (
            last is not None and self._now() - last < STILL_BUSY_SECONDS
        )

    @property
    def busy(self) -> bool:
        """Whether anything is."""
        return any(self.is_busy(source) for source in SOURCES)

    def last_of(self, source: str) -> float | None:
        """When this source was active last (Unix time)."""
        return self._jupyters_own() if source == "jupyter" else self._last.get(source)

    @property
    def last(self) -> float:
        """When the workspace was active last, as the hub is told."""
        return max([self._jupyters_own(), *self._last.values()])

    def to_json(self) -> dict[str, Any]:
        """The wire format: `Activity` in openapi.json."""
        texts: dict[str, str] = {"keep_alive": Said("Kept alive by its owner.")} | self._texts
        sources = []
        for source in SOURCES:
            busy = self.is_busy(source)
            text = texts.get(source, "") if busy else ""
            sources.append(
                {"source": source, "busy": busy, "last_at": self.last_of(source), "text": text}
            )
        busy = any(source["busy"] for source in sources)
        return {"busy": busy, "last_at": self.last, "sources": sources}

    def _jupyters_own(self) -> float:
        """What jupyter_server and other extensions count, as its `last_activity` does."""
        settings = self._settings
        moments = [
            value for key, value in settings.items() if key.endswith("_last_activity") and value
        ]
        times: Mapping[str, datetime.datetime] = settings["last_activity_times"]
        moments += [value for key, value in times.items() if not key.startswith(PREFIX)]
        kernels = getattr(settings.get("kernel_manager"), "last_kernel_activity", None)
        moments += [value for value in (settings.get("started"), kernels) if value]
        return max([moment.timestamp() for moment in moments], default=self.began)

    def _mark(self, source: str, moment: float | None = None) -> None:
        at = self._now() if moment is None else moment
        self._last[source] = at
        times: MutableMapping[str, datetime.datetime] = self._settings["last_activity_times"]
        times[PREFIX + source] = datetime.datetime.fromtimestamp(at, datetime.UTC)


def _running(titles: Sequence[str]) -> str:
    if not titles:
        return ""
    first, others = titles[0], len(titles) - 1
    if others:
        return Said("%1 and %2 more are running.", first, others)
    return Said("%1 is running.", first)
