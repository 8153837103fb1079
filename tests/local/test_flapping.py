"""A container that flaps, as a kubelet tells of it: it has as many tries as the catalogue says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client import Configuration
from studiolo_local.cluster import NAMESPACE
from studiolo_local.kubelet.backoff import Timing
from studiolo_local.registry.demo_images import DemoImage, put_image, recipe_of
from studiolo_local.registry.oci_image import build_image
from studiolo_spawner.shared_parts import close_shared_parts
from studiolo_spawner.spawner import WorkspaceSpawner

from tests.fakes import hub_parts, ten_images
from tests.fakes.spawner_lab import started
from tests.local.running_cluster import Running, running_cluster

pytestmark = pytest.mark.cluster

#: Back-offs of 0.5 s, 1 s, 2 s …: a twentieth of a kubelet's.
TIMING = Timing().scaled(0.05)

_COUNT = 'echo x >> "$HOME/runs"\n'
_CRASH = 'echo "ImportError: libcudart.so.12" >&2\nexit 1\n'
IMAGES = {
    "steady": DemoImage("flap", "steady", start=ten_images._SERVER),
    # Its first runs find something missing, the third one works.
    "stumbles": DemoImage(
        "flap",
        "stumbles",
        start=f'{_COUNT}if [ "$(wc -l < "$HOME/runs")" -lt 3 ]; then\n{_CRASH}fi\n'
        + ten_images._SERVER,
    ),
    "crashes": DemoImage("flap", "crashes", start=_COUNT + _CRASH),
}

CATALOGUE = """
version: 1
defaults: {{profile: cpu, start_deadline: 5s, spawn_timeout: 60s, fallback: {{max_attempts: 2}}}}
images:
- {{id: stumbles, display_name: Stumbles, reference: "{stumbles}", start_tries: {tries}}}
- {{id: crashes, display_name: Crashes, reference: "{crashes}", start_tries: {tries},
   fallback: [steady]}}
- {{id: steady, display_name: Steady, reference: "{steady}"}}
profiles: [{{id: cpu, display_name: CPU, cpu: 1, memory: 1Gi}}]
"""


_WORDS = (
    "Starting “Stumbles”.",
    "The image was checked, and the registry has it: ",
    "The machine fetches the image (",
    "The image was fetched in 1 second.",
    "The image started and then stopped: its own program reported an error",
    "“Stumbles” runs.",
)


class Flapping:
    """A spawner on an embedded cluster, and what became of its containers."""

    def __init__(self, cluster: Running, spawner: Any, volumes: Path) -> None:
        self.cluster = cluster
        self.spawner = spawner
        self._volumes = volumes

    async def told(self) -> list[str]:
        return [event["message"] async for event in self.spawner.progress()]

    def runs(self) -> int:
        """How often an image's container was started that counts its runs."""
        found = list(self._volumes.rglob("runs"))
        return sum(len(file.read_text().splitlines()) for file in found)

    def waits(self) -> list[str]:
        """The reasons for which the containers waited, in order, each once."""
        reasons: list[str] = []
        for pod in self.cluster._seen.get(self.spawner.pod_name, ()):
            for status in pod["status"].get("containerStatuses", ()):
                reason = status["state"].get("waiting", {}).get("reason")
                if reason and reasons[-1:] != [reason]:
                    reasons.append(reason)
        return reasons


@asynccontextmanager
async def flapping(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, image: str, tries: int
) -> AsyncIterator[Flapping]:
    # Where the API is is set below; in-cluster settings and kubeconfigs are not ours to read.
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
    catalogue = folder / "catalogue.yaml"
    named = {name: each.reference for name, each in IMAGES.items()}
    catalogue.write_text(CATALOGUE.format(**named, tries=tries))
    async with running_cluster(folder / "cluster", timing=TIMING) as cluster:
        for each in IMAGES.values():
            built = build_image(recipe_of(each))
            await asyncio.to_thread(
                put_image, cluster.cluster.registry.store, each.repository, each.tag, built
            )
        before, there = Configuration.get_default_copy(), Configuration()
        there.host = cluster.cluster.api_url
        there.api_key = {"BearerToken": f"Bearer {cluster.cluster.token}"}
        Configuration.set_default(there)
        db = hub_parts.database()
        spawner = hub_parts.spawner_of(
            WorkspaceSpawner,
            hub_parts.user("ana"),
            db,
            namespace=NAMESPACE,
            catalogue_path=str(catalogue),
            registries=ten_images.registries(cluster.cluster.registry.url),
            image_check_period=0,
            environment={"POD_IP": {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}},
            user_options={"image": image},
            pod_gone_timeout=10,
            delete_grace_period=1,
        )
        try:
            yield Flapping(cluster, spawner, folder)
            await spawner.stop(now=True)
        finally:
            await WorkspaceSpawner._stop_all_reflectors()
            await close_shared_parts()
            Configuration.set_default(before)
            db.close()


async def test_one_that_comes_to_its_feet_is_given_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with flapping(tmp_path, monkeypatch, image="stumbles", tries=3) as lab:
        listener = asyncio.create_task(lab.told())
        await started(lab.spawner)
        (attempt,) = lab.spawner.workspace_state.attempts
        told = "\n".join(await listener)
        assert (attempt.image_id, attempt.outcome, lab.runs()) == ("stumbles", "running", 3)
        assert [line for line in _WORDS if line in told] == list(_WORDS)
        assert sorted(_WORDS, key=told.index) == list(_WORDS)
        assert "It is started again: try 2 of 3." in told
        assert "It is started again: try 3 of 3." in told
        assert "CrashLoopBackOff" in lab.waits()


@pytest.mark.parametrize("tries", [1, 3])
async def test_one_that_does_not_is_given_up_after_as_many_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: int
) -> None:
    async with flapping(tmp_path, monkeypatch, image="crashes", tries=tries) as lab:
        await started(lab.spawner)
        crashed, instead = lab.spawner.workspace_state.attempts
        assert (crashed.reason, instead.image_id) == ("crashed", "steady")
        assert lab.runs() == tries
        assert ("CrashLoopBackOff" in lab.waits()) is (tries > 1)


async def test_one_that_may_not_be_replaced_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with flapping(tmp_path, monkeypatch, image="crashes", tries=2) as lab:
        lab.spawner.user_options = {"image": "crashes", "fallback": False}
        with pytest.raises(SpawnException, match="no_image_left"):
            await started(lab.spawner)
        assert lab.runs() == 2
        assert await lab.cluster.pod(lab.spawner.pod_name) is None
