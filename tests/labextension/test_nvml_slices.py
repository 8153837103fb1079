"""The rules of reading a slice's load, against a driver that answers as it is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest
from jupyterlab_studiolo.nvml_calls import NvmlCalls
from jupyterlab_studiolo.nvml_slices import FIRST_SECONDS, LEAST_SECONDS, MOST_SECONDS, SliceLoads

Told = Callable[[], "list[tuple[int, float]]"]


class Driver:
    """Stands for pynvml: each sample is the next number, each metric is what `told` says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: Told = lambda: [(pynvml.NVML_SUCCESS, 50.0), (pynvml.NVML_SUCCESS, 40.0)]
        self.failure: dict[str, int] = {}
        self.samples: list[Any] = []
        self.freed = 0
        self.compared: list[tuple[float, float]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(pynvml, name)

    def _may_fail(self, call: str) -> None:
        if call in self.failure:
            raise pynvml.NVMLError(self.failure[call])

    def nvmlGpmQueryDeviceSupport(self, _card: Any) -> Any:  # noqa: N802 - NVML's name
        self._may_fail("support")
        return SimpleNamespace(isSupportedDevice=1)

    def nvmlDeviceGetAttributes_v2(self, _handle: Any) -> Any:  # noqa: N802
        return SimpleNamespace(computeInstanceSliceCount=3, gpuInstanceSliceCount=3)

    def nvmlDeviceGetGpuInstanceId(self, _handle: Any) -> int:  # noqa: N802
        return 7

    def nvmlGpmSampleAlloc(self) -> Any:  # noqa: N802
        self.samples.append(SimpleNamespace(at=None))
        return self.samples[-1]

    def nvmlGpmSampleFree(self, _sample: Any) -> None:  # noqa: N802
        self.freed += 1

    def nvmlGpmMigSampleGet(self, _card: Any, instance: int, sample: Any) -> None:  # noqa: N802
        assert instance == 7
        self._may_fail("sample")
        sample.at = self.now

    def c_nvmlGpmMetricsGet_t(self) -> Any:  # noqa: N802
        return SimpleNamespace(metrics=[SimpleNamespace(), SimpleNamespace()])

    def nvmlGpmMetricsGet(self, asked: Any) -> None:  # noqa: N802
        self.compared.append((asked.sample1.at, asked.sample2.at))
        for place, (code, value) in enumerate(self.told()):
            asked.metrics[place].nvmlReturn, asked.metrics[place].value = code, value

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def loads(driver: Driver) -> SliceLoads:
    return SliceLoads(NvmlCalls(driver), lambda: driver.now, driver.wait)


def load(loads: SliceLoads) -> float | None:
    return loads.of("MIG-1", "slice", "card", "GPU-1")


def test_compares_with_the_time_before(driver: Driver, loads: SliceLoads) -> None:
    assert load(loads) == 50
    driver.now += 2
    load(loads)
    driver.now += LEAST_SECONDS / 2  # too soon for the driver: what was told is told again
    driver.told = lambda: [(pynvml.NVML_SUCCESS, 99.0), (pynvml.NVML_SUCCESS, 99.0)]
    assert load(loads) == 50
    driver.now += MOST_SECONDS + 1  # nobody looked for long: the mean of that says nothing
    assert load(loads) == 99
    spans = [round(after - before, 3) for before, after in driver.compared]
    assert spans == [FIRST_SECONDS, 2, FIRST_SECONDS]
    loads.close()
    assert driver.freed == len(driver.samples) == 2


NOT_SUPPORTED, SUCCESS = pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_SUCCESS


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([(SUCCESS, 12.5), (SUCCESS, 3.0)], 12.5, id="the time in which anything ran"),
        pytest.param([(NOT_SUPPORTED, 0.0), (SUCCESS, 3.0)], 3.0, id="else the part that was busy"),
        pytest.param([(SUCCESS, math.nan), (SUCCESS, 3.0)], 3.0, id="no number"),
        pytest.param([(SUCCESS, 131.0), (SUCCESS, 3.0)], 100.0, id="more than all"),
        pytest.param([(SUCCESS, -0.1), (SUCCESS, 3.0)], 0.0, id="less than nothing"),
        pytest.param([(NOT_SUPPORTED, 0.0), (NOT_SUPPORTED, 0.0)], None, id="neither"),
    ],
)
def test_takes_what_the_driver_tells(
    driver: Driver, loads: SliceLoads, told: list[tuple[int, float]], expected: float | None
) -> None:
    driver.told = lambda: told
    assert load(loads) == expected


@pytest.mark.parametrize("call", ["support", "sample"])
@pytest.mark.parametrize(
    "code",
    [
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
        pynvml.NVML_ERROR_NO_PERMISSION,
        pynvml.NVML_ERROR_UNKNOWN,
    ],
)
def test_asks_no_more_after_a_failure(
    driver: Driver, loads: SliceLoads, call: str, code: int
) -> None:
    driver.failure = {call: code}
    assert load(loads) is None
    driver.failure = {}
    assert load(loads) is None
    loads.close()
    assert driver.freed == len(driver.samples)


def test_a_card_that_is_lost_is_said(driver: Driver, loads: SliceLoads) -> None:
    load(loads)
    driver.now += 2
    driver.failure = {"sample": pynvml.NVML_ERROR_GPU_IS_LOST}
    with pytest.raises(pynvml.NVMLError_GpuIsLost):
        load(loads)
