"""Puts together what the panel shows: `State` and `History` in openapi.json. On the event loop.

The driver is asked by the sampler; what is done here takes part of a millisecond, once for all
clients.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from jupyterlab_studiolo.activity import Activity
from jupyterlab_studiolo.devices import GpuProcess, Reading, State
from jupyterlab_studiolo.errors import Refused
from jupyterlab_studiolo.history import SPACING, History
from jupyterlab_studiolo.machine import Machine, MachineReader
from jupyterlab_studiolo.notices import notices
from jupyterlab_studiolo.said import Said, with_parts
from jupyterlab_studiolo.sampler import INTERVAL_SECONDS, Sampler
from jupyterlab_studiolo.sessions import Kernel, Sessions, owner_of
from jupyterlab_studiolo.stops import Stops, keep_alive_end, stops
from jupyterlab_studiolo.watch import Watch
from jupyterlab_studiolo.workspace import Workspace

VERSION: Final = 1
NO_HUB: Final = Said("This JupyterLab was not started by a hub.")


class Parts(NamedTuple):
    """What a panel is made of. Either `sampler`, or the one answer that stays true: `absent`."""

    activity: Activity
    sessions: Sessions
    watch: Watch
    machine: MachineReader
    sampler: Sampler | None
    absent: Reading | None
    workspace: Workspace | None
    home_url: str | None
    report_seconds: float


class Panel:
    """All that is known, by demand."""

    def __init__(self, parts: Parts, *, now: Callable[[], float] = time.time) -> None:
        self._parts = parts
        self._now = now
        self.history = History()
        self._machine: Machine | None = None
        self._machine_at = float("-inf")

    @property
    def activity(self) -> Activity:
        """What counts as use."""
        return self._parts.activity

    @property
    def latest(self) -> Reading | None:
        """What is known of the devices, without asking; None when nothing is."""
        sampler = self._parts.sampler
        return self._parts.absent if sampler is None else sampler.latest

    @property
    def workspace(self) -> Workspace | None:
        """What runs here, None outside Studiolo."""
        return self._parts.workspace

    @property
    def home_url(self) -> str | None:
        """The hub's home page, None outside a hub."""
        return self._parts.home_url

    def on_reading(self, reading: Reading) -> None:
        """For the sampler."""
        self._parts.activity.on_reading(reading)
        self.history.add(reading, self.machine().history())

    async def reading(self, interval: float = INTERVAL_SECONDS) -> Reading:
        """The devices, no older than `interval`."""
        parts = self._parts
        if parts.sampler is not None:
            return await parts.sampler.look(interval)
        absent = parts.absent or Reading(State.NO_GPU, 0.0)
        reading = absent._replace(taken_at=self._now())
        self.history.add(reading, self.machine().history())
        return reading

    def machine(self) -> Machine:
        """CPU, memory and disk, at most half a second old."""
        now = self._now()
        if self._machine is None or not 0 <= now - self._machine_at < 0.5:
            self._machine = self._parts.machine.read()
            self._machine_at = now
        return self._machine

    async def state(self, interval: float = INTERVAL_SECONDS) -> dict[str, Any]:
        """Everything at one moment."""
        parts = self._parts
        reading = await self.reading(interval)
        await parts.sessions.refresh()
        parts.watch.look()
        machine, now = self.machine(), self._now()
        kernels = parts.sessions.kernels()
        gpus, holders = self._gpus(reading, kernels, interval)
        stopping = self.stops()
        answer = {
            "version": VERSION,
            "at": now,
            "gpus": gpus,
            "machine": machine.to_json(),
            "workspace": None if parts.workspace is None else parts.workspace.to_json(),
            "kernels": [kernel_to_json(kernel, reading, gpus["processes"]) for kernel in kernels],
            "terminals": parts.watch.terminals,
            "activity": parts.activity.to_json(),
            "stops": stopping.to_json(),
            "actions": self._actions(stopping),
            "hub": None if parts.home_url is None else {"home_url": parts.home_url},
            "warnings": notices(
                reading,
                machine,
                holders,
                gpu_idle_seconds=now - (parts.activity.last_of("gpu") or parts.activity.began),
                busy=parts.activity.busy,
                now=now,
            ),
        }
        return with_parts(answer)

    def past(self, since: float, *, points: int | None) -> dict[str, Any]:
        """`History` in openapi.json."""
        past = self.history.since(since, points=points)
        spacing = SPACING
        if len(past.times) > 1:
            gaps = sorted(b - a for a, b in zip(past.times, past.times[1:], strict=False))
            spacing = round(gaps[len(gaps) // 2], 1) or SPACING
        return {
            "version": VERSION,
            "spacing_seconds": spacing,
            "times": list(past.times),
            "devices": past.devices,
            "machine": past.machine,
        }

    def stops(self) -> Stops:
        """When the workspace will be stopped, as of now."""
        parts = self._parts
        return stops(
            parts.workspace if parts.home_url is not None else None,
            last_activity=parts.activity.last,
            busy=parts.activity.busy,
            now=self._now(),
            report_seconds=parts.report_seconds,
            kept_until=parts.activity.keep_alive_until,
        )

    def keep_alive(self, seconds: float | None) -> dict[str, Any]:
        """Counts as active for a while: `KeptAlive` in openapi.json. Raises Refused."""
        workspace, before = self._parts.workspace, self.stops()
        if workspace is None or not before.keep_alive.offered:
            raise Refused(_why_not_kept(workspace, before))
        until = keep_alive_end(workspace, before, wanted=seconds, now=self._now())
        self._parts.activity.keep_alive(until)
        return with_parts({"version": VERSION, "until": until, "stops": self.stops().to_json()})

    def _gpus(
        self, reading: Reading, kernels: list[Kernel], interval: float
    ) -> tuple[dict[str, Any], list[tuple[str, int | None]]]:
        """The devices, and who holds GPU memory."""
        terminals = self._parts.sessions.terminals() if reading.processes else []
        processes, holders = None, []
        if reading.processes is not None:
            processes = []
            for process in reading.processes:
                owner = owner_of(process, kernels, terminals, server=os.getpid())
                processes.append(process_to_json(process, owner))
                holders.append((owner["text"] or process.name, process.memory_bytes))
        answer = {
            "state": reading.state,
            "message": reading.message,
            "hint": reading.hint,
            "driver_version": reading.driver_version,
            "sampled_at": reading.taken_at,
            "interval_seconds": None if self._parts.sampler is None else interval,
            "devices": [sample.to_json() for sample in reading.samples],
            "processes": processes,
            "processes_note": reading.processes_note,
        }
        return answer, holders

    def _actions(self, stopping: Stops) -> dict[str, Any]:
        workspace = self._parts.workspace
        if self._parts.home_url is None:
            names = ("stop", "restart", "park", "first_choice", "keep_alive")
            return {name: _action(NO_HUB) for name in names}
        unknown: str = Said("This workspace does not know what it was started with.")
        park = first = unknown
        if workspace is not None:
            park = "" if workspace.has_gpu else Said("This profile has no GPU.")
            wanted = workspace.requested_image
            runs = wanted is None or wanted.id == workspace.image.id
            first = Said("The image that you chose is the one that runs.") if runs else ""
        return {
            "stop": _action(""),
            "restart": _action(unknown if workspace is None else ""),
            "park": _action(park),
            "first_choice": _action(first),
            "keep_alive": _action(_why_not_kept(workspace, stopping)),
        }


def process_to_json(process: GpuProcess, owner: dict[str, Any]) -> dict[str, Any]:
    """`Process` in openapi.json."""
    return {
        "device": process.device,
        "pid": process.pid,
        "name": process.name,
        "memory_bytes": process.memory_bytes,
        "utilisation_percent": process.utilisation_percent,
        "owner": owner,
    }


def kernel_to_json(
    kernel: Kernel, reading: Reading, processes: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """`Kernel` in openapi.json."""
    held = [each for each in processes or () if each["owner"]["kernel_id"] == kernel.id]
    memory = [each["memory_bytes"] for each in held]
    answer = kernel._asdict()
    del answer["pid"]
    answer["devices"] = [
        sample.id for sample in reading.samples if any(each["device"] == sample.id for each in held)
    ]
    answer["gpu_memory_bytes"] = None if not held or None in memory else sum(memory)
    return answer


def _action(reason: str) -> dict[str, Any]:
    return {"offered": not reason, "reason": reason or None}


def _why_not_kept(workspace: Workspace | None, stopping: Stops) -> str:
    if stopping.keep_alive.offered:
        return ""
    if workspace is None or stopping.idle_at is None:
        return Said("This workspace is not stopped for being idle.")
    if workspace.idle.keep_alive_seconds == 0:
        return Said("This profile does not offer it.")
    return Said("The workspace ends at its longest run; Keep alive does not extend that.")
