"""A real cluster for the tests of this folder, and Studiolo on it: one for the whole run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.e2e import tools
from tests.e2e.cluster import Cluster, SingleNode, running
from tests.e2e.hub import Hub, asked_by_an_administrator
from tests.e2e.installation import install, push_images
from tests.e2e.place import HERE
from tests.e2e.release import Release


def pytest_report_header() -> list[str]:
    """Say which cluster it is, and what is left out."""
    if HERE.kubeconfig is None:
        return ["cluster: a single node on this machine"]
    left_out = (
        "GPUs that are a number, addresses that are stand-ins, network policies known to be "
        "enforced, an API server to stop"
    )
    return [
        f"cluster: that of KUBECONFIG={HERE.kubeconfig}",
        f"left out is what needs a node of our own: {left_out}",
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look last at what the hub has asked for; leave out what another's cluster must not suffer."""
    items.sort(key=lambda item: item.path.name == "test_rights.py")
    if HERE.kubeconfig is not None:
        out = [item for item in items if "node" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SingleNode]:
    """A single node with a registry and storage; everything is gone afterwards."""
    if os.geteuid() != 0:
        pytest.fail("A real node needs root: run these tests as root, or give KUBECONFIG.")
    with running(tmp_path_factory.mktemp("node"), tools.build()) as started:
        yield started


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster of KUBECONFIG, or our own."""
    if HERE.kubeconfig is None:
        own: Cluster = request.getfixturevalue("node")
        return own
    programs = tools.build("kubectl", "helm", "dex", tools.PAUSE)
    return Cluster(tmp_path_factory.mktemp("given"), programs, HERE.kubeconfig)


@pytest.fixture(scope="session")
def stocked(cluster: Cluster) -> Cluster:
    """The cluster, with all images in its registry."""
    push_images(cluster)
    return cluster


@pytest.fixture(scope="session")
def installed(stocked: Cluster) -> Release:
    """The chart, installed with the values of a first day."""
    return install(stocked)


@pytest.fixture(scope="session")
def hub(installed: Release) -> Hub:
    """The hub's API, with an administrator's token; tokens outlive hubs."""
    assert installed
    return asked_by_an_administrator()


@pytest.fixture
def person(hub: Hub) -> Iterator[Callable[[str], str]]:
    """Have the hub know someone, by name; whatever they started is stopped in the end."""
    names = []

    def add(name: str) -> str:
        names.append(hub.add(name))
        return names[-1]

    yield add
    for name in names:
        hub.stop(name)
