"""What is known of a workspace's GPUs at one moment. Pure values, no I/O.

Units are in the names. None means that the driver does not report the figure for this device,
which is not the same as zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol


class State(StrEnum):
    """What can be said of the GPUs as a whole; the wire format of `GET /studiolo/api/gpus`."""

    OK = "ok"
    STARTING = "starting"
    NO_GPU = "no_gpu"
    NO_DEVICE = "no_device"
    LIBRARY_MISSING = "library_missing"
    DRIVER_MISSING = "driver_missing"
    DRIVER_ERROR = "driver_error"
    UNSUPPORTED_VENDOR = "unsupported_vendor"


class Kind(StrEnum):
    """A whole card, or a slice that the driver cut from one."""

    GPU = "gpu"
    MIG = "mig"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one device does now. Percent is of the device's own capacity."""

    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None


NO_FIGURES: Final = Figures()


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One device. `problem` is empty, or says in words why it reports no figures."""

    id: str
    name: str
    index: int
    kind: Kind = Kind.GPU
    shared: bool = False
    simulated: bool = False
    figures: Figures = NO_FIGURES
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """All devices at one moment. `taken_at` is Unix time in seconds."""

    state: State
    taken_at: float
    message: str = ""
    hint: str = ""
    driver_version: str | None = None
    samples: tuple[GpuSample, ...] = ()


class GpuReader(Protocol):
    """One vendor's way to its driver. Called from one thread only; `read` never raises."""

    def read(self) -> Reading:
        """Asks the driver. May block: never call it on the event loop."""
        ...

    def close(self) -> None:
        """Lets go of the driver. `read` opens it again."""
        ...


def is_simulated(name: str) -> bool:
    """Whether a device's or driver's name says that it is not real."""
    return "simulated" in name.lower()
