"""Runs one container through its life: image, start, probes, end, and again by the restart policy.

I/O. What is known at any moment stands in its ContainerRecord; every change is reported to the pod.
The states, reasons and events are a kubelet's with containerd and runc.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from studiolo_local.clock import timestamp
from studiolo_local.kubelet.backoff import Backoff
from studiolo_local.kubelet.container_log import last_words
from studiolo_local.kubelet.environment import ConfigProblem
from studiolo_local.kubelet.image_root import NotExecutable
from studiolo_local.kubelet.image_store import StoredImage
from studiolo_local.kubelet.image_wait import ImageWait
from studiolo_local.kubelet.launch import CannotCreate, Plan, plan
from studiolo_local.kubelet.probing import Probing
from studiolo_local.kubelet.process import ContainerProcess, Exit, StartFailure
from studiolo_local.kubelet.services import Scene, Services
from studiolo_local.kubelet.status import ContainerRecord, waiting

_START_ERROR: Final = 128
_EPOCH: Final = "1970-01-01T00:00:00Z"
_RUNTIME: Final = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: unable to start container process: error during container init: "
)
_DEFAULT_GRACE: Final = 30.0


class ContainerRunner:
    """One container of one pod."""

    def __init__(
        self,
        services: Services,
        scene: Scene,
        spec: Mapping[str, Any],
        record: ContainerRecord,
        *,
        policy: str,
    ) -> None:
        self._services = services
        self._scene = scene
        self._spec = spec
        self.record = record
        self._policy = policy
        self._image = ImageWait(services, scene, spec, record)
        self._backoff = Backoff(services.timing)
        self._process: ContainerProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._created = record.restarts + (1 if record.last_state or record.terminated else 0)

    async def run(self) -> None:
        """Run it until it is not to run any more."""
        self._task = asyncio.current_task()
        record = self.record
        if record.terminated is not None and not self._runs_again(record.terminated["exitCode"]):
            return
        while True:
            image = await self._image.obtain()
            began = time.monotonic()
            ended = await self._run_once(image)
            if self._stopping or not self._runs_again(ended.code):
                return
            await self._pause(time.monotonic() - began)

    async def stop(self, grace: float, *, quietly: bool = False) -> None:
        """End it; a container that does not run yet is called off."""
        self._stopping = True
        if self._process is not None:
            if not quietly:
                message = f"Stopping container {self.record.name}"
                self._tell("Normal", "Killing", message)
            await self._process.stop(grace)
        elif self._task is not None and not self._task.done():
            self._task.cancel()

    async def _run_once(self, image: StoredImage) -> Exit:
        """Create and run one instance to its end."""
        self.record.image_id = image.image_id
        prepared, container_id = await self._prepare(image)
        self._begin_instance(container_id)
        if isinstance(prepared, str):
            return await self._start_error(prepared)
        try:
            self._process = await ContainerProcess.start(prepared.order)
        except StartFailure as failure:
            name = prepared.order.arguments[0]
            return await self._start_error(f'exec: "{name}": {failure}')
        try:
            return await self._running(self._process, prepared)
        finally:
            self._process = None

    async def _prepare(self, image: StoredImage) -> tuple[Plan | str, str]:
        """What to start; a text when its program cannot be executed. Waits for what is missing."""
        while True:
            container_id = secrets.token_hex(32)
            number = self._created
            log = self._scene.log_path(self.record.name, number)
            try:
                prepared = await plan(
                    self._services,
                    self._scene,
                    self._spec,
                    image,
                    container_id=container_id,
                    log=log,
                )
            except NotExecutable as problem:
                return str(problem), container_id
            except ConfigProblem as problem:
                self._cannot_create("CreateContainerConfigError", str(problem))
            except CannotCreate as problem:
                self._cannot_create("CreateContainerError", str(problem))
            else:
                for name in prepared.skipped:
                    self._tell(
                        "Warning",
                        "VolumeNotLinked",
                        f"The home holds a file {name} already: the volume is not linked there.",
                    )
                return prepared, container_id
            await asyncio.sleep(self._services.timing.sync)

    def _cannot_create(self, reason: str, message: str) -> None:
        self._tell("Warning", "Failed", f"Error: {message}")
        self.record.state = waiting(reason, message)
        self._scene.changed()

    def _begin_instance(self, container_id: str) -> None:
        record = self.record
        if record.terminated is not None:
            record.last_state = record.state
        record.restarts = self._created
        record.container_id = f"process://{container_id}"
        self._created += 1
        self._forget_logs()
        self._tell("Normal", "Created", f"Created container: {record.name}")

    def _forget_logs(self) -> None:
        """Keep the output of this instance and of the one before."""
        directory = self._scene.log_path(self.record.name, 0).parent
        for path in directory.glob("*.log*"):
            number = path.name.partition(".")[0]
            if number.isdigit() and int(number) < self.record.restarts - 1:
                path.unlink(missing_ok=True)

    async def _start_error(self, problem: str) -> Exit:
        """The program could not be executed: first as the kubelet's error, then as the end."""
        message = f"{_RUNTIME}{problem}: unknown"
        self._tell("Warning", "Failed", f"Error: {message}")
        self.record.state = waiting("RunContainerError", message)
        self._scene.changed()
        await asyncio.sleep(self._services.timing.event)
        self._end(_START_ERROR, "StartError", message, started=_EPOCH)
        return Exit(_START_ERROR)

    async def _running(self, process: ContainerProcess, prepared: Plan) -> Exit:
        record = self.record
        started = timestamp()
        record.state = {"running": {"startedAt": started}}
        probing = Probing(self._services, self._scene, self._spec, record, prepared.order)
        probing.begin()
        self._tell("Normal", "Started", f"Started container {record.name}")
        self._scene.changed()
        watch = asyncio.create_task(self._restart_when_dead(process, probing))
        try:
            ended = await process.wait()
        except asyncio.CancelledError:
            await asyncio.shield(process.stop(0))
            raise
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        reason = "Completed" if ended.code == 0 else "Error"
        self._end(ended.code, reason, await self._termination_message(ended), started=started)
        return ended

    async def _restart_when_dead(self, process: ContainerProcess, probing: Probing) -> None:
        failed = await probing.run()
        if failed is None or self._stopping:
            return
        message = f"Container {self.record.name} failed {failed.kind.lower()} probe"
        self._tell("Normal", "Killing", f"{message}, will be restarted")
        pod_grace = self._scene.pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE)
        await process.stop(float(pod_grace if failed.grace is None else failed.grace))

    async def _termination_message(self, ended: Exit) -> str:
        wanted = self._spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        if not wanted or ended.code == 0:
            return ""
        path = self._scene.log_path(self.record.name, self.record.restarts)
        return await asyncio.to_thread(last_words, path)

    def _end(self, code: int, reason: str, message: str, *, started: str) -> None:
        record = self.record
        words = {
            "exitCode": code,
            "reason": reason,
            "startedAt": started,
            "finishedAt": timestamp(),
            "containerID": record.container_id,
        }
        record.state = {"terminated": {**words, **({"message": message} if message else {})}}
        record.ready = record.started = False
        self._scene.changed()

    def _runs_again(self, code: int) -> bool:
        return self._policy == "Always" or (self._policy == "OnFailure" and code != 0)

    async def _pause(self, ran: float) -> None:
        """Wait before the next start: hardly after the first end, ever longer after the others."""
        timing = self._services.timing
        if ran >= timing.healthy:
            self._backoff.reset()
        await asyncio.sleep(timing.event)
        seconds = self._backoff.seconds
        self._backoff.failed()
        if not seconds:
            return
        record = self.record
        self._tell(
            "Warning",
            "BackOff",
            f"Back-off restarting failed container {record.name} in pod {self._scene.title}",
        )
        record.last_state = record.state
        shown = f"{seconds:g}s" if seconds < 60 else f"{int(seconds // 60)}m{seconds % 60:g}s"
        record.state = waiting(
            "CrashLoopBackOff",
            f"back-off {shown} restarting failed container={record.name} pod={self._scene.title}",
        )
        self._scene.changed()
        await asyncio.sleep(seconds)

    def _tell(self, kind: str, reason: str, message: str) -> None:
        self._scene.tell(kind, reason, message, self.record.name)
