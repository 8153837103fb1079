"""The whole way through a real hub process."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp

from tests.bench.crowd import HERE
from tests.bench.measures import Figures, Goal, measure
from tests.bench.processes import Cluster, Side, cluster
from tests.bench.worker import CATALOGUE, REFERENCE
from tests.fakes.hub_process import ADMIN_TOKEN, HubProcess

USERS = 100

_COMMON = """
c.JupyterHub.log_level = "WARN"
# How long this machine's disk takes is not what is measured.
c.JupyterHub.db_url = "sqlite:///:memory:"
c.KubeSpawner.namespace = "{namespace}"
c.KubeSpawner.port = {port}
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
"""

_OURS = """
c.JupyterHub.spawner_class = "studiolo_spawner.spawner.WorkspaceSpawner"
c.WorkspaceSpawner.catalogue_path = "{catalogue}"
c.WorkspaceSpawner.registries = {{"registry.bench.test": {{
    "endpoint": "{registry}", "insecure": True, "allow_private": True}}}}
"""

_PEER = """
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.image = "{reference}"
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "10Gi"
c.KubeSpawner.cpu_limit = c.KubeSpawner.cpu_guarantee = 1
c.KubeSpawner.mem_limit = c.KubeSpawner.mem_guarantee = "1G"
c.KubeSpawner.volumes = [
    {{"name": "home", "persistentVolumeClaim": {{"claimName": "{{pvc_name}}"}}}}]
c.KubeSpawner.volume_mounts = [{{"name": "home", "mountPath": "/home/jovyan"}}]
c.KubeSpawner.start_timeout = 300
"""


def _config(there: Cluster, side: Side) -> str:
    catalogue = there.folder / "catalogue.yaml"
    catalogue.write_text(CATALOGUE.format(reference=REFERENCE))
    template = _COMMON + (_OURS if side == "ours" else _PEER)
    return template.format(
        namespace=HERE,
        port=there.port,
        catalogue=catalogue,
        registry=there.registry,
        reference=REFERENCE,
    )


async def _start_all(hub: HubProcess) -> float:
    """Start a server for each user at once; seconds until the last one is ready."""
    headers = {"Authorization": f"token {ADMIN_TOKEN}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        users = {"usernames": [f"user-{number}" for number in range(USERS + 1)]}
        async with session.post(f"{hub.url}/api/users", json=users) as answer:
            assert answer.status == 201, await answer.text()
        # What is made once is made for the first.
        await _start(session, hub, f"user-{USERS}")
        began = time.monotonic()
        await asyncio.gather(*(_start(session, hub, f"user-{n}") for n in range(USERS)))
        return time.monotonic() - began


async def _start(session: aiohttp.ClientSession, hub: HubProcess, user: str) -> None:
    async with session.post(f"{hub.url}/api/users/{user}/server") as answer:
        assert answer.status in {201, 202}, await answer.text()
        if answer.status == 201:
            return
    async with session.get(f"{hub.url}/api/users/{user}/server/progress") as story:
        assert '"ready": true' in await story.text()


async def _whole_way(folder: Path, side: Side) -> float:
    async with cluster(folder / side, ready_after=3) as there:
        config = _config(there, side)
        async with HubProcess(there.folder, there.kubeconfig, config) as hub:
            return await _start_all(hub)


@measure(
    "hub_burst",
    "100 servers started at once through a real hub (no proxy, database in memory), pods ready "
    "after 3 s: until the hub says that the last one is ready",
    unit="s",
    goal=Goal(at_most=5.0),
)
async def hub_burst(folder: Path) -> Figures:
    return Figures(await _whole_way(folder, "ours"), await _whole_way(folder, "peer"))
