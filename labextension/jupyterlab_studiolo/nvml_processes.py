"""The processes of this workspace on NVIDIA devices. I/O: NVML calls and /proc.

What a driver tells depends on its version (see own_processes): the process table in numbers of this
or of the host's PID namespace, memory as 0 or as "not available" within a container, and the load
of each process by the host's numbers even where the table has ours. So every number is checked
against /proc, what is not ours is left out, and a figure that is not told stays None. Where the
driver tells none of ours although the device is in use, the processes with CUDA open stand in, of
which memory and load are not known.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from jupyterlab_studiolo.devices import GpuProcess
from jupyterlab_studiolo.nvml_calls import NvmlCalls
from jupyterlab_studiolo.nvml_figures import NvmlDevice
from jupyterlab_studiolo.own_processes import OwnProcess, OwnProcesses
from jupyterlab_studiolo.said import Said

IN_USE_BYTES: Final = 256 * 1024**2
SCAN_SECONDS: Final = 10.0
HIDDEN: Final = Said(
    "The driver does not tell this container its processes: those with CUDA open are shown, "
    "without their memory."
)
NOT_SUPPORTED: Final = Said("The driver does not tell which processes use this GPU.")


class ProcessReader:
    """Made anew with every opening of the driver. `simulated` processes open no device."""

    def __init__(
        self,
        calls: NvmlCalls,
        own: OwnProcesses,
        *,
        simulated: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._own = own
        self._simulated = simulated
        self._clock = clock
        self._uses: dict[tuple[str, int], bool] = {}
        self._load_seen: dict[str, tuple[int, bool]] = {}
        self._scanned = float("-inf")
        self._cuda: list[OwnProcess] = []

    def of(self, device: NvmlDevice, *, mps: bool, load: bool) -> list[GpuProcess] | None:
        """Our processes on a device; None where they cannot be told. `load` asks for theirs."""
        ask = self._calls.ask
        told = ask(device.id, "nvmlDeviceGetComputeRunningProcesses", device.handle)
        if mps:
            clients = ask(device.id, "nvmlDeviceGetMPSComputeRunningProcesses", device.handle)
            told = [*(told or ()), *(clients or ())] if told or clients else told
        if told is None:
            return None
        found: dict[int, GpuProcess] = {}
        for entry in told:
            process = self._own.find(int(entry.pid))
            if process is not None and self._is_user(process):
                memory = entry.usedGpuMemory or None  # 0: not told within a container
                before = found.get(process.pid)
                if before is None or (before.memory_bytes or 0) < (memory or 0):
                    found[process.pid] = _gpu_process(device.id, process, memory)
        if found and load:
            for pid, percent in self._loads(device, set(found)).items():
                found[pid] = found[pid]._replace(utilisation_percent=percent)
        return list(found.values())

    def with_cuda(self, device: str) -> list[GpuProcess]:
        """Our processes that have CUDA open, on whichever device."""
        now = self._clock()
        if now - self._scanned >= SCAN_SECONDS:
            self._scanned = now
            self._cuda = self._own.cuda_users()
        return [_gpu_process(device, process, None) for process in self._cuda]

    def _is_user(self, process: OwnProcess) -> bool:
        if self._simulated:
            return True
        key = (process.name, process.pid)
        if key not in self._uses:
            if len(self._uses) >= 1024:
                self._uses.clear()
            # What cannot be seen (another user's process) is believed: it is in our container.
            self._uses[key] = self._own.uses_nvidia(process.pid) is not False
        return self._uses[key]

    def _loads(self, device: NvmlDevice, pids: set[int]) -> dict[int, float]:
        """The load of each of `pids` since the last time; empty where the driver tells none."""
        nvml = self._calls.nvml
        since, ever = self._load_seen.get(device.id, (0, False))
        try:
            samples = self._calls.ask(
                device.id, "nvmlDeviceGetProcessUtilization", device.handle, since
            )
        except nvml.NVMLError as error:
            if error.value != nvml.NVML_SUCCESS:  # so nvidia-ml-py says that there is no sample
                raise
            samples = None
        newest: dict[int, tuple[int, float]] = {}
        for sample in samples or ():
            since = max(since, int(sample.timeStamp))
            process = self._own.find(int(sample.pid))
            if process is not None and process.pid in pids:
                before = newest.get(process.pid, (-1, 0.0))
                newest[process.pid] = max(before, (int(sample.timeStamp), float(sample.smUtil)))
        ever = ever or bool(newest)
        self._load_seen[device.id] = (since, ever)
        # Without any sample of ours, ever, the driver counts in numbers that are not ours.
        return {pid: newest.get(pid, (0, 0.0))[1] for pid in pids} if ever else {}


def _gpu_process(device: str, process: OwnProcess, memory: int | None) -> GpuProcess:
    return GpuProcess(
        device,
        process.pid,
        process.name,
        memory,
        cpu_percent=process.cpu_percent,
        ancestors=process.ancestors,
    )
