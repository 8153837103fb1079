"""What an image has to fit: this hub, and the machines that a profile's workspaces run on. Pure.

Put together from the nodes that the cluster shows. Where it shows none (nodes may not be read, or
the machines are only added when they are needed) nothing is known, nothing is held against an
image, and the verdict says so. What GPU feature discovery writes on nodes is read here:
https://github.com/NVIDIA/k8s-device-plugin/tree/main/docs/gpu-feature-discovery
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import jupyterhub

from studiolo_spawner.catalogue import Catalogue, Profile
from studiolo_spawner.image_contract import Host, Surroundings
from studiolo_spawner.machines import Machine
from studiolo_spawner.pod import hides_nvidia
from studiolo_spawner.registry_manifest import Platform

HUB_VERSION: Final[str] = jupyterhub.__version__

_OS, _ARCHITECTURE = "kubernetes.io/os", "kubernetes.io/arch"
_RUNTIME_FULL = "nvidia.com/cuda.runtime-version.full"
_RUNTIME_PARTS = ("nvidia.com/cuda.runtime.major", "nvidia.com/cuda.runtime.minor")

# The CUDA version that comes with each branch of the driver, for machines that do not say it:
# https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/ (table 3)
_CUDA_OF_BRANCH: Final[Mapping[int, str]] = {
    450: "11.0", 455: "11.1", 460: "11.2", 465: "11.3", 470: "11.4", 495: "11.5", 510: "11.6",
    515: "11.7", 520: "11.8", 525: "12.0", 530: "12.1", 535: "12.2", 545: "12.3", 550: "12.4",
    555: "12.5", 560: "12.6", 565: "12.7", 570: "12.8", 575: "12.9", 580: "13.0",
}  # fmt: skip


def surroundings_of(profile: Profile, machines: Iterable[Machine]) -> Surroundings:
    """What an image meets in a workspace with this profile; ``machines``: those that take it."""
    own = tuple(machines)
    nvidia = not hides_nvidia(profile)
    return Surroundings(
        hub=HUB_VERSION,
        hosts=frozenset(_host(machine, nvidia=nvidia) for machine in own),
        nvidia=nvidia,
        platforms=_platforms(own),
    )


def surroundings_of_all(
    catalogue: Catalogue, machines: Mapping[str, Iterable[Machine]]
) -> Surroundings:
    """What an image meets with any profile; an image is bad only where none fits.

    ``machines``: by the profile's id. Those with NVIDIA GPUs count before others: an image that
    asks for a driver is made for them.
    """
    found = [surroundings_of(each, machines.get(each.id, ())) for each in catalogue.profiles]
    with_gpu = [one for one in found if one.nvidia and one.hosts]
    hosts = frozenset[Host]().union(*(one.hosts for one in with_gpu or found))
    platforms = dict.fromkeys(platform for one in found for platform in one.platforms)
    return Surroundings(HUB_VERSION, hosts, any(one.nvidia for one in found), tuple(platforms))


def _host(machine: Machine, *, nvidia: bool) -> Host:
    driver = (machine.driver_version if nvidia else "") or None
    return Host(_platform(machine), driver, _cuda(machine, driver) if nvidia else None)


def _cuda(machine: Machine, driver: str | None) -> str | None:
    """The CUDA version that the driver supports: as the machine says, or by the driver's branch."""
    parts = [machine.labels.get(name, "") for name in _RUNTIME_PARTS]
    stated = machine.labels.get(_RUNTIME_FULL, "") or ".".join(part for part in parts if part)
    if stated or not driver:
        return stated or None
    branch = driver.partition(".")[0]
    return _CUDA_OF_BRANCH.get(int(branch)) if branch.isdecimal() and len(branch) < 6 else None


def _platform(machine: Machine) -> Platform | None:
    architecture = machine.labels.get(_ARCHITECTURE, "")
    return (machine.labels.get(_OS, "") or "linux", architecture) if architecture else None


def _platforms(machines: Iterable[Machine]) -> tuple[Platform, ...]:
    counted = Counter(found for each in machines if (found := _platform(each)) is not None)
    return tuple(platform for platform, _ in counted.most_common())
