"""The stand-in seen as C sees it: NVML's return codes, argument checks and buffer sizes.

https://docs.nvidia.com/deploy/nvml-api/
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.gpu import build

SUCCESS, UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED = 0, 1, 2, 3
NOT_FOUND, INSUFFICIENT_SIZE, DRIVER_NOT_LOADED, LOST = 6, 7, 9, 15
VERSION_MISMATCH, UNKNOWN, TIMEOUT = 25, 999, 10

GPU = {"uuid": "GPU-1", "name": "A100", "memory_mib": 1024}
SLICE = {"uuid": "MIG-1", "name": "A100 MIG 1g.5gb", "memory_mib": 128, "mig": "1g.5gb"}


class Memory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    made = build(tmp_path_factory.mktemp("nvml"))
    if made.library is None:
        pytest.skip(made.reason)
    return ctypes.CDLL(str(made.library))


@pytest.fixture
def nvml(library: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> Iterator[ctypes.CDLL]:
    for name in ("FAULT", "FAULT_FILE", "LOAD", "PROCESSES_FILE", "COMPUTE_MODE"):
        monkeypatch.delenv(f"STUDIOLO_SIMULATED_{name}", raising=False)
    monkeypatch.setenv("STUDIOLO_SIMULATED_GPUS", json.dumps([GPU, SLICE]))
    yield library
    while library.nvmlShutdown() == SUCCESS:
        pass


@pytest.fixture
def opened(nvml: ctypes.CDLL) -> ctypes.CDLL:
    assert nvml.nvmlInit_v2() == SUCCESS
    return nvml


def handle(nvml: ctypes.CDLL, index: int) -> ctypes.c_void_p:
    found = ctypes.c_void_p()
    assert nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(found)) == SUCCESS
    return found


def slice_handle(nvml: ctypes.CDLL) -> ctypes.c_void_p:
    found = ctypes.c_void_p()
    card = handle(nvml, 1)
    assert nvml.nvmlDeviceGetMigDeviceHandleByIndex(card, 0, ctypes.byref(found)) == SUCCESS
    return found


def number(nvml: ctypes.CDLL, call: str, *arguments: Any) -> tuple[int, int]:
    value = ctypes.c_uint(4711)
    result: int = getattr(nvml, call)(*arguments, ctypes.byref(value))
    return result, value.value


def test_counts_who_uses_it(nvml: ctypes.CDLL) -> None:
    assert number(nvml, "nvmlDeviceGetCount_v2")[0] == UNINITIALIZED
    assert nvml.nvmlShutdown() == UNINITIALIZED
    assert [nvml.nvmlInit_v2(), nvml.nvmlInitWithFlags(0)] == [SUCCESS, SUCCESS]
    assert nvml.nvmlShutdown() == SUCCESS
    assert number(nvml, "nvmlDeviceGetCount_v2") == (SUCCESS, 2)
    assert nvml.nvmlShutdown() == SUCCESS
    assert number(nvml, "nvmlDeviceGetCount_v2")[0] == UNINITIALIZED


@pytest.mark.parametrize(
    ("text", "result", "count"),
    [
        pytest.param("", SUCCESS, 0, id="empty"),
        pytest.param("[]", SUCCESS, 0, id="none"),
        pytest.param(json.dumps([GPU]), SUCCESS, 1, id="one"),
        pytest.param(json.dumps([GPU | {"colour": [1]}]), UNKNOWN, 0, id="nested unknown"),
        pytest.param(json.dumps([GPU | {"colour": "r", "x": None}]), SUCCESS, 1, id="unknown keys"),
        pytest.param(json.dumps([GPU], indent=2), SUCCESS, 1, id="spaces"),
        pytest.param('[{"name": "no uuid"}]', UNKNOWN, 0, id="no uuid"),
        pytest.param('[{"uuid": "a", "memory_mib": -1}]', UNKNOWN, 0, id="negative memory"),
        pytest.param('[{"uuid": "a", "memory_mib": 1e999}]', UNKNOWN, 0, id="endless memory"),
        pytest.param('[{"uuid": "a"}', UNKNOWN, 0, id="cut off"),
        pytest.param('[{"uuid": "a\\', UNKNOWN, 0, id="cut off in an escape"),
        pytest.param('[{"uuid": "a\\u00', UNKNOWN, 0, id="cut off in a code"),
        pytest.param('[{"uuid": "a"}] x', UNKNOWN, 0, id="more behind"),
        pytest.param('{"uuid": "a"}', UNKNOWN, 0, id="no list"),
        pytest.param(json.dumps([GPU | {"uuid": str(n)} for n in range(64)]), SUCCESS, 64, id="64"),
        pytest.param(json.dumps([GPU | {"uuid": str(n)} for n in range(65)]), UNKNOWN, 0, id="65"),
    ],
)
def test_reads_its_list_or_says_so(
    nvml: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch, text: str, result: int, count: int
) -> None:
    monkeypatch.setenv("STUDIOLO_SIMULATED_GPUS", text)
    assert nvml.nvmlInit_v2() == result
    if result == SUCCESS:
        assert number(nvml, "nvmlDeviceGetCount_v2") == (SUCCESS, count)


@given(text=st.text(alphabet='[]{}",:\\u0aAtfn1e- \n', max_size=60))
def test_any_list_is_read_or_refused(library: ctypes.CDLL, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIOLO_SIMULATED_GPUS", text)
        result = library.nvmlInit_v2()
        assert result in (SUCCESS, UNKNOWN)
        if result == SUCCESS:
            assert library.nvmlShutdown() == SUCCESS


@pytest.mark.parametrize("call", ["nvmlDeviceGetName", "nvmlDeviceGetUUID"])
def test_texts_need_room(opened: ctypes.CDLL, call: str) -> None:
    device = handle(opened, 0)
    expected = {"nvmlDeviceGetName": b"A100", "nvmlDeviceGetUUID": b"GPU-1"}[call]
    room = ctypes.create_string_buffer(b"#" * 96, 96)
    get = getattr(opened, call)
    assert get(device, room, len(expected)) == INSUFFICIENT_SIZE
    assert room.value.startswith(b"#")
    assert get(device, room, len(expected) + 1) == SUCCESS
    assert room.value == expected
    assert get(device, None, 96) == INVALID_ARGUMENT


def test_driver_says_that_it_is_simulated(opened: ctypes.CDLL) -> None:
    room = ctypes.create_string_buffer(80)
    assert opened.nvmlSystemGetDriverVersion(room, 80) == SUCCESS
    assert room.value == b"simulated"
    assert opened.nvmlSystemGetDriverVersion(room, 5) == INSUFFICIENT_SIZE


@pytest.mark.parametrize("bad", [None, ctypes.c_void_p(8)], ids=["null", "foreign"])
def test_foreign_handles_are_refused(opened: ctypes.CDLL, bad: ctypes.c_void_p | None) -> None:
    assert number(opened, "nvmlDeviceGetPowerUsage", bad)[0] == INVALID_ARGUMENT
    assert opened.nvmlDeviceGetMemoryInfo(bad, ctypes.byref(Memory())) == INVALID_ARGUMENT


def test_indexes_end(opened: ctypes.CDLL) -> None:
    found = ctypes.c_void_p()
    by = opened.nvmlDeviceGetHandleByIndex_v2
    assert by(2, ctypes.byref(found)) == INVALID_ARGUMENT
    assert by(0, None) == INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("uuid", "result"), [(b"GPU-1", SUCCESS), (b"MIG-1", SUCCESS), (b"GPU-7", NOT_FOUND)]
)
def test_finds_by_uuid(opened: ctypes.CDLL, uuid: bytes, result: int) -> None:
    found = ctypes.c_void_p()
    assert opened.nvmlDeviceGetHandleByUUID(uuid, ctypes.byref(found)) == result


def test_memory_adds_up(opened: ctypes.CDLL) -> None:
    memory = Memory()
    assert opened.nvmlDeviceGetMemoryInfo(handle(opened, 0), ctypes.byref(memory)) == SUCCESS
    assert memory.total == 1024 * 1024**2
    assert memory.free + memory.used == memory.total


def test_versions_of_structures_are_checked(opened: ctypes.CDLL) -> None:
    words = (ctypes.c_ulonglong * 8)()
    device = handle(opened, 0)
    assert opened.nvmlDeviceGetMemoryInfo_v2(device, words) == VERSION_MISMATCH
    words[0] = 0x02000028
    assert opened.nvmlDeviceGetMemoryInfo_v2(device, words) == SUCCESS
    total, reserved, free, used = words[1:5]
    assert reserved + free + used == total
    assert opened.nvmlDeviceGetTemperatureV(device, words) == VERSION_MISMATCH


def test_sensors_and_clocks_are_checked(opened: ctypes.CDLL) -> None:
    device = handle(opened, 0)
    assert number(opened, "nvmlDeviceGetTemperature", device, 1)[0] == INVALID_ARGUMENT
    assert number(opened, "nvmlDeviceGetClockInfo", device, 9)[0] == INVALID_ARGUMENT
    assert number(opened, "nvmlDeviceGetMaxClockInfo", device, 2) == (SUCCESS, 1593)


def test_what_a_slice_does_not_tell(opened: ctypes.CDLL) -> None:
    part = slice_handle(opened)
    rates = (ctypes.c_uint * 2)()
    assert opened.nvmlDeviceGetUtilizationRates(part, rates) == NOT_SUPPORTED
    assert opened.nvmlDeviceGetUtilizationRates(handle(opened, 1), rates) == NOT_SUPPORTED
    assert number(opened, "nvmlDeviceGetPowerUsage", part)[0] == NOT_SUPPORTED
    memory = Memory()
    assert opened.nvmlDeviceGetMemoryInfo(part, ctypes.byref(memory)) == SUCCESS
    assert memory.total == 128 * 1024**2


def test_slices_lie_on_their_card(opened: ctypes.CDLL) -> None:
    part, card = slice_handle(opened), handle(opened, 1)
    assert number(opened, "nvmlDeviceGetMaxMigDeviceCount", card) == (SUCCESS, 7)
    assert number(opened, "nvmlDeviceGetMaxMigDeviceCount", handle(opened, 0)) == (SUCCESS, 0)
    assert number(opened, "nvmlDeviceIsMigDeviceHandle", part) == (SUCCESS, 1)
    found = ctypes.c_void_p()
    above = opened.nvmlDeviceGetDeviceHandleFromMigDeviceHandle
    assert above(part, ctypes.byref(found)) == SUCCESS
    assert found.value == card.value
    assert above(card, ctypes.byref(found)) == INVALID_ARGUMENT
    below = opened.nvmlDeviceGetMigDeviceHandleByIndex
    assert below(card, 1, ctypes.byref(found)) == NOT_FOUND
    assert below(card, 7, ctypes.byref(found)) == INVALID_ARGUMENT
    assert below(handle(opened, 0), 0, ctypes.byref(found)) == NOT_SUPPORTED


@pytest.mark.parametrize(
    ("load", "percent"), [("idle", 0), ("0", 0), ("37", 37), ("250", 100), ("-3", 0)]
)
def test_load_can_be_set(
    opened: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch, load: str, percent: int
) -> None:
    monkeypatch.setenv("STUDIOLO_SIMULATED_LOAD", load)
    rates = (ctypes.c_uint * 2)()
    assert opened.nvmlDeviceGetUtilizationRates(handle(opened, 0), rates) == SUCCESS
    assert rates[0] == percent


def test_figures_stay_in_their_bounds(opened: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> None:
    device = handle(opened, 0)
    for load in ("wave", "0", "100"):
        monkeypatch.setenv("STUDIOLO_SIMULATED_LOAD", load)
        rates = (ctypes.c_uint * 2)()
        opened.nvmlDeviceGetUtilizationRates(device, rates)
        assert rates[0] <= 100
        watts, limit = (
            number(opened, call, device)[1]
            for call in ("nvmlDeviceGetPowerUsage", "nvmlDeviceGetEnforcedPowerLimit")
        )
        assert 0 < watts <= limit
        assert 20 < number(opened, "nvmlDeviceGetTemperature", device, 0)[1] < 95


def test_nothing_runs_on_it(opened: ctypes.CDLL) -> None:
    call = opened.nvmlDeviceGetComputeRunningProcesses_v3
    count = ctypes.c_uint(0)
    assert call(handle(opened, 0), ctypes.byref(count), None) == SUCCESS
    assert count.value == 0


def test_faults_come_and_go(
    opened: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    device, part = handle(opened, 0), slice_handle(opened)

    def outcome() -> tuple[int, int]:
        first = opened.nvmlDeviceGetMemoryInfo(device, ctypes.byref(Memory()))
        return first, opened.nvmlDeviceGetMemoryInfo(part, ctypes.byref(Memory()))

    assert outcome() == (SUCCESS, SUCCESS)
    monkeypatch.setenv("STUDIOLO_SIMULATED_FAULT", "gpu_lost")
    assert outcome() == (LOST, SUCCESS)
    monkeypatch.setenv("STUDIOLO_SIMULATED_FAULT", "gpu_lost:1")
    assert outcome() == (SUCCESS, LOST)
    monkeypatch.setenv("STUDIOLO_SIMULATED_FAULT", "driver_not_loaded")
    assert outcome() == (UNKNOWN, UNKNOWN)
    assert opened.nvmlInit_v2() == DRIVER_NOT_LOADED

    switch = tmp_path / "fault"
    monkeypatch.setenv("STUDIOLO_SIMULATED_FAULT", "")
    monkeypatch.setenv("STUDIOLO_SIMULATED_FAULT_FILE", str(switch))
    assert outcome() == (SUCCESS, SUCCESS)
    switch.write_text("gpu_lost:0\n", "utf-8")
    assert outcome() == (LOST, SUCCESS)
    switch.unlink()
    assert outcome() == (SUCCESS, SUCCESS)


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, b"Success"), (9, b"Driver Not Loaded"), (15, b"GPU is lost"), (77, b"Unknown Error")],
)
def test_errors_have_names(nvml: ctypes.CDLL, code: int, text: bytes) -> None:
    nvml.nvmlErrorString.restype = ctypes.c_char_p
    assert nvml.nvmlErrorString(code) == text


# --- programs and events ---------------------------------------------------------------------


class ProcessInfo(ctypes.Structure):
    """nvmlProcessInfo_t."""

    _fields_ = (
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    )


class EventData(ctypes.Structure):
    """nvmlEventData_t."""

    _fields_ = (
        ("device", ctypes.c_void_p),
        ("type", ctypes.c_ulonglong),
        ("data", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    )


def first_card(nvml: ctypes.CDLL) -> ctypes.c_void_p:
    device = ctypes.c_void_p()
    assert nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(device)) == SUCCESS
    return device


def test_processes_are_told_as_a_file_says(
    opened: ctypes.CDLL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, card = opened.nvmlDeviceGetComputeRunningProcesses_v3, first_card(opened)
    count = ctypes.c_uint(0)
    assert running(card, ctypes.byref(count), None) == SUCCESS  # nobody
    listed = tmp_path / "processes"
    listed.write_text("GPU-1 42 64 30\nnonsense\nGPU-other 43 64 30\nGPU-1 44 1 0\n")
    monkeypatch.setenv("STUDIOLO_SIMULATED_PROCESSES_FILE", str(listed))
    assert running(card, ctypes.byref(count), None) == INSUFFICIENT_SIZE
    assert count.value == 2
    infos = (ProcessInfo * 2)()
    assert running(card, ctypes.byref(count), infos) == SUCCESS
    assert [(info.pid, info.memory) for info in infos] == [(42, 64 << 20), (44, 1 << 20)]


def test_an_xid_is_told_once_as_long_as_it_stands(
    opened: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, events, data = first_card(opened), ctypes.c_void_p(), EventData()
    assert opened.nvmlEventSetCreate(ctypes.byref(events)) == SUCCESS
    assert opened.nvmlDeviceRegisterEvents(card, ctypes.c_ulonglong(1), events) == NOT_SUPPORTED
    assert opened.nvmlDeviceRegisterEvents(card, ctypes.c_ulonglong(8), events) == SUCCESS
    wait = opened.nvmlEventSetWait_v2
    assert wait(events, ctypes.byref(data), 0) == TIMEOUT
    monkeypatch.setenv("STUDIOLO_SIMULATED_FAULT", "xid:79")
    assert wait(events, ctypes.byref(data), 0) == SUCCESS
    assert (data.device, data.type, data.data) == (card.value, 8, 79)
    assert wait(events, ctypes.byref(data), 0) == TIMEOUT
    assert wait(None, ctypes.byref(data), 0) == INVALID_ARGUMENT
    assert opened.nvmlEventSetFree(events) == SUCCESS
