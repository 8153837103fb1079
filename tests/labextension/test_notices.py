"""What people are told by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from jupyterlab_studiolo.devices import (
    Condition,
    Figures,
    GpuSample,
    Reading,
    State,
    Throttle,
    Xid,
)
from jupyterlab_studiolo.machine import Cpu, Disk, Machine, Memory
from jupyterlab_studiolo.notices import notices

GIB = 1024**3
NOW = 1_770_000_000.0
HOLDER: list[tuple[str, int | None]] = [("train.ipynb", 4 * GIB)]


def machine(memory: float | None = 10.0, disk: float = 10.0) -> Machine:
    return Machine(
        Cpu(None, None, None, "none"),
        Memory(1, 2, memory, "cgroup2"),
        Disk("/home", 1, 100 * GIB, 4 * GIB, disk),
    )


def gpu(**fields: Any) -> Reading:
    return Reading(State.OK, NOW, samples=(GpuSample("a", "GPU", 0, **fields),))


def codes(
    reading: Reading | None = None,
    where: Machine | None = None,
    holders: list[tuple[str, int | None]] | None = None,
    idle: float = 0,
    busy: bool = False,
) -> list[tuple[str, str]]:
    found = notices(
        reading or gpu(),
        where or machine(),
        holders or [],
        gpu_idle_seconds=idle,
        busy=busy,
        now=NOW,
    )
    assert all(each["message"] and each["hint"] for each in found)
    return [(each["code"], each["severity"]) for each in found]


def test_nothing_where_nothing_is_the_matter() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        (gpu(condition=Condition.LOST), [("gpu_lost", "error")]),
        (gpu(xid=(Xid(NOW - 60, 31, "A."),)), [("xid", "warning")]),
        (gpu(xid=(Xid(NOW - 4000, 31, "A."),)), []),
        (gpu(figures=Figures(ecc_uncorrected=1)), [("ecc", "error")]),
        (gpu(figures=Figures(ecc_corrected=9, ecc_uncorrected=0)), []),
        (gpu(throttle=(Throttle("sw_power_cap", "at its limit"),)), []),
        (gpu(throttle=(Throttle("hw", "too hot", "warning"),)), [("throttled", "warning")]),
    ],
    ids=["lost", "xid", "old xid", "ecc", "corrected", "power", "heat"],
)
def test_what_is_the_matter_with_gpus(reading: Reading, told: list[tuple[str, str]]) -> None:
    assert codes(reading) == told


@pytest.mark.parametrize(
    ("percent", "severity"), [(89.9, None), (90.0, "warning"), (98.0, "error")]
)
def test_warns_before_the_home_is_full(percent: float, severity: str | None) -> None:
    told = [("disk_nearly_full", severity)] if severity else []
    assert codes(where=machine(disk=percent)) == told


def test_warns_before_memory_is_full() -> None:
    assert codes(where=machine(memory=91)) == [("memory_nearly_full", "warning")]
    assert codes(where=machine(memory=None)) == []


@pytest.mark.parametrize(
    ("holders", "idle", "busy", "told"),
    [
        pytest.param(HOLDER, 1800, False, True, id="held by an idle one"),
        pytest.param([("a", None)], 1800, False, True, id="how much is not told"),
        pytest.param(HOLDER, 60, False, False, id="only just idle"),
        pytest.param(HOLDER, 1800, True, False, id="something is at work"),
        pytest.param([], 1800, False, False, id="held by nobody"),
    ],
)
def test_tells_that_an_idle_program_holds_the_gpu(
    holders: list[tuple[str, int | None]], idle: float, busy: bool, told: bool
) -> None:
    found = codes(holders=holders, idle=idle, busy=busy)
    assert found == ([("gpu_held_idle", "warning")] if told else [])


def test_the_gravest_comes_first() -> None:
    reading = gpu(condition=Condition.LOST)
    found = codes(reading, machine(disk=95), HOLDER, idle=1800)
    assert [code for code, _ in found] == ["gpu_lost", "gpu_held_idle", "disk_nearly_full"]
