"""The one watch of nodes and pods: agrees with a scheduler at work, and says what it lacks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import Configuration
from studiolo_local.scheduler import Scheduler
from studiolo_spawner.capacity import Free
from studiolo_spawner.catalogue import Catalogue, Profile
from studiolo_spawner.cluster_watch import ClusterWatch
from studiolo_spawner.pod_facts import PodFacts

from tests.embedded import EmbeddedApi, running_api
from tests.fakes.watch_api import WatchApi
from tests.spawner.catalogues import catalogue, profile

HERE = "studiolo"
GPU = "nvidia.com/gpu"


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
def client_settings() -> Iterator[Callable[..., None]]:
    """Where KubeSpawner's client looks for the API, put back at the end."""
    before = Configuration.get_default_copy()

    def use(url: str, token: str = "") -> None:
        there = Configuration()
        there.host = url
        if token:
            there.api_key = {"BearerToken": f"Bearer {token}"}
        Configuration.set_default(there)

    yield use
    Configuration.set_default(before)


@pytest.fixture
async def api(tmp_path: Path, client_settings: Any) -> AsyncIterator[EmbeddedApi]:
    """An embedded API with a scheduler and no kubelet."""
    async with running_api(tmp_path) as running:
        client_settings(running.url, running.token)
        for name in (HERE, "training"):
            await running.expect("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        scheduler = asyncio.create_task(Scheduler(running.url, running.token).run())
        yield running
        scheduler.cancel()
        with suppress(asyncio.CancelledError):
            await scheduler


async def add_node(api: EmbeddedApi, name: str, gpus: int, **labels: str) -> None:
    amounts = {"cpu": "16", "memory": "64Gi", "pods": "110", GPU: str(gpus)}
    status = {"allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}
    body = {"metadata": {"name": name, "labels": labels}, "status": status}
    await api.expect("POST", "/api/v1/nodes", body)
    await api.expect(
        "PATCH",
        f"/api/v1/nodes/{name}/status",
        {"status": status},
        media_type="application/merge-patch+json",
    )


def workspace(name: str, one: Profile, **metadata: Any) -> dict[str, Any]:
    """A pod as the spawner makes it for the profile."""
    requests = {"cpu": f"{round(one.cpu * 1000)}m", "memory": one.memory}
    if one.resource:
        requests[one.resource] = str(one.count)
    return {
        "metadata": {
            "name": name,
            "labels": {"studiolo.dev/profile": one.id, "component": "singleuser-server"},
            "annotations": {
                "hub.jupyter.org/username": name.split("-")[0],
                "hub.jupyter.org/servername": "",
            },
            **metadata,
        },
        "spec": {
            "containers": [
                {
                    "name": "notebook",
                    "image": "x",
                    "resources": {"requests": requests, "limits": requests},
                }
            ]
        },
    }


async def make(api: EmbeddedApi, body: dict[str, Any], namespace: str = HERE) -> None:
    await api.expect("POST", f"/api/v1/namespaces/{namespace}/pods", body)


async def drop(api: EmbeddedApi, name: str, namespace: str = HERE) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods/{name}"
    await api.expect("DELETE", path, gracePeriodSeconds="0")


def profiles() -> Catalogue:
    return catalogue(
        profiles=[
            profile("cpu", cpu=1, memory="1Gi"),
            profile("gpu", cpu=2, memory="8Gi", resource=GPU, count=1),
            profile("gpu-2", cpu=4, memory="16Gi", resource=GPU, count=2),
        ]
    )


@pytest.fixture
async def watch(api: EmbeddedApi) -> AsyncIterator[ClusterWatch]:
    found = ClusterWatch(HERE)
    await found.start()
    await found.pods_known(10)
    yield found
    await found.stop()


def free(watch: ClusterWatch, offered: Catalogue, name: str) -> Free:
    found = watch.capacity(offered)
    assert found is not None
    return found[name]


async def test_it_agrees_with_the_scheduler_under_random_starts_and_stops(
    api: EmbeddedApi, watch: ClusterWatch
) -> None:
    offered, chance = profiles(), random.Random(6)
    await add_node(api, "a", 3)
    await add_node(api, "b", 2)
    await until(lambda: watch.known and len(watch.nodes) == 2)
    running: list[tuple[str, str]] = []
    refused = 0
    for step in range(60):
        if running and chance.random() < 0.4:
            name, namespace = running.pop(chance.randrange(len(running)))
            await drop(api, name, namespace)
            await _gone(watch, f"{namespace}/{name}")
            continue
        one = chance.choice(offered.profiles)
        namespace = chance.choice([HERE, "training"])
        fits = free(watch, offered, one.id).fits > 0
        name = f"pod-{step}"
        await make(api, workspace(name, one), namespace)
        key = f"{namespace}/{name}"
        assert bool((await _settled(watch, key)).node) == fits, (step, one.id)
        if fits:
            running.append((name, namespace))
        else:
            refused += 1
            assert free(watch, offered, one.id).waiting == 1
            await drop(api, name, namespace)
            await _gone(watch, key)
    assert refused > 3
    for name, namespace in running:
        await drop(api, name, namespace)
    await until(lambda: not watch._used)
    assert free(watch, offered, "gpu") == Free(5, 5, 3, machines=2, fits=5)


async def _settled(watch: ClusterWatch, key: str) -> PodFacts:
    """The pod once the scheduler has decided about it."""
    await until(lambda: key in watch._facts)
    await until(lambda: watch._facts[key].node or watch._facts[key].waiting)
    return watch._facts[key]


async def _gone(watch: ClusterWatch, key: str) -> None:
    await until(lambda: key not in watch._facts)


async def test_who_holds_and_who_waits(api: EmbeddedApi, watch: ClusterWatch) -> None:
    offered = profiles()
    await add_node(api, "a", 2)
    await make(api, workspace("ana", offered.profiles[2]))
    await until(lambda: [each.node for each in watch.holders()] == ["a"])
    await make(api, workspace("ben", offered.profiles[1]))
    await until(watch.waiting)
    job = workspace("job", offered.profiles[0])
    del job["metadata"]["labels"], job["metadata"]["annotations"]
    await make(api, job, "training")
    ana, ben = watch.holders()
    assert (ana.user, ana.server, ana.pod) == ("ana", "", f"{HERE}/ana")
    assert (ana.resource, ana.count, ana.profile, ana.node) == (GPU, 2, "gpu-2", "a")
    assert ana.since is not None
    assert [(w.user, w.profile, w.node) for w in watch.waiting()] == [("ben", "gpu", "")]
    assert ben == watch.waiting()[0]


async def test_workspaces_of_another_hub_hold_devices_and_are_nobodys(
    api: EmbeddedApi, watch: ClusterWatch
) -> None:
    await add_node(api, "a", 2)
    await make(api, workspace("ana", profiles().profiles[1]), "training")
    await until(lambda: watch.known and free(watch, profiles(), "gpu").free == 1)
    assert [(each.user, each.pod) for each in watch.holders()] == [("", "training/ana")]


async def test_a_finished_pod_and_a_lost_node_are_told(
    api: EmbeddedApi, watch: ClusterWatch
) -> None:
    offered = profiles()
    await add_node(api, "a", 2)
    await make(api, workspace("ana", offered.profiles[1]))
    await until(lambda: watch.known and free(watch, offered, "gpu").free == 1)
    told: list[int] = []
    unsubscribe = watch.subscribe(lambda: told.append(watch.changes))
    await api.expect(
        "PATCH",
        f"/api/v1/namespaces/{HERE}/pods/ana/status",
        {"status": {"phase": "Succeeded"}},
        media_type="application/merge-patch+json",
    )
    await until(lambda: free(watch, offered, "gpu").free == 2)
    assert told
    await api.expect("DELETE", "/api/v1/nodes/a")
    await until(lambda: free(watch, offered, "gpu").total == 0)
    unsubscribe()
    count = len(told)
    await add_node(api, "b", 1)
    await until(lambda: free(watch, offered, "gpu").total == 1)
    assert len(told) == count


async def test_drivers_and_processors_of_a_profiles_machines(
    api: EmbeddedApi, watch: ClusterWatch
) -> None:
    full = {"nvidia.com/cuda.driver-version.full": "570.86.15", "kubernetes.io/arch": "amd64"}
    parts = {"nvidia.com/cuda.driver.major": "550", "nvidia.com/cuda.driver.minor": "54"}
    await add_node(api, "a", 2, **full)
    await add_node(api, "b", 2, **parts)
    await add_node(api, "c", 0, **{"kubernetes.io/arch": "arm64"})
    await until(lambda: len(watch.nodes) == 3)
    gpu = profiles().profiles[1]
    assert watch.driver_versions(gpu) == {"570.86.15", "550.54"}
    assert watch.architectures(gpu) == {"amd64"}


async def test_counts_once_for_everybody_who_asks(api: EmbeddedApi, watch: ClusterWatch) -> None:
    await add_node(api, "a", 2)
    await until(lambda: watch.known and len(watch.nodes) == 1)
    offered = profiles()
    assert watch.capacity(offered) is watch.capacity(offered)


async def test_turned_off_it_tells_nothing_but_who_holds(api: EmbeddedApi) -> None:
    await make(api, workspace("ana", profiles().profiles[0]))
    watch = ClusterWatch(HERE, scope="off")
    await watch.start()
    assert await watch.pods_known(10)
    assert [each.user for each in watch.holders()] == ["ana"]
    assert watch.capacity(profiles()) is None
    await watch.stop()


@pytest.mark.parametrize(
    ("forbidden", "words"),
    [
        pytest.param("nodes", "[nodes], verbs: [list, watch]", id="nodes"),
        pytest.param("/api/v1/pods", "[pods], verbs: [list, watch]", id="pods of all namespaces"),
    ],
)
async def test_what_it_may_not_read_is_said_once_and_found_when_granted(
    client_settings: Any, caplog: pytest.LogCaptureFixture, forbidden: str, words: str
) -> None:
    api = WatchApi()
    api.forbidden = forbidden
    await api.start()
    client_settings(api.url)
    watch = ClusterWatch(HERE)
    watch._pods.forbidden_delay = 0.05
    assert watch._nodes is not None
    watch._nodes.forbidden_delay = 0.05
    with caplog.at_level(logging.WARNING):
        await watch.start()
        assert await watch.pods_known(10)
        await until(lambda: caplog.records)
        await asyncio.sleep(0.2)
    assert [words in record.getMessage() for record in caplog.records] == [True]
    assert watch.capacity(profiles()) is None
    api.forbidden = ""
    await until(lambda: watch.capacity(profiles()) is not None)
    await watch.stop()
    await api.stop()


async def test_figures_that_are_too_old_are_unknown_until_the_api_is_back(
    client_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studiolo_spawner.cluster_watch.STALE_SECONDS", 0.3)
    api = WatchApi()
    await api.start()
    client_settings(api.url)
    watch = ClusterWatch(HERE)
    for reflector in (watch._pods, watch._nodes):
        assert reflector is not None
        reflector._backoff._cap = 0.1
    await watch.start()
    offered = profiles()
    await until(lambda: watch.capacity(offered) is not None)
    await api.stop()
    await until(lambda: watch.capacity(offered) is None)
    await api.start()
    await until(lambda: watch.capacity(offered) is not None)
    await watch.stop()
    await api.stop()


async def test_runtime_classes_are_asked_for_when_a_profile_names_one(api: EmbeddedApi) -> None:
    asked: list[str] = []

    async def get(path: str, _: object) -> tuple[int, dict[str, Any]]:
        asked.append(path)
        kata = {"metadata": {"name": "kata"}, "overhead": {"podFixed": {"cpu": "15"}}}
        return 200, {"items": [kata]}

    await add_node(api, "a", 2)
    watch = ClusterWatch(HERE, get=get)
    await watch.start()
    await until(lambda: watch.known and len(watch.nodes) == 1)
    assert watch.capacity(profiles())
    await asyncio.sleep(0.05)
    assert asked == []
    heavy = catalogue(profiles=[profile("kata", cpu=2, memory="1Gi", runtime_class="kata")])
    await until(lambda: (watch.capacity(heavy) or {})["kata"].fits == 0)
    assert asked == ["/apis/node.k8s.io/v1/runtimeclasses"]
    await watch.stop()
