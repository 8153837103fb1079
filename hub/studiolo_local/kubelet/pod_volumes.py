"""Provides the volumes of a pod, with the kubelet's events while that is not possible. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studiolo_local.client import ApiError, JsonObject
from studiolo_local.kubelet.environment import data_of
from studiolo_local.kubelet.services import Scene, Services
from studiolo_local.kubelet.volumes import MountProblem, volume_kind, write_files


async def provide_volumes(services: Services, scene: Scene) -> dict[str, Path]:
    """The directory of each volume by name; waits and tells until all are there."""
    while True:
        try:
            return {
                volume["name"]: await _provide(services, scene, volume)
                for volume in scene.pod["spec"].get("volumes") or ()
            }
        except MountProblem as problem:
            scene.tell("Warning", "FailedMount", str(problem), "")
        except ApiError as error:
            scene.tell("Warning", "FailedMount", f"MountVolume.SetUp failed: {error}", "")
        await asyncio.sleep(services.timing.sync)


async def _provide(services: Services, scene: Scene, volume: Mapping[str, Any]) -> Path:
    kind = volume_kind(volume)
    if kind == "persistentVolumeClaim":
        return await _claim(services, scene, volume)
    directory = scene.directory / "volumes" / str(volume["name"])
    if kind == "emptyDir":
        await asyncio.to_thread(directory.mkdir, 0o700, parents=True, exist_ok=True)
        return directory
    source = volume[kind]
    resource = "secrets" if kind == "secret" else "configmaps"
    name = source["secretName"] if kind == "secret" else source["name"]
    try:
        item = await services.client.get(resource, scene.namespace, name)
    except ApiError as error:
        if not error.missing:
            raise
        if not source.get("optional"):
            raise _failed(volume, f'{kind.lower()} "{name}" not found') from error
        item = {}
    files = _chosen(volume, source, data_of({"kind": kind.capitalize(), **item}))
    mode = int(source.get("defaultMode") or 0o600)
    await asyncio.to_thread(write_files, directory, files, mode & 0o700)
    return directory


async def _claim(services: Services, scene: Scene, volume: Mapping[str, Any]) -> Path:
    name = volume["persistentVolumeClaim"]["claimName"]
    try:
        claim: JsonObject = await services.client.get(
            "persistentvolumeclaims", scene.namespace, name
        )
    except ApiError as error:
        if not error.missing:
            raise
        raise _failed(volume, f'persistentvolumeclaim "{name}" not found') from error
    if (claim.get("status") or {}).get("phase") != "Bound":
        raise _failed(volume, f'persistentvolumeclaim "{name}" is not bound')
    directory = services.claims(claim)
    if not await asyncio.to_thread(directory.is_dir):
        raise _failed(volume, f"the directory of the claim {name} is gone")
    return directory


def _chosen(
    volume: Mapping[str, Any], source: Mapping[str, Any], data: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The files that the volume shows: all, or those that `items` name."""
    items = source.get("items")
    if not items:
        return dict(data)
    missing = [each["key"] for each in items if each["key"] not in data]
    if missing and not source.get("optional"):
        raise _failed(volume, f"references non-existent key: {missing[0]}")
    return {each["path"]: data[each["key"]] for each in items if each["key"] in data}


def _failed(volume: Mapping[str, Any], why: str) -> MountProblem:
    return MountProblem(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {why}')
