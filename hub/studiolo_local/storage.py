"""Gives PersistentVolumeClaims a directory of this machine, and takes it away with them. I/O.

A claim without a volume's name is provisioned when the first pod that uses it has a node (as with
WaitForFirstConsumer): its directory is DATA/homes/<namespace>/<claim>, and goes when the claim
goes. A claim that names its volume gets DATA/volumes/<volume>, which is nobody's to delete.
Guarantees: a claim never finds the files of an older claim of the same name; files whose claim is
unknown are moved to DATA/trash, not deleted. Sizes are not enforced.
"""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Final

from studiolo_local.client import ApiClient, ApiError, JsonObject
from studiolo_local.mirror import Mirror, key_of
from studiolo_local.recorder import Recorder

log = logging.getLogger(__name__)

SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
PROVISIONER: Final = "studiolo.dev/local-directory"
_PROVISIONED_BY: Final = "volume.kubernetes.io/storage-provisioner"
_BIND_COMPLETED: Final = "pv.kubernetes.io/bind-completed"
_CLASSES: Final = frozenset({None, "standard", "local-directory"})
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_RETRY_SECONDS: Final = 1.0
_PASSING: Final = frozenset({0, 429, 500, 503})


def is_bound(claim: JsonObject) -> bool:
    """Whether pods can use the claim."""
    return (claim.get("status") or {}).get("phase") == "Bound"


def has_volume(claim: JsonObject) -> bool:
    """Whether the claim names its volume: from the beginning, or because it was provisioned."""
    return bool(claim["spec"].get("volumeName"))


def waits_for_consumer(claim: JsonObject) -> bool:
    """Whether the claim will be provisioned once a pod that uses it has a node."""
    return not has_volume(claim) and claim["spec"].get("storageClassName") in _CLASSES


class LocalStorage:
    """The provisioner over one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._homes = data_dir / "homes"
        self._volumes = data_dir / "volumes"
        self._trash = data_dir / "trash"
        for path in (self._homes, self._volumes, self._trash):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """What is being done about a claim, by its uid."""
        # One at a time: a claim that goes and a new one of its name want the same directory
        self._files = asyncio.Lock()

    def directory_of(self, claim: JsonObject) -> Path:
        """The directory of a bound claim."""
        metadata = claim["metadata"]
        if _is_dynamic(claim):
            return self._homes / _checked(metadata["namespace"]) / _checked(metadata["name"])
        return self._volumes / _checked(claim["spec"]["volumeName"])

    async def run(self, api_url: str, token: str) -> None:
        """Bind and clear away until cancelled."""
        async with ApiClient(api_url, token) as client:
            recorder = Recorder(client, "local-directory")
            claims = Mirror(client, "persistentvolumeclaims")
            claims.listen(lambda kind, claim: self._on_claim(client, recorder, kind, claim))
            async with asyncio.TaskGroup() as group:
                group.create_task(recorder.run())
                group.create_task(claims.run())
                await claims.synced.wait()
                present = {claim["metadata"]["uid"] for claim in claims.all()}
                await asyncio.to_thread(self._set_unknown_aside, present)

    def _on_claim(
        self, client: ApiClient, recorder: Recorder, kind: str, claim: JsonObject
    ) -> None:
        if kind == "DELETED":
            self._start(claim, self._reclaim(claim))
            return
        if is_bound(claim) or "deletionTimestamp" in claim["metadata"]:
            return
        if claim["metadata"]["uid"] in self._tasks:
            return
        if has_volume(claim) or (waits_for_consumer(claim) and _selected_node(claim)):
            self._start(claim, self._provision(client, recorder, claim))
        elif kind == "ADDED":
            self._explain(recorder, claim)

    def _explain(self, recorder: Recorder, claim: JsonObject) -> None:
        """Say what an unbound claim waits for."""
        if waits_for_consumer(claim):
            message = "waiting for first consumer to be created before binding"
            recorder.tell(_typed(claim), "Normal", "WaitForFirstConsumer", message)
            return
        wanted = claim["spec"].get("storageClassName")
        if wanted:
            message = f'storageclass.storage.k8s.io "{wanted}" not found'
            recorder.tell(_typed(claim), "Warning", "ProvisioningFailed", message)
        else:
            message = "no persistent volumes available for this claim and no storage class is set"
            recorder.tell(_typed(claim), "Normal", "FailedBinding", message)

    def _start(self, claim: JsonObject, work: Coroutine[object, object, None]) -> None:
        uid = str(claim["metadata"]["uid"])
        task = asyncio.ensure_future(work)
        self._tasks[uid] = task

        def done(ended: asyncio.Task[None]) -> None:
            if self._tasks.get(uid) is ended:
                del self._tasks[uid]
            if not ended.cancelled() and (error := ended.exception()) is not None:
                log.error("The claim %s/%s could not be served.", *key_of(claim), exc_info=error)

        task.add_done_callback(done)

    async def _provision(self, client: ApiClient, recorder: Recorder, claim: JsonObject) -> None:
        """Make the directory and bind the claim; tried again until it is done."""
        bound = _as_bound(claim)
        while True:
            try:
                async with self._files:
                    await asyncio.to_thread(self._make, bound)
                await _write_binding(client, bound)
            except OSError as error:
                message = f"failed to provision volume: {error.strerror}"
                recorder.tell(_typed(claim), "Warning", "ProvisioningFailed", message)
            except ApiError as error:
                if error.status not in _PASSING:
                    log.warning("The claim %s/%s was not bound: %s", *key_of(claim), error)
                    return
            else:
                break
            await asyncio.sleep(_RETRY_SECONDS)
        if _is_dynamic(bound):
            message = f"Successfully provisioned volume {bound['spec']['volumeName']}"
            recorder.tell(_typed(claim), "Normal", "ProvisioningSucceeded", message)

    def _make(self, claim: JsonObject) -> None:
        """The claim's directory, empty when it is new."""
        directory = self.directory_of(claim)
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_dynamic(claim):
            owner, uid = _owner_file(directory), str(claim["metadata"]["uid"])
            if directory.exists() and (not owner.is_file() or owner.read_text("ascii") != uid):
                self._set_aside(directory)
            owner.write_text(uid, "ascii")
        directory.mkdir(mode=0o700, exist_ok=True)

    async def _reclaim(self, claim: JsonObject) -> None:
        """A claim is gone: so are its files, if they were made for it."""
        if not _is_dynamic(claim):
            return
        directory = self.directory_of(claim)
        owner = _owner_file(directory)

        def move() -> Path | None:
            if not owner.is_file() or owner.read_text("ascii") != claim["metadata"]["uid"]:
                return None
            return self._set_aside(directory)

        # Moved first: a new claim of the same name finds nothing, however long deleting takes
        async with self._files:
            moved = await asyncio.to_thread(move)
        if moved is not None:
            await asyncio.to_thread(shutil.rmtree, moved, ignore_errors=True)

    def _set_unknown_aside(self, present: set[str]) -> None:
        """Keep apart what belongs to no claim: the API lost it, or was given a new database."""
        for owner in self._homes.glob("*/.*.owner"):
            if owner.read_text("ascii") not in present:
                directory = owner.parent / owner.name.removeprefix(".").removesuffix(".owner")
                moved = self._set_aside(directory)
                if moved is not None:
                    log.warning("The files of a claim that is unknown were moved to %s.", moved)

    def _set_aside(self, directory: Path) -> Path | None:
        owner = _owner_file(directory)
        uid = owner.read_text("ascii") if owner.is_file() else "unknown"
        owner.unlink(missing_ok=True)
        if not directory.exists():
            return None
        target = self._trash / f"{directory.parent.name}.{directory.name}.{uid}"
        number = 0
        while target.exists():
            number += 1
            target = target.with_name(f"{directory.parent.name}.{directory.name}.{uid}.{number}")
        directory.replace(target)
        return target


def _as_bound(claim: JsonObject) -> JsonObject:
    """The claim as it will be when it is bound."""
    metadata, spec = claim["metadata"], claim["spec"]
    annotations = {**(metadata.get("annotations") or {}), _BIND_COMPLETED: "yes"}
    # One that has a volume and our mark was provisioned when the last run ended too early
    if not has_volume(claim):
        annotations[_PROVISIONED_BY] = PROVISIONER
    return {
        **claim,
        "metadata": {**metadata, "annotations": annotations},
        "spec": {**spec, "volumeName": spec.get("volumeName") or f"pvc-{metadata['uid']}"},
        "status": {
            "phase": "Bound",
            "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
        },
    }


async def _write_binding(client: ApiClient, bound: JsonObject) -> None:
    metadata = bound["metadata"]
    where = "persistentvolumeclaims", metadata["namespace"], metadata["name"]
    change = {
        "metadata": {"uid": metadata["uid"], "annotations": metadata["annotations"]},
        "spec": {"volumeName": bound["spec"]["volumeName"]},
    }
    await client.patch(*where, change)
    await client.patch(*where, {"status": bound["status"]}, sub="status")


def _is_dynamic(claim: JsonObject) -> bool:
    annotations = claim["metadata"].get("annotations") or {}
    return annotations.get(_PROVISIONED_BY) == PROVISIONER


def _selected_node(claim: JsonObject) -> str:
    return str((claim["metadata"].get("annotations") or {}).get(SELECTED_NODE, ""))


def _owner_file(directory: Path) -> Path:
    return directory.with_name(f".{directory.name}.owner")


def _checked(name: str) -> str:
    """A name that becomes part of a path; the API has checked it, and here it matters."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise ValueError("a claim's name cannot be a directory's name")
    return name


def _typed(claim: JsonObject) -> JsonObject:
    return {"kind": "PersistentVolumeClaim", "apiVersion": "v1", **claim}
