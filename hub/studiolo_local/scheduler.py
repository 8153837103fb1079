"""Puts pods on nodes. I/O through ApiClient; where a pod fits is decided in `scheduling`.

Woken by changes of pods, nodes and claims, not by the clock alone, so that a GPU that was given
back is given out again at once. What it has bound and the API has not told yet is counted already.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from studiolo_local import scheduling
from studiolo_local.client import ApiClient, ApiError, JsonObject, wait_for_api
from studiolo_local.clock import timestamp
from studiolo_local.mirror import Mirror, key_of
from studiolo_local.recorder import Recorder
from studiolo_local.storage import SELECTED_NODE, has_volume, is_bound, waits_for_consumer

log = logging.getLogger(__name__)

_NAME: Final = "default-scheduler"
_LOOK_AGAIN_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 0.5


class Scheduler:
    """Schedules the pods of one API server."""

    def __init__(self, api_url: str, token: str) -> None:
        self._api = (api_url, token)
        self._wake = asyncio.Event()
        self._assumed: dict[str, str] = {}
        """Nodes of pods that were bound, by uid, until the API tells it."""
        self._told: dict[str, str] = {}
        """What was said about pods that have no place, by uid."""

    async def run(self) -> None:
        """Work until cancelled."""
        async with ApiClient(*self._api) as client:
            await wait_for_api(client)
            self._client = client
            self._recorder = Recorder(client, _NAME)
            self._pods = Mirror(client, "pods")
            self._nodes = Mirror(client, "nodes")
            self._claims = Mirror(client, "persistentvolumeclaims")
            self._pods.listen(self._on_pod)
            self._nodes.listen(self._on_change)
            self._claims.listen(self._on_change)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._recorder.run())
                for mirror in (self._pods, self._nodes, self._claims):
                    group.create_task(mirror.run())
                    await mirror.synced.wait()
                await self._schedule()

    def _on_pod(self, kind: str, pod: JsonObject) -> None:
        uid = pod["metadata"]["uid"]
        if pod["spec"].get("nodeName") or kind == "DELETED":
            self._assumed.pop(uid, None)
            self._told.pop(uid, None)
        self._wake.set()

    def _on_change(self, _kind: str, _item: JsonObject) -> None:
        self._wake.set()

    async def _schedule(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_AGAIN_SECONDS)
            self._wake.clear()
            waiting = [pod for pod in self._pods.all() if self._is_ours(pod)]
            used = self._usage()
            for pod in sorted(waiting, key=_age):
                try:
                    await self._place(pod, used)
                except ApiError as error:
                    await self._put_off(pod, error)

    def _is_ours(self, pod: JsonObject) -> bool:
        metadata, spec = pod["metadata"], pod["spec"]
        return (
            not spec.get("nodeName")
            and "deletionTimestamp" not in metadata
            and spec.get("schedulerName", _NAME) == _NAME
            and not spec.get("schedulingGates")
            and metadata["uid"] not in self._assumed
        )

    async def _place(self, pod: JsonObject, used: scheduling.Usage) -> None:
        nodes = list(self._nodes.all())
        problem = self._claim_problem(pod)
        if problem:
            await self._refuse(pod, scheduling.everywhere(nodes, problem))
            return
        placement = scheduling.place(pod, nodes, used)
        if not placement.node:
            await self._refuse(pod, placement.message)
        elif await self._volumes_ready(pod, placement.node):
            await self._bind(pod, placement.node)
            scheduling.add(used, placement.node, pod)

    def _usage(self) -> scheduling.Usage:
        pods = []
        for pod in self._pods.all():
            assumed = self._assumed.get(pod["metadata"]["uid"])
            if assumed is not None:
                pod = {**pod, "spec": {**pod["spec"], "nodeName": assumed}}
            pods.append(pod)
        return scheduling.usage(pods)

    def _claims_of(self, pod: JsonObject) -> list[tuple[str, JsonObject | None]]:
        namespace = pod["metadata"]["namespace"]
        return [
            (source["claimName"], self._claims.get(namespace, source["claimName"]))
            for volume in pod["spec"].get("volumes") or ()
            if (source := volume.get("persistentVolumeClaim"))
        ]

    def _claim_problem(self, pod: JsonObject) -> str:
        """Why the pod's claims keep it from every node; empty when they do not."""
        for name, claim in self._claims_of(pod):
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if "deletionTimestamp" in claim["metadata"]:
                return f'persistentvolumeclaim "{name}" is being deleted'
            if not (is_bound(claim) or has_volume(claim) or waits_for_consumer(claim)):
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    async def _volumes_ready(self, pod: JsonObject, node: str) -> bool:
        """Whether all claims are bound; those that are not are asked to be, for this node."""
        ready = True
        for _, claim in self._claims_of(pod):
            if claim is None or is_bound(claim):
                continue
            ready = False
            annotations = claim["metadata"].get("annotations") or {}
            if SELECTED_NODE not in annotations and not has_volume(claim):
                change = {"metadata": {"annotations": {SELECTED_NODE: node}}}
                self._claims.take(
                    await self._client.patch("persistentvolumeclaims", *key_of(claim), change)
                )
        return ready

    async def _bind(self, pod: JsonObject, node: str) -> None:
        uid = pod["metadata"]["uid"]
        self._assumed[uid] = node
        try:
            await self._client.bind(pod, node)
        except ApiError:
            self._assumed.pop(uid, None)
            raise
        namespace, name = key_of(pod)
        message = f"Successfully assigned {namespace}/{name} to {node}"
        self._recorder.tell({"kind": "Pod", **pod}, "Normal", "Scheduled", message)

    async def _refuse(self, pod: JsonObject, message: str) -> None:
        uid = pod["metadata"]["uid"]
        if self._told.get(uid) == message:
            return
        self._told[uid] = message
        self._recorder.tell({"kind": "Pod", **pod}, "Warning", "FailedScheduling", message)
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastProbeTime": None,
            "lastTransitionTime": _since(pod) or timestamp(),
        }
        others = [
            each
            for each in (pod.get("status") or {}).get("conditions") or ()
            if each["type"] != "PodScheduled"
        ]
        body = {
            "metadata": {"uid": uid},
            "status": {"phase": "Pending", "conditions": [*others, condition]},
        }
        await self._client.patch("pods", *key_of(pod), body, sub="status")

    async def _put_off(self, pod: JsonObject, error: ApiError) -> None:
        self._told.pop(pod["metadata"]["uid"], None)
        if error.missing or error.conflict:
            return  # it is gone or has changed, which the watch will tell
        log.warning("The pod %s/%s waits: %s", *key_of(pod), error)
        await asyncio.sleep(_RETRY_SECONDS)
        self._wake.set()


def _age(pod: JsonObject) -> tuple[int, str, str]:
    """Pods of higher priority first, then those that wait longest."""
    metadata = pod["metadata"]
    return (
        -int(pod["spec"].get("priority") or 0),
        metadata.get("creationTimestamp", ""),
        metadata["name"],
    )


def _since(pod: JsonObject) -> str:
    """Since when the pod is known to have no place."""
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("lastTransitionTime") or "")
    return ""
