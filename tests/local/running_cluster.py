"""An embedded cluster for tests, with a kubelet whose waits are short, and words to speak to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

from studiolo_local.client import ApiClient, ApiError
from studiolo_local.cluster import NAMESPACE, Cluster
from studiolo_local.kubelet.backoff import Timing
from studiolo_local.mirror import Mirror
from studiolo_local.nodes import DEMO_NODES, SimulatedNode

PYTHON = "registry.studiolo.test/python:3.13"
QUICK = Timing().scaled(0.02)
SERVE = [
    "python",
    "-c",
    (
        "import http.server, sys; print('serving', flush=True); "
        "http.server.test(http.server.SimpleHTTPRequestHandler, bind=sys.argv[1], port=8000)"
    ),
    "$(POD_IP)",
]
READY = {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1}
POD_IP = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}

Object = dict[str, Any]


class Running:
    """A cluster that runs, seen through its API."""

    def __init__(self, cluster: Cluster, client: ApiClient) -> None:
        self.cluster = cluster
        self.client = client
        self._seen: dict[str, list[Object]] = {}
        self._more = asyncio.Event()
        self._pods = Mirror(client, "pods")
        self._pods.listen(self._see)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Self]:
        """See every state of every pod until the block ends, however short it lasts."""
        task = asyncio.create_task(self._pods.run())
        await self._pods.synced.wait()
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _see(self, kind: str, found: Object) -> None:
        if kind != "DELETED":
            self._seen.setdefault(found["metadata"]["name"], []).append(found)
        self._more.set()

    async def create(self, resource: str, body: Object) -> Object:
        """Create an object in the namespace of the workspaces."""
        return await self.client.create(resource, NAMESPACE, body)

    async def pod(self, name: str) -> Object | None:
        """The pod, or None when there is none."""
        try:
            return await self.client.get("pods", NAMESPACE, name)
        except ApiError as error:
            if error.missing:
                return None
            raise

    async def until(
        self, name: str, condition: Callable[[Object], bool], seconds: float = 20
    ) -> Object:
        """Wait until a pod is, or for a moment was, as it should be; the pod as it was then."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._more.clear()
                    for found in self._seen.get(name, ()):
                        if condition(found):
                            return found
                    await self._more.wait()
        except TimeoutError:
            states = [found.get("status") for found in self._seen.get(name, ())]
            raise AssertionError(
                f"The pod {name} did not come to it: {states} {await self.events(name)}"
            ) from None

    async def until_gone(self, name: str, seconds: float = 20) -> None:
        """Wait until there is no such pod."""
        async with asyncio.timeout(seconds):
            while await self.pod(name) is not None:
                await asyncio.sleep(0.02)

    async def until_told(self, name: str, reason: str, seconds: float = 20) -> str:
        """Wait for an event with this reason about an object; its message."""
        async with asyncio.timeout(seconds):
            while True:
                for _, told, message in await self.events(name):
                    if told == reason:
                        return message
                await asyncio.sleep(0.02)

    async def events(self, name: str) -> list[tuple[str, str, str]]:
        """Type, reason and message of all events about an object, the oldest first."""
        items, _ = await self.client.list(
            "events", NAMESPACE, fieldSelector=f"involvedObject.name={name}"
        )
        items.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
        return [(each["type"], each["reason"], each["message"]) for each in items]

    async def logs(self, name: str, **query: str) -> str:
        """A container's output as kubectl asks for it."""
        session = self.client._open()
        path = f"{self.cluster.api_url}/api/v1/namespaces/{NAMESPACE}/pods/{name}/log"
        async with session.get(path, params=query) as answer:
            return await answer.text()

    async def delete(self, name: str, grace: int | None = None) -> None:
        """Ask for a pod's deletion."""
        pod = await self.pod(name)
        assert pod is not None
        await self.client.delete("pods", NAMESPACE, name, uid=pod["metadata"]["uid"], grace=grace)


@asynccontextmanager
async def running_cluster(
    data_dir: Path,
    *,
    nodes: Sequence[SimulatedNode] = DEMO_NODES,
    timing: Timing = QUICK,
    gpu_library: Path | None = None,
) -> AsyncIterator[Running]:
    """A cluster over a directory until the block ends."""
    cluster = Cluster(data_dir, nodes=nodes, timing=timing, gpu_library=gpu_library)
    async with (
        cluster,
        ApiClient(cluster.api_url, cluster.token) as client,
        Running(cluster, client).watching() as running,
    ):
        yield running


def pod(name: str, command: Sequence[str] = (), *, image: str = PYTHON, **container: Any) -> Object:
    """A pod with one container; `spec` among the keywords is merged into its specification."""
    spec = container.pop("spec", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 2,
            "restartPolicy": "OnFailure",
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "args": list(command),
                    "env": [POD_IP],
                    **container,
                }
            ],
            **spec,
        },
    }


def claim(name: str, **spec: Any) -> Object:
    """A claim of one gibibyte."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }


def with_home(name: str, path: str = "/home/jovyan") -> Object:
    """What mounts a claim as the home: to be spread over `pod`'s keywords."""
    return {
        "volumeMounts": [{"name": "home", "mountPath": path}],
        "spec": {"volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": name}}]},
    }


def is_ready(found: Object) -> bool:
    """Whether the Ready condition is true."""
    return any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in found["status"].get("conditions", ())
    )


def container_of(found: Object) -> Object:
    """The status of the first container."""
    statuses: list[Object] = found["status"].get("containerStatuses") or [{}]
    return statuses[0]


def waits_for(reason: str) -> Callable[[Object], bool]:
    """A condition: the container waits for this reason."""

    def condition(found: Object) -> bool:
        state = container_of(found).get("state", {})
        return bool(state.get("waiting", {}).get("reason") == reason)

    return condition


def ended_with(reason: str) -> Callable[[Object], bool]:
    """A condition: the container has ended for this reason, now or the last time."""

    def condition(found: Object) -> bool:
        status = container_of(found)
        ends = [status.get(field, {}).get("terminated") or {} for field in ("state", "lastState")]
        return any(end.get("reason") == reason for end in ends)

    return condition


def in_phase(phase: str) -> Callable[[Object], bool]:
    """A condition: the pod is in this phase."""
    return lambda found: found["status"].get("phase") == phase
