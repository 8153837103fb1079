"""The spawner in a real JupyterHub: every way in, what the pages and the API say, a killed hub."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.embedded import EmbeddedApi, running_api
from tests.fakes import pod_driver
from tests.fakes.hub_process import AnswersForPods, HubProcess, xsrf_of
from tests.fakes.pod_driver import PodDriver, Step

pytestmark = [pytest.mark.cluster, pytest.mark.asyncio(loop_scope="module")]

PODS = "/api/v1/namespaces/studiolo/pods"
CLAIMS = "/api/v1/namespaces/studiolo/persistentvolumeclaims"
QUOTAS = "/api/v1/namespaces/studiolo/resourcequotas"
SOON = pod_driver.ready_after(0.1)

CATALOGUE = """
version: 1
defaults: {image: good, profile: small}
images:
- {id: good, display_name: Good, reference: "unreachable.invalid/good:1"}
- {id: other, display_name: Other, reference: "unreachable.invalid/other:1"}
profiles:
- {id: small, display_name: Small, cpu: 1, memory: 1Gi}
- {id: large, display_name: Large, cpu: 8, memory: 16Gi}
"""

CONFIG = """
c.JupyterHub.spawner_class = "studiolo_spawner.spawner.WorkspaceSpawner"
c.WorkspaceSpawner.catalogue_path = "{catalogue}"
c.WorkspaceSpawner.namespace = "studiolo"
c.WorkspaceSpawner.port = {port}
"""


class Cluster:
    """One hub on one embedded API."""

    def __init__(self, api: EmbeddedApi, kubelet: PodDriver, hub: HubProcess) -> None:
        self.api = api
        self.kubelet = kubelet
        self.hub = hub

    async def pods(self) -> list[str]:
        found = await self.api.expect("GET", PODS)
        return [item["metadata"]["uid"] for item in found["items"]]

    async def until(self, server: str, *, ready: bool) -> dict[str, Any]:
        """Wait until the hub says that the user's server is ready, or is no more."""
        while True:
            _, user = await self.hub.rest("GET", f"/users/{server}")
            found: dict[str, Any] = user["servers"].get("", {})
            if found.get("ready", False) is ready and not found.get("pending"):
                return found
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Started once; each test finds it as new."""
    folder = tmp_path_factory.mktemp("hub")
    catalogue = folder / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    answers = AnswersForPods()
    await answers.start()
    async with running_api(folder) as api:
        await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": "studiolo"}})
        kubelet = PodDriver(api.url, api.token, SOON)
        await kubelet.start()
        config = CONFIG.format(catalogue=catalogue, port=answers.port)
        try:
            async with HubProcess(folder, api.kubeconfig, config) as hub:
                yield Cluster(api, kubelet, hub)
        finally:
            await kubelet.stop()
            await answers.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def cluster(shared: Cluster) -> AsyncIterator[Cluster]:
    yield shared
    await shared.hub.forget_everybody()
    for collection in (PODS, CLAIMS, QUOTAS):
        await shared.api.delete_all(collection)
    shared.kubelet.script = SOON
    shared.kubelet.created.clear()


async def test_link_fills_the_menu_in_and_starts_nothing(cluster: Cluster) -> None:
    ana = await cluster.hub.browser("ana")
    link = f"{cluster.hub.url}/spawn?opt-image=other&opt-profile=large"
    async with ana, ana.get(link) as page:
        assert page.status == 200
        html = await page.text()
    assert _is_checked(html, "other")
    assert _is_checked(html, "large")
    assert "Error:" not in html
    assert await cluster.pods() == []
    assert "Traceback" not in cluster.hub.log
    assert "query arguments" not in cluster.hub.log


async def test_bad_link_shows_the_form_with_what_is_wrong(cluster: Cluster) -> None:
    ana = await cluster.hub.browser("ana")
    async with ana, ana.get(f"{cluster.hub.url}/spawn?opt-imgae=other") as page:
        assert page.status == 400
        html = await page.text()
    assert "imgae" in html
    assert 'value="good"' in html
    assert await cluster.pods() == []


async def test_form_starts_what_was_chosen(cluster: Cluster) -> None:
    ana = await cluster.hub.browser("ana")
    async with ana:
        form = {"image": "other", "profile": "large", "_xsrf": xsrf_of(ana)}
        url = f"{cluster.hub.url}/spawn"
        async with ana.post(url, data=form, allow_redirects=False) as answer:
            assert answer.status == 302
        server = await cluster.until("ana", ready=True)
        async with ana.get(f"{cluster.hub.url}/api/users/ana/server/progress") as story:
            assert "ready" in await story.text()
    assert server["user_options"] == {"image": "other", "profile": "large"}
    (pod,) = cluster.kubelet.created
    assert pod["metadata"]["labels"]["studiolo.dev/image"] == "other"


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"image": "nothing"}, id="not on the menu"),
        pytest.param({"image": "good\r\nX: y"}, id="line ends"),
        pytest.param({"colour": "blue"}, id="unknown field"),
        pytest.param({"image": "<script>alert(1)</script>"}, id="a script"),
    ],
)
async def test_tampered_form_is_a_400_with_words(cluster: Cluster, form: dict[str, str]) -> None:
    ana = await cluster.hub.browser("ana")
    async with ana:
        data = {**form, "_xsrf": xsrf_of(ana)}
        async with ana.post(f"{cluster.hub.url}/spawn", data=data) as answer:
            assert answer.status == 400
            html = await answer.text()
    assert "spawn-error-msg" in html
    assert "WorkspaceRefused" not in html
    assert "<script>alert" not in html
    assert await cluster.pods() == []
    assert "Traceback" not in cluster.hub.log


async def test_rest_refuses_what_is_not_on_the_menu_at_once(cluster: Cluster) -> None:
    await cluster.hub.rest("POST", "/users/ana")
    bad: list[Any] = [{"image": "nothing"}, {"image": {"a": []}}, {"tasks": 3}, {"fallback": "no"}]
    for options in bad:
        status, answer = await cluster.hub.rest("POST", "/users/ana/server", options)
        assert (status, bool(answer["message"])) == (400, True)
    found = await cluster.api.expect("GET", CLAIMS)
    assert await cluster.pods() == found["items"] == []
    assert "Traceback" not in cluster.hub.log


async def test_saved_options_are_checked_at_the_start(cluster: Cluster) -> None:
    await cluster.hub.rest("POST", "/users/ana")
    body = {"display_name": "Second", "user_options": {"image": ["good"]}}
    status, _ = await cluster.hub.rest("PUT", "/users/ana/servers/second", body)
    assert status == 201
    status, answer = await cluster.hub.rest("POST", "/users/ana/servers/second")
    assert status == 400
    assert "image" in answer["message"]
    options = {"user_options": {"image": "good"}}
    await cluster.hub.rest("PATCH", "/users/ana/servers/second", options)
    status, _ = await cluster.hub.rest("POST", "/users/ana/servers/second")
    assert status in {201, 202}


async def test_failing_api_never_ends_the_hub(cluster: Cluster) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await cluster.api.expect("POST", QUOTAS, quota)
    for number in range(7):
        await cluster.hub.rest("POST", f"/users/u{number}")
        status, answer = await cluster.hub.rest("POST", f"/users/u{number}/server")
        assert status == 503
        assert "quota" in answer["message"]
        assert "exceeded" not in answer["message"]
    assert "consecutive spawns failed" not in cluster.hub.log
    assert (await cluster.hub.rest("GET", "/"))[0] == 200


async def test_delete_during_a_start_leaves_nothing(cluster: Cluster) -> None:
    cluster.kubelet.script = lambda _pod: [Step(60, pod_driver.running(ready=True))]
    await cluster.hub.rest("POST", "/users/ana")
    asking = asyncio.create_task(cluster.hub.rest("POST", "/users/ana/server"))
    while not cluster.kubelet.created:
        await asyncio.sleep(0.02)
    status, _ = await cluster.hub.rest("DELETE", "/users/ana/server")
    assert status in {202, 204}
    await cluster.until("ana", ready=False)
    assert await cluster.pods() == []
    await asyncio.wait([asking])


async def test_workspace_outlives_a_killed_hub(cluster: Cluster) -> None:
    await cluster.hub.rest("POST", "/users/ana")
    await cluster.hub.rest("POST", "/users/ana/server")
    before = await cluster.until("ana", ready=True)
    pods = await cluster.pods()
    await cluster.hub.stop(signal.SIGKILL)
    await cluster.hub.start()
    after = await cluster.until("ana", ready=True)
    assert await cluster.pods() == pods
    assert after["state"] == before["state"]
    assert after["state"]["studiolo"]["actual_image"]["id"] == "good"


async def test_progress_tells_the_story_as_it_happens(cluster: Cluster) -> None:
    cluster.kubelet.script = pod_driver.ready_after(1.5)
    await cluster.hub.rest("POST", "/users/ana")
    asking = asyncio.create_task(cluster.hub.rest("POST", "/users/ana/server"))
    while not cluster.kubelet.created:
        await asyncio.sleep(0.02)
    headers = {"Authorization": "token a-token-of-the-test-service"}
    url = f"{cluster.hub.url}/api/users/ana/server/progress"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as stream:
        lines = (await stream.text()).splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line[:5] == "data:"]
    assert [e["message"] for e in events[:2]][1].startswith("Starting “Good”.")
    assert events[-1]["ready"] is True
    assert all("raw_event" not in event for event in events)
    await asking


def _is_checked(html: str, value: str) -> bool:
    tag = html[: html.index(f'value="{value}"')].rpartition("<")[2]
    rest = html[html.index(f'value="{value}"') :].partition(">")[0]
    return "checked" in tag + rest
