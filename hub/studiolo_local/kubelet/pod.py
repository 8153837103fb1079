"""One pod on one node: admitted, given its volumes and address, run, ended. I/O.

The order of things is a kubelet's: devices, volumes, address, init containers one after the other,
then all containers; at a deletion SIGTERM, the grace period, SIGKILL, and only then the object.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from studiolo_local.client import ApiError, JsonObject
from studiolo_local.clock import timestamp
from studiolo_local.kubelet.container import ContainerRunner
from studiolo_local.kubelet.devices import DevicesTaken, asked_for, choose
from studiolo_local.kubelet.ledger import Allotment
from studiolo_local.kubelet.leftovers import DATA_MARK, POD_MARK
from studiolo_local.kubelet.pod_status import StatusWriter
from studiolo_local.kubelet.pod_volumes import provide_volumes
from studiolo_local.kubelet.services import Scene, Services
from studiolo_local.kubelet.status import (
    ContainerRecord,
    conditions_of,
    phase_of,
    waiting,
)
from studiolo_local.kubelet.volumes import remove_links
from studiolo_local.nodes import Device, SimulatedNode

log = logging.getLogger(__name__)

_DEFAULT_GRACE: Final = 30
_FORCED_GRACE: Final = 2.0
_SHUTDOWN_GRACE: Final = 10.0
"""At most so long does a container get when the kubelet itself ends."""
_UNSUPPORTED: Final = ("lifecycle",)


class PodWorker:
    """Sees one pod through its life. `run` ends when the pod's object is gone."""

    def __init__(self, services: Services, node: SimulatedNode, pod: JsonObject) -> None:
        self._services = services
        self._node = node
        self.uid: str = pod["metadata"]["uid"]
        self._writer = StatusWriter(services.client, pod, self._status)
        allotment = services.ledger.get(self.uid)
        self._scene = Scene(
            pod=pod,
            directory=services.data_dir / "pods" / self.uid,
            address="",
            host_address=node.address,
            marks={DATA_MARK: str(services.data_dir), POD_MARK: self.uid},
            changed=self._writer.changed,
            tell=self._tell,
            links=list(allotment.links) if allotment else [],
        )
        status = pod.get("status") or {}
        self._since = status.get("startTime") or timestamp()
        self._conditions: list[JsonObject] = status.get("conditions") or []
        self._initial = _records(pod, "initContainers", status.get("initContainerStatuses"))
        self._records = _records(pod, "containers", status.get("containerStatuses"))
        self._runners: dict[str, ContainerRunner] = {}
        self._failure: JsonObject = {}
        if status.get("phase") in {"Succeeded", "Failed"}:
            self._failure = {
                name: status[name] for name in ("phase", "reason", "message") if name in status
            }
        self._sandbox = False
        self._deleting = asyncio.Event()
        self._ending = False
        self._hurries: set[asyncio.Task[None]] = set()
        self._grace = float(_DEFAULT_GRACE)
        self.update(pod)

    def update(self, pod: JsonObject) -> None:
        """Take in what the API says about the pod now."""
        self._scene.pod = pod
        metadata = pod["metadata"]
        if "deletionTimestamp" not in metadata:
            return
        grace = float(metadata.get("deletionGracePeriodSeconds") or 0)
        if self._deleting.is_set() and grace >= self._grace:
            return
        hastened = self._deleting.is_set()
        self._grace = grace
        self._deleting.set()
        if hastened:
            for runner in self._runners.values():
                hurry = asyncio.create_task(runner.stop(grace, quietly=True))
                self._hurries.add(hurry)
                hurry.add_done_callback(self._hurries.discard)

    def vanished(self) -> None:
        """The object is gone without us: whatever runs must end soon."""
        # The scheduler takes its devices for free, and so does a real kubelet's device manager.
        self._services.ledger.free_devices(self.uid)
        self._grace = min(self._grace, _FORCED_GRACE)
        self._deleting.set()

    def record(self, container: str) -> ContainerRecord | None:
        """What is known of a container."""
        every = (*self._initial, *self._records)
        return next((each for each in every if each.name == container), None)

    def log_path(self, container: str, instance: int) -> Path:
        """Where the output of a container's instance is kept."""
        return self._scene.log_path(container, instance)

    async def run(self) -> None:
        """From the binding to the end. Cancelled, it stops the containers and tells nothing."""
        writer = asyncio.create_task(self._writer.run(), name=f"status {self.uid}")
        life = asyncio.create_task(self._live(), name=f"pod {self.uid}")
        try:
            await self._deleting.wait()
            await self._end(life)
            await self._writer.settled()
            # Before the object goes: what the scheduler may give away again must be free here.
            self._services.ledger.free_devices(self.uid)
            await self._delete()
        except asyncio.CancelledError:
            # What the containers' end looks like is not told: they are to go on after a restart
            writer.cancel()
            await asyncio.shield(self._halt(life))
            raise
        finally:
            writer.cancel()
        await self._clear()

    async def _live(self) -> None:
        try:
            await self._live_on()
        except asyncio.CancelledError:
            raise
        except Exception:
            # One pod's trouble must not take the others along
            log.exception("The pod %s came to grief.", self._scene.title)
            self._fail("InternalError", "The embedded cluster's kubelet failed; see its log.")

    async def _live_on(self) -> None:
        if self._failure:
            return
        self._writer.changed()
        try:
            self._allot()
        except DevicesTaken as refusal:
            self._tell("Warning", "UnexpectedAdmissionError", str(refusal), "")
            self._fail("UnexpectedAdmissionError", str(refusal))
            return
        self._tell_unsupported()
        self._scene.places = await provide_volumes(self._services, self._scene)
        self._sandbox = True
        spec = self._scene.pod["spec"]
        policy = spec.get("restartPolicy", "Always")
        for record in self._initial:
            # An init container is not started again once it has succeeded
            again = "OnFailure" if policy == "Always" else policy
            # A task of its own, so that calling the container off calls off nothing else
            await asyncio.create_task(self._runner(record, "initContainers", again).run())
            if self._ending or not record.succeeded:
                break
        else:
            runners = [self._runner(each, "containers", policy) for each in self._records]
            await asyncio.gather(*(runner.run() for runner in runners))
        if not self._ending:
            self._services.ledger.free_devices(self.uid)
            self._writer.changed()

    def _runner(self, record: ContainerRecord, part: str, policy: str) -> ContainerRunner:
        specs = {each["name"]: each for each in self._scene.pod["spec"][part]}
        runner = ContainerRunner(
            self._services, self._scene, specs[record.name], record, policy=policy
        )
        self._runners[record.name] = runner
        return runner

    def _allot(self) -> None:
        """Address and devices: those of before a restart, or new ones."""
        ledger = self._services.ledger
        known = ledger.get(self.uid)
        catalogue = {
            device.id: device for devices in self._node.devices.values() for device in devices
        }
        devices = known.devices if known else self._choose_devices()
        self._scene.devices = {
            container: {
                resource: tuple(catalogue[identity] for identity in identities)
                for resource, identities in resources.items()
            }
            for container, resources in devices.items()
        }
        address = self._services.addresses.take(known.address if known else None)
        self._scene.address = address
        ledger.put(self.uid, Allotment(self._node.name, address, devices, self._scene.links))

    def _choose_devices(self) -> dict[str, dict[str, list[str]]]:
        taken = self._services.ledger.taken_devices(self._node.name)
        chosen: dict[str, dict[str, list[str]]] = {}
        for container in self._scene.pod["spec"]["containers"]:
            for resource, count in asked_for(container).items():
                units: Sequence[Device] = self._node.devices.get(resource, ())
                devices = choose(resource, count, units, taken)
                taken |= {device.id for device in devices}
                chosen.setdefault(container["name"], {})[resource] = [each.id for each in devices]
        return chosen

    def _tell_unsupported(self) -> None:
        for container in self._scene.pod["spec"]["containers"]:
            for field in _UNSUPPORTED:
                if container.get(field):
                    message = f"The embedded cluster has no {field} hooks; they are not run."
                    self._tell("Warning", "NotSupported", message, container["name"])

    def _fail(self, reason: str, message: str) -> None:
        self._failure = {"phase": "Failed", "reason": reason, "message": message}
        self._writer.changed()

    async def _end(self, life: asyncio.Task[None]) -> None:
        """Stop the containers with the grace that the deletion left."""
        self._ending = True
        grace = self._grace
        stopping = [runner.stop(grace) for runner in self._runners.values()]
        await asyncio.gather(*stopping)
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life
        for record in (*self._initial, *self._records):
            record.ready = False
        self._writer.changed()

    async def _halt(self, life: asyncio.Task[None]) -> None:
        """The kubelet goes: end the processes, leave the pod's object as it is."""
        self._ending = True
        grace = min(self._grace, _pod_grace(self._scene.pod), _SHUTDOWN_GRACE)
        runners = self._runners.values()
        await asyncio.gather(*(runner.stop(grace, quietly=True) for runner in runners))
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life

    async def _delete(self) -> None:
        metadata = self._scene.pod["metadata"]
        while True:
            try:
                await self._services.client.delete(
                    "pods", metadata["namespace"], metadata["name"], uid=self.uid, grace=0
                )
            except ApiError as error:
                log.warning("%s could not be deleted yet: %s", self._scene.title, error)
                await asyncio.sleep(1)
            else:
                return

    async def _clear(self) -> None:
        """Give back what the pod held."""
        await asyncio.to_thread(remove_links, self._scene.links)
        allotment = self._services.ledger.drop(self.uid)
        if allotment is not None:
            self._services.addresses.release(allotment.address)
        await asyncio.to_thread(shutil.rmtree, self._scene.directory, ignore_errors=True)

    def _status(self) -> JsonObject:
        now = timestamp()
        spec = self._scene.pod["spec"]
        phase = self._failure.get("phase") or phase_of(spec, self._initial, self._records)
        self._conditions = conditions_of(
            phase,
            self._initial,
            self._records,
            self._scene.pod.get("status", {}).get("conditions") or self._conditions,
            sandbox=self._sandbox,
            now=now,
        )
        status: JsonObject = {
            "phase": phase,
            "conditions": self._conditions,
            "hostIP": self._scene.host_address,
            "hostIPs": [{"ip": self._scene.host_address}],
            "startTime": self._since,
            "containerStatuses": [each.status() for each in self._records],
            **self._failure,
        }
        if self._initial:
            status["initContainerStatuses"] = [each.status() for each in self._initial]
        if self._sandbox:
            status["podIP"] = self._scene.address
            status["podIPs"] = [{"ip": self._scene.address}]
        return status

    def _tell(self, kind: str, reason: str, message: str, container: str) -> None:
        field = f"spec.containers{{{container}}}" if container else ""
        if any(each.name == container for each in self._initial):
            field = f"spec.initContainers{{{container}}}"
        self._services.recorder.tell(
            {"kind": "Pod", **self._scene.pod},
            kind,
            reason,
            message,
            field=field,
            host=self._node.name,
        )


def _records(
    pod: JsonObject, part: str, statuses: Sequence[JsonObject] | None
) -> list[ContainerRecord]:
    """The containers' records, as before a restart of the kubelet where there was one."""
    known = {status["name"]: status for status in statuses or ()}
    records = [
        ContainerRecord.from_status(spec, known.get(spec["name"]))
        for spec in pod["spec"].get(part) or ()
    ]
    for record in records:
        if record.running:
            _lost(record, pod["spec"].get("restartPolicy", "Always"))
    return records


def _lost(record: ContainerRecord, policy: str) -> None:
    """What ran before the kubelet's restart does not run any more, as after a node's reboot."""
    ended: dict[str, Any] = {
        "exitCode": 255,
        "reason": "Unknown",
        "startedAt": record.state["running"]["startedAt"],
        "finishedAt": timestamp(),
        "containerID": record.container_id,
    }
    if policy == "Never":
        record.state = {"terminated": ended}
        return
    record.last_state = {"terminated": ended}
    record.state = waiting("ContainerCreating")


def _pod_grace(pod: JsonObject) -> float:
    grace = pod["spec"].get("terminationGracePeriodSeconds")
    return float(_DEFAULT_GRACE if grace is None else grace)
