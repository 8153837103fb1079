"""Spawners on an embedded cluster with a scripted kubelet, and a way to it that can be spoilt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from kubernetes_asyncio.client import Configuration
from studiolo_local.api.server import ApiServer
from studiolo_local.api.store import Store
from studiolo_spawner.shared_parts import close_shared_parts
from studiolo_spawner.spawner import WorkspaceSpawner

from tests.fakes import hub_parts, pod_driver
from tests.fakes.faulty_proxy import FaultyProxy
from tests.fakes.pod_driver import PodDriver

TOKEN = "a-token-for-the-tests"
HERE = "studiolo"


class SpawnerLab:
    """What a test holds: the cluster's API, its kubelet, the spoilt way, and spawners."""

    def __init__(
        self, api: ApiServer, kubelet: PodDriver, proxy: FaultyProxy, catalogue: Path
    ) -> None:
        self.api = api
        self.kubelet = kubelet
        self.proxy = proxy
        self.catalogue = catalogue
        self._db = hub_parts.database()

    def make(self, name: str = "ana", *groups: str, server: str = "", **traits: Any) -> Any:
        """A spawner of this user's, as the hub makes one just before a start."""
        traits.setdefault("pod_gone_timeout", 5)
        return hub_parts.spawner_of(
            WorkspaceSpawner,
            hub_parts.user(name, *groups),
            self._db,
            server=server,
            namespace=HERE,
            catalogue_path=str(self.catalogue),
            **traits,
        )

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API server itself, past the proxy; returns the JSON of the answer."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.api.url + path, json=body) as response,
        ):
            return await response.json()

    async def names(self, plural: str) -> set[str]:
        """The names of what is there."""
        found = await self.call("GET", f"/api/v1/namespaces/{HERE}/{plural}")
        return {item["metadata"]["name"] for item in found["items"]}

    def close(self) -> None:
        self._db.close()


async def started(spawner: Any) -> str:
    """As the hub starts a server: the choice is checked first."""
    await spawner._run_apply_user_options(spawner.user_options)
    url: str = await spawner.start()
    return url


@asynccontextmanager
async def spawner_lab(
    folder: Path, catalogue: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SpawnerLab]:
    """Have a cluster that runs every pod at once until its kubelet is told otherwise."""
    # Where the API is is set below; in-cluster settings and kubeconfigs are not ours to read.
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
    file = folder / "catalogue.yaml"
    file.write_text(catalogue)
    api = ApiServer(Store(None), token=TOKEN)
    await api.start()
    proxy = FaultyProxy(api.url)
    await proxy.start()
    before = Configuration.get_default_copy()
    there = Configuration()
    there.host = proxy.url
    there.api_key = {"BearerToken": f"Bearer {TOKEN}"}
    Configuration.set_default(there)
    kubelet = PodDriver(api.url, TOKEN, pod_driver.ready_after(0))
    lab = SpawnerLab(api, kubelet, proxy, file)
    await lab.call("POST", "/api/v1/namespaces", {"metadata": {"name": HERE}})
    await kubelet.start()
    try:
        yield lab
    finally:
        await WorkspaceSpawner._stop_all_reflectors()
        await close_shared_parts()
        Configuration.set_default(before)
        await kubelet.stop()
        await proxy.stop()
        await api.stop()
        lab.close()
