"""What is known of a workspace's GPUs at one moment. Pure values, no I/O.

Units are in the names. None means that the driver does not report the figure for this device,
which is not the same as zero.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol


class State(StrEnum):
    """What can be said of the GPUs as a whole."""

    OK = "ok"
    STARTING = "starting"
    NO_GPU = "no_gpu"
    NO_DEVICE = "no_device"
    LIBRARY_MISSING = "library_missing"
    DRIVER_MISSING = "driver_missing"
    DRIVER_ERROR = "driver_error"
    DRIVER_HUNG = "driver_hung"
    UNSUPPORTED_VENDOR = "unsupported_vendor"


class Kind(StrEnum):
    """A whole card, or a slice that the driver cut from one."""

    GPU = "gpu"
    MIG = "mig"


class Condition(StrEnum):
    """Whether a device answers."""

    OK = "ok"
    LOST = "lost"
    ERROR = "error"


class Sharing(StrEnum):
    """How a device is shared with other workspaces, where it is."""

    TIME_SLICED = "time_sliced"
    MPS = "mps"
    UNKNOWN = "unknown"


# Tuples rather than data classes: as immutable, and made in a tenth of the time at import.
class Figures(NamedTuple):
    """What one device does now. Percent is of the device's own capacity."""

    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    memory_busy_percent: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    clock_sm_mhz: int | None = None
    clock_sm_max_mhz: int | None = None
    clock_memory_mhz: int | None = None
    clock_memory_max_mhz: int | None = None
    pcie_receive_bytes_per_second: int | None = None
    pcie_transmit_bytes_per_second: int | None = None
    nvlink_receive_bytes_per_second: int | None = None
    nvlink_transmit_bytes_per_second: int | None = None
    ecc_corrected: int | None = None
    ecc_uncorrected: int | None = None
    encoder_percent: float | None = None
    decoder_percent: float | None = None


NO_FIGURES: Final = Figures()
ALL_FIGURES: Final = Figures._fields


class Own(NamedTuple):
    """The part of a shared device that this workspace's own processes use."""

    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None


class Throttle(NamedTuple):
    """Why the driver holds a device back."""

    code: str
    text: str
    severity: str = "info"


class Xid(NamedTuple):
    """An error that the driver reported so many times, last at `at` (Unix seconds)."""

    at: float
    code: int
    text: str
    times: int = 1

    def to_json(self) -> dict[str, Any]:
        """`Xid` in openapi.json."""
        return {"at": self.at, "code": self.code, "text": self.text, "count": self.times}


class GpuProcess(NamedTuple):
    """A process of this workspace that uses a device.

    `pid` is as this workspace sees it; `ancestors` begins with its parent.
    """

    device: str
    pid: int
    name: str
    memory_bytes: int | None = None
    utilisation_percent: float | None = None
    cpu_percent: float | None = None
    ancestors: tuple[int, ...] = ()


class GpuSample(NamedTuple):
    """One device. `problem` is empty, or says in words why it reports no figures.

    `of_card` names the figures that tell of a card which others use as well.
    """

    id: str
    name: str
    index: int  # type: ignore[assignment]  # in the place of the method of tuples
    kind: Kind = Kind.GPU
    vendor: str = "nvidia"
    parent: str | None = None
    shared: bool = False
    sharing: Sharing | None = None
    simulated: bool = False
    condition: Condition = Condition.OK
    problem: str = ""
    figures: Figures = NO_FIGURES
    of_card: tuple[str, ...] = ()
    own: Own | None = None
    throttle: tuple[Throttle, ...] | None = None
    xid: tuple[Xid, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """The wire format: `Device` in openapi.json."""
        reply = self._asdict()
        reply["figures"] = self.figures._asdict()
        reply["own"] = None if self.own is None else self.own._asdict()
        if self.throttle is not None:
            reply["throttle"] = [reason._asdict() for reason in self.throttle]
        if self.xid is not None:
            reply["xid"] = [error.to_json() for error in self.xid]
        return reply


class Reading(NamedTuple):
    """All devices at one moment. `taken_at` is Unix time in seconds.

    `processes` is None where the driver does not tell them, and `processes_note` says so in words.
    A reading that is not `full` has the figures that tell activity, and no others.
    """

    state: State
    taken_at: float
    message: str = ""
    hint: str = ""
    driver_version: str | None = None
    samples: tuple[GpuSample, ...] = ()
    processes: tuple[GpuProcess, ...] | None = ()
    processes_note: str = ""
    full: bool = True


class GpuReader(Protocol):
    """One vendor's way to its driver. Called from one thread only; `read` never raises."""

    def read(self, *, full: bool = True) -> Reading:
        """Asks the driver. May block: never call it on the event loop."""
        ...

    def close(self) -> None:
        """Lets go of the driver. `read` opens it again."""
        ...


def is_simulated(name: str) -> bool:
    """Whether a device's or driver's name says that it is not real."""
    return "simulated" in name.lower()
