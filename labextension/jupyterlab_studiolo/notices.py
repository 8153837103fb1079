"""What a person should know now: `Warning` in openapi.json. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from jupyterlab_studiolo.devices import Condition, GpuSample, Reading
from jupyterlab_studiolo.machine import Machine
from jupyterlab_studiolo.said import Said
from jupyterlab_studiolo.stops import duration

DISK_PERCENT: Final = 90.0
DISK_FULL_PERCENT: Final = 98.0
MEMORY_PERCENT: Final = 90.0
HELD_SECONDS: Final = 600.0
XID_SECONDS: Final = 3600.0
GIB: Final = 1024**3

Notice = dict[str, Any]


def notices(
    reading: Reading,
    machine: Machine,
    holders: Sequence[tuple[str, int | None]],
    *,
    gpu_idle_seconds: float,
    busy: bool,
    now: float,
) -> list[Notice]:
    """The gravest first. `holders`: who holds GPU memory, and how much of it."""
    found = [
        *_devices(reading, now),
        *_held(holders, gpu_idle_seconds, busy),
        *_disk(machine),
        *_memory(machine),
    ]
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda notice: order[notice["severity"]])


def _notice(code: str, severity: str, message: Said, hint: Said) -> Notice:
    return {"code": code, "severity": severity, "message": message, "hint": hint}


def _devices(reading: Reading, now: float) -> list[Notice]:
    return [notice for sample in reading.samples for notice in _device(sample, now)]


def _device(sample: GpuSample, now: float) -> Iterator[Notice]:
    number = sample.index
    if sample.condition is Condition.LOST:
        words = Said("GPU %1 does not answer any more.", number)
        hint = Said("Save your work, stop the workspace and start it again.")
        yield _notice("gpu_lost", "error", words, hint)
    if sample.figures.ecc_uncorrected:
        count = sample.figures.ecc_uncorrected
        words = Said("GPU %1 had memory errors beyond repair: %2.", number, count)
        hint = Said("Do not trust what it computed. Tell your administrator.")
        yield _notice("ecc", "error", words, hint)
    for xid in sample.xid or ():
        if now - xid.at < XID_SECONDS:
            words = Said("GPU %1: %2 (Xid %3)", number, xid.text, xid.code)
            hint = Said("If results look wrong or it happens again, tell your administrator.")
            yield _notice("xid", "warning", words, hint)
    for reason in sample.throttle or ():
        if reason.severity == "warning":
            words = Said("GPU %1 is %2.", number, reason.text)
            yield _notice(
                "throttled", "warning", words, Said("Tell your administrator if it stays so.")
            )


def _held(
    holders: Sequence[tuple[str, int | None]], idle_seconds: float, busy: bool
) -> list[Notice]:
    if busy or not holders or idle_seconds < HELD_SECONDS:
        return []
    name, memory = max(holders, key=lambda holder: holder[1] or 0)
    idle = duration(idle_seconds)
    words = (
        Said("%1 holds the GPU, and the GPU has computed nothing for %2.", name, idle)
        if memory is None
        else Said(
            "%1 holds %2 GiB of GPU memory, and the GPU has computed nothing for %3.",
            name,
            _gib(memory),
            idle,
        )
    )
    hint = Said(
        "Memory alone does not count as activity. Shut the kernel down, or park the GPU, when "
        "it is not needed."
    )
    return [_notice("gpu_held_idle", "warning", words, hint)]


def _disk(machine: Machine) -> list[Notice]:
    disk = machine.disk
    if disk is None or disk.percent < DISK_PERCENT:
        return []
    severity = "error" if disk.percent >= DISK_FULL_PERCENT else "warning"
    words = Said(
        "Your home is %1 % full: %2 GiB are left.", round(disk.percent), _gib(disk.free_bytes)
    )
    hint = Said("Delete what you do not need before it is full.")
    return [_notice("disk_nearly_full", severity, words, hint)]


def _memory(machine: Machine) -> list[Notice]:
    memory = machine.memory
    if memory.percent is None or memory.percent < MEMORY_PERCENT:
        return []
    words = Said("%1 % of the workspace's memory is used.", round(memory.percent))
    hint = Said(
        "Beyond its limit a program is ended, often a kernel. Shut down what you do not need."
    )
    return [_notice("memory_nearly_full", "warning", words, hint)]


def _gib(octets: float) -> float:
    return round(octets / GIB, 1)
