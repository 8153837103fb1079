"""Devices are given once, and a container is told of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studiolo_local.kubelet.devices import (
    DevicesTaken,
    asked_for,
    choose,
    plugin_variables,
    simulation_variables,
)
from studiolo_local.kubelet.ledger import Allotment, Ledger
from studiolo_local.nodes import Device

GPUS = tuple(Device(f"GPU-{n}", f"GPU-{n}", "Simulated A100", 81920) for n in range(3))
SHARES = tuple(Device(f"GPU-9::{n}", "GPU-9", "Simulated T4", 15360) for n in range(2))
ALL = {"NVIDIA_VISIBLE_DEVICES": "all"}
SLICE = Device("MIG-1", "MIG-1", "Simulated slice", 9984, mig=True, parent="GPU-8")


def test_free_devices_are_chosen_in_order() -> None:
    assert choose("nvidia.com/gpu", 2, GPUS, {"GPU-0"}) == list(GPUS[1:])


def test_too_few_devices() -> None:
    with pytest.raises(DevicesTaken) as caught:
        choose("nvidia.com/gpu", 2, GPUS, {"GPU-0", "GPU-1"})
    assert str(caught.value) == (
        "Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. "
        "Requested: 2, Available: 1, which is unexpected"
    )


def test_only_extended_resources_are_devices() -> None:
    limits = {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "2", "amd.com/gpu": "0"}
    assert asked_for({"resources": {"limits": limits}}) == {"nvidia.com/gpu": 2}
    assert asked_for({}) == {}


def test_what_the_plugin_says() -> None:
    assert plugin_variables({"nvidia.com/gpu": GPUS[:2]}) == {
        "NVIDIA_VISIBLE_DEVICES": "GPU-0,GPU-1"
    }
    assert plugin_variables({"nvidia.com/gpu.shared": SHARES}) == {
        "NVIDIA_VISIBLE_DEVICES": "GPU-9"
    }
    assert plugin_variables({"amd.com/gpu": GPUS}) == {}


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        ("GPU-0,GPU-1", ["GPU-0", "GPU-1"]),
        ("GPU-1", ["GPU-1"]),
        ("all", ["GPU-0", "GPU-1"]),
        ("void", []),
        ("", []),
        ("GPU-2", []),
    ],
)
def test_what_the_container_sees(visible: str, seen: list[str]) -> None:
    told = simulation_variables(
        {"nvidia.com/gpu": GPUS[:2]}, {"NVIDIA_VISIBLE_DEVICES": visible}, None
    )
    assert [each["uuid"] for each in json.loads(told.get("STUDIOLO_SIMULATED_GPUS", "[]"))] == seen


def test_a_slice_names_its_card() -> None:
    told = simulation_variables({"nvidia.com/mig-1g.10gb": (SLICE,)}, ALL, None)
    assert json.loads(told["STUDIOLO_SIMULATED_GPUS"]) == [
        {
            "uuid": "MIG-1",
            "name": "Simulated slice",
            "memory_mib": 9984,
            "mig": True,
            "parent": "GPU-8",
        }
    ]


def test_the_stand_in_library(tmp_path: Path) -> None:
    library = tmp_path / "libnvidia-ml.so.1"
    library.touch()
    for given in (library, tmp_path):
        told = simulation_variables({"nvidia.com/gpu": GPUS[:1]}, ALL, given)
        assert told["LD_LIBRARY_PATH"] == str(tmp_path)
    assert simulation_variables({"amd.com/gpu": GPUS}, ALL, library) == {}
    mine = {**ALL, "LD_LIBRARY_PATH": "/my/own"}
    told = simulation_variables({"nvidia.com/gpu": GPUS[:1]}, mine, library)
    assert told["LD_LIBRARY_PATH"] == f"{tmp_path}:/my/own"


def test_the_ledger_outlives_the_kubelet(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ledger = Ledger(path)
    ledger.put("a", Allotment("gpu-1", "127.77.0.5", {"main": {"nvidia.com/gpu": ["GPU-0"]}}))
    ledger.put("b", Allotment("gpu-2", "127.77.0.6", {"main": {"nvidia.com/gpu": ["GPU-7"]}}))
    again = Ledger(path)
    assert again.get("a") == ledger.get("a")
    assert again.taken_devices("gpu-1") == {"GPU-0"}
    again.free_devices("a")
    assert again.taken_devices("gpu-1") == set()
    assert Ledger(path).get("a") == Allotment("gpu-1", "127.77.0.5")
    assert again.drop("b") is not None
    assert again.drop("b") is None
    assert Ledger(path).last_address == "127.77.0.6"
