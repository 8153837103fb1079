"""The kubelet of all simulated nodes: takes up their pods and keeps the nodes ready. I/O.

Guarantees: at its start nothing is left running of an earlier life (found by a mark with our data
directory), and pods that ran are started again at their old address, as after a node's reboot; when
it is cancelled, every container is asked to end and is gone when `run` returns; when it is killed,
the shims take the containers with them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import aiohttp

from studiolo_local.api.logs import LogRequest, LogsUnavailable
from studiolo_local.client import ApiClient, JsonObject, wait_for_api
from studiolo_local.kubelet.addresses import AddressPool
from studiolo_local.kubelet.backoff import Timing
from studiolo_local.kubelet.container_log import read_log
from studiolo_local.kubelet.image_pull import ImagePuller
from studiolo_local.kubelet.image_store import ImageStore
from studiolo_local.kubelet.ledger import Ledger
from studiolo_local.kubelet.leftovers import DATA_MARK, end_marked
from studiolo_local.kubelet.node_agent import NodeAgent
from studiolo_local.kubelet.pod import PodWorker
from studiolo_local.kubelet.services import Services
from studiolo_local.kubelet.volumes import remove_links
from studiolo_local.mirror import Mirror
from studiolo_local.nodes import SimulatedNode
from studiolo_local.recorder import Recorder

log = logging.getLogger(__name__)

_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Kubelet:
    """Runs the pods that are bound to its nodes."""

    def __init__(
        self,
        api_url: str,
        token: str,
        *,
        nodes: Sequence[SimulatedNode],
        data_dir: Path,
        registry_endpoints: Mapping[str, str],
        claims: Callable[[JsonObject], Path],
        gpu_library: Path | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Prepare a kubelet.

        :param data_dir: its own directory; the mark by which its processes are known
        :param registry_endpoints: registry names and the addresses that stand for them
        :param claims: the directory of a bound claim
        :param gpu_library: the stand-in for libnvidia-ml, or the directory that holds it
        """
        self._api = (api_url, token)
        self._nodes = {node.name: node for node in nodes}
        self._data_dir = data_dir.resolve()
        self._endpoints = registry_endpoints
        self._claims = claims
        self._gpu_library = gpu_library
        self._timing = timing or Timing()
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._services: Services | None = None
        self.ready = asyncio.Event()
        """Set when the pods of before are taken up and the nodes are ready."""

    async def run(self) -> None:
        """Work until cancelled."""
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        left = await asyncio.to_thread(end_marked, {DATA_MARK: str(self._data_dir)})
        if left:
            log.warning("%d processes of an earlier run were still there and were ended.", left)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(ApiClient(*self._api))
            await wait_for_api(client)
            self._services = await self._provide(stack, client)
            agent = NodeAgent(client, self._nodes.values())
            pods = Mirror(client, "pods")
            pods.listen(self._on_pod)
            background = [
                asyncio.create_task(self._services.recorder.run(), name="kubelet events"),
                asyncio.create_task(agent.run(), name="kubelet nodes"),
                asyncio.create_task(pods.run(), name="kubelet pods"),
            ]
            try:
                await pods.synced.wait()
                await agent.registered.wait()
                await asyncio.to_thread(self._forget_absent, {_uid(pod) for pod in pods.all()})
                self.ready.set()
                # A background task never ends by itself: if one does, its error must be seen
                await asyncio.gather(*background)
            finally:
                await self._stop(background)

    async def read_log(self, request: LogRequest) -> AsyncGenerator[bytes, None]:
        """A container's output, for the API; raises LogsUnavailable before the first piece."""
        worker = self._workers.get(request.uid)
        record = worker.record(request.container) if worker else None
        where = f'container "{request.container}" in pod "{request.pod}"'
        if worker is None or record is None or not record.container_id:
            raise LogsUnavailable(f"{where} is waiting to start: ContainerCreating")
        instance = record.restarts
        if request.previous and instance == 0:
            raise LogsUnavailable(f"previous terminated {where} not found")
        path = worker.log_path(request.container, instance - request.previous)

        def ended() -> bool:
            same = record.restarts == instance and not request.previous
            return not (same and record.running)

        async for data in read_log(path, request, ended=ended):
            yield data

    async def _provide(self, stack: AsyncExitStack, client: ApiClient) -> Services:
        pulls = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        ledger = Ledger(self._data_dir / "ledger.json")
        addresses = AddressPool(ledger.last_address)
        stack.callback(addresses.close)
        images = await asyncio.to_thread(ImageStore, self._data_dir / "images")
        return Services(
            client=client,
            recorder=Recorder(client, "kubelet"),
            images=images,
            puller=ImagePuller(images, self._endpoints, pulls),
            http=http,
            ledger=ledger,
            addresses=addresses,
            timing=self._timing,
            data_dir=self._data_dir,
            claims=self._claims,
            search_path=f"{Path(sys.executable).parent}{os.pathsep}{_SYSTEM_PATH}",
            gpu_library=self._gpu_library,
        )

    def _on_pod(self, kind: str, pod: JsonObject) -> None:
        node = self._nodes.get(pod["spec"].get("nodeName", ""))
        if node is None or self._services is None:
            return
        uid = _uid(pod)
        worker = self._workers.get(uid)
        if kind == "DELETED":
            if worker is not None:
                worker.vanished()
        elif worker is not None:
            worker.update(pod)
        else:
            worker = PodWorker(self._services, node, pod)
            self._workers[uid] = worker
            task = asyncio.create_task(worker.run(), name=f"worker {uid}")
            self._tasks[uid] = task
            task.add_done_callback(lambda done: self._finished(uid, done))

    def _finished(self, uid: str, task: asyncio.Task[None]) -> None:
        self._workers.pop(uid, None)
        self._tasks.pop(uid, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The worker of pod %s failed.", uid, exc_info=error)

    def _forget_absent(self, present: set[str]) -> None:
        """Clear away what pods left that were deleted while we were not there."""
        if self._services is None:
            return
        for uid in self._services.ledger.uids():
            if uid not in present:
                allotment = self._services.ledger.drop(uid)
                remove_links(allotment.links if allotment else ())
        directory = self._data_dir / "pods"
        for path in directory.iterdir() if directory.is_dir() else ():
            if path.name not in present:
                shutil.rmtree(path, ignore_errors=True)

    async def _stop(self, background: Sequence[asyncio.Task[None]]) -> None:
        tasks = list(self._tasks.values())
        for task in (*tasks, *background):
            task.cancel()
        for task in (*tasks, *background):
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(end_marked, {DATA_MARK: str(self._data_dir)})


def _uid(pod: JsonObject) -> str:
    return str(pod["metadata"]["uid"])
