"""One container as processes of this machine, seen from the kubelet. I/O: starts and stops them.

Guarantees: when ``wait`` has returned, no process of the container is left, whatever killed it; the
container's environment is exactly what the order says, not the kubelet's own; secrets pass to the
shim through a pipe and never stand in a process's arguments.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studiolo_local.kubelet.leftovers import CONTAINER_MARK, end_marked

_SHIM: Final = Path(__file__).with_name("shim.py")
_KILLED: Final = 137
LOG_BYTES: Final = 4 * 1024 * 1024
LOG_FILES: Final = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: the program's file on this machine and all that its process shall see."""

    container_id: str
    program: Path
    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log: Path
    marks: Mapping[str, str]
    """Entries by which the processes are found again; they are part of the environment, too."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container's first process ended; ``code`` is 128 + signal when one ended it."""

    code: int
    signal: int = 0


class StartFailure(Exception):  # noqa: N818 - it is the kubelet's word for it
    """The program could not be executed."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number).lower())
        self.number = number


class ContainerProcess:
    """A running container."""

    def __init__(self, order: Order, shim: asyncio.subprocess.Process, pid: int) -> None:
        self._order = order
        self._shim = shim
        self.pid = pid
        self._end: asyncio.Task[Exit] = asyncio.create_task(
            self._watch(), name=f"wait {order.container_id}"
        )

    @classmethod
    async def start(cls, order: Order) -> ContainerProcess:
        """Start it; raises StartFailure when its program cannot be executed."""
        marks = {**order.marks, CONTAINER_MARK: order.container_id}
        order.log.parent.mkdir(parents=True, exist_ok=True)
        # -I -S: nothing of the user's or of the environment's Python reaches the shim, and it is
        # fast
        shim = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-B", str(_SHIM), str(os.getpid()),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd="/", env={**marks, "PATH": os.defpath},
        )  # fmt: skip
        words = {
            "program": str(order.program),
            "arguments": list(order.arguments),
            "environment": {**order.environment, **marks},
            "directory": str(order.directory),
            "log": str(order.log),
            "log_bytes": LOG_BYTES,
            "log_files": LOG_FILES,
        }
        try:
            await _tell(shim, json.dumps(words))
            report = await _report(shim)
            if report.get("event") != "started":
                await shim.wait()
                raise StartFailure(int(str(report.get("errno", 5))))
        except asyncio.CancelledError:
            await asyncio.shield(_abandon(shim, marks))
            raise
        return cls(order, shim, int(str(report["pid"])))

    async def wait(self) -> Exit:
        """Wait for the end of the container with all its processes."""
        return await asyncio.shield(self._end)

    async def stop(self, grace: float) -> Exit:
        """SIGTERM to the first process, SIGKILL to all after `grace` seconds, and wait."""
        await _tell(self._shim, f"stop {max(grace, 0):.3f}")
        return await self.wait()

    async def _watch(self) -> Exit:
        report = await _report(self._shim)
        await self._shim.wait()
        if report.get("event") == "exited":
            return Exit(int(str(report["code"])), int(str(report["signal"])))
        # The shim itself was killed: its first process went with it, the others are found by the
        # mark
        marks = {**self._order.marks, CONTAINER_MARK: self._order.container_id}
        await asyncio.to_thread(end_marked, marks)
        return Exit(_KILLED, _KILLED - 128)


async def _tell(shim: asyncio.subprocess.Process, line: str) -> None:
    if shim.stdin is None:
        raise RuntimeError("The shim was started without a pipe to it.")
    with suppress(BrokenPipeError, ConnectionResetError):
        shim.stdin.write(line.encode() + b"\n")
        await shim.stdin.drain()


async def _report(shim: asyncio.subprocess.Process) -> dict[str, object]:
    """The shim's next report; an empty one when it ended without."""
    if shim.stdout is None:
        raise RuntimeError("The shim was started without a pipe from it.")
    line = await shim.stdout.readline()
    if not line:
        return {}
    words = json.loads(line)
    return words if isinstance(words, dict) else {}


async def _abandon(shim: asyncio.subprocess.Process, marks: Mapping[str, str]) -> None:
    """End what was being started when the start was called off."""
    await _tell(shim, "stop 0")
    await shim.wait()
    await asyncio.to_thread(end_marked, marks)
