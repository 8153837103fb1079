"""Starts at random on the embedded cluster, through a real hub, and what has to come of each.

What a start should end in is told by the catalogue alone: the first candidate that works, or, when
none of them does, an error that names the cause of each. Which images work is known to the test,
not to the hub.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from studiolo_local.cluster import NAMESPACE
from studiolo_local.kubelet.backoff import Timing
from studiolo_spawner.catalogue import Catalogue, parse_catalogue
from studiolo_spawner.choice import choice_from_options
from studiolo_spawner.errors import InvalidChoice, NotAllowed
from studiolo_spawner.resolve import Person, resolve

from tests.fakes.oidc import FakeIssuer
from tests.fakes.ten_images import CAUSES, IMAGES, catalogue_text, fill_registry, registries
from tests.hub.running_hub import Browser, RunningHub, hub_settings, running_hub
from tests.local.running_cluster import QUICK, Running, running_cluster

TOKEN = "a-token-of-the-test-service"
SCOPES = ["admin:servers", "admin:server_state", "list:users"]
FAULTS = {entry.id: entry.fault for entry in IMAGES}
PEOPLE = {f"person-{n}": ("ml", "research") if n % 2 else ("ml",) for n in range(10)}

Object = dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """What has to come of a choice."""

    runs: str | None
    """Image that runs in the end."""
    broken: Sequence[str] = ()
    """Images that are tried before and fail."""
    refused: bool = False


@dataclass(frozen=True)
class Ending:
    """What came of it."""

    ready: bool
    told: Sequence[str]
    """Sentences of the waiting page, in order."""
    error: str = ""


def some_choice(luck: random.Random) -> Object:
    """What a person may ask for, sometimes more than there is."""
    choice: Object = {"profile": luck.choice(["cpu", "gpu"])}
    if luck.random() < 0.85:
        choice["image"] = luck.choice(IMAGES).id
    if luck.random() < 0.3:
        choice["tasks"] = [luck.choice(["explore", "train", "teach"])]
    if luck.random() < 0.2:
        choice["tools"] = [luck.choice(["tensorboard", "xprof", "jupyterlab"])]
    if luck.random() < 0.2:
        choice["frameworks"] = {"pytorch": luck.choice([">=2.8", "==2.9.*", "<2.9"])}
    if luck.random() < 0.15:
        choice["fallback"] = False
    return choice


def expected_of(catalogue: Catalogue, person: str, choice: Mapping[str, object]) -> Expected:
    """What the catalogue promises."""
    groups = frozenset(PEOPLE[person])
    try:
        request = resolve(
            catalogue, Person(person, groups, admin=False), choice_from_options(choice)
        )
    except (InvalidChoice, NotAllowed):
        return Expected(None, refused=True)
    broken: list[str] = []
    for candidate in request.candidates:
        assert request.needs.met_by(candidate.image)
        if FAULTS[candidate.image.id] is None:
            return Expected(candidate.image.id, broken)
        broken.append(candidate.image.id)
    return Expected(None, broken)


def explains(text: str, catalogue: Catalogue, image_id: str) -> bool:
    """Whether some sentence names the image and what is wrong with it."""
    image, fault = catalogue.image(image_id), FAULTS[image_id]
    assert image is not None
    assert fault is not None
    name = re.escape(f"“{image.display_name}”")
    return re.search(rf"{name}[^“]*{CAUSES[fault]}", text) is not None


class Lab:
    """A hub, its cluster, and people who are known to it."""

    def __init__(
        self,
        hub: RunningHub,
        cluster: Running,
        session: aiohttp.ClientSession,
        administrator: Browser,
    ) -> None:
        self.hub = hub
        self._administrator = administrator
        self.cluster = cluster
        self.catalogue = parse_catalogue((hub.folder / "catalogue.yaml").read_bytes())
        self._session = session

    async def start(self, person: str, choice: Mapping[str, object]) -> Ending:
        """Ask for a workspace and wait for how it ends."""
        told: list[str] = []
        async for event in self.starting(person, choice):
            if event.get("ready"):
                return Ending(True, told)
            if event.get("failed"):
                return Ending(False, told, event["message"])
            if event["message"] != "Server requested":  # JupyterHub's own, before the start
                told.append(event["message"])
        raise AssertionError(f"The start of {person} did not end: {told}")

    async def starting(self, person: str, choice: Mapping[str, object]) -> AsyncIterator[Object]:
        """Ask for a workspace; what the waiting page is told, as it is told."""
        url = self.hub.address(f"api/users/{person}/server")
        async with self._session.post(url, json=choice) as answer:
            if answer.status >= 400:
                yield {"failed": True, "message": (await answer.json())["message"]}
                return
        async with self._session.get(f"{url}/progress") as stream:
            async for line in stream.content:
                if line.startswith(b"data:"):
                    yield json.loads(line.removeprefix(b"data:"))

    async def pod_of(self, person: str) -> Object:
        """The only pod of a person."""
        pods = await self._of(person, "pods")
        assert len(pods) == 1, [pod["metadata"]["name"] for pod in pods]
        return pods[0]

    async def left_of(self, person: str) -> Object:
        """Everything of a person in the cluster but the home, by kind."""
        kinds = ("pods", "services", "secrets")
        found = {kind: await self._of(person, kind) for kind in kinds}
        return {kind: items for kind, items in found.items() if items}

    async def stop(self, person: str) -> None:
        """Stop the workspace and wait until it is gone."""
        url = self.hub.address(f"api/users/{person}/server")
        async with self._session.delete(url) as answer:
            assert answer.status in {202, 204}, await answer.text()
        await self.at_rest(person)

    async def at_rest(self, person: str) -> None:
        """Wait until the hub has nothing under way for a person."""
        async with asyncio.timeout(30):
            while (await self.user(person))["servers"]:
                await asyncio.sleep(0.1)

    async def user(self, person: str) -> Object:
        """What the hub's API says about a person."""
        async with self._session.get(self.hub.address(f"api/users/{person}")) as answer:
            assert answer.status == 200, await answer.text()
            found: Object = await answer.json()
            return found

    async def image_health(self) -> Mapping[str, Object]:
        """What administrators read about each image."""
        page = await self._administrator.get("studiolo/images")
        assert page.status == 200, page.words
        return {entry["id"]: entry for entry in json.loads(page.text)["images"]}

    async def _of(self, person: str, kind: str) -> list[Object]:
        items, _ = await self.cluster.client.list(
            kind, NAMESPACE, labelSelector=f"hub.jupyter.org/username={person}"
        )
        return items


@asynccontextmanager
async def running_lab(
    folder: Path,
    *,
    start_deadline: str = "8s",
    timing: Timing = QUICK,
    extra: Mapping[str, Object] | None = None,
) -> AsyncIterator[Lab]:
    """A hub with the ten images on an embedded cluster, until the block ends.

    ``timing``: the kubelet's waits.  ``extra``: traits that are set on top, by class.
    """
    async with FakeIssuer() as issuer, running_cluster(folder / "cluster", timing=timing) as there:
        await asyncio.to_thread(fill_registry, there.cluster.registry.store)
        settings = _settings(folder, issuer, there, extra or {})
        (folder / "catalogue.yaml").write_text(catalogue_text(start_deadline=start_deadline))
        environment = {"KUBECONFIG": str(there.cluster.kubeconfig)}
        headers = {"Authorization": f"token {TOKEN}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            running_hub(folder, settings, environment) as hub,
            aiohttp.ClientSession(headers=headers, connector=connector) as session,
        ):
            for name, groups in PEOPLE.items():
                async with Browser(hub) as browser:
                    await _sign_in(issuer, browser, name, groups)
            async with Browser(hub) as administrator:
                await _sign_in(issuer, administrator, "administrator", ("ml", "ops"))
                yield Lab(hub, there, session, administrator)


def _settings(
    folder: Path, issuer: FakeIssuer, there: Running, extra: Mapping[str, Object]
) -> Object:
    settings = hub_settings(
        folder,
        issuer,
        sign_in={"username_claim": "preferred_username"},
        workspaces={
            "namespace": NAMESPACE,
            "registries": registries(there.cluster.registry.url),
            "check_images_every": "never",
        },
    )
    ours: Object = {
        "JupyterHub": {
            "proxy_class": "tests.hub.page_spawner.MemoryProxy",
            # The start is told as it happens, however short it is.
            "tornado_settings": {"slow_spawn_timeout": 0},
            "services": [{"name": "tests", "api_token": TOKEN}],
            "load_roles": [{"name": "tests", "services": ["tests"], "scopes": SCOPES}],
        },
        "WorkspaceSpawner": {
            "environment": {"POD_IP": {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}}
        },
    }
    settings["extra"] = {
        name: {**ours.get(name, {}), **extra.get(name, {})} for name in {*ours, *extra}
    }
    return settings


async def _sign_in(issuer: FakeIssuer, browser: Browser, name: str, groups: Sequence[str]) -> None:
    issuer.claims = {"sub": name, "preferred_username": name, "groups": list(groups)}
    page = await browser.sign_in()
    assert page.path == "/hub/home", page.words
