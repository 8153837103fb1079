"""NVML's answers, through the real nvidia-ml-py and the stand-in for the driver's library."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyterlab_studiolo.devices import NO_FIGURES, Kind, State
from jupyterlab_studiolo.nvml import LOST, NvmlReader

GIB = 1024**3
A100 = {"uuid": "GPU-1", "name": "NVIDIA A100 (simulated)", "memory_mib": 40960, "mig": False}
H100 = {"uuid": "GPU-2", "name": "NVIDIA H100", "memory_mib": 81920}
SLICE = {"uuid": "MIG-1", "name": "NVIDIA H100 MIG 1g.10gb", "memory_mib": 9856, "mig": True}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _simulation(nvml_loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GPUS", "FAULT", "FAULT_FILE", "LOAD"):
        monkeypatch.delenv(f"STUDIOLO_SIMULATED_{name}", raising=False)


def simulate(monkeypatch: pytest.MonkeyPatch, *gpus: dict[str, object]) -> None:
    monkeypatch.setenv("STUDIOLO_SIMULATED_GPUS", json.dumps(gpus))


def fault(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setenv("STUDIOLO_SIMULATED_FAULT", words)


def test_whole_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, A100, H100)
    monkeypatch.setenv("STUDIOLO_SIMULATED_LOAD", "50")
    reader = NvmlReader()
    reading = reader.read()
    reader.close()
    assert (reading.state, reading.driver_version) == (State.OK, "simulated")
    assert [(s.id, s.name, s.index, s.kind, s.problem) for s in reading.samples] == [
        ("GPU-1", "NVIDIA A100 (simulated)", 0, Kind.GPU, ""),
        ("GPU-2", "NVIDIA H100", 1, Kind.GPU, ""),
    ]
    figures = reading.samples[0].figures
    assert figures.utilisation_percent == 50
    assert figures.memory_total_bytes == 40 * GIB
    assert 0 < (figures.memory_used_bytes or 0) < 40 * GIB
    assert figures.temperature_celsius == 55
    assert (figures.power_watts, figures.power_limit_watts) == (213.0, 400.0)


def test_a_stub_driver_makes_every_device_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, H100)
    reader = NvmlReader(shared=True)
    (sample,) = reader.read().samples
    reader.close()
    assert (sample.simulated, sample.shared) == (True, True)


def test_mig_slices_stand_for_their_card(monkeypatch: pytest.MonkeyPatch) -> None:
    second = SLICE | {"uuid": "MIG-2", "parent": "GPU-9"}
    third = SLICE | {"uuid": "MIG-3", "parent": "GPU-9"}
    simulate(monkeypatch, SLICE, A100, second, third)
    reader = NvmlReader()
    samples = reader.read().samples
    reader.close()
    assert [(s.id, s.kind, s.index) for s in samples] == [
        ("MIG-1", Kind.MIG, 0),
        ("GPU-1", Kind.GPU, 1),
        ("MIG-2", Kind.MIG, 2),
        ("MIG-3", Kind.MIG, 2),
    ]
    figures = samples[0].figures
    assert figures.utilisation_percent is None
    assert figures.memory_total_bytes == 9856 * 1024**2
    assert figures.temperature_celsius is not None  # the card's


def test_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch)
    reader = NvmlReader()
    reading = reader.read()
    reader.close()
    assert (reading.state, reading.samples) == (State.NO_DEVICE, ())


def test_a_call_that_is_not_supported_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    simulate(monkeypatch, H100)
    fault(monkeypatch, "not_supported")
    reader = NvmlReader()
    reading = reader.read()
    reader.close()
    figures = reading.samples[0].figures
    assert reading.state is State.OK
    assert figures.utilisation_percent is not None
    assert (figures.temperature_celsius, figures.power_watts) == (None, None)
    assert caplog.text == ""


def test_a_lost_gpu_is_said_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    simulate(monkeypatch, A100, H100)
    clock = Clock()
    reader = NvmlReader(clock=clock)
    assert [sample.problem for sample in reader.read().samples] == ["", ""]
    fault(monkeypatch, "gpu_lost:1")
    for _ in range(10):  # through several new openings of the driver
        clock.now += 2
        reading = reader.read()
        assert [(s.id, s.problem) for s in reading.samples] == [("GPU-1", ""), ("GPU-2", LOST)]
        assert reading.samples[0].figures.utilisation_percent is not None
        assert reading.samples[1].figures == NO_FIGURES
    assert len(caplog.records) == 1
    fault(monkeypatch, "")
    clock.now += 20
    reader.read()
    reading = reader.read()
    reader.close()
    assert [sample.problem for sample in reading.samples] == ["", ""]


def test_a_gpu_that_was_lost_before_we_came_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, A100, H100)
    fault(monkeypatch, "gpu_lost")
    reader = NvmlReader()
    samples = reader.read().samples
    reader.close()
    assert [(s.id, s.name, s.problem) for s in samples] == [
        ("gpu-0", "GPU 0", LOST),
        ("GPU-2", "NVIDIA H100", ""),
    ]


def test_a_driver_that_comes_and_goes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    simulate(monkeypatch, H100)
    fault(monkeypatch, "driver_not_loaded")
    clock = Clock()
    reader = NvmlReader(clock=clock)
    for _ in range(5):
        reading = reader.read()
        assert reading.state is State.DRIVER_MISSING
        assert reading.message
        assert reading.hint
        clock.now += 6
    assert len(caplog.records) == 1
    fault(monkeypatch, "")
    assert reader.read().state is State.OK
    fault(monkeypatch, "driver_not_loaded")
    assert reader.read().state is State.DRIVER_ERROR
    fault(monkeypatch, "")
    assert reader.read().state is State.DRIVER_ERROR  # not asked again at once
    clock.now += 6
    assert reader.read().state is State.OK
    reader.close()


def test_a_description_that_cannot_be_read_is_a_drivers_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STUDIOLO_SIMULATED_GPUS", "[{")
    reading = NvmlReader().read()
    assert reading.state is State.DRIVER_ERROR
    assert "Unknown Error" in reading.message


def test_no_library(tmp_path: Path) -> None:
    """In a process of its own, where a file that is no library stands in the library's place."""
    (tmp_path / "libnvidia-ml.so.1").write_bytes(b"")
    script = (
        "from jupyterlab_studiolo.nvml import NvmlReader; r = NvmlReader();"
        "print(r.read().state.value, r.read().state.value)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=os.environ | {"LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["library_missing", "library_missing"]
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_import_is_light() -> None:
    """The server's start must not pay for NVML, nor for anything that only tests need."""
    script = (
        "import sys, jupyterlab_studiolo.extension;"
        "print([m for m in ('pynvml', 'pydantic', 'aiohttp', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
