"""Who can reach whom: network policies on a node that enforces them, asked from inside the pods.

Forbidden addresses outside are stand-ins in a network namespace of the tests (outside.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e import outside, probes
from tests.e2e.cluster import SingleNode
from tests.e2e.hub import Hub
from tests.e2e.node_files import API_PORT, API_SERVICE, NODE_ADDRESS, REGISTRY, REGISTRY_PORT
from tests.e2e.probes import Target
from tests.e2e.release import NAME, NAMESPACE, Object, Release

pytestmark = pytest.mark.e2e

CHOICE = {"image": "minimal", "profile": "cpu"}
KUBELET_PORT = 10250
#: Outside the cluster, or on the node itself.
OUTSIDE: dict[str, Target] = {
    "metadata": (outside.METADATA, 80),
    "database": (outside.DATABASE, 5432),
    "public": (outside.PUBLIC, 443),
    "kubelet": (NODE_ADDRESS, KUBELET_PORT),
    "registry": (NODE_ADDRESS, REGISTRY_PORT),
    "api": (NODE_ADDRESS, API_PORT),
    "api-service": (API_SERVICE, 443),
}


@pytest.fixture(scope="module")
def neighbours(installed: Release, hub: Hub) -> Iterator[tuple[Object, Object]]:
    """The pods of two people's workspaces."""
    names = [hub.add(person) for person in ("paula", "peter")]
    for name in names:
        assert hub.start(name, CHOICE).ready
    paula, peter = (installed.pods_of(name)[0] for name in names)
    yield paula, peter
    for name in names:
        hub.stop(name)


@pytest.fixture(scope="module")
def inside(installed: Release, neighbours: tuple[Object, Object]) -> dict[str, Target]:
    """The parts of Studiolo, by their pods' addresses and by their services."""
    at = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod["status"]["podIP"]
        for pod in installed.pods(**{"app.kubernetes.io/name": "studiolo"})
    }
    return {
        "neighbour": (neighbours[1]["status"]["podIP"], 8888),
        "hub": (at["hub"], 8081),
        "hub-service": (f"{NAME}-hub.{NAMESPACE}.svc", 8081),
        "proxy": (at["proxy"], 8000),
        "proxy-api": (at["proxy"], 8001),
        "proxy-api-service": (f"{NAME}-proxy-api.{NAMESPACE}.svc", 8001),
        "dex": (at["dex"], 5556),
    }


def reached(
    node: SingleNode, pod: str, targets: dict[str, Target], namespace: str = NAMESPACE
) -> set[str]:
    found = probes.from_pod(node, namespace, pod, targets)
    return {name for name, yes in found.items() if yes}


def test_a_workspace_reaches_the_hub_and_the_world_and_nothing_else(
    node: SingleNode, neighbours: tuple[Object, Object], inside: dict[str, Target]
) -> None:
    pod = neighbours[0]["metadata"]["name"]
    found = reached(node, pod, {**OUTSIDE, **inside})
    assert found == {"public", "hub", "hub-service"}


def test_all_of_it_is_there_to_be_reached(
    node: SingleNode,
    installed: Release,
    neighbours: tuple[Object, Object],
    inside: dict[str, Target],
) -> None:
    """Without this, a target that is down would pass for one that is kept from workspaces."""
    assert neighbours
    addresses = {name: at for name, at in inside.items() if not name.endswith("-service")}
    assert all(probes.from_node(addresses).values())
    image = installed.pods(**{"app.kubernetes.io/component": "hub"})[0]["spec"]["containers"][0]
    free = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "free", "namespace": "default"},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {"name": "free", "image": image["image"], "command": ["sleep", "infinity"]}
            ],
        },
    }
    node.kubectl("apply", "-f", "-", text=json.dumps(free))
    node.kubectl("wait", "pod/free", "--for=condition=Ready", "--timeout=60s")
    try:
        assert reached(node, "free", OUTSIDE, "default") == set(OUTSIDE)
        # And what Studiolo's own policies keep from whoever has no business there.
        assert reached(node, "free", inside, "default") == {"proxy"}
    finally:
        node.kubectl("delete", "pod", "free")


def test_the_hub_reaches_what_it_needs_and_not_the_metadata(
    node: SingleNode, installed: Release, inside: dict[str, Target]
) -> None:
    (pod,) = installed.pods(**{"app.kubernetes.io/component": "hub"})
    found = reached(node, pod["metadata"]["name"], {**OUTSIDE, **inside})
    assert "metadata" not in found
    assert found >= {"database", "public", "registry", "api-service"}
    assert found >= {"neighbour", "proxy-api", "proxy-api-service", "dex"}


def test_names_of_the_cluster_are_told_and_no_token_is_there(
    node: SingleNode, neighbours: tuple[Object, Object]
) -> None:
    script = (
        "import os, socket;"
        f"print(socket.gethostbyname('{REGISTRY}'));"
        "print(os.path.exists('/var/run/secrets/kubernetes.io'))"
    )
    pod = neighbours[0]["metadata"]["name"]
    told = node.kubectl("-n", NAMESPACE, "exec", pod, "--", "python3", "-c", script)
    assert told.split() == [NODE_ADDRESS, "False"]
