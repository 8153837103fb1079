"""`studiolo catalogue probe --record`: what a cron job finds, the hub knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_asyncio.client import Configuration
from studiolo_hub.cli import main
from studiolo_spawner.health_json import from_text
from studiolo_spawner.health_store import NAME

from tests.embedded import EmbeddedApi, running_api
from tests.fakes.registry import FakeRegistry

pytestmark = pytest.mark.cluster

HERE = f"/api/v1/namespaces/studiolo/configmaps/{NAME}"
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: here}}}}]
clusters: [{{name: here, cluster: {{server: "{url}"}}}}]
users: [{{name: here, user: {{token: "{token}"}}}}]
"""


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[EmbeddedApi]:
    before = Configuration.get_default_copy()
    async with running_api(tmp_path) as api:
        await api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": "studiolo"}})
        yield api
    Configuration.set_default(before)


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry() as served:
        yield served


async def probe(folder: Path, registry: FakeRegistry, *options: str) -> int:
    """Run the command on a catalogue of one good and one missing image: its exit status."""
    file = folder / "catalogue.yaml"
    images = [
        {"id": name, "display_name": name, "reference": f"registry.example/{name}:1"}
        for name in ("good", "missing")
    ]
    profiles = [{"id": "cpu", "display_name": "CPU", "cpu": 1, "memory": "1Gi"}]
    file.write_text(yaml.safe_dump({"version": 1, "images": images, "profiles": profiles}))
    there = f"registry.example={registry.url}"
    words = ["catalogue", "probe", str(file), "--registry", there, "--record", *options]
    return await asyncio.to_thread(main, words)


async def test_what_is_found_is_written_down(
    api: EmbeddedApi,
    registry: FakeRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digest = registry.image("good", "1")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(url=api.url, token=api.token))
    monkeypatch.setattr("kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
                        str(kubeconfig))  # fmt: skip
    assert await probe(tmp_path, registry, "--namespace", "studiolo") == 1
    kept: Any = await api.expect("GET", HERE)
    found = {key[0]: health for key, health in from_text(kept["data"]["health.json"]).items()}
    assert found["good"].found is not None
    assert found["good"].found.digest == digest
    assert found["missing"].failures[0].reason == "image_missing"
    assert await probe(tmp_path, registry, "--namespace", "studiolo") == 1
    again = from_text((await api.expect("GET", HERE))["data"]["health.json"])
    assert len(again) == 2
    (failure,) = again["missing", "registry.example/missing:1"].failures
    assert failure.times == 2


async def test_without_a_cluster_that_is_said(
    registry: FakeRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry.image("good", "1")
    nowhere = tmp_path / "none"
    monkeypatch.setattr("kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
                        str(nowhere))  # fmt: skip
    assert await probe(tmp_path, registry) == 2
    told = capsys.readouterr().err
    assert "not recorded in the ConfigMap studiolo-image-health" in told
    assert "no kubeconfig was found" in told
    assert "Traceback" not in told
