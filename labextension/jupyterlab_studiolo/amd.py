"""AMD GPUs through amdsmi, AMD's own Python package, where the image has it. I/O: driver calls.

The same guarantees as `nvml`: loaded at the first `read`, which never raises; a missing library and
a missing driver are two answers; what a card does not tell is None; opened anew after a failure.
amdsmi gives a figure that a card lacks as "N/A". Its process list tells numbers of the host's PID
namespace, so within a container processes are told only where they mean something here.

https://rocm.docs.amd.com/projects/amdsmi/en/latest/reference/amdsmi-py-api.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from jupyterlab_studiolo.devices import (
    ALL_FIGURES,
    Condition,
    Figures,
    GpuProcess,
    GpuSample,
    Own,
    Reading,
    Sharing,
    State,
)
from jupyterlab_studiolo.own_processes import OwnProcesses
from jupyterlab_studiolo.said import Said

REOPEN_SECONDS: Final = 5.0

log = logging.getLogger("jupyterlab_studiolo")


class AmdReader:
    """A `GpuReader` over amdsmi; `load` imports the package (another in tests)."""

    def __init__(
        self,
        own: OwnProcesses,
        *,
        shared: bool = False,
        load: Callable[[], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = own
        self._shared = shared
        self._load = load or _load
        self._clock = clock
        self._smi: Any = None
        self._open = False
        self._driver_version: str | None = None
        self._cards: list[tuple[GpuSample, Any]] = []
        self._failure: Reading | None = None
        self._failed_at = 0.0
        self._logged: set[str] = set()

    def read(self, *, full: bool = True) -> Reading:
        """Asks the driver for every card; see `GpuReader`."""
        if self._failure is not None and self._clock() - self._failed_at < REOPEN_SECONDS:
            return self._failure._replace(taken_at=time.time())
        try:
            if not self._open:
                self._start()
            told = [self._processes(sample.id, card) for sample, card in self._cards]
            samples = tuple(
                self._sample(sample, card, processes)
                for (sample, card), processes in zip(self._cards, told, strict=True)
            )
        except Exception as error:  # noqa: BLE001 - a panel must outlive whatever a driver does
            return self._fail(error)
        self._failure = None
        return Reading(
            state=State.OK if samples else State.NO_DEVICE,
            taken_at=time.time(),
            driver_version=self._driver_version,
            samples=samples,
            processes=tuple(process for each in told for process in each),
            full=full,
        )

    def close(self) -> None:
        """Shuts amdsmi down."""
        if self._open:
            self._open = False
            self._cards = []
            try:
                self._smi.amdsmi_shut_down()
            except Exception as error:  # noqa: BLE001 - of no consequence
                log.debug("amdsmi_shut_down failed: %s", type(error).__name__)

    def _start(self) -> None:
        self._smi = smi = self._load()
        smi.amdsmi_init()
        self._open = True
        self._cards = []
        for index, card in enumerate(smi.amdsmi_get_processor_handles()):
            asic = self._ask("amdsmi_get_gpu_asic_info", card) or {}
            uuid = self._ask("amdsmi_get_gpu_device_uuid", card)
            driver = self._ask("amdsmi_get_gpu_driver_info", card) or {}
            self._driver_version = _text(driver.get("driver_version")) or self._driver_version
            self._cards.append(
                (
                    GpuSample(
                        id=_text(uuid) or f"amd-{index}",
                        name=_text(asic.get("market_name")) or "AMD GPU",
                        index=index,
                        vendor="amd",
                        shared=self._shared,
                        sharing=Sharing.UNKNOWN if self._shared else None,
                        of_card=ALL_FIGURES if self._shared else (),
                    ),
                    card,
                )
            )

    def _sample(self, identity: GpuSample, card: Any, processes: list[GpuProcess]) -> GpuSample:
        figures = self._figures(card)
        if all(figure is None for figure in figures):
            words = Said("The driver tells nothing of this GPU.")
            return identity._replace(condition=Condition.ERROR, problem=words)
        memory = [process.memory_bytes or 0 for process in processes]
        own = Own(None, sum(memory)) if identity.shared else None
        return identity._replace(figures=figures, own=own)

    def _figures(self, card: Any) -> Figures:
        smi = self._smi
        activity = self._ask("amdsmi_get_gpu_activity", card) or {}
        power = self._ask("amdsmi_get_power_info", card) or {}
        vram = self._ask("amdsmi_get_gpu_vram_usage", card) or {}
        sm = self._ask("amdsmi_get_clock_info", card, smi.AmdSmiClkType.GFX) or {}
        memory = self._ask("amdsmi_get_clock_info", card, smi.AmdSmiClkType.MEM) or {}
        cap = _number((self._ask("amdsmi_get_power_cap_info", card) or {}).get("power_cap"))
        ecc = self._ask("amdsmi_get_gpu_total_ecc_count", card) or {}
        watts = (_number(power.get(key)) for key in _POWERS)
        return Figures(
            utilisation_percent=_number(activity.get("gfx_activity")),
            memory_busy_percent=_number(activity.get("umc_activity")),
            memory_used_bytes=_mib(vram.get("vram_used")),
            memory_total_bytes=_mib(vram.get("vram_total")),
            temperature_celsius=self._temperature(card),
            power_watts=next((each for each in watts if each is not None), None),
            power_limit_watts=None if cap is None else cap / 1e6,
            clock_sm_mhz=_whole(sm.get("clk")),
            clock_sm_max_mhz=_whole(sm.get("max_clk")),
            clock_memory_mhz=_whole(memory.get("clk")),
            clock_memory_max_mhz=_whole(memory.get("max_clk")),
            ecc_corrected=_whole(ecc.get("correctable_count")),
            ecc_uncorrected=_whole(ecc.get("uncorrectable_count")),
        )

    def _temperature(self, card: Any) -> float | None:
        """Of the edge, or of the hottest place where there is no sensor at the edge."""
        smi = self._smi
        for place in (smi.AmdSmiTemperatureType.EDGE, smi.AmdSmiTemperatureType.HOTSPOT):
            current = smi.AmdSmiTemperatureMetric.CURRENT
            celsius = _number(self._ask("amdsmi_get_temp_metric", card, place, current))
            if celsius is not None:
                return celsius
        return None

    def _processes(self, device: str, card: Any) -> list[GpuProcess]:
        found = []
        for entry in self._ask("amdsmi_get_gpu_process_list", card) or ():
            told = entry if isinstance(entry, dict) else {}
            process = self._own.find(_whole(told.get("pid")) or 0)
            if process is not None:
                memory = _whole((told.get("memory_usage") or {}).get("vram_mem"))
                found.append(
                    GpuProcess(
                        device,
                        process.pid,
                        process.name,
                        memory or None,
                        cpu_percent=process.cpu_percent,
                        ancestors=process.ancestors,
                    )
                )
        return found

    def _ask(self, call: str, *arguments: Any) -> Any:
        """None where this version or this card does not have it."""
        function = getattr(self._smi, call, None)
        if function is None:
            return None
        try:
            return function(*arguments)
        except self._smi.AmdSmiLibraryException:
            return None

    def _fail(self, error: Exception) -> Reading:
        if type(error).__name__ not in self._logged:
            self._logged.add(type(error).__name__)
            log.warning("GPU figures: %s", error or type(error).__name__)
        self.close()
        self._failed_at = self._clock()
        self._failure = _failure(error, loaded=self._smi is not None)
        return self._failure


_POWERS: Final = ("current_socket_power", "average_socket_power", "socket_power")


def _load() -> Any:
    import amdsmi  # type: ignore[import-not-found, unused-ignore]

    return amdsmi


def _failure(error: Exception, *, loaded: bool) -> Reading:
    if not loaded:
        return Reading(
            State.LIBRARY_MISSING,
            time.time(),
            Said("AMD's management library (amdsmi) is not in this image."),
            Said(
                "The GPU itself can be used. For figures ask whoever keeps the image to install it."
            ),
        )
    return Reading(
        State.DRIVER_ERROR,
        time.time(),
        Said("AMD's driver answers with an error: %1.", type(error).__name__),
        Said(
            "It is asked again every few seconds. If it stays, stop the workspace and start it "
            "again."
        ),
    )


def _number(value: Any) -> float | None:
    """None for "N/A" and for the largest numbers, which stand for the same."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if value in (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF) else float(value)


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _mib(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number * 1024**2)


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value != "N/A" else ""
