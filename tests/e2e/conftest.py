"""A real cluster for the tests of this folder: one for the whole run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e import tools
from tests.e2e.cluster import SingleNode, running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SingleNode]:
    """A single node with a registry and storage; everything is gone afterwards."""
    if os.geteuid() != 0:
        pytest.fail("A real node needs root: run these tests as root, or give KUBECONFIG.")
    with running(tmp_path_factory.mktemp("node"), tools.build()) as started:
        yield started
