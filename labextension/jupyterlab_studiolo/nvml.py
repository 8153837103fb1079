"""NVIDIA GPUs through NVML. I/O: every call can block, so only the sampler's thread makes them.

Guarantees: nothing is loaded before the first `read`; `read` never raises; a missing library, a
missing driver, a call that a device does not support and a lost GPU are four different answers;
after a failure the driver is opened anew, at most once in `REOPEN_SECONDS`. MIG slices are devices
of their own, in place of the card they are cut from.

NVML's return codes: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from jupyterlab_studiolo.devices import (
    Figures,
    GpuSample,
    Kind,
    Reading,
    State,
    is_simulated,
)

REOPEN_SECONDS: Final = 5.0
LOST: Final = (
    "The GPU does not answer any more (it has fallen off the bus). "
    "Save your work, stop the workspace and start it again."
)

log = logging.getLogger("jupyterlab_studiolo")


@dataclass(frozen=True, slots=True)
class _Device:
    """A device that was found, and the card whose sensors speak for it."""

    identity: GpuSample
    handle: Any
    card: Any


class NvmlReader:
    """A `GpuReader` over NVML. `shared` marks GPUs that the profile shares among workspaces."""

    def __init__(
        self, *, shared: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._nvml: Any = None
        self._open = False
        self._driver_version: str | None = None
        self._devices: tuple[_Device, ...] = ()
        self._known: dict[int, GpuSample] = {}
        self._failure: Reading | None = None
        self._failed_at = 0.0
        self._logged: set[str] = set()

    def read(self) -> Reading:
        """Asks the driver for every device; see `GpuReader`."""
        failing = self._failure is not None
        if failing and self._clock() - self._failed_at < REOPEN_SECONDS:
            assert self._failure is not None  # noqa: S101 - narrows the type
            return replace(self._failure, taken_at=time.time())
        try:
            return self._read()
        except Exception as error:  # noqa: BLE001 - a panel must outlive whatever a driver does
            return self._fail(error)

    def close(self) -> None:
        """Shuts NVML down; a failure to do so is of no consequence."""
        if self._open:
            self._open = False
            self._devices = ()
            try:
                self._nvml.nvmlShutdown()
            except self._nvml.NVMLError as error:
                log.debug("nvmlShutdown failed: %s", error)

    def _read(self) -> Reading:
        if not self._open:
            self._start()
        samples = tuple(self._sample(device) for device in self._devices)
        if any(sample.problem for sample in samples):
            self._open_anew_soon()
        self._failure = None
        state = State.OK if samples else State.NO_DEVICE
        return Reading(
            state=state, taken_at=time.time(), driver_version=self._driver_version, samples=samples
        )

    def _open_anew_soon(self) -> None:
        """A new enumeration is the only way to see a GPU that came back."""
        if self._clock() - self._failed_at >= REOPEN_SECONDS:
            self._failed_at = self._clock()
            self.close()

    def _start(self) -> None:
        import pynvml

        self._nvml = pynvml
        pynvml.nvmlInit()
        self._open = True
        self._driver_version = self._ask(pynvml.nvmlSystemGetDriverVersion)
        self._devices = tuple(
            device for index in range(pynvml.nvmlDeviceGetCount()) for device in self._find(index)
        )

    def _find(self, index: int) -> list[_Device]:
        """The card with this index, or its MIG slices where it is cut up."""
        nvml = self._nvml
        try:
            card = nvml.nvmlDeviceGetHandleByIndex(index)
            name, uuid = nvml.nvmlDeviceGetName(card), nvml.nvmlDeviceGetUUID(card)
        except nvml.NVMLError_GpuIsLost:
            unknown = GpuSample(f"gpu-{index}", f"GPU {index}", index, shared=self._shared)
            lost = replace(self._known.get(index, unknown), problem=LOST)
            return [_Device(lost, None, None)]
        identity = GpuSample(uuid, name, index, Kind.GPU, self._shared, self._simulated(name))
        self._known[index] = identity
        mode = self._ask(nvml.nvmlDeviceGetMigMode, card)
        if mode is None or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return [_Device(identity, card, card)]
        return self._find_slices(card, identity)

    def _find_slices(self, card: Any, parent: GpuSample) -> list[_Device]:
        nvml = self._nvml
        found = []
        for index in range(self._ask(nvml.nvmlDeviceGetMaxMigDeviceCount, card) or 0):
            handle = self._ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, card, index)
            if handle is None:  # an empty place, or a slice of another workspace
                continue
            name = self._ask(nvml.nvmlDeviceGetName, handle) or parent.name
            uuid = self._ask(nvml.nvmlDeviceGetUUID, handle) or f"{parent.id}/{index}"
            simulated = self._simulated(name)
            sample = GpuSample(uuid, name, parent.index, Kind.MIG, self._shared, simulated)
            found.append(_Device(sample, handle, card))
        return found

    def _simulated(self, name: str) -> bool:
        return is_simulated(name) or is_simulated(self._driver_version or "")

    def _sample(self, device: _Device) -> GpuSample:
        if device.handle is None:
            return device.identity
        try:
            return replace(device.identity, figures=self._figures(device))
        except self._nvml.NVMLError_GpuIsLost as error:
            self._log_once(f"{device.identity.id}: {error}")
            return replace(device.identity, problem=LOST)
        except self._nvml.NVMLError as error:
            if len(self._devices) == 1:
                raise
            # One bad card must not hide the others.
            self._log_once(f"{device.identity.id}: {error}")
            return replace(device.identity, problem=f"The driver answers with an error: {error}.")

    def _figures(self, device: _Device) -> Figures:
        nvml, handle, card = self._nvml, device.handle, device.card
        # Utilisation is asked of the device itself: a card's would tell of other slices.
        load = self._ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = self._memory(handle)
        celsius = self._ask(nvml.nvmlDeviceGetTemperatureV, card, nvml.NVML_TEMPERATURE_GPU)
        if celsius is None:  # drivers before 570 know the older call only
            celsius = self._ask(nvml.nvmlDeviceGetTemperature, card, nvml.NVML_TEMPERATURE_GPU)
        power = self._ask(nvml.nvmlDeviceGetPowerUsage, card)
        limit = self._ask(nvml.nvmlDeviceGetEnforcedPowerLimit, card)
        return Figures(
            utilisation_percent=None if load is None else float(load.gpu),
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
            temperature_celsius=None if celsius is None else float(celsius),
            power_watts=None if power is None else power / 1000,
            power_limit_watts=None if limit is None else limit / 1000,
        )

    def _memory(self, handle: Any) -> Any:
        """The second version tells used memory as nvidia-smi does, without the driver's own."""
        nvml = self._nvml
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo, handle, nvml.nvmlMemory_v2)
        return memory if memory is not None else self._ask(nvml.nvmlDeviceGetMemoryInfo, handle)

    def _ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """The call's answer, or None where this driver or device does not have it."""
        nvml = self._nvml
        try:
            return call(*arguments)
        except (
            nvml.NVMLError_NotSupported,
            nvml.NVMLError_FunctionNotFound,
            nvml.NVMLError_NoPermission,
            nvml.NVMLError_InvalidArgument,
            nvml.NVMLError_NotFound,
            nvml.NVMLError_ArgumentVersionMismatch,
        ):
            return None

    def _fail(self, error: Exception) -> Reading:
        self._log_once(str(error))
        self.close()
        self._failed_at = self._clock()
        self._failure = failure_reading(self._nvml, error)
        return self._failure

    def _log_once(self, cause: str) -> None:
        """One line for each cause, however long it lasts."""
        if cause not in self._logged and len(self._logged) < 32:
            self._logged.add(cause)
            log.warning("GPU figures: %s", cause)


def failure_reading(nvml: Any, error: Exception) -> Reading:
    """The state and the words for what stands between us and the driver. `nvml` may be None."""

    def reading(state: State, message: str, hint: str) -> Reading:
        return Reading(state, time.time(), message, hint)

    if nvml is None:
        return reading(
            State.LIBRARY_MISSING,
            "The Python package nvidia-ml-py is not installed in this image.",
            "Ask whoever keeps the image to install it.",
        )
    if isinstance(error, nvml.NVMLError_LibraryNotFound):
        return reading(
            State.LIBRARY_MISSING,
            "NVIDIA's management library (libnvidia-ml) is not in this workspace.",
            "The node did not hand its driver to the container. Tell your administrator.",
        )
    if isinstance(error, nvml.NVMLError_DriverNotLoaded):
        return reading(
            State.DRIVER_MISSING,
            "NVIDIA's library is here, but its driver is not loaded on the node.",
            "Stop the workspace and start it again; if it stays, tell your administrator.",
        )
    words = str(error) if isinstance(error, nvml.NVMLError) else type(error).__name__
    return reading(
        State.DRIVER_ERROR,
        f"NVIDIA's driver answers with an error: {words}.",
        "It is asked again every few seconds. If it stays, stop the workspace and start it again.",
    )
