"""Volumes on the node's disk, made for claims that ask for them: a small provisioner. I/O."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

from tests.e2e.api import Api, Object

STORAGE_CLASS = "node-disk"
PROVISIONER = "studiolo.dev/e2e"
#: Set by the scheduler: https://kubernetes.io/docs/reference/labels-annotations-taints/
SELECTED_NODE = "volume.kubernetes.io/selected-node"
LOOK_SECONDS = 0.5


class Provisioner:
    """Looks for claims without a volume, in a thread of its own."""

    def __init__(self, api: Api, folder: Path) -> None:
        self._api = api
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="provisioner", daemon=True)

    def start(self) -> None:
        """Offer the storage class as the default, and begin."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._api.create("/apis/storage.k8s.io/v1/storageclasses", _storage_class())
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            # The API server is stopped and started again by a test.
            with suppress(URLError, OSError):
                self._look()

    def _look(self) -> None:
        volumes = self._api.get("/api/v1/persistentvolumes")["items"]
        known = {volume["metadata"]["name"] for volume in volumes}
        for claim in self._api.get("/api/v1/persistentvolumeclaims")["items"]:
            if _is_wanted(claim) and _name(claim) not in known:
                self._provide(claim)
        for volume in volumes:
            released = volume["status"]["phase"] == "Released"
            if released and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
                self._api.delete(f"/api/v1/persistentvolumes/{volume['metadata']['name']}")
                shutil.rmtree(volume["spec"]["hostPath"]["path"], ignore_errors=True)

    def _provide(self, claim: Object) -> None:
        path = self._folder / _name(claim)
        # There already, if the API server went away before the volume was made.
        path.mkdir(exist_ok=True)
        # Kubernetes does not hand a volume of this kind over to the pod's group.
        path.chmod(0o777)
        self._api.create("/api/v1/persistentvolumes", _volume(claim, path))


def _is_wanted(claim: Object) -> bool:
    """Whether a pod that has a node waits for the claim's volume."""
    annotations = claim["metadata"].get("annotations", {})
    return (
        claim["spec"].get("storageClassName") == STORAGE_CLASS
        and claim["status"]["phase"] == "Pending"
        and SELECTED_NODE in annotations
    )


def _name(claim: Object) -> str:
    return f"pvc-{claim['metadata']['uid']}"


def _storage_class() -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        # As most classes of disks on nodes have it. With "Immediate" the scheduler can overlook
        # that a claim was bound while it looked at the pod, and looks again after five minutes.
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _volume(claim: Object, path: Path) -> Object:
    metadata = claim["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": _name(claim)},
        "spec": {
            "storageClassName": STORAGE_CLASS,
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": str(path)},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        },
    }
