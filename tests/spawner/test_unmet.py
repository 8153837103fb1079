"""Which profiles no machine takes, and what administrators are told of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from studiolo_spawner.catalogue import Profile
from studiolo_spawner.machines import Machine, takes
from studiolo_spawner.resource_amounts import ONE
from studiolo_spawner.unmet import MachinesFor, unmet

from tests.spawner.catalogues import gpu_profile, profile


def node(**resources: int) -> Machine:
    named = {name.replace("__", "/").replace("_", "."): n * ONE for name, n in resources.items()}
    return Machine("n1", named, {"pool": "gpu"}, ())


EIGHT = node(nvidia_com__gpu=8)


def machines_for(nodes: Sequence[Machine]) -> MachinesFor:
    def found(wanted: Profile) -> Sequence[Machine]:
        return [
            each
            for each in nodes
            if (wanted.resource is None or wanted.resource in each.extended)
            and takes(each, selector=wanted.node_selector, tolerations=(), affinity=())
        ]

    return found


@pytest.mark.parametrize(
    ("wanted", "nodes", "text", "step"),
    [
        pytest.param(
            gpu_profile(),
            [node()],
            "No node offers nvidia.com/gpu. They offer no device at all.",
            "Install NVIDIA's GPU operator or device plugin",
            id="no plugin",
        ),
        pytest.param(
            profile("mig", resource="nvidia.com/mig-1g.10gb", count=1),
            [EIGHT],
            "No node offers nvidia.com/mig-1g.10gb. They offer nvidia.com/gpu.",
            "Set up MIG on a node",
            id="no slices",
        ),
        pytest.param(
            profile("amd", resource="amd.com/gpu", count=1),
            [EIGHT],
            "No node offers amd.com/gpu.",
            "Install AMD's",
            id="another vendor",
        ),
        pytest.param(
            profile("other", resource="example.org/thing", count=1),
            [EIGHT],
            "No node offers example.org/thing.",
            "Install the device plugin that offers it",
            id="unknown vendor",
        ),
        pytest.param(
            gpu_profile(node_selector={"pool": "cpu"}),
            [EIGHT],
            "No node that is open and ready has the profile's labels",
            "node_selector",
            id="no such label",
        ),
        pytest.param(
            profile("many", resource="nvidia.com/gpu", count=16),
            [EIGHT],
            "It asks for 16 of nvidia.com/gpu, and no node that takes it has more than 8.",
            "lower the profile's `count`",
            id="too many for one node",
        ),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    wanted: dict[str, object], nodes: list[Machine], text: str, step: str
) -> None:
    (found,) = unmet([Profile.model_validate(wanted)], nodes, machines_for(nodes))
    assert found.text.startswith(text)
    assert step in found.next_step


def test_what_a_machine_takes_is_no_problem() -> None:
    profiles = [Profile.model_validate(each) for each in (profile("cpu"), gpu_profile())]
    assert unmet(profiles, [EIGHT], machines_for([EIGHT])) == ()
