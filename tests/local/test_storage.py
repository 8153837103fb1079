"""Claims get a directory with their first pod, and it goes with them; other files stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from studiolo_local.client import ApiError
from studiolo_local.cluster import NAMESPACE
from studiolo_local.storage import LocalStorage

from tests.local.running_cluster import (
    Running,
    claim,
    in_phase,
    is_ready,
    pod,
    running_cluster,
    with_home,
)


def bound(name: str, uid: str, volume: str = "") -> dict[str, Any]:
    dynamic = {"volume.kubernetes.io/storage-provisioner": "studiolo.dev/local-directory"}
    return {
        "metadata": {
            "namespace": "ns",
            "name": name,
            "uid": uid,
            "annotations": {} if volume else dynamic,
        },
        "spec": {"volumeName": volume or f"pvc-{uid}"},
    }


def test_a_claim_finds_its_own_files_only(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    first = bound("home", "uid-1")
    storage._make(first)
    (storage.directory_of(first) / "notes").write_text("mine")
    storage._make(first)
    assert (storage.directory_of(first) / "notes").exists()
    second = bound("home", "uid-2")
    storage._make(second)
    assert list(storage.directory_of(second).iterdir()) == []
    assert (tmp_path / "trash" / "ns.home.uid-1" / "notes").read_text() == "mine"


async def test_the_files_go_with_their_claim(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for each in (dynamic := bound("home", "uid-1"), static := bound("data", "uid-2", "datasets")):
        storage._make(each)
        (storage.directory_of(each) / "notes").write_text("kept?")
    other = bound("home", "another")
    await storage._reclaim(other)
    assert (storage.directory_of(dynamic) / "notes").exists()
    await storage._reclaim(dynamic)
    await storage._reclaim(static)
    assert not storage.directory_of(dynamic).exists()
    assert list((tmp_path / "trash").iterdir()) == []
    assert (tmp_path / "volumes" / "datasets" / "notes").exists()


def test_files_of_an_unknown_claim_are_kept_apart(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for name, uid in (("known", "uid-1"), ("lost", "uid-2")):
        storage._make(bound(name, uid))
        (storage.directory_of(bound(name, uid)) / "notes").write_text(name)
    storage._set_unknown_aside({"uid-1"})
    assert (tmp_path / "homes" / "ns" / "known" / "notes").exists()
    assert not (tmp_path / "homes" / "ns" / "lost").exists()
    assert (tmp_path / "trash" / "ns.lost.uid-2" / "notes").read_text() == "lost"


@pytest.mark.parametrize("name", ["..", "a/b", "../../etc", "", "a..b"])
def test_a_name_never_leads_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a directory"):
        LocalStorage(tmp_path).directory_of(
            bound("data", "uid", "x") | {"spec": {"volumeName": name}}
        )


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_cluster(tmp_path) as running:
        yield running


async def phase_of(cluster: Running, name: str) -> str:
    found = await cluster.client.get("persistentvolumeclaims", NAMESPACE, name)
    return str(found["status"]["phase"])


@pytest.mark.cluster
async def test_a_claim_is_bound_with_its_first_pod(cluster: Running) -> None:
    await cluster.create("persistentvolumeclaims", claim("home"))
    message = await cluster.until_told("home", "WaitForFirstConsumer")
    assert message == "waiting for first consumer to be created before binding"
    assert await phase_of(cluster, "home") == "Pending"
    await cluster.create("pods", pod("user", ["sleep", "100"], **with_home("home")))
    await cluster.until("user", is_ready)
    assert await phase_of(cluster, "home") == "Bound"
    assert "ProvisioningSucceeded" in [reason for _, reason, _ in await cluster.events("home")]
    assert "FailedScheduling" not in [reason for _, reason, _ in await cluster.events("user")]


@pytest.mark.cluster
async def test_a_claim_in_use_is_protected(cluster: Running) -> None:
    await cluster.create("persistentvolumeclaims", claim("home"))
    await cluster.create("pods", pod("user", ["sleep", "100"], **with_home("home")))
    await cluster.until("user", is_ready)
    home = cluster.cluster.data_dir / "homes" / NAMESPACE / "home"
    found = await cluster.client.get("persistentvolumeclaims", NAMESPACE, "home")
    await cluster.client.delete(
        "persistentvolumeclaims", NAMESPACE, "home", uid=found["metadata"]["uid"]
    )
    assert home.is_dir()
    await cluster.delete("user")
    await cluster.until_gone("user")
    async with asyncio.timeout(10):
        while home.exists():
            await asyncio.sleep(0.02)
    with pytest.raises(ApiError):
        await cluster.client.get("persistentvolumeclaims", NAMESPACE, "home")


@pytest.mark.cluster
async def test_a_shared_volume_appears_in_the_home(cluster: Running) -> None:
    await cluster.create("persistentvolumeclaims", claim("home"))
    await cluster.create("persistentvolumeclaims", claim("datasets", volumeName="datasets"))
    body = pod("user", command=[], **with_home("home"))
    main = body["spec"]["containers"][0]
    main["command"] = [
        "sh",
        "-c",
        'cat datasets/words; echo "$1" "$DIR"',
        "sh",
        "/shared/datasets/a",
    ]
    main["env"].append({"name": "DIR", "value": "/shared/datasets"})
    main["volumeMounts"].append({"name": "data", "mountPath": "/shared/datasets", "readOnly": True})
    body["spec"]["volumes"].append(
        {"name": "data", "persistentVolumeClaim": {"claimName": "datasets"}}
    )
    volume = cluster.cluster.data_dir / "volumes" / "datasets"
    volume.mkdir(parents=True, exist_ok=True)
    (volume / "words").write_text("shared words\n")
    await cluster.create("pods", body)
    await cluster.until("user", in_phase("Succeeded"))
    assert await cluster.logs("user") == f"shared words\n{volume}/a {volume}\n"
    await cluster.delete("user")
    await cluster.until_gone("user")
    home = cluster.cluster.data_dir / "homes" / NAMESPACE / "home"
    async with asyncio.timeout(10):
        while (home / "datasets").is_symlink():
            await asyncio.sleep(0.02)
    assert (volume / "words").exists()


@pytest.mark.cluster
async def test_a_class_that_does_not_exist(cluster: Running) -> None:
    await cluster.create("persistentvolumeclaims", claim("home", storageClassName="fast"))
    assert await cluster.until_told("home", "ProvisioningFailed") == (
        'storageclass.storage.k8s.io "fast" not found'
    )
    await cluster.create("pods", pod("user", ["sleep", "100"], **with_home("home")))
    assert "unbound immediate PersistentVolumeClaims" in await cluster.until_told(
        "user", "FailedScheduling"
    )
