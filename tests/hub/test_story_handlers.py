"""What the API tells a workspace's owner: the image asked for, the one that runs, and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from studiolo_hub.story_handlers import story_document
from studiolo_spawner.workspace_state import Failure, ImageInUse, WorkspaceState

from tests.embedded import running_api
from tests.fakes import pod_driver
from tests.fakes.attempts import MISSING, START, TRYING
from tests.fakes.hub_process import AnswersForPods, HubProcess
from tests.fakes.pod_driver import Json, PodDriver, Step

CATALOGUE = """
version: 1
defaults: {image: bad, profile: small}
images:
- {id: bad, display_name: Bad, reference: "unreachable.invalid/bad:1", fallback: [other]}
- {id: other, display_name: Other, reference: "unreachable.invalid/other:1"}
profiles: [{id: small, display_name: Small, cpu: 1, memory: 1Gi}]
"""
CONFIG = """
from studiolo_hub.story_handlers import story_handlers
c.JupyterHub.extra_handlers = story_handlers()
c.JupyterHub.spawner_class = "studiolo_spawner.spawner.WorkspaceSpawner"
c.WorkspaceSpawner.catalogue_path = "{catalogue}"
c.WorkspaceSpawner.namespace = "studiolo"
c.WorkspaceSpawner.port = {port}
"""


def test_nothing_started() -> None:
    document = story_document(WorkspaceState())
    assert [name for name, value in document.items() if value] == []


def test_failed_start() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    gone = TRYING.ending("failed", MISSING, START)
    asked = ImageInUse("pytorch", "PyTorch 2.9")
    state = WorkspaceState("s", "u", "gpu", asked, None, (gone,), phase="starting", began=START)
    left = state.ending(Failure(at, "no_image_left", "No image could be started.")).afterwards()
    document = story_document(left)
    assert document["failure"] == {
        "at": at.isoformat(),
        "reason": "no_image_left",
        "message": "No image could be started.",
        "status": 503,
    }
    assert document["attempts"] == [gone.to_json()]
    assert document["requested_image"] == asked.to_json()
    assert story_document(replace(left, failure=None))["failure"] is None


@dataclass
class Place:
    """A hub whose first image is missing."""

    hub: HubProcess

    async def story(self, session: aiohttp.ClientSession) -> tuple[int, Any]:
        """What a person gets who asks for ana's story in a browser."""
        url = f"{self.hub.url}/studiolo/workspaces/ana/story"
        async with session.get(url, headers={"Accept": "application/json"}) as answer:
            return answer.status, await answer.json()


def _script(pod: Json) -> list[Step]:
    if pod["metadata"]["labels"]["studiolo.dev/image"] == "bad":
        return [Step(0, pod_driver.waiting("ErrImagePull", "manifest unknown"))]
    return [Step(0, pod_driver.running(ready=True))]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    answers = AnswersForPods()
    await answers.start()
    async with running_api(tmp_path) as api:
        await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": "studiolo"}})
        kubelet = PodDriver(api.url, api.token, _script)
        await kubelet.start()
        config = CONFIG.format(catalogue=catalogue, port=answers.port)
        try:
            async with HubProcess(tmp_path, api.kubeconfig, config) as hub:
                yield Place(hub)
        finally:
            await kubelet.stop()
            await answers.stop()


@pytest.mark.cluster
async def test_owners_read_it_and_nobody_else(place: Place) -> None:
    # Before the start: without a proxy, a signed-in owner of a workspace is led round in circles.
    ana, ben = await place.hub.browser("ana"), await place.hub.browser("ben")
    await place.hub.rest("POST", "/users/ana/server")
    async with asyncio.timeout(30):
        while not await _is_ready(place.hub):
            await asyncio.sleep(0.1)
    async with ana, ben:
        status, story = await place.story(ana)
        assert (await place.story(ben))[0] in {403, 404}
    assert (status, story["version"], story["phase"]) == (200, 1, "running")
    assert story["requested_image"]["display_name"] == "Bad"
    assert story["actual_image"]["id"] == "other"
    assert "“Bad” could not be used. The image does not exist" in story["fallback_reason"]
    assert [attempt["outcome"] for attempt in story["attempts"]] == ["failed", "running"]
    url = f"{place.hub.url}/studiolo/workspaces/ana/story"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, allow_redirects=False) as answer,
    ):
        assert answer.status in {302, 403}


async def _is_ready(hub: HubProcess) -> bool:
    _, user = await hub.rest("GET", "/users/ana")
    return bool(user["servers"].get("", {}).get("ready"))
