"""The simulated nodes: honest about what they are, and enough for the demo's catalogue."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from studiolo_local.nodes import DEMO_NODES, SIMULATED_LABEL, SimulatedNode
from studiolo_local.registry.demo_images import MISSING_REFERENCE, build_demo_images
from studiolo_local.scheduling import place
from studiolo_spawner.catalogue import Profile, parse_catalogue

CATALOGUE = parse_catalogue(files("studiolo_local").joinpath("data", "catalogue.yaml").read_bytes())
NODES = [{**node.manifest(), "status": node.status(since="t", now="t")} for node in DEMO_NODES]


@pytest.mark.parametrize("node", DEMO_NODES, ids=lambda node: node.name)
def test_a_node_says_that_it_is_simulated(node: SimulatedNode) -> None:
    manifest = node.manifest()
    assert manifest["metadata"]["labels"][SIMULATED_LABEL] == "true"
    for devices in node.devices.values():
        assert all("Simulated" in device.name for device in devices)
    products = [value for name, value in node.labels.items() if "product" in name]
    assert all(value.startswith("Simulated") for value in products)


def test_labels_are_labels() -> None:
    form = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
    for node in DEMO_NODES:
        assert all(form.fullmatch(value) for value in node.labels.values())


def test_devices_are_told_apart() -> None:
    ids = [device.id for node in DEMO_NODES for units in node.devices.values() for device in units]
    assert len(ids) == len(set(ids)) == 4 + 4 + 7 + 4 + 2


def test_shares_are_of_one_gpu_and_slices_of_one_card() -> None:
    shared = next(node for node in DEMO_NODES if node.name == "shared-1")
    assert len({device.uuid for device in shared.devices["nvidia.com/gpu.shared"]}) == 1
    slices = next(node for node in DEMO_NODES if node.name == "mig-1")
    units = slices.devices["nvidia.com/mig-1g.10gb"]
    assert len({device.parent for device in units}) == 1
    assert all(device.mig and device.uuid.startswith("MIG-") for device in units)


@pytest.mark.parametrize("profile", CATALOGUE.profiles, ids=lambda profile: profile.id)
def test_every_profile_of_the_demo_fits_somewhere(profile: Profile) -> None:
    limits = {"cpu": str(profile.cpu), "memory": profile.memory}
    if profile.resource:
        limits[profile.resource] = str(profile.count)
    tolerations = [each.model_dump(exclude_none=True) for each in profile.tolerations]
    pod = {
        "metadata": {"name": "p"},
        "spec": {
            "containers": [{"name": "c", "resources": {"limits": limits}}],
            "nodeSelector": dict(profile.node_selector),
            "tolerations": tolerations,
        },
    }
    placement = place(pod, NODES, {})
    assert placement.node, placement.message
    if profile.gpu:
        assert profile.gpu.simulated


def test_every_image_of_the_demo_is_in_the_registry_but_one() -> None:
    present = {image.reference for image in build_demo_images()}
    named = {image.reference for image in CATALOGUE.images}
    assert named - present == {MISSING_REFERENCE}
