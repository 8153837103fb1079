"""What the kubelet must remember over a restart: each pod's address and devices. I/O: one file.

Guarantees that the file is whole at any moment. It is written before a container starts, so that
after a crash no device is given out twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Allotment:
    """What one pod holds."""

    node: str
    address: str = ""
    devices: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Device ids by container and resource."""
    links: list[str] = field(default_factory=list)
    """Links to its volumes that were put into its home."""


class Ledger:
    """The allotments by pod uid."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pods: dict[str, Allotment] = {}
        self.last_address: str | None = None
        if path.is_file():
            words = json.loads(path.read_text("utf-8"))
            self.last_address = words["last_address"]
            self._pods = {uid: Allotment(**each) for uid, each in words["pods"].items()}

    def get(self, uid: str) -> Allotment | None:
        """What a pod holds."""
        return self._pods.get(uid)

    def uids(self) -> Iterable[str]:
        """The pods that hold something."""
        return tuple(self._pods)

    def put(self, uid: str, allotment: Allotment) -> None:
        """Remember what a pod holds."""
        self._pods[uid] = allotment
        self.last_address = allotment.address or self.last_address
        self._save()

    def drop(self, uid: str) -> Allotment | None:
        """Forget a pod; what it held."""
        allotment = self._pods.pop(uid, None)
        if allotment is not None:
            self._save()
        return allotment

    def free_devices(self, uid: str) -> None:
        """Take a finished pod's devices back; its address stays."""
        allotment = self._pods.get(uid)
        if allotment is not None and allotment.devices:
            allotment.devices = {}
            self._save()

    def taken_devices(self, node: str) -> set[str]:
        """The ids of all devices of a node that are in a pod."""
        return {
            identity
            for allotment in self._pods.values()
            if allotment.node == node
            for resources in allotment.devices.values()
            for identities in resources.values()
            for identity in identities
        }

    def _save(self) -> None:
        words = {
            "last_address": self.last_address,
            "pods": {uid: asdict(each) for uid, each in self._pods.items()},
        }
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        temporary.write_text(json.dumps(words), "utf-8")
        temporary.replace(self._path)
