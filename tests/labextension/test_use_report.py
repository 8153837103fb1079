"""What the hub is told of the GPUs, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from jupyterlab_studiolo.devices import Figures, GpuSample, Own, Reading, State
from jupyterlab_studiolo.errors import HubFault
from jupyterlab_studiolo.use_report import UseReport, use_of

FIGURES = Figures(utilisation_percent=37.0, memory_used_bytes=12, memory_total_bytes=24)
SAMPLE = GpuSample("GPU-1", "NVIDIA L4", 0, figures=FIGURES)


def reading(*samples: GpuSample, state: State = State.OK) -> Reading:
    return Reading(state, 1.0, samples=samples or (SAMPLE,))


def test_figures_are_told() -> None:
    assert use_of(reading()) == {
        "version": 1,
        "gpus": [
            {
                "index": 0,
                "name": "NVIDIA L4",
                "utilisation_percent": 37.0,
                "memory_used_bytes": 12,
                "memory_total_bytes": 24,
            }
        ],
    }


def test_of_a_shared_gpu_only_our_part() -> None:
    shared = SAMPLE._replace(shared=True, own=Own(5.0, 3))
    told = use_of(reading(shared))
    assert told is not None
    (gpu,) = told["gpus"]
    assert (gpu["utilisation_percent"], gpu["memory_used_bytes"]) == (5.0, 3)


@pytest.mark.parametrize(
    "nothing",
    [
        pytest.param(reading(state=State.DRIVER_HUNG), id="hung"),
        pytest.param(Reading(State.OK, 1.0), id="no devices"),
        pytest.param(reading(SAMPLE._replace(problem="It is lost.")), id="lost"),
    ],
)
def test_what_is_not_known_is_not_told(nothing: Reading) -> None:
    assert use_of(nothing) is None


class Hub:
    def __init__(self, answer: Any = True) -> None:
        self.answer = answer
        self.told: list[Any] = []

    async def report_use(self, use: Any) -> bool:
        self.told.append(use)
        if isinstance(self.answer, Exception):
            raise self.answer
        return bool(self.answer)


def report(hub: Hub, *readings: Reading | None) -> UseReport:
    left = list(readings)
    loop = asyncio.get_running_loop()
    latest = lambda: left.pop(0) if len(left) > 1 else left[0]  # noqa: E731
    return UseReport(hub, latest, every=60, loop=loop)  # type: ignore[arg-type]


async def test_the_same_reading_is_told_once() -> None:
    hub, one = Hub(), reading()
    told = report(hub, None, one, one)
    assert [await told.tell() for _ in range(3)] == [True, True, True]
    assert len(hub.told) == 1


async def test_a_hub_that_does_not_want_it_is_not_asked_again() -> None:
    assert await report(Hub(False), reading()).tell() is False


async def test_a_hub_that_is_away_is_asked_again() -> None:
    hub = Hub(HubFault("hub_unreachable", "Away.", 503))
    assert await report(hub, reading()).tell() is True
