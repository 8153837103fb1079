"""What counts as work: GPUs, kernels, and programs in terminals."""

from __future__ import annotations

import asyncio
import datetime
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterlab_studiolo.activity import (
    ActivityReporter,
    gpu_is_busy,
    has_children,
    kernel_is_busy,
    terminal_pids,
)
from jupyterlab_studiolo.devices import Figures, GpuSample, Reading, State

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def gpus(*percents: float | None) -> Reading:
    samples = tuple(
        GpuSample(str(place), "GPU", place, figures=Figures(utilisation_percent=percent))
        for place, percent in enumerate(percents)
    )
    return Reading(State.OK, 0, samples=samples)


@pytest.mark.parametrize(
    ("reading", "busy"),
    [
        pytest.param(gpus(), False, id="no GPU"),
        pytest.param(gpus(4.9), False, id="below"),
        pytest.param(gpus(5), True, id="at the threshold"),
        pytest.param(gpus(0, 0, 80), True, id="one of three"),
        pytest.param(gpus(None), False, id="not reported"),
    ],
)
def test_a_gpu_is_busy(reading: Reading, busy: bool) -> None:
    assert gpu_is_busy(reading, 5) is busy


@pytest.mark.parametrize(
    ("states", "busy"), [([], False), (["idle", "starting"], False), (["idle", "busy"], True)]
)
def test_a_kernel_is_busy(states: list[str], busy: bool) -> None:
    assert kernel_is_busy([{"execution_state": state} for state in states]) is busy


def test_a_program_in_a_terminal_is_seen() -> None:
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(flush=True); "
    script += "sys.stdin.read(1); p.kill(); p.wait(); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdout.readline()
        assert has_children(shell.pid)
        shell.stdin.write(b"x")
        shell.stdin.flush()
        shell.stdout.readline()
        assert not has_children(shell.pid)


def test_a_terminal_that_has_ended_has_no_program(tmp_path: Path) -> None:
    assert not has_children(4711, proc=tmp_path)


@pytest.mark.parametrize(
    ("manager", "pids"),
    [
        (None, []),
        (SimpleNamespace(terminals={}), []),
        (SimpleNamespace(terminals={"1": SimpleNamespace(ptyproc=SimpleNamespace(pid=7))}), [7]),
    ],
)
def test_terminals_may_be_switched_off(manager: Any, pids: list[int]) -> None:
    assert terminal_pids(manager) == pids


class Kernels:
    """As much of jupyter_server's kernel manager as is asked."""

    def __init__(self, *states: str) -> None:
        self.states = states

    def list_kernels(self) -> list[dict[str, str]]:
        return [{"execution_state": state} for state in self.states]


def reporter(*states: str) -> tuple[ActivityReporter, dict[str, datetime.datetime]]:
    times: dict[str, datetime.datetime] = {}
    settings = {"last_activity_times": times, "kernel_manager": Kernels(*states)}
    return ActivityReporter(settings, threshold_percent=5, now=lambda: NOW), times


def test_reports_a_busy_kernel() -> None:
    activity, times = reporter("busy")
    activity.check()
    assert times == {"studiolo_kernels": NOW}


def test_reports_nothing_when_all_is_quiet() -> None:
    activity, times = reporter("idle")
    activity.check()
    assert times == {}


async def test_hands_a_busy_gpu_from_its_thread_to_the_loop() -> None:
    activity, times = reporter()
    loop = asyncio.get_running_loop()
    for reading in (gpus(0), gpus(50)):
        thread = threading.Thread(target=activity.on_reading, args=(loop, reading))
        thread.start()
        thread.join()
        before = dict(times)
        await asyncio.sleep(0)
        assert before == {}  # the thread itself does not write
    assert times == {"studiolo_gpu": NOW}


def test_a_loop_that_has_ended_is_no_error() -> None:
    activity, times = reporter()
    loop = asyncio.new_event_loop()
    loop.close()
    activity.on_reading(loop, gpus(50))
    assert times == {}
