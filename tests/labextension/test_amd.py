"""AMD's figures through a stand-in for the package amdsmi."""

from __future__ import annotations

import logging
import os
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterlab_studiolo.amd import AmdReader
from jupyterlab_studiolo.devices import ALL_FIGURES, NO_FIGURES, Own, Reading, State
from jupyterlab_studiolo.own_processes import OwnProcesses

GIB = 1024**3


class AmdSmiLibraryException(Exception):  # noqa: N818 - its name there
    """What amdsmi raises."""


class Smi:
    """As much of amdsmi as is asked, for one card."""

    AmdSmiLibraryException = AmdSmiLibraryException
    AmdSmiClkType = SimpleNamespace(GFX="gfx", MEM="mem")
    AmdSmiTemperatureType = SimpleNamespace(EDGE="edge", HOTSPOT="hotspot")
    AmdSmiTemperatureMetric = SimpleNamespace(CURRENT="current")

    def __init__(self, **answers: Any) -> None:
        self.opened = self.closed = 0
        self.answers = {
            "amdsmi_get_processor_handles": ["card"],
            "amdsmi_get_gpu_asic_info": {"market_name": "AMD Instinct MI300X"},
            "amdsmi_get_gpu_device_uuid": "2eff74a1-0000-1000-80d9-c41b84c68b2b",
            "amdsmi_get_gpu_driver_info": {"driver_version": "6.12.12"},
            "amdsmi_get_gpu_activity": {"gfx_activity": 87, "umc_activity": 30},
            "amdsmi_get_power_info": {
                "current_socket_power": "N/A",
                "average_socket_power": 512,
            },
            "amdsmi_get_power_cap_info": {"power_cap": 750_000_000},
            "amdsmi_get_gpu_vram_usage": {"vram_used": 1024, "vram_total": 196592},
            "amdsmi_get_clock_info": {"clk": 2100, "max_clk": 2100},
            "amdsmi_get_temp_metric": {"edge": "N/A", "hotspot": 61},
            "amdsmi_get_gpu_total_ecc_count": {"correctable_count": 1, "uncorrectable_count": 0},
            "amdsmi_get_gpu_process_list": [
                {"pid": os.getpid(), "memory_usage": {"vram_mem": 2 * GIB}},
                {"pid": 1, "memory_usage": {"vram_mem": 60 * GIB}},
                "N/A",
            ],
        } | answers

    def amdsmi_init(self) -> None:
        self.opened += 1
        if "init" in self.answers:
            raise self.answers["init"]

    def amdsmi_shut_down(self) -> None:
        self.closed += 1

    def __getattr__(self, name: str) -> Any:
        if name not in self.answers:
            raise AttributeError(name)

        def call(*arguments: Any) -> Any:
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            if name == "amdsmi_get_temp_metric":
                return answer[arguments[1]]
            return answer

        return call


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def read(smi: Smi, *, shared: bool = False) -> Reading:
    reader = AmdReader(OwnProcesses(contained=False), shared=shared, load=lambda: smi)
    reading = reader.read()
    reader.close()
    assert smi.closed == 1
    return reading


def test_tells_a_card() -> None:
    reading = read(Smi())
    assert (reading.state, reading.driver_version) == (State.OK, "6.12.12")
    (sample,) = reading.samples
    assert (sample.vendor, sample.name) == ("amd", "AMD Instinct MI300X")
    assert sample.figures == NO_FIGURES._replace(
        utilisation_percent=87,
        memory_busy_percent=30,
        memory_used_bytes=GIB,
        memory_total_bytes=196592 * 1024**2,
        temperature_celsius=61,
        power_watts=512,
        power_limit_watts=750,
        clock_sm_mhz=2100,
        clock_sm_max_mhz=2100,
        clock_memory_mhz=2100,
        clock_memory_max_mhz=2100,
        ecc_corrected=1,
        ecc_uncorrected=0,
    )


def test_tells_own_processes_and_hides_foreign_ones() -> None:
    (process,) = read(Smi()).processes or ()
    assert (process.pid, process.memory_bytes) == (os.getpid(), 2 * GIB)


def test_a_shared_card_is_labelled() -> None:
    (sample,) = read(Smi(), shared=True).samples
    assert (sample.shared, sample.of_card) == (True, ALL_FIGURES)
    assert sample.own == Own(None, 2 * GIB)


def test_what_a_card_or_a_version_lacks_is_no_error() -> None:
    lacking = Smi(amdsmi_get_power_info=AmdSmiLibraryException("no"))
    del lacking.answers["amdsmi_get_gpu_total_ecc_count"]
    lacking.answers["amdsmi_get_gpu_activity"] = {"gfx_activity": 65535}
    (sample,) = read(lacking).samples
    figures = sample.figures
    assert (figures.power_watts, figures.ecc_corrected, figures.utilisation_percent) == (
        None,
        None,
        None,
    )
    assert figures.temperature_celsius == 61


def test_without_the_package_the_reason_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    reader = AmdReader(OwnProcesses(), clock=clock)
    for _ in range(5):
        reading = reader.read()
        assert reading.state is State.LIBRARY_MISSING
        assert reading.hint
        clock.now += 6
    assert len(caplog.records) == 1
    assert "Traceback" not in caplog.text


def test_a_driver_that_comes_back_is_opened_again() -> None:
    smi, clock = Smi(init=AmdSmiLibraryException("driver not loaded")), Clock()
    reader = AmdReader(OwnProcesses(), load=lambda: smi, clock=clock)
    assert reader.read().state is State.DRIVER_ERROR
    del smi.answers["init"]
    assert reader.read().state is State.DRIVER_ERROR  # not asked again at once
    clock.now += 6
    assert reader.read().state is State.OK
    assert smi.opened == 2
