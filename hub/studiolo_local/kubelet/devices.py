"""Which device of a node belongs to which container, as a device plugin and the kubelet settle it.

Pure. A device is in one container at a time; what the container is told about its devices is what
NVIDIA's device plugin tells, and for the simulated GPUs also what the stand-in library reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from studiolo_local.nodes import Device

VISIBLE: Final = "NVIDIA_VISIBLE_DEVICES"
_LIBRARY_PATH: Final = "LD_LIBRARY_PATH"
SIMULATED: Final = "STUDIOLO_SIMULATED_GPUS"


class DevicesTaken(Exception):  # noqa: N818 - the kubelet's answer to a pod
    """There are fewer free devices than asked for."""


def choose(
    resource: str, count: int, devices: Sequence[Device], taken: Iterable[str]
) -> list[Device]:
    """The first free devices. Raises DevicesTaken with the kubelet's words."""
    used = set(taken)
    free = [device for device in devices if device.id not in used]
    if len(free) < count:
        raise DevicesTaken(
            f"Allocate failed due to requested number of devices unavailable for {resource}. "
            f"Requested: {count}, Available: {len(free)}, which is unexpected"
        )
    return free[:count]


def asked_for(container: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, int]:
    """The extended resources among a container's limits."""
    limits = (container.get("resources") or {}).get("limits") or {}
    return {
        resource: int(str(amount))
        for resource, amount in limits.items()
        if "/" in resource and int(str(amount)) > 0
    }


def plugin_variables(devices: Mapping[str, Sequence[Device]]) -> dict[str, str]:
    """What the device plugins put into the environment, below what the pod itself sets."""
    nvidia = _nvidia(devices)
    return {VISIBLE: ",".join(dict.fromkeys(each.uuid for each in nvidia))} if nvidia else {}


def simulation_variables(
    devices: Mapping[str, Sequence[Device]], environment: Mapping[str, str], library: Path | None
) -> dict[str, str]:
    """What makes the container's simulated NVIDIA GPUs answer to NVML, over its `environment`.

    A device that NVIDIA_VISIBLE_DEVICES does not name is not seen, as with the real toolkit.
    """
    wanted = {name.strip() for name in environment.get(VISIBLE, "").split(",")}
    unique = {each.uuid: each for each in _nvidia(devices)}
    seen = [each for each in unique.values() if wanted & {each.uuid, "all"}]
    if not seen:
        return {}
    result = {SIMULATED: json.dumps([each.describe() for each in seen])}
    if library is not None:
        directory = str(library if library.is_dir() else library.parent)
        others = environment.get(_LIBRARY_PATH)
        result[_LIBRARY_PATH] = f"{directory}:{others}" if others else directory
    return result


def _nvidia(devices: Mapping[str, Sequence[Device]]) -> list[Device]:
    return [
        device
        for resource, units in devices.items()
        if resource.startswith("nvidia.com/")
        for device in units
    ]
