"""The last hour of figures, in bounded memory. Pure: it is given readings and the time in them.

A row holds four 32-bit floats for each device, so an hour of eight GPUs is about half a megabyte.
Rows are added by the sampler's thread and read by the event loop's, hence the lock.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections import deque
from dataclasses import dataclass
from typing import Final

from jupyterlab_studiolo.devices import Reading

SECONDS: Final = 3600.0
SPACING: Final = 2.0
FIGURES: Final = (
    "utilisation_percent",
    "memory_used_bytes",
    "temperature_celsius",
    "power_watts",
)


@dataclass(frozen=True, slots=True)
class _Row:
    time: float
    ids: tuple[str, ...]
    figures: array[float]


@dataclass(frozen=True, slots=True)
class Past:
    """Points in time, oldest first, and for each device and figure one value for each of them."""

    times: tuple[float, ...]
    devices: dict[str, dict[str, list[float | None]]]


class History:
    """A ring of rows, at most one each `spacing` seconds, none older than `seconds`."""

    def __init__(self, *, seconds: float = SECONDS, spacing: float = SPACING) -> None:
        self._seconds = seconds
        self._spacing = spacing
        self._rows: deque[_Row] = deque(maxlen=max(1, int(seconds / spacing)))
        self._lock = threading.Lock()

    def add(self, reading: Reading) -> None:
        """Keeps a reading with devices; one that follows the last too closely is left out."""
        if not reading.samples:
            return
        with self._lock:
            last = self._rows[-1] if self._rows else None
            # A tenth of tolerance: a timer that fires a little early must not halve the rate.
            if last and 0 <= reading.taken_at - last.time < self._spacing * 0.9:
                return
            ids = tuple(sample.id for sample in reading.samples)
            figures = array("f")
            for sample in reading.samples:
                for name in FIGURES:
                    value = getattr(sample.figures, name)
                    figures.append(math.nan if value is None else value)
            shared_ids = last.ids if last and last.ids == ids else ids
            self._rows.append(_Row(reading.taken_at, shared_ids, figures))

    def since(self, moment: float) -> Past:
        """Every row that is younger than `moment` (Unix time)."""
        with self._lock:
            newest = self._rows[-1].time if self._rows else 0.0
            start = max(moment, newest - self._seconds)
            rows = [row for row in self._rows if row.time > start]
        devices: dict[str, dict[str, list[float | None]]] = {}
        for number, row in enumerate(rows):
            for place, device in enumerate(row.ids):
                columns = devices.get(device)
                if columns is None:
                    columns = devices[device] = {name: [None] * len(rows) for name in FIGURES}
                for offset, name in enumerate(FIGURES):
                    columns[name][number] = _plain(row.figures[place * len(FIGURES) + offset])
        return Past(tuple(row.time for row in rows), devices)


def _plain(value: float) -> float | None:
    """JSON has no NaN; and a tenth is as fine as any figure here is measured."""
    return None if math.isnan(value) else round(value, 1)
