"""Files are deleted only if they are this user's, and nobody uses them; on the embedded API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from studiolo_spawner.errors import ClusterFault
from studiolo_spawner.home_removal import users_of
from studiolo_spawner.ownership import USERNAME

from tests.fakes.faulty_proxy import cut
from tests.fakes.spawner_lab import HERE, SpawnerLab, spawner_lab, started

CATALOGUE = """
version: 1
images: [{id: good, display_name: Good, reference: "unreachable.invalid/good:1"}]
profiles: [{id: cpu, display_name: CPU only, cpu: 1, memory: 1Gi}]
"""
CLAIMS = f"/api/v1/namespaces/{HERE}/persistentvolumeclaims"
PODS = f"/api/v1/namespaces/{HERE}/pods"


@pytest.fixture
async def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpawnerLab]:
    async with spawner_lab(tmp_path, CATALOGUE, monkeypatch) as lab:
        yield lab


async def test_the_files_of_a_stopped_workspace_go_and_come_anew(lab: SpawnerLab) -> None:
    spawner = lab.make()
    await started(spawner)
    await spawner.stop()
    assert await lab.names("persistentvolumeclaims") == {spawner.pvc_name}
    assert await spawner.delete_files() is True
    assert await lab.names("persistentvolumeclaims") == set()
    assert await spawner.delete_files() is False
    await started(spawner)
    assert await lab.names("persistentvolumeclaims") == {spawner.pvc_name}
    await spawner.stop()


@pytest.mark.parametrize(
    "annotations",
    [
        pytest.param({USERNAME: "ben"}, id="another-users"),
        pytest.param({USERNAME: "Ana"}, id="nearly"),
        pytest.param({}, id="nobodys"),
    ],
)
async def test_what_is_not_theirs_stays(lab: SpawnerLab, annotations: dict[str, str]) -> None:
    spawner = lab.make(adopt_unowned=True)
    claim = {
        "metadata": {"name": spawner.pvc_name, "annotations": annotations},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    await lab.call("POST", CLAIMS, claim)
    with pytest.raises(ClusterFault, match="nothing was deleted") as fault:
        await spawner.delete_files()
    assert fault.value.reason == "owner_unknown"
    assert await lab.names("persistentvolumeclaims") == {spawner.pvc_name}


async def test_what_a_pod_uses_stays(lab: SpawnerLab) -> None:
    spawner = lab.make()
    await started(spawner)
    with pytest.raises(ClusterFault, match="still in use") as fault:
        await spawner.delete_files()
    assert fault.value.reason == "home_in_use"
    assert await lab.names("persistentvolumeclaims") == {spawner.pvc_name}
    await spawner.stop()


async def test_nothing_goes_while_nobody_says_who_uses_it(lab: SpawnerLab) -> None:
    spawner = lab.make()
    await started(spawner)
    await spawner.stop()
    lab.proxy.spoil(f"GET {PODS}", cut, times=99)
    with pytest.raises(ClusterFault, match="nothing was deleted"):
        await spawner.delete_files()
    assert await lab.names("persistentvolumeclaims") == {spawner.pvc_name}


def pod(phase: str, claim: str | None) -> dict[str, Any]:
    volume: dict[str, Any] = {"name": "v"}
    if claim:
        volume["persistentVolumeClaim"] = {"claimName": claim}
    return {
        "metadata": {"name": f"{phase}-{claim}"},
        "spec": {"volumes": [volume]},
        "status": {"phase": phase},
    }


def test_who_uses_a_claim() -> None:
    pods = [
        pod("Running", "mine"),
        pod("Pending", "mine"),
        pod("Succeeded", "mine"),
        pod("Failed", "mine"),
        pod("Running", "other"),
        pod("Running", None),
        {},
        {"spec": {"volumes": "nonsense"}},
    ]
    assert users_of("mine", pods) == ["Running-mine", "Pending-mine"]
