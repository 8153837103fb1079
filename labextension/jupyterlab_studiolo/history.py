"""The last hour of figures, in bounded memory. Pure: it is given figures and their times.

A row holds four 32-bit floats for each device and two for the machine, and there are at most
`seconds / spacing` rows: an hour of eight GPUs is a quarter of a megabyte. For one thread only.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from jupyterlab_studiolo.devices import Reading

SECONDS: Final = 3600.0
SPACING: Final = 2.0
FIGURES: Final = (
    "utilisation_percent",
    "memory_used_bytes",
    "temperature_celsius",
    "power_watts",
)
MACHINE_FIGURES: Final = ("cpu_percent", "memory_used_bytes")
_NAN: Final = math.nan
_TRIM: Final = 64  # rows that are dropped at once, so that dropping costs next to nothing

Column = list[float | None]


class Past(NamedTuple):
    """Points in time, oldest first, and in every column one value for each of them."""

    times: tuple[float, ...]
    devices: dict[str, dict[str, Column]]
    machine: dict[str, Column]


class History:
    """At most one row each `spacing` seconds, none older than `seconds`."""

    def __init__(self, *, seconds: float = SECONDS, spacing: float = SPACING) -> None:
        self._seconds = seconds
        self._spacing = spacing
        self._rows = max(1, int(seconds / spacing))
        self._count = 0
        self._times = self._column("d")
        self._machine = {name: self._column() for name in MACHINE_FIGURES}
        self._devices: dict[str, dict[str, array[float]]] = {}

    def add(self, reading: Reading, machine: Mapping[str, float | None] | None = None) -> None:
        """Keeps what was read; what follows the last too closely is left out."""
        if not reading.samples and machine is None:
            return
        if self._count and reading.taken_at < self._newest:  # the clock was set back
            self._count = 0
            self._devices = {}
        # A tenth of tolerance: a timer that fires a little early must not halve the rate.
        if self._count and reading.taken_at - self._newest < self._spacing * 0.9:
            return
        if self._count == len(self._times):
            self._drop_oldest()
        row, self._count = self._count, self._count + 1
        self._times[row] = reading.taken_at
        for column in self._columns():
            column[row] = _NAN  # of a device that is gone, for one
        for name, column in self._machine.items():
            column[row] = _number((machine or {}).get(name))
        for sample in reading.samples:
            columns = self._devices.get(sample.id)
            if columns is None:
                columns = self._devices[sample.id] = {name: self._column() for name in FIGURES}
            for name, column in columns.items():
                column[row] = _number(getattr(sample.figures, name))

    def since(self, moment: float, *, points: int | None = None) -> Past:
        """Every row that is younger than `moment` (Unix time), averaged to at most `points`."""
        oldest = max(moment, self._newest - self._seconds) if self._count else moment
        start = bisect_right(self._times, oldest, 0, self._count)
        if start == self._count:
            return Past((), {}, {name: [] for name in MACHINE_FIGURES})
        bounds = _groups(self._count - start, points)
        groups = [(start + begin, start + end) for begin, end in bounds]
        return Past(
            tuple(self._times[end - 1] for _, end in groups),
            {
                device: {name: _averages(column, groups) for name, column in columns.items()}
                for device, columns in self._devices.items()
            },
            {name: _averages(column, groups) for name, column in self._machine.items()},
        )

    @property
    def _newest(self) -> float:
        return self._times[self._count - 1]

    def _drop_oldest(self) -> None:
        surplus, self._count = self._count - self._rows, self._rows
        for column in (self._times, *self._machine.values(), *self._columns()):
            column[: self._rows] = column[surplus:]
        self._devices = {
            device: columns
            for device, columns in self._devices.items()
            if any(not all(map(math.isnan, column)) for column in columns.values())
        }

    def _columns(self) -> list[array[float]]:
        return [column for each in self._devices.values() for column in each.values()]

    def _column(self, kind: Literal["d", "f"] = "f") -> array[float]:
        """As long as it will ever be: columns that grow in turns leave holes in the memory."""
        return array(kind, [_NAN]) * (self._rows + _TRIM)


def _number(value: float | None) -> float:
    return _NAN if value is None else value


def _groups(rows: int, points: int | None) -> list[tuple[int, int]]:
    """Begin and end of each point's rows."""
    size = 1 if points is None else max(1, math.ceil(rows / points))
    return [(begin, min(begin + size, rows)) for begin in range(0, rows, size)]


def _averages(column: array[float], groups: list[tuple[int, int]]) -> Column:
    averages: Column = []
    for begin, end in groups:
        values = [value for value in column[begin:end] if not math.isnan(value)]
        averages.append(round(sum(values) / len(values), 1) if values else None)
    return averages
