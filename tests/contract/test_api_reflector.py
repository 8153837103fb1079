"""KubeSpawner's reflector, unmodified, follows the pods and events of a namespace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from kubernetes_asyncio import config
from kubernetes_asyncio.client import Configuration
from kubespawner.reflector import NamespacedResourceReflector

from tests.contract.cluster import MERGE_PATCH, PATIENCE, Cluster, pod


class PodReflector(NamespacedResourceReflector):
    """Follows pods, as KubeSpawner does."""

    kind = "pods"


class EventReflector(NamespacedResourceReflector):
    """Follows events, as KubeSpawner does."""

    kind = "events"


@asynccontextmanager
async def following(cluster: Cluster, kind: Any, **options: Any) -> AsyncIterator[Any]:
    before = Configuration.get_default_copy()
    await config.load_kube_config(str(cluster.kubeconfig))
    others = asyncio.all_tasks()
    reflector = kind(namespace=cluster.namespace, timeout_seconds=1, **options)
    try:
        await reflector.start()
        yield reflector
    finally:
        await reflector.stop()
        # Its shared client is closed when the task that keeps it is cancelled.
        for task in asyncio.all_tasks() - others - {asyncio.current_task()}:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        Configuration.set_default(before)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


async def test_pods_come_change_and_go(cluster: Cluster) -> None:
    await cluster.create("pods", pod("early", labels={"app": "jupyterhub"}))
    key = f"{cluster.namespace}/one"
    async with following(cluster, PodReflector, labels={"app": "jupyterhub"}) as reflector:
        assert list(reflector.resources) == [f"{cluster.namespace}/early"]
        await cluster.create("pods", pod("other"))
        await cluster.create("pods", pod("one", labels={"app": "jupyterhub"}))
        await until(lambda: key in reflector.resources)
        status = {"status": {"phase": "Running", "podIP": "10.0.0.1"}}
        path = cluster.path("pods", "one", "status")
        await cluster.expect("PATCH", path, status, media_type=MERGE_PATCH)
        await until(lambda: reflector.resources[key]["status"]["phase"] == "Running")
        await cluster.expect("DELETE", cluster.path("pods", "one"), gracePeriodSeconds="0")
        await until(lambda: key not in reflector.resources)
        assert f"{cluster.namespace}/other" not in reflector.resources


async def test_changes_after_a_watch_has_ended_are_seen(cluster: Cluster) -> None:
    async with following(cluster, PodReflector) as reflector:
        await asyncio.sleep(1.5)  # The reflector's watches last one second.
        await cluster.create("pods", pod("one"))
        await until(lambda: f"{cluster.namespace}/one" in reflector.resources)


async def test_events_are_followed_by_what_they_are_about(cluster: Cluster) -> None:
    fields = {"involvedObject.kind": "Pod"}
    async with following(cluster, EventReflector, fields=fields) as reflector:
        for name, kind in (("a", "Pod"), ("b", "ConfigMap")):
            involved = {"kind": kind, "name": "x", "namespace": cluster.namespace}
            body = {"metadata": {"name": name}, "involvedObject": involved, "type": "Normal"}
            await cluster.create("events", {**body, "reason": "Testing"})
        await until(lambda: bool(reflector.resources))
        (event,) = reflector.resources.values()
        assert event["metadata"]["name"] == "a"
        assert event["lastTimestamp"] is None
