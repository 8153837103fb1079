"""What is free, asked of a real hub on the embedded cluster: at once, as a stream, by whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from studiolo_local.scheduler import Scheduler

from tests.embedded import EmbeddedApi, running_api
from tests.fakes.hub_process import HubProcess, xsrf_of

pytestmark = [pytest.mark.cluster, pytest.mark.asyncio(loop_scope="module")]

GPU = "nvidia.com/gpu"
PODS = "/api/v1/namespaces/studiolo/pods"
CLAIMS = "/api/v1/namespaces/studiolo/persistentvolumeclaims"
CATALOGUE = """
version: 1
images:
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1"}
profiles:
- {id: gpu, display_name: GPU, resource: nvidia.com/gpu, count: 1, cpu: 1, memory: 1Gi}
- {id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}
- {id: staff, display_name: Staff, cpu: 1, memory: 1Gi, groups: [staff]}
quotas:
- id: students
  display_name: Students
  groups: [students]
  scope: together
  resources: {nvidia.com/gpu: 2}
"""
CONFIG = """
from studiolo_hub.capacity_handlers import capacity_handlers
from studiolo_hub.offers_handlers import offers_handlers
c.JupyterHub.spawner_class = "studiolo_spawner.spawner.WorkspaceSpawner"
c.JupyterHub.extra_handlers = [*capacity_handlers(), *offers_handlers()]
c.WorkspaceSpawner.catalogue_path = "{catalogue}"
c.WorkspaceSpawner.namespace = "studiolo"
c.WorkspaceSpawner.image_check_period = 0
c.Authenticator.admin_users = {{"admin"}}
"""


class Place:
    """A hub and its cluster."""

    def __init__(self, api: EmbeddedApi, hub: HubProcess) -> None:
        self.api = api
        self.hub = hub

    async def add_pod(self, name: str, user: str) -> None:
        amounts = {"cpu": "1", "memory": "1Gi", GPU: "1"}
        resources = {"requests": amounts, "limits": amounts}
        body = {
            "metadata": {
                "name": name,
                "labels": {"studiolo.dev/profile": "gpu"},
                "annotations": {"hub.jupyter.org/username": user, "hub.jupyter.org/servername": ""},
            },
            "spec": {"containers": [{"name": "x", "image": "x", "resources": resources}]},
        }
        await self.api.expect("POST", PODS, body)

    async def capacity(self, session: aiohttp.ClientSession, **query: str) -> dict[str, Any]:
        async with session.get(f"{self.hub.url}/studiolo/capacity", params=query) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """Started once; each test finds it as new."""
    folder = tmp_path_factory.mktemp("hub")
    catalogue = folder / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    async with running_api(folder) as api:
        await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": "studiolo"}})
        status = {
            "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "50", GPU: "2"},
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        node = {"metadata": {"name": "a"}, "status": status}
        await api.expect("POST", "/api/v1/nodes", node)
        merge = "application/merge-patch+json"
        await api.expect("PATCH", "/api/v1/nodes/a/status", {"status": status}, media_type=merge)
        scheduler = asyncio.create_task(Scheduler(api.url, api.token).run())
        config = CONFIG.format(catalogue=catalogue)
        async with HubProcess(folder, api.kubeconfig, config) as hub:
            yield Place(api, hub)
        scheduler.cancel()
        with suppress(asyncio.CancelledError):
            await scheduler


@pytest_asyncio.fixture(loop_scope="module")
async def place(shared: Place) -> AsyncIterator[Place]:
    yield shared
    await shared.hub.forget_everybody()
    for collection in (PODS, CLAIMS):
        await shared.api.delete_all(collection)


async def _next(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next document of a stream."""
    async with asyncio.timeout(15):
        while True:
            line = (await stream.content.readline()).decode()
            assert line, "the stream has ended"
            if line.startswith("data: "):
                found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return found


async def test_what_is_free_at_once_and_as_it_changes(place: Place) -> None:
    ana = await place.hub.browser("ana")
    events = {"Accept": "text/event-stream"}
    async with ana, ana.get(f"{place.hub.url}/studiolo/capacity", headers=events) as stream:
        assert stream.status == 200
        assert stream.headers["Content-Type"] == "text/event-stream"
        told = await _next(stream)
        while told["profiles"]["gpu"]["state"] == "unknown":
            told = await _next(stream)
        assert told["profiles"]["gpu"]["text"] == "2 free of 2"
        assert (await place.capacity(ana))["profiles"] == told["profiles"]
        await place.add_pod("one", "ben")
        while told["profiles"]["gpu"]["free"] != 1:
            told = await _next(stream)
        assert told["profiles"]["gpu"]["state"] == "tight"


async def test_only_ones_own_profiles_and_quotas(place: Place) -> None:
    for name in ("ana", "ben"):
        await place.hub.rest("POST", f"/users/{name}")
    await place.hub.rest("POST", "/groups/students")
    await place.hub.rest("POST", "/groups/students/users", {"users": ["ana", "ben"]})
    await place.add_pod("one", "ben")
    ana, eve = await place.hub.browser("ana"), await place.hub.browser("eve")
    async with ana, eve:
        async with asyncio.timeout(15):
            while not (told := await place.capacity(ana))["quotas"][0]["used"]:
                await asyncio.sleep(0.1)
        (quota,) = told["quotas"]
        assert quota["text"] == "1 of 2 GPUs of Students in use by ben"
        assert quota["holders"] == ["ben"]
        other = await place.capacity(eve)
        assert other["quotas"] == []
        assert list(other["profiles"]) == ["gpu", "cpu"]


async def test_who_joins_a_group_counts_though_nothing_else_has_changed(place: Place) -> None:
    for name in ("ana", "ben"):
        await place.hub.rest("POST", f"/users/{name}")
    await place.hub.rest("POST", "/groups/students")
    await place.hub.rest("POST", "/groups/students/users", {"users": ["ana"]})
    await place.add_pod("one", "ben")
    ana = await place.hub.browser("ana")
    events = {"Accept": "text/event-stream"}
    async with ana, ana.get(f"{place.hub.url}/studiolo/capacity", headers=events) as stream:
        told = await _next(stream)
        while told["profiles"]["gpu"]["free"] != 1 or [q["used"] for q in told["quotas"]] != [0]:
            told = await _next(stream)
        await place.hub.rest("POST", "/groups/students/users", {"users": ["ben"]})
        while told["quotas"][0]["used"] != 1:
            told = await _next(stream)
        assert told["quotas"][0]["holders"] == ["ben"]


async def test_a_menu_hears_what_its_quota_does_not_allow(place: Place) -> None:
    for name in ("ana", "eve"):
        await place.hub.rest("POST", f"/users/{name}")
    await place.hub.rest("POST", "/groups/students")
    await place.hub.rest("POST", "/groups/students/users", {"users": ["ana"]})
    ana, eve = await place.hub.browser("ana"), await place.hub.browser("eve")
    async with ana, eve:
        for name in ("one", "two"):
            await place.add_pod(name, "ana")
        async with asyncio.timeout(15):
            while not (told := await place.capacity(ana, server="second"))["refused"]:
                await asyncio.sleep(0.1)
        assert told["refused"]["gpu"].startswith("2 of 2 GPUs of Students are in use")
        # For the workspace that holds them, they would be given back first.
        assert (await place.capacity(ana))["refused"] == {}
        async with eve.get(f"{place.hub.url}/studiolo/capacity", params={"user": "ana"}) as answer:
            assert answer.status == 404
    admin = await place.hub.browser("admin")
    async with admin:
        told = await place.capacity(admin, user="ana", server="second")
        assert list(told["refused"]) == ["gpu"]


async def test_nobody_in_particular_is_told_nothing(place: Place) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{place.hub.url}/studiolo/capacity"
        async with session.get(url, allow_redirects=False) as answer:
            assert answer.status == 403
            assert "free" not in await answer.text()


async def test_one_person_may_open_so_many_streams(place: Place) -> None:
    ana = await place.hub.browser("ana")
    url, events = f"{place.hub.url}/studiolo/capacity", {"Accept": "text/event-stream"}
    async with ana:
        streams = [await ana.get(url, headers=events) for _ in range(10)]
        assert {stream.status for stream in streams} == {200}
        async with ana.get(url, headers=events) as refused:
            assert refused.status == 429
            assert (await refused.json())["reason"] == "too_many"
        for stream in streams:
            stream.close()
        async with asyncio.timeout(15):
            while True:
                async with ana.get(url, headers=events) as again:
                    if again.status == 200:
                        return
                await asyncio.sleep(0.1)


async def test_who_waits_is_offered_what_is_free(place: Place) -> None:
    for name in ("one", "two"):
        await place.add_pod(name, name)
    await place.hub.rest("POST", "/users/ana")
    ana, eve = await place.hub.browser("ana"), await place.hub.browser("eve")
    url = f"{place.hub.url}/studiolo/workspaces/ana/offers"
    async with ana, eve:
        async with ana.get(url) as answer:
            assert (await answer.json())["offers"] == []
        wish = {"image": "good", "profile": "gpu"}
        status, _ = await place.hub.rest("POST", "/users/ana/server", wish)
        assert status in {201, 202}
        async with asyncio.timeout(20):
            while True:
                async with ana.get(url) as answer:
                    told = await answer.json()
                if told["offers"]:
                    break
                await asyncio.sleep(0.1)
        assert [offer["profile"] for offer in told["offers"]] == ["cpu"]
        assert told["version"] == 1
        async with eve.get(url) as answer:
            assert answer.status == 404


async def test_a_quota_is_kept_at_every_way_in(place: Place) -> None:
    for name in ("ana", "ben"):
        await place.hub.rest("POST", f"/users/{name}")
    await place.hub.rest("POST", "/groups/students")
    await place.hub.rest("POST", "/groups/students/users", {"users": ["ana", "ben"]})
    await place.add_pod("one", "ben")
    told = "2 of 2 GPUs of Students are in use by ana and ben"
    ana = await place.hub.browser("ana")
    async with ana:
        async with asyncio.timeout(15):
            while (await place.capacity(ana))["quotas"][0]["used"] != 1:
                await asyncio.sleep(0.1)
        wish = {"image": "good", "profile": "gpu"}
        status, _ = await place.hub.rest("POST", "/users/ana/server", wish)
        assert status in {201, 202}
        status, refused = await place.hub.rest("POST", "/users/ana/servers/more", wish)
        assert status == 403, refused
        assert told in refused["message"]
        form = {**wish, "_xsrf": xsrf_of(ana)}
        async with ana.post(f"{place.hub.url}/spawn/ana/other", data=form) as answer:
            page = await answer.text()
        assert told in page
    assert "Traceback" not in place.hub.log
