"""The simulated nodes of the embedded cluster, and their devices. Pure.

Every node says in a label that it is simulated, and so does the name of every GPU. Nothing is
measured of this machine: the sizes are what makes the demo's profiles fit.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SIMULATED_LABEL: Final = "studiolo.dev/simulated"
KUBELET_VERSION: Final = "v1.34.0-studiolo"
_DEVICE_SPACE: Final = uuid.UUID("6f0f0b57-6b1b-4b0a-9d4e-3f1f3c0a7e11")
_GPU_TAINT: Final = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
_AMD_TAINT: Final = {"key": "amd.com/gpu", "value": "present", "effect": "NoSchedule"}


@dataclass(frozen=True, slots=True)
class Device:
    """One unit of an extended resource, as a device plugin would list it."""

    id: str
    """Of a share of a GPU: the GPU's id, "::" and a number."""
    uuid: str
    """What NVIDIA_VISIBLE_DEVICES names."""
    name: str
    memory_mib: int
    mig: bool = False
    parent: str = ""

    def describe(self) -> dict[str, Any]:
        """The device as the stand-in for libnvidia-ml reads it."""
        words = {
            "uuid": self.uuid,
            "name": self.name,
            "memory_mib": self.memory_mib,
            "mig": self.mig,
        }
        return {**words, "parent": self.parent} if self.parent else words


@dataclass(frozen=True, slots=True)
class SimulatedNode:
    """A node as it is registered with the API."""

    name: str
    cpu: str
    memory: str
    devices: Mapping[str, tuple[Device, ...]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    address: str = "127.0.0.1"

    @property
    def capacity(self) -> dict[str, str]:
        """What it has, by resource."""
        plain = {"cpu": self.cpu, "memory": self.memory, "ephemeral-storage": "200Gi"}
        return {**plain, "pods": "110"} | {
            resource: str(len(devices)) for resource, devices in self.devices.items()
        }

    def manifest(self) -> dict[str, Any]:
        """The node as a kubelet registers it, without its status."""
        labels = {
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux",
            "kubernetes.io/hostname": self.name,
            "node.kubernetes.io/instance-type": "simulated",
            SIMULATED_LABEL: "true",
            **self.labels,
        }
        note = "A simulated node of the embedded cluster: its devices do not exist."
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": self.name,
                "labels": labels,
                "annotations": {"studiolo.dev/note": note},
            },
            "spec": {"taints": [dict(taint) for taint in self.taints]} if self.taints else {},
        }

    def status(self, *, since: str, now: str, kubelet_port: int = 0) -> dict[str, Any]:
        """The node's status; `since` is when it became ready, `now` the heartbeat."""
        conditions = [
            _condition("MemoryPressure", "False", "KubeletHasSufficientMemory", since, now),
            _condition("DiskPressure", "False", "KubeletHasNoDiskPressure", since, now),
            _condition("PIDPressure", "False", "KubeletHasSufficientPID", since, now),
            _condition("Ready", "True", "KubeletReady", since, now),
        ]
        return {
            "capacity": self.capacity,
            "allocatable": self.capacity,
            "conditions": conditions,
            "addresses": [
                {"type": "InternalIP", "address": self.address},
                {"type": "Hostname", "address": self.name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
            "nodeInfo": _node_info(self.name),
        }


def _condition(kind: str, value: str, reason: str, since: str, now: str) -> dict[str, str]:
    messages = {
        "MemoryPressure": "kubelet has sufficient memory available",
        "DiskPressure": "kubelet has no disk pressure",
        "PIDPressure": "kubelet has sufficient PID available",
        "Ready": "kubelet is posting ready status",
    }
    return {
        "type": kind,
        "status": value,
        "reason": reason,
        "message": messages[kind],
        "lastHeartbeatTime": now,
        "lastTransitionTime": since,
    }


def _node_info(name: str) -> dict[str, str]:
    return {
        "machineID": uuid.uuid5(_DEVICE_SPACE, name).hex,
        "systemUUID": str(uuid.uuid5(_DEVICE_SPACE, f"{name} system")),
        "bootID": str(uuid.uuid5(_DEVICE_SPACE, f"{name} boot")),
        "kernelVersion": "simulated",
        "osImage": "Studiolo embedded cluster (simulated)",
        "containerRuntimeVersion": "process://1",
        "kubeletVersion": KUBELET_VERSION,
        "kubeProxyVersion": KUBELET_VERSION,
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


def _identity(node: str, index: int, kind: str = "GPU") -> str:
    return f"{kind}-{uuid.uuid5(_DEVICE_SPACE, f'{node} {kind} {index}')}"


def _gpus(node: str, count: int, name: str, memory_mib: int) -> tuple[Device, ...]:
    identities = [_identity(node, index) for index in range(count)]
    return tuple(Device(identity, identity, name, memory_mib) for identity in identities)


def _slices(node: str, count: int) -> tuple[Device, ...]:
    parent = _identity(node, 0)
    identities = [_identity(node, index, "MIG") for index in range(count)]
    return tuple(
        Device(identity, identity, "Simulated A100 MIG 1g.10gb", 9984, mig=True, parent=parent)
        for identity in identities
    )


def _shares(node: str, count: int) -> tuple[Device, ...]:
    gpu = _identity(node, 0)
    return tuple(Device(f"{gpu}::{index}", gpu, "Simulated T4", 15360) for index in range(count))


def _nvidia_labels(product: str, memory_mib: int, count: int, **more: str) -> dict[str, str]:
    """What NVIDIA's GPU feature discovery puts on a node."""
    labels = {
        "gpu.present": "true",
        "gpu.product": product,
        "gpu.memory": str(memory_mib),
        "gpu.count": str(count),
        "gpu.family": "ampere",
        "gpu.machine": "simulated",
        "gpu.replicas": "1",
        "mig.capable": "true",
        "cuda.driver.major": "570",
        "cuda.driver.minor": "86",
        "cuda.runtime.major": "12",
        "cuda.runtime.minor": "8",
    }
    return {f"nvidia.com/{name}": value for name, value in {**labels, **more}.items()}


def _gpu_node(name: str) -> SimulatedNode:
    return SimulatedNode(
        name,
        "64",
        "512Gi",
        {"nvidia.com/gpu": _gpus(name, 4, "Simulated A100-SXM4-80GB", 81920)},
        _nvidia_labels("Simulated-A100-SXM4-80GB", 81920, 4),
        (_GPU_TAINT,),
    )


_MIG = SimulatedNode(
    "mig-1",
    "32",
    "256Gi",
    {"nvidia.com/mig-1g.10gb": _slices("mig-1", 7)},
    _nvidia_labels(
        "Simulated-A100-SXM4-80GB",
        81920,
        1,
        **{"mig.strategy": "mixed", "mig-1g.10gb.count": "7", "mig-1g.10gb.memory": "9984"},
    ),
    (_GPU_TAINT,),
)
_SHARED = SimulatedNode(
    "shared-1",
    "32",
    "128Gi",
    {"nvidia.com/gpu.shared": _shares("shared-1", 4)},
    _nvidia_labels(
        "Simulated-T4-SHARED",
        15360,
        1,
        **{"gpu.replicas": "4", "gpu.sharing-strategy": "time-slicing", "gpu.family": "turing"},
    )
    | {"nvidia.com/mig.capable": "false"},
    (_GPU_TAINT,),
)
_AMD = SimulatedNode(
    "amd-1",
    "64",
    "512Gi",
    {
        "amd.com/gpu": tuple(
            Device(f"amd-1-{index}", f"amd-1-{index}", "Simulated Instinct MI210", 65536)
            for index in range(2)
        )
    },
    {"amd.com/gpu.product-name": "Simulated-Instinct-MI210", "amd.com/gpu.vram": "64G"},
    (_AMD_TAINT,),
)

DEMO_NODES: Final[tuple[SimulatedNode, ...]] = (
    SimulatedNode("cpu-1", "64", "256Gi"),
    _gpu_node("gpu-1"),
    _gpu_node("gpu-2"),
    _MIG,
    _SHARED,
    _AMD,
)
"""The nodes of `make demo`: each kind of GPU that a profile can ask for."""
