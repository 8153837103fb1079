"""The ring of figures: its window, its bounds, and devices that come and go."""

from __future__ import annotations

import sys

import pytest
from jupyterlab_studiolo.devices import Figures, GpuSample, Reading, State
from jupyterlab_studiolo.history import History, Past

NOTHING = Past((), {}, {"cpu_percent": [], "memory_used_bytes": []})


def reading(at: float, **utilisation: float | None) -> Reading:
    samples = tuple(
        GpuSample(name, name, place, figures=Figures(utilisation_percent=percent))
        for place, (name, percent) in enumerate(utilisation.items())
    )
    return Reading(State.OK, at, samples=samples)


def utilisation(past: Past) -> dict[str, list[float | None]]:
    return {name: columns["utilisation_percent"] for name, columns in past.devices.items()}


def test_begins_empty() -> None:
    assert History().since(0) == NOTHING


def test_keeps_order_and_missing_figures() -> None:
    history = History(spacing=2)
    history.add(reading(10, a=1.0))
    history.add(reading(12, a=None))
    history.add(reading(14, a=33.34))
    past = history.since(0)
    assert list(past.times) == [10, 12, 14]
    assert utilisation(past) == {"a": [1.0, None, 33.3]}
    assert past.devices["a"]["power_watts"] == [None, None, None]


def test_gives_what_is_newer() -> None:
    history = History(spacing=2)
    for moment in (10, 12, 14):
        history.add(reading(moment, a=moment))
    assert history.since(12).times == (14,)
    assert history.since(14) == NOTHING


def test_leaves_out_what_follows_too_closely() -> None:
    history = History(spacing=2)
    for moment in (10, 11, 11.85, 12.5, 14):
        history.add(reading(moment, a=1))
    assert history.since(0).times == (10, 11.85, 14)


def test_takes_a_clock_that_was_set_back() -> None:
    history = History(spacing=2)
    history.add(reading(1000, a=1))
    history.add(reading(10, a=2))
    assert utilisation(history.since(0)) == {"a": [2]}  # the rest would lie in the future


def test_is_bounded_in_time_and_number() -> None:
    history = History(seconds=20, spacing=2)
    for moment in range(0, 1000, 2):
        history.add(reading(moment, a=1))
    times = history.since(0).times
    assert len(times) == 10
    assert times[-1] == 998
    history.add(reading(5000, a=1))
    assert history.since(0).times == (5000,)


def test_devices_come_and_go() -> None:
    history = History(spacing=2)
    history.add(reading(2, a=1))
    history.add(reading(4, a=2, b=3))
    history.add(reading(6, b=4))
    assert utilisation(history.since(0)) == {"a": [1, 2, None], "b": [None, 3, 4]}


def test_keeps_nothing_of_a_failure() -> None:
    history = History()
    history.add(Reading(State.DRIVER_ERROR, 5))
    assert history.since(0) == NOTHING


def test_an_hour_of_eight_gpus_is_small() -> None:
    history = History()
    names = {f"gpu-{number}": 50.0 for number in range(8)}
    for step in range(4000):
        history.add(reading(step * 2, **names))
    columns = [history._times, *history._machine.values(), *history._columns()]
    assert len(history.since(0).times) == 1800
    assert sum(map(sys.getsizeof, columns)) < 320 * 1024


def test_averages_to_so_many_points() -> None:
    history = History(spacing=2)
    for step in range(10):
        history.add(reading(2 * step, a=None if step == 4 else step))
    past = history.since(-1, points=3)
    assert list(past.times) == [6, 14, 18]
    assert utilisation(past) == {"a": [1.5, 6, 8.5]}


def test_keeps_what_the_machine_does() -> None:
    history = History(spacing=2)
    empty = Reading(State.NO_GPU, 10)
    history.add(empty, {"cpu_percent": 12.5, "memory_used_bytes": None})
    past = history.since(0)
    assert (list(past.times), past.devices) == ([10], {})
    assert past.machine == {"cpu_percent": [12.5], "memory_used_bytes": [None]}


def test_forgets_a_device_that_is_long_gone() -> None:
    history = History(seconds=20, spacing=2)
    history.add(reading(2, gone=1))
    for step in range(2, 200):
        history.add(reading(2 * step, a=1))
    assert set(history.since(0).devices) == {"a"}


@pytest.mark.parametrize("figure", ["memory_used_bytes"])
def test_large_figures_keep_their_order_of_size(figure: str) -> None:
    history = History()
    used = 79 * 1024**3 + 5
    sample = GpuSample("a", "a", 0, figures=Figures(memory_used_bytes=used))
    history.add(Reading(State.OK, 1, samples=(sample,)))
    kept = history.since(0).devices["a"][figure][0]
    assert kept == pytest.approx(used, rel=1e-6)
