"""What counts as work, and what the hub is told of it."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterlab_studiolo.activity import Activity, gpu_at_work
from jupyterlab_studiolo.devices import Figures, GpuProcess, GpuSample, Kind, Own, Reading, State

BEGAN = 1_770_000_000.0


def gpus(*percents: float | None) -> Reading:
    samples = tuple(
        GpuSample(str(place), "GPU", place, figures=Figures(utilisation_percent=percent))
        for place, percent in enumerate(percents)
    )
    return Reading(State.OK, 0, samples=samples)


MINE = GpuProcess("0", 7, "train.py", 10**9)


def shared(load: float, *processes: GpuProcess, own: Own | None = None) -> Reading:
    figures = Figures(utilisation_percent=load)
    sample = GpuSample("0", "GPU", 0, shared=True, figures=figures, own=own)
    return Reading(State.OK, 0, samples=(sample,), processes=processes)


def mig(*processes: GpuProcess) -> Reading:
    sample = GpuSample("0", "GPU", 0, Kind.MIG, figures=Figures())
    return Reading(State.OK, 0, samples=(sample,), processes=processes)


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        pytest.param(gpus(), "", id="no GPU"),
        pytest.param(gpus(4.9), "", id="below"),
        pytest.param(gpus(5), "GPU 0 computes (5 %).", id="at the threshold"),
        pytest.param(gpus(0, 0, 80), "GPU 2 computes (80 %).", id="one of three"),
        pytest.param(gpus(None), "", id="not reported"),
        pytest.param(shared(90), "", id="a neighbour's work"),
        pytest.param(shared(90, own=Own(0.0, 0)), "", id="a neighbour's, by the driver"),
        pytest.param(
            shared(90, MINE, own=Own(0.0, 10**9)), "", id="held by us, a neighbour's work"
        ),
        pytest.param(
            shared(90, MINE, own=Own(30.0, 1)), "GPU 0 computes (30 %).", id="our part of it"
        ),
        pytest.param(
            shared(90, MINE, own=Own(None, 1)),
            "GPU 0 computes (90 %).",
            id="ours is there, its part is not told",
        ),
        pytest.param(mig(MINE._replace(cpu_percent=2.0)), "", id="a slice, held by an idle one"),
        pytest.param(
            mig(MINE._replace(cpu_percent=60.0)),
            "train.py works with the slice of GPU 0.",
            id="a slice, used by one at work",
        ),
    ],
)
def test_a_gpu_is_at_work(reading: Reading, words: str) -> None:
    assert gpu_at_work(reading, 5) == words


class World:
    """A server's settings and a clock."""

    def __init__(self, kernels_last: float | None = None) -> None:
        self.now = BEGAN
        self.times: dict[str, datetime.datetime] = {}
        last = None if kernels_last is None else self.moment(kernels_last)
        self.settings: dict[str, Any] = {
            "last_activity_times": self.times,
            "started": self.moment(BEGAN),
            "kernel_manager": SimpleNamespace(last_kernel_activity=last),
        }
        self.activity = Activity(self.settings, threshold_percent=5, now=lambda: self.now)

    @staticmethod
    def moment(at: float) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(at, datetime.UTC)

    def told(self) -> dict[str, float]:
        """What Jupyter, and with it the hub, is told by us."""
        return {name: moment.timestamp() for name, moment in self.times.items()}

    def busy(self) -> list[str]:
        sources = self.activity.to_json()["sources"]
        return [source["source"] for source in sources if source["busy"]]


def test_nothing_is_reported_when_all_is_quiet() -> None:
    world = World()
    world.activity.on_reading(gpus(0))
    world.activity.on_kernels([])
    world.activity.note("terminal", "")
    assert world.told() == {}
    assert (world.activity.busy, world.activity.last) == (False, BEGAN)


def test_each_source_is_reported_under_its_name() -> None:
    world = World()
    world.now += 60
    world.activity.on_reading(gpus(50))
    world.activity.on_kernels(["a.ipynb", "b.ipynb", "c.ipynb"])
    world.activity.note("terminal", "make runs in Terminal 1.")
    assert world.told() == {
        "studiolo_gpu": BEGAN + 60,
        "studiolo_kernel": BEGAN + 60,
        "studiolo_terminal": BEGAN + 60,
    }
    assert world.busy() == ["kernel", "terminal", "gpu"]
    (kernel,) = (each for each in world.activity.to_json()["sources"] if each["source"] == "kernel")
    assert kernel["text"] == "a.ipynb and 2 more are running."


def test_a_busy_gpu_is_never_idle_through_a_night() -> None:
    """Ten simulated hours of a silent run, looked at every ten seconds."""
    world = World()
    for _ in range(3600):
        world.now += 10
        world.activity.on_reading(gpus(97))
        assert world.activity.last == world.now
        assert world.activity.busy
    world.now += 60
    world.activity.on_reading(gpus(0))
    assert world.activity.last == world.now - 60
    assert not world.activity.busy


def test_gpu_memory_that_an_idle_kernel_holds_is_no_activity() -> None:
    world = World()
    held = gpus(0)._replace(processes=(GpuProcess("0", 7, "python", 60 * 1024**3),))
    for _ in range(360):
        world.now += 10
        world.activity.on_reading(held)
    assert world.told() == {}
    assert world.activity.last == BEGAN


def test_what_jupyter_and_others_count_counts() -> None:
    world = World(kernels_last=BEGAN + 30)
    assert world.activity.last_of("jupyter") == BEGAN + 30
    world.settings["api_last_activity"] = world.moment(BEGAN + 40)
    world.times["other extension"] = world.moment(BEGAN + 50)
    assert world.activity.last_of("jupyter") == BEGAN + 50
    world.now = BEGAN + 500
    world.activity.on_kernels(["a"])
    assert world.activity.last_of("jupyter") == BEGAN + 50  # not our own mark
    assert world.activity.last == BEGAN + 500


def test_keep_alive_counts_until_its_end_and_no_longer() -> None:
    world = World()
    world.activity.keep_alive(BEGAN + 7200)
    while world.now < BEGAN + 7200:
        world.activity.check_keep_alive()
        assert world.told()["studiolo_keep_alive"] == world.now
        assert world.busy() == ["keep_alive"]
        world.now += 30
    world.now += 300
    world.activity.check_keep_alive()
    assert world.told()["studiolo_keep_alive"] == BEGAN + 7200
    world.now += 300
    world.activity.check_keep_alive()
    assert world.activity.last == BEGAN + 7200
    assert world.busy() == []


def test_work_that_ended_unseen_is_not_busy_for_ever() -> None:
    world = World()
    world.activity.note("tool", "Connected: ssh (port 22).")
    world.now += 3600
    assert not world.activity.busy
