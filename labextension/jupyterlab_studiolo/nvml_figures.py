"""The figures of one NVIDIA device. I/O: NVML calls, each of which can block.

What changes with every sample is asked with every sample. What hardly changes, or takes the driver
long (it measures PCIe throughput over 20 ms), is asked every `SLOW_SECONDS` and kept between. A
MIG slice has memory and, where the driver counts it, a load of its own; its sensors are its card's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from jupyterlab_studiolo.devices import ALL_FIGURES, NO_FIGURES, Figures, Throttle
from jupyterlab_studiolo.nvml_calls import NvmlCalls
from jupyterlab_studiolo.nvml_slices import SliceLoads
from jupyterlab_studiolo.nvml_words import throttles

SLOW_SECONDS: Final = 5.0
KIB: Final = 1024
ALL_LINKS: Final = 0xFFFFFFFF  # NVML's scope for the sum of a device's NVLinks
OF_CARD: Final = (
    "temperature_celsius",
    "power_watts",
    "power_limit_watts",
    "clock_sm_mhz",
    "clock_sm_max_mhz",
    "clock_memory_mhz",
    "clock_memory_max_mhz",
    "pcie_receive_bytes_per_second",
    "pcie_transmit_bytes_per_second",
    "nvlink_receive_bytes_per_second",
    "nvlink_transmit_bytes_per_second",
    "ecc_corrected",
    "ecc_uncorrected",
)
"""What a MIG slice has of its card."""


class NvmlDevice(NamedTuple):
    """A device that was found; `card` is the handle whose sensors speak for it."""

    id: str
    handle: Any
    card: Any
    card_id: str

    @property
    def is_slice(self) -> bool:
        """Whether it is a part of its card."""
        return self.id != self.card_id


class FigureReader:
    """Asks for the figures of devices; made anew with every opening of the driver."""

    def __init__(self, calls: NvmlCalls, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._clock = clock
        self._slow: dict[str, tuple[float, Figures]] = {}
        self._links: dict[str, tuple[float, int, int]] = {}
        self._slices = SliceLoads(calls, clock)

    def close(self) -> None:
        """Before the driver is shut down."""
        self._slices.close()

    def figures(self, device: NvmlDevice, *, full: bool) -> Figures:
        """What the device does now; without `full` only what tells activity and has a past."""
        ask, nvml = self._calls.ask, self._calls.nvml
        load, memory_busy = self._load(device)
        memory = self._memory(device)
        power = ask(device.card_id, "nvmlDeviceGetPowerUsage", device.card)
        figures = (self._slowly(device) if full else NO_FIGURES)._replace(
            utilisation_percent=load,
            memory_busy_percent=memory_busy,
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
            temperature_celsius=self._temperature(device),
            power_watts=None if power is None else power / 1000,
        )
        if not full:
            return figures
        encoder = ask(device.id, "nvmlDeviceGetEncoderUtilization", device.handle)
        decoder = ask(device.id, "nvmlDeviceGetDecoderUtilization", device.handle)
        clock = "nvmlDeviceGetClockInfo"
        return figures._replace(
            clock_sm_mhz=ask(f"{device.card_id} sm", clock, device.card, nvml.NVML_CLOCK_SM),
            clock_memory_mhz=ask(f"{device.card_id} mem", clock, device.card, nvml.NVML_CLOCK_MEM),
            encoder_percent=None if encoder is None else float(encoder[0]),
            decoder_percent=None if decoder is None else float(decoder[0]),
        )

    def throttle(self, device: NvmlDevice) -> tuple[Throttle, ...] | None:
        """Why the card is held back; None where the driver does not tell it."""
        for call in (
            "nvmlDeviceGetCurrentClocksEventReasons",
            "nvmlDeviceGetCurrentClocksThrottleReasons",  # its name before driver 535
        ):
            bits = self._calls.ask(device.card_id, call, device.card)
            if bits is not None:
                return throttles(bits)
        return None

    def _load(self, device: NvmlDevice) -> tuple[float | None, float | None]:
        """Of the device and of its memory bus."""
        rates = self._calls.ask(device.id, "nvmlDeviceGetUtilizationRates", device.handle)
        if rates is not None:
            return float(rates.gpu), float(rates.memory)
        return (self._slices.of(*device) if device.is_slice else None), None

    def _temperature(self, device: NvmlDevice) -> float | None:
        nvml = self._calls.nvml
        for call in ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"):  # the second: < 570
            celsius = self._calls.ask(device.card_id, call, device.card, nvml.NVML_TEMPERATURE_GPU)
            if celsius is not None:
                return float(celsius)
        return None

    def _memory(self, device: NvmlDevice) -> Any:
        """The second version tells used memory as nvidia-smi does, without the driver's own."""
        ask, call = self._calls.ask, "nvmlDeviceGetMemoryInfo"
        version = self._calls.nvml.nvmlMemory_v2
        memory = ask(f"{device.id} v2", call, device.handle, version)
        return memory if memory is not None else ask(device.id, call, device.handle)

    def _slowly(self, device: NvmlDevice) -> Figures:
        now = self._clock()
        asked, figures = self._slow.get(device.id, (float("-inf"), NO_FIGURES))
        if now - asked >= SLOW_SECONDS:
            figures = self._ask_slowly(device)
            self._slow[device.id] = (now, figures)
        return figures

    def _ask_slowly(self, device: NvmlDevice) -> Figures:
        nvml, card, key = self._calls.nvml, device.card, device.card_id
        ask = self._calls.ask
        limit = ask(key, "nvmlDeviceGetEnforcedPowerLimit", card)
        clock, pcie = "nvmlDeviceGetMaxClockInfo", "nvmlDeviceGetPcieThroughput"
        received = ask(f"{key} rx", pcie, card, nvml.NVML_PCIE_UTIL_RX_BYTES)
        sent = ask(f"{key} tx", pcie, card, nvml.NVML_PCIE_UTIL_TX_BYTES)
        link_received, link_sent = self._nvlink(device)
        return Figures(
            power_limit_watts=None if limit is None else limit / 1000,
            clock_sm_max_mhz=ask(f"{key} sm", clock, card, nvml.NVML_CLOCK_SM),
            clock_memory_max_mhz=ask(f"{key} mem", clock, card, nvml.NVML_CLOCK_MEM),
            pcie_receive_bytes_per_second=None if received is None else received * KIB,
            pcie_transmit_bytes_per_second=None if sent is None else sent * KIB,
            nvlink_receive_bytes_per_second=link_received,
            nvlink_transmit_bytes_per_second=link_sent,
            ecc_corrected=self._ecc(device, nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED),
            ecc_uncorrected=self._ecc(device, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED),
        )

    def _ecc(self, device: NvmlDevice, kind: int) -> int | None:
        count: int | None = self._calls.ask(
            f"{device.card_id} {kind}",
            "nvmlDeviceGetTotalEccErrors",
            device.card,
            kind,
            self._calls.nvml.NVML_VOLATILE_ECC,
        )
        return count

    def _nvlink(self, device: NvmlDevice) -> tuple[int | None, int | None]:
        """Bytes in each second since the last time, from the driver's running totals in KiB."""
        nvml = self._calls.nvml
        fields = [
            (nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, ALL_LINKS),
            (nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, ALL_LINKS),
        ]
        values = self._calls.ask(device.card_id, "nvmlDeviceGetFieldValues", device.card, fields)
        if values is None or any(value.nvmlReturn != nvml.NVML_SUCCESS for value in values):
            return None, None
        now = self._clock()
        received, sent = (int(value.value.ullVal) for value in values)
        before = self._links.get(device.card_id)
        self._links[device.card_id] = (now, received, sent)
        if before is None or now <= before[0] or received < before[1] or sent < before[2]:
            return None, None
        seconds = now - before[0]
        return (
            int((received - before[1]) * KIB / seconds),
            int((sent - before[2]) * KIB / seconds),
        )


def figures_of_card(*, mig: bool, shared: bool) -> tuple[str, ...]:
    """The names of the figures that a device has in common with other users of its card."""
    if shared and not mig:
        return ALL_FIGURES
    return OF_CARD if mig else ()
