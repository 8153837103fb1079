"""What the kubelet gives to each of its pods: shared parts, and what is one pod's. No logic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from studiolo_local.client import ApiClient, JsonObject
from studiolo_local.kubelet.addresses import AddressPool
from studiolo_local.kubelet.backoff import Timing
from studiolo_local.kubelet.image_pull import ImagePuller
from studiolo_local.kubelet.image_store import ImageStore
from studiolo_local.kubelet.ledger import Ledger
from studiolo_local.nodes import Device
from studiolo_local.recorder import Recorder


@dataclass(frozen=True)
class Services:
    """Shared by all pods of a kubelet."""

    client: ApiClient
    recorder: Recorder
    images: ImageStore
    puller: ImagePuller
    http: aiohttp.ClientSession
    """For probes."""
    ledger: Ledger
    addresses: AddressPool
    timing: Timing
    data_dir: Path
    claims: Callable[[JsonObject], Path]
    """The directory of a bound PersistentVolumeClaim."""
    search_path: str
    """Where this machine's programs are looked up that stand for an image's."""
    gpu_library: Path | None


@dataclass
class Scene:
    """One pod, as its containers see it."""

    pod: JsonObject
    directory: Path
    address: str
    host_address: str
    marks: Mapping[str, str]
    changed: Callable[[], None]
    """To be called when a container's record has changed."""
    tell: Callable[[str, str, str, str], None]
    """Tells an event: type, reason, message, container."""
    places: Mapping[str, Path] = field(default_factory=dict)
    """The directory of each volume by name."""
    devices: Mapping[str, Mapping[str, tuple[Device, ...]]] = field(default_factory=dict)
    """The devices of each container by resource."""
    links: list[str] = field(default_factory=list)
    """Links that were made in the home."""

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def title(self) -> str:
        """The pod as messages name it: name_namespace(uid)."""
        metadata = self.pod["metadata"]
        return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"

    def log_path(self, container: str, instance: int) -> Path:
        """Where the output of a container's instance is kept; they are counted from 0."""
        return self.directory / "logs" / container / f"{instance}.log"

    @property
    def addresses(self) -> dict[str, str]:
        """The status fields that an environment may ask for."""
        return {
            "status.podIP": self.address,
            "status.podIPs": self.address,
            "status.hostIP": self.host_address,
            "status.hostIPs": self.host_address,
        }
