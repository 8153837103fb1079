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
from typing import Any, Final

from jupyterlab_studiolo.devices import Condition, GpuProcess, GpuSample, Own, Reading, State
from jupyterlab_studiolo.nvml_calls import NvmlCalls
from jupyterlab_studiolo.nvml_figures import FigureReader
from jupyterlab_studiolo.nvml_find import LOST, Found, find_devices
from jupyterlab_studiolo.nvml_processes import HIDDEN, IN_USE_BYTES, NOT_SUPPORTED, ProcessReader
from jupyterlab_studiolo.nvml_xid import XidWatch
from jupyterlab_studiolo.own_processes import OwnProcesses
from jupyterlab_studiolo.said import Said

REOPEN_SECONDS: Final = 5.0

log = logging.getLogger("jupyterlab_studiolo")

Processes = tuple[GpuProcess, ...]


class NvmlReader:
    """A `GpuReader` over NVML.

    `shared` marks GPUs that the profile shares among workspaces, `mps` says that they are shared
    through NVIDIA's multi-process service.
    """

    def __init__(
        self,
        *,
        shared: bool = False,
        mps: bool = False,
        own: OwnProcesses | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared or mps
        self._mps = mps
        self._clock = clock
        self._own = own or OwnProcesses()
        self._nvml: Any = None
        self._open = False
        self._driver_version: str | None = None
        self._found: tuple[Found, ...] = ()
        self._known: dict[int, GpuSample] = {}
        self._xids = XidWatch()
        self._failure: Reading | None = None
        self._failed_at = 0.0
        self._logged: set[str] = set()

    def read(self, *, full: bool = True) -> Reading:
        """Asks the driver for every device; see `GpuReader`."""
        if self._failure is not None and self._clock() - self._failed_at < REOPEN_SECONDS:
            return self._failure._replace(taken_at=time.time())
        try:
            return self._read(full=full)
        except Exception as error:  # noqa: BLE001 - a panel must outlive whatever a driver does
            return self._fail(error)

    def close(self) -> None:
        """Shuts NVML down; a failure to do so is of no consequence."""
        if self._open:
            self._open = False
            self._xids.close()
            self._found = ()
            self._figures.close()
            try:
                self._nvml.nvmlShutdown()
            except self._nvml.NVMLError as error:
                log.debug("nvmlShutdown failed: %s", error)

    def _read(self, *, full: bool) -> Reading:
        if not self._open:
            self._start()
        self._xids.poll({bytes(each.card): each.card_id for each in self._found if each.card})
        told = [self._processes(found) for found in self._found]
        samples = tuple(
            self._sample(found, processes, full=full)
            for found, processes in zip(self._found, told, strict=True)
        )
        processes, note = self._all_processes(samples, told)
        if any(sample.problem for sample in samples):
            self._open_anew_soon()
        self._failure = None
        return Reading(
            state=State.OK if samples else State.NO_DEVICE,
            taken_at=time.time(),
            driver_version=self._driver_version,
            samples=samples,
            processes=processes,
            processes_note=note,
            full=full,
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
        calls = self._calls = NvmlCalls(pynvml)
        self._figures = FigureReader(calls, self._clock)
        self._open = True
        self._driver_version = calls.ask("", "nvmlSystemGetDriverVersion")
        self._found = find_devices(
            calls,
            self._known,
            shared=self._shared,
            mps=self._mps,
            driver=self._driver_version or "",
        )
        simulated = bool(self._found) and all(found.identity.simulated for found in self._found)
        self._processes_of = ProcessReader(calls, self._own, simulated=simulated, clock=self._clock)
        self._xids.open(calls, {each.card_id: each.card for each in self._found if each.card})

    def _processes(self, found: Found) -> list[GpuProcess] | None:
        """None where the driver does not tell them, or does not answer for this device."""
        if found.handle is None:
            return []
        try:
            # The load of each process matters where the device's is not ours alone.
            return self._processes_of.of(found.device, mps=self._mps, load=self._shared)
        except self._nvml.NVMLError:
            return None  # asking for its figures tells why

    def _all_processes(
        self, samples: tuple[GpuSample, ...], told: list[list[GpuProcess] | None]
    ) -> tuple[Processes | None, str]:
        """Everything that is known of our processes, and what is to be said of it."""
        alive = [each for each, found in zip(told, self._found, strict=True) if found.handle]
        if alive and all(each is None for each in alive):
            return None, NOT_SUPPORTED
        processes = tuple(process for each in told for process in each or ())
        if processes or all(sample.simulated for sample in samples):
            return processes, ""
        used = [s for s in samples if (s.figures.memory_used_bytes or 0) > IN_USE_BYTES]
        if not used:
            return (), ""
        stand_ins = tuple(self._processes_of.with_cuda(used[0].id))
        return stand_ins, HIDDEN if stand_ins else ""

    def _sample(self, found: Found, processes: list[GpuProcess] | None, *, full: bool) -> GpuSample:
        xid = self._xids.of(found.card_id)
        if found.handle is None:
            return found.identity._replace(xid=xid)
        try:
            figures = self._figures.figures(found.device, full=full)
            throttle = self._figures.throttle(found.device) if full else None
        except self._nvml.NVMLError_GpuIsLost as error:
            self._log_once(f"{found.identity.id}: {error}")
            return found.identity._replace(problem=LOST, condition=Condition.LOST, xid=xid)
        except self._nvml.NVMLError as error:
            if len(self._found) == 1:
                raise
            # One bad card must not hide the others.
            self._log_once(f"{found.identity.id}: {error}")
            words = Said("The driver answers with an error: %1.", str(error))
            return found.identity._replace(problem=words, condition=Condition.ERROR, xid=xid)
        own = own_part(processes) if found.identity.shared else None
        return found.identity._replace(figures=figures, throttle=throttle, xid=xid, own=own)

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


def own_part(processes: list[GpuProcess] | None) -> Own:
    """The sum of our own processes on a shared device; None for what the driver does not tell."""
    if processes is None:
        return Own()
    memory = [process.memory_bytes for process in processes]
    loads = [process.utilisation_percent for process in processes]
    return Own(
        None if None in loads else min(100.0, sum(load or 0.0 for load in loads)),
        None if None in memory else sum(used or 0 for used in memory),
    )


def failure_reading(nvml: Any, error: Exception) -> Reading:
    """The state and the words for what stands between us and the driver. `nvml` may be None."""

    def reading(state: State, message: Said, hint: Said) -> Reading:
        return Reading(state, time.time(), message, hint)

    if nvml is None:
        return reading(
            State.LIBRARY_MISSING,
            Said("The Python package nvidia-ml-py is not installed in this image."),
            Said("Ask whoever keeps the image to install it."),
        )
    if isinstance(error, nvml.NVMLError_LibraryNotFound):
        return reading(
            State.LIBRARY_MISSING,
            Said("NVIDIA's management library (libnvidia-ml) is not in this workspace."),
            Said("The node did not hand its driver to the container. Tell your administrator."),
        )
    if isinstance(error, nvml.NVMLError_DriverNotLoaded):
        return reading(
            State.DRIVER_MISSING,
            Said("NVIDIA's library is here, but its driver is not loaded on the node."),
            Said("Stop the workspace and start it again; if it stays, tell your administrator."),
        )
    words = str(error) if isinstance(error, nvml.NVMLError) else type(error).__name__
    return reading(
        State.DRIVER_ERROR,
        Said("NVIDIA's driver answers with an error: %1.", words),
        Said(
            "It is asked again every few seconds. If it stays, stop the workspace and start it "
            "again."
        ),
    )
