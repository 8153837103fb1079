"""What an image has to fit, from what the cluster's nodes say."""

from __future__ import annotations

from typing import Any

import pytest
from studiolo_spawner.catalogue import Profile
from studiolo_spawner.image_contract import Host
from studiolo_spawner.machines import Machine, machine_of
from studiolo_spawner.surroundings import HUB_VERSION, surroundings_of, surroundings_of_all

from tests.spawner.catalogues import catalogue, gpu_profile, image, profile

AMD64 = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}
ARM64 = {"kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux"}
DRIVER = {"nvidia.com/cuda.driver-version.full": "570.86.10"}
OLD_DRIVER = {
    "nvidia.com/cuda.driver.major": "525",
    "nvidia.com/cuda.driver.minor": "60",
    "nvidia.com/cuda.driver.rev": "13",
}
OLD_RUNTIME = {"nvidia.com/cuda.runtime.major": "12", "nvidia.com/cuda.runtime.minor": "7"}

GPU = Profile.model_validate(gpu_profile())
CPU = Profile.model_validate(profile())
AMD = Profile.model_validate(profile("amd", resource="amd.com/gpu", count=1))


def machine(labels: dict[str, str]) -> Machine:
    node = {"metadata": {"name": "n", "labels": labels}, "spec": {}, "status": {}}
    return machine_of(node)


HOSTS: dict[str, tuple[Profile, dict[str, str], Host]] = {
    "driver, CUDA by its branch": (
        GPU, {**AMD64, **DRIVER}, Host(("linux", "amd64"), "570.86.10", "12.8"),
    ),
    "driver by its parts": (
        GPU, {**AMD64, **OLD_DRIVER}, Host(("linux", "amd64"), "525.60.13", "12.0"),
    ),
    "CUDA as the node says": (
        GPU, {**DRIVER, "nvidia.com/cuda.runtime-version.full": "12.9"},
        Host(None, "570.86.10", "12.9"),
    ),
    "CUDA as older nodes say": (
        GPU, {**DRIVER, **OLD_RUNTIME},
        Host(None, "570.86.10", "12.7"),
    ),
    "a branch that is not known": (
        GPU, {"nvidia.com/cuda.driver-version.full": "999.1"}, Host(None, "999.1", None),
    ),
    "a version that is none": (
        GPU, {"nvidia.com/cuda.driver-version.full": "new"}, Host(None, "new", None),
    ),
    "nothing is labelled": (GPU, {}, Host()),
    "no GPU is handed out": (CPU, {**AMD64, **DRIVER}, Host(("linux", "amd64"))),
    "another maker's GPU": (AMD, {**ARM64, **DRIVER}, Host(("linux", "arm64"))),
    "no system is labelled": (CPU, {"kubernetes.io/arch": "arm64"}, Host(("linux", "arm64"))),
}  # fmt: skip


@pytest.mark.parametrize(("which", "labels", "host"), HOSTS.values(), ids=HOSTS)
def test_host(which: Profile, labels: dict[str, str], host: Host) -> None:
    found = surroundings_of(which, [machine(labels)])
    assert found.hosts == {host}
    assert found.hub == HUB_VERSION


def test_no_machine_is_known() -> None:
    found = surroundings_of(GPU, [])
    assert (found.hosts, found.platforms, found.nvidia) == (frozenset(), (), True)


def test_platform_of_most_machines_comes_first() -> None:
    machines = [machine(AMD64), machine(ARM64), machine(ARM64)]
    assert surroundings_of(CPU, machines).platforms == (("linux", "arm64"), ("linux", "amd64"))


def any_profile(machines: dict[str, list[Machine]], *profiles: dict[str, Any]) -> Any:
    return surroundings_of_all(catalogue([image("a")], list(profiles)), machines)


def test_machines_with_gpus_count_for_any_profile() -> None:
    machines = {"gpu": [machine({**AMD64, **OLD_DRIVER})], "cpu": [machine(ARM64)]}
    found = any_profile(machines, profile(), gpu_profile())
    assert {host.driver for host in found.hosts} == {"525.60.13"}
    assert set(found.platforms) == {("linux", "amd64"), ("linux", "arm64")}
    assert found.nvidia


def test_without_gpu_machines_the_others_count() -> None:
    found = any_profile({"cpu": [machine(ARM64)]}, profile(), gpu_profile())
    assert found.hosts == {Host(("linux", "arm64"))}
    found = any_profile({}, profile(), gpu_profile())
    assert found.hosts == frozenset()
