"""NVML's answers, through the real nvidia-ml-py and the stand-in for the driver's library."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyterlab_studiolo.devices import NO_FIGURES, Kind, Own, Sharing, State
from jupyterlab_studiolo.nvml import NvmlReader
from jupyterlab_studiolo.nvml_find import LOST
from jupyterlab_studiolo.own_processes import OwnProcesses

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
    for name in ("GPUS", "FAULT", "FAULT_FILE", "LOAD", "PROCESSES_FILE", "COMPUTE_MODE"):
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
    assert figures.memory_total_bytes == 9856 * 1024**2
    assert figures.temperature_celsius is not None  # the card's


def test_tells_the_load_of_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, SLICE, A100, SLICE | {"uuid": "MIG-2", "parent": "GPU-9"})
    clock = Clock()
    reader = NvmlReader(clock=clock)
    loads = []
    for percent, background in (("30", False), ("80", True), ("50", False)):
        monkeypatch.setenv("STUDIOLO_SIMULATED_LOAD", percent)
        reading = reader.read(full=not background)
        loads.append([sample.figures.utilisation_percent for sample in reading.samples])
        clock.now += 2
    reader.close()
    assert loads == [[30, 30, 30], [80, 80, 80], [50, 50, 50]]


A100_SLICE = SLICE | {"name": "NVIDIA A100 MIG 1g.5gb"}
PART_OF_AN_INSTANCE = SLICE | {"name": "NVIDIA H100 MIG 1c.3g.40gb"}


@pytest.mark.parametrize(
    ("gpu", "words"),
    [
        pytest.param(A100_SLICE, "", id="a card older than Hopper"),
        pytest.param(SLICE, "not_supported", id="a driver without it"),
        pytest.param(PART_OF_AN_INSTANCE, "", id="a GPU instance that others use too"),
    ],
)
def test_leaves_out_the_load_of_slices_that_is_not_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gpu: Any, words: str
) -> None:
    simulate(monkeypatch, gpu)
    fault(monkeypatch, words)
    clock = Clock()
    reader = NvmlReader(clock=clock)
    for _ in range(3):
        (sample,) = reader.read().samples
        assert sample.problem == ""
        assert sample.figures.memory_used_bytes is not None
        assert sample.figures.utilisation_percent is None
        clock.now += 2
    reader.close()
    assert caplog.text == ""


def test_a_slice_of_a_card_that_is_lost_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, SLICE)
    clock = Clock()
    reader = NvmlReader(clock=clock)
    assert reader.read().samples[0].problem == ""
    fault(monkeypatch, "gpu_lost")
    clock.now += 2
    assert reader.read().samples[0].problem == LOST
    fault(monkeypatch, "")
    clock.now += 20
    reader.read()
    assert reader.read().samples[0].figures.utilisation_percent is not None
    reader.close()


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


# --- further figures ---------------------------------------------------------------------------


def test_clocks_links_errors_and_coders(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, A100 | {"name": "A100-SXM4 (simulated)"}, H100)
    monkeypatch.setenv("STUDIOLO_SIMULATED_LOAD", "50")
    clock = Clock()
    reader = NvmlReader(clock=clock)
    reader.read()
    clock.now += 6
    linked, plain = (sample.figures for sample in reader.read().samples)
    reader.close()
    assert (linked.clock_sm_mhz, linked.clock_sm_max_mhz) == (878, 1410)
    assert (linked.clock_memory_mhz, linked.clock_memory_max_mhz) == (1593, 1593)
    assert linked.pcie_receive_bytes_per_second == 50 * 34000 * 1024
    assert linked.pcie_transmit_bytes_per_second == 50 * 8500 * 1024
    assert (linked.ecc_corrected, linked.ecc_uncorrected) == (0, 0)
    assert (linked.encoder_percent, linked.decoder_percent) == (0, 0)
    assert linked.nvlink_receive_bytes_per_second is not None
    assert plain.nvlink_receive_bytes_per_second is None
    assert plain.pcie_receive_bytes_per_second is not None


def test_asks_slow_things_seldom_and_little_in_the_background(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nvml_loaded: Path
) -> None:
    """In a process of its own, whose calls the stand-in counts."""
    script = (
        "from jupyterlab_studiolo.nvml import NvmlReader; import os;"
        "n = [1000.0]; r = NvmlReader(clock=lambda: n[0]);"
        "count = lambda: int.from_bytes(open(os.environ['STUDIOLO_SIMULATED_COUNTER'],'rb')"
        ".read(8), 'little');"
        "r.read(); a = count(); n[0] += 1; r.read(); b = count(); n[0] += 5; r.read();"
        "c = count(); r.read(full=False); d = count();"
        "print(b - a, c - b, d - c)"
    )
    simulate(monkeypatch, *(A100 | {"uuid": f"GPU-{n}"} for n in range(8)))
    monkeypatch.setenv("STUDIOLO_SIMULATED_COUNTER", str(tmp_path / "count"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=os.environ | {"LD_LIBRARY_PATH": str(nvml_loaded.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    usual, slow, background = map(int, done.stdout.split())
    assert usual <= 8 * 10 + 1
    assert usual < slow <= 8 * 18 + 1
    assert background <= 8 * 5 + 1


@pytest.mark.parametrize(
    ("words", "codes"),
    [("", []), ("hot:1", ["hw_thermal"]), ("hot:0", [])],
)
def test_tells_why_a_gpu_is_held_back(
    monkeypatch: pytest.MonkeyPatch, words: str, codes: list[str]
) -> None:
    simulate(monkeypatch, A100, H100)
    monkeypatch.setenv("STUDIOLO_SIMULATED_LOAD", "50")
    fault(monkeypatch, words)
    reader = NvmlReader()
    throttle = reader.read().samples[1].throttle
    reader.close()
    assert [reason.code for reason in throttle or ()] == codes


def test_tells_failed_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, H100)
    fault(monkeypatch, "ecc")
    reader = NvmlReader()
    figures = reader.read().samples[0].figures
    reader.close()
    assert (figures.ecc_corrected, figures.ecc_uncorrected) == (17, 2)


def test_tells_xid_errors_once_each_and_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, A100, H100)
    reader = NvmlReader()
    assert [sample.xid for sample in reader.read().samples] == [(), ()]
    for code in (31, 48):
        fault(monkeypatch, f"xid:{code}:1")
        reader.read()
        reader.read()
    fault(monkeypatch, "")
    first, second = reader.read().samples
    fault(monkeypatch, "xid:31:1")
    again = reader.read().samples[1]
    reader.close()
    assert first.xid == ()
    assert [(xid.code, xid.times) for xid in second.xid or ()] == [(48, 1), (31, 1)]
    assert [(xid.code, xid.times) for xid in again.xid or ()] == [(31, 2), (48, 1)]
    assert "that it does not have" in (again.xid or ())[0].text


@pytest.mark.parametrize(
    ("shared", "mps", "mode", "sharing"),
    [
        pytest.param(False, False, "", None, id="alone"),
        pytest.param(True, False, "", Sharing.TIME_SLICED, id="time slices"),
        pytest.param(True, False, "exclusive", Sharing.UNKNOWN, id="no time slices possible"),
        pytest.param(False, True, "exclusive", Sharing.MPS, id="MPS that only the driver shows"),
        pytest.param(True, True, "exclusive", Sharing.MPS, id="MPS"),
    ],
)
def test_tells_how_a_gpu_is_shared(
    monkeypatch: pytest.MonkeyPatch, shared: bool, mps: bool, mode: str, sharing: Sharing | None
) -> None:
    simulate(monkeypatch, H100)
    monkeypatch.setenv("STUDIOLO_SIMULATED_COMPUTE_MODE", mode)
    reader = NvmlReader(shared=shared, mps=mps)
    (sample,) = reader.read().samples
    reader.close()
    assert (sample.sharing, sample.shared) == (sharing, sharing is not None)
    assert bool(sample.of_card) is sample.shared
    assert (sample.own is not None) is sample.shared


def test_hours_of_failures_leave_one_line_and_an_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Six simulated hours, in which everything fails that can."""
    simulate(monkeypatch, A100, H100)
    clock = Clock()
    reader = NvmlReader(clock=clock)
    faults = ["", "gpu_lost:1", "not_supported", "xid:79:0", "driver_not_loaded", "hot", "ecc:1"]
    for step in range(10800):
        fault(monkeypatch, faults[step // 300 % len(faults)])
        reading = reader.read(full=step % 5 == 0)
        assert reading.samples or reading.message
        clock.now += 2
    reader.close()
    assert len(caplog.records) <= 4
    assert "Traceback" not in caplog.text


# --- processes -----------------------------------------------------------------------------------


def test_tells_own_processes_and_hides_foreign_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    simulate(monkeypatch, A100, H100)
    foreign = subprocess.Popen(  # of the same machine, but in a session of a neighbour's
        ["/bin/sh", "-c", "sleep 60 & echo $!"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert foreign.stdout is not None
    orphan = int(foreign.stdout.readline())
    foreign.wait()
    own = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    listed = tmp_path / "processes"
    listed.write_text(
        f"GPU-1 {own.pid} 2048 30\nGPU-1 {orphan} 9999 60\nGPU-2 {os.getpid()} 10 0\n"
        "GPU-2 4000000 77 1\nGPU-2 0 77 1\n"
    )
    monkeypatch.setenv("STUDIOLO_SIMULATED_PROCESSES_FILE", str(listed))
    try:
        reader = NvmlReader(shared=True, own=OwnProcesses(contained=False))
        reading = reader.read()
        reader.close()
    finally:
        os.kill(orphan, 9)
        own.kill()
        own.wait()
        assert own.stdin is not None
        own.stdin.close()
        foreign.stdout.close()
    told = reading.processes
    assert told is not None
    assert [(each.device, each.pid) for each in told] == [
        ("GPU-1", own.pid),
        ("GPU-2", os.getpid()),
    ]
    assert (told[0].memory_bytes, told[0].utilisation_percent) == (2 * GIB, 30)
    assert told[0].ancestors[0] == os.getpid()
    assert reading.samples[0].own == Own(30, 2 * GIB)
    assert reading.processes_note == ""


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
