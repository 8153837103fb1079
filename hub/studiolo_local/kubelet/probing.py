"""Asks a running container's probes over and over, and draws the conclusions. I/O through probes.

Nothing is asked before a startup probe has succeeded; the first question comes at once (after
initialDelaySeconds), so that a container is ready as soon as it answers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from studiolo_local.kubelet.container_log import last_words
from studiolo_local.kubelet.launch import command_order
from studiolo_local.kubelet.probes import Answer, Probe, Prober
from studiolo_local.kubelet.process import ContainerProcess, Order, StartFailure
from studiolo_local.kubelet.services import Scene, Services
from studiolo_local.kubelet.status import ContainerRecord


class Probing:
    """The probes of one instance of a container."""

    def __init__(
        self,
        services: Services,
        scene: Scene,
        spec: Mapping[str, Any],
        record: ContainerRecord,
        order: Order,
    ) -> None:
        self._services = services
        self._scene = scene
        self._record = record
        self._order = order
        self._startup = Probe.read("Startup", spec.get("startupProbe"))
        self._readiness = Probe.read("Readiness", spec.get("readinessProbe"))
        self._liveness = Probe.read("Liveness", spec.get("livenessProbe"))
        self._ports = {
            each["name"]: int(each["containerPort"])
            for each in spec.get("ports") or ()
            if each.get("name")
        }
        self._prober = Prober(services.http, scene.address, self._execute)

    def begin(self) -> None:
        """Say in the record what holds before the first answer."""
        self._record.started = self._startup is None
        self._record.ready = self._startup is None and self._readiness is None

    async def run(self) -> Probe | None:
        """Ask until a probe says that the container must be restarted; that probe, or None."""
        if self._startup is not None:
            if not await self._until_settled(self._startup):
                return self._startup
            self._record.started = True
            self._record.ready = self._readiness is None
            self._scene.changed()
        readiness = asyncio.create_task(self._keep_ready())
        try:
            if self._liveness is None:
                await readiness
                return None
            await self._until_dead(self._liveness)
            return self._liveness
        finally:
            readiness.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await readiness

    async def _until_settled(self, probe: Probe) -> bool:
        """Whether a probe succeeded before it had failed too often."""
        failures = 0
        await asyncio.sleep(probe.delay)
        while True:
            if await self._ask(probe):
                return True
            failures += 1
            if failures >= probe.failures:
                return False
            await asyncio.sleep(probe.period)

    async def _until_dead(self, probe: Probe) -> None:
        failures = 0
        await asyncio.sleep(probe.delay)
        while failures < probe.failures:
            failures = 0 if await self._ask(probe) else failures + 1
            if failures < probe.failures:
                await asyncio.sleep(probe.period)

    async def _keep_ready(self) -> None:
        probe = self._readiness
        if probe is None:
            return
        same, last = 0, False
        await asyncio.sleep(probe.delay)
        while True:
            good = await self._ask(probe)
            same, last = (same + 1 if good == last else 1), good
            enough = probe.successes if good else probe.failures
            if same >= enough and self._record.ready != good:
                self._record.ready = good
                self._scene.changed()
            await asyncio.sleep(probe.period)

    async def _ask(self, probe: Probe) -> bool:
        answer = await self._prober.ask(probe, self._ports)
        if not answer.good:
            self._tell_unhealthy(probe, answer)
        return answer.good

    def _tell_unhealthy(self, probe: Probe, answer: Answer) -> None:
        message = f"{probe.kind} probe failed: {answer.output}"
        self._scene.tell("Warning", "Unhealthy", message, self._record.name)

    async def _execute(self, command: list[str], seconds: float) -> tuple[int, str]:
        """Run a command beside the container's processes; its exit code and output."""
        log = self._order.log.with_name("probe.log")
        log.unlink(missing_ok=True)
        try:
            process = await ContainerProcess.start(
                command_order(self._order, self._services, command, log)
            )
        except StartFailure as failure:
            return 126, f'exec: "{command[0]}": {failure}'
        try:
            ended = await asyncio.wait_for(process.wait(), seconds)
        except (TimeoutError, asyncio.CancelledError):
            await asyncio.shield(process.stop(0))
            raise
        return ended.code, await asyncio.to_thread(last_words, log)
